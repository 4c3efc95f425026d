//! Logarithm: `I' = round(255 ln(1 + I) / ln(1 + M))`, M the largest value.
//!
//! The log transformation `s = c log(1 + r)` of Gonzalez and Woods, "Digital Image Processing", 4th
//! edition, equation (3-4), with c such that the largest value, channels together, becomes 255. A black
//! frame stays black. A table look-up a value.

use super::Scratch;
use super::lookup::{self, Table};
use super::step::{Per, Step};
use crate::clip::FrameShape;

/// `c log(1 + I)`.
#[derive(Clone, Debug)]
pub struct Log {
    per: Per,
}

impl Log {
    pub fn new(per: Per) -> Self {
        Self { per }
    }
}

impl Step for Log {
    /// The largest value.
    type Statistics = u8;
    type Known = Table;

    fn per(&self) -> Per {
        self.per
    }

    fn statistics(&self) -> u8 {
        0
    }

    fn observe(&self, frame: &[u8], _: FrameShape, _: &mut Scratch, largest: &mut u8) {
        *largest = frame.iter().fold(*largest, |largest, &value| largest.max(value));
    }

    fn conclude(&self, largest: u8, _: FrameShape) -> Table {
        // Of a black frame only entry 0 is used.
        let scale = 255.0 / f64::from(largest.max(1)).ln_1p();
        // Values above the largest do not occur; `as` saturates.
        std::array::from_fn(|value| (scale * (value as f64).ln_1p()).round() as u8)
    }

    fn apply(&self, table: &Table, frame: &mut [u8], _: FrameShape, _: &mut Scratch) {
        lookup::map(frame, table);
    }
}
