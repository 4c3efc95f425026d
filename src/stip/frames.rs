//! Grey frames as they come in: bytes, or float32 from 0 (black) to 1 (white).

use super::rows;
use crate::error::{Error, Result};

/// How far above 1 or below 0 a value may lie: what resizing may leave.
const TOLERANCE: f32 = 1e-3;

/// The values of some frames, contiguous.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    Bytes(&'a [u8]),
    Floats(&'a [f32]),
}

/// Frames of `height` x `width`.
#[derive(Clone, Copy, Debug)]
pub struct Frames<'a> {
    values: Values<'a>,
    count: usize,
    height: usize,
    width: usize,
}

impl<'a> Frames<'a> {
    /// Wraps values, which must be whole frames, none smaller than a pixel, all numbers from 0 to 1.
    pub fn new(values: Values<'a>, [count, height, width]: [usize; 3]) -> Result<Self> {
        if height == 0 || width == 0 {
            return Err(Error::argument("clip", format!("has frames without pixels: ({count}, {height}, {width})")));
        }
        let (length, size) = match values {
            Values::Bytes(bytes) => (bytes.len(), height * width),
            Values::Floats(floats) => (floats.len(), height * width),
        };
        if length != count * size {
            return Err(Error::argument("clip", format!("has {length} values, not {count} x {height} x {width}")));
        }
        Ok(Self { values, count, height, width })
    }

    /// The error of the first frame with a value that is not a number from 0 to 1; frames are counted from `first`.
    pub fn check_values(&self, first: usize) -> Result<()> {
        let Values::Floats(floats) = self.values else { return Ok(()) };
        for (i, frame) in floats.chunks_exact(self.height * self.width).enumerate() {
            let within = |value: f32| (-TOLERANCE..=1.0 + TOLERANCE).contains(&value);
            // No early exit, so that the loop is vectorised.
            if !frame.iter().fold(true, |valid, &value| valid & within(value)) {
                let bad = frame.iter().copied().find(|&value| !within(value)).unwrap_or(f32::NAN);
                let message = format!("must hold bytes, or float32 from 0 (black) to 1 (white), got {bad}");
                return Err(Error::argument("clip", message).frame(first + i));
            }
        }
        Ok(())
    }

    /// The error of a clip whose frames change their shape at frame `count`.
    pub(super) fn changed(known: (usize, usize), shape: (usize, usize), count: usize) -> Error {
        Error::argument("clip", format!("changes its frames' shape from {known:?} to {shape:?}")).frame(count)
    }

    pub fn count(&self) -> usize {
        self.count
    }

    /// (height, width)
    pub fn shape(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Row `y` of a frame, as float32 from 0 to 1.
    pub(super) fn row(&self, frame: usize, y: usize, out: &mut [f32]) {
        let start = (frame * self.height + y) * self.width;
        match self.values {
            Values::Bytes(bytes) => rows::unit(out, &bytes[start..start + self.width]),
            Values::Floats(floats) => out.copy_from_slice(&floats[start..start + self.width]),
        }
    }
}
