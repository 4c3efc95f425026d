//! Gamma correction: `I' = floor(255 (I / 255) ** (1 / gamma))`, so that gamma above 1 brightens.
//!
//! The table is that of the dark-video report (`(i / 255.0) ** (1.0 / gamma) * 255` in double precision,
//! truncated): its 256 entries sum to 48757 for gamma 3 and to 54161 for gamma 5. Truncation is exact:
//! what the power function leaves a hair below an integer counts as that integer. Bytes in, bytes out,
//! channels alike. A table look-up a value.

use super::Scratch;
use super::lookup::{self, Table};
use super::step::{Per, Step};
use crate::clip::FrameShape;
use crate::error::{Error, Result};

/// Far above the error of the power function (1e-13), far below the distance of any other entry of the
/// report's tables from an integer (1e-9).
const HAIR: f64 = 1e-11;

/// `I ** (1 / gamma)`.
#[derive(Clone, Debug)]
pub struct Gamma {
    table: Table,
}

impl Gamma {
    pub fn new(gamma: f64) -> Result<Self> {
        if !(gamma.is_finite() && gamma > 0.0) {
            return Err(Error::argument("gamma", format!("must be positive and finite, got {gamma}")));
        }
        Ok(Self { table: table(gamma) })
    }
}

/// The truncated table of a positive gamma.
pub(super) fn table(gamma: f64) -> Table {
    // A gamma below 1e-308 has an infinite reciprocal: 0 to 254 become 0, as in the limit.
    let exponent = 1.0 / gamma;
    std::array::from_fn(|value| match value {
        0 | 255 => value as u8,
        _ => (255.0 * (value as f64 / 255.0).powf(exponent) + HAIR) as u8,
    })
}

impl Step for Gamma {
    type Statistics = ();
    type Known = ();

    fn per(&self) -> Per {
        Per::Frame
    }

    fn statistics(&self) {}

    fn observe(&self, _: &[u8], _: FrameShape, _: &mut Scratch, (): &mut ()) {}

    fn conclude(&self, (): (), _: FrameShape) {}

    fn apply(&self, (): &(), frame: &mut [u8], _: FrameShape, _: &mut Scratch) {
        lookup::map(frame, &self.table);
    }
}
