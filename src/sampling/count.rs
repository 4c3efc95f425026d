//! How many frames: a number, or a fraction of the video (the report `dark-convnext-lstm`, 3.4).

use super::{check_size, named};
use crate::error::{Error, ErrorKind, Result};

/// How a fraction of a video becomes a number of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FractionMode {
    /// `max(1, floor(q * n + 0.5))`.
    Corrected,
    /// `int(float32(q) * float32(n + 1))`: the report's code, which counts the range one too long and
    /// truncates, so that the whole of n frames is n + 1.
    Faithful,
}

impl FractionMode {
    pub fn named(name: &str) -> Result<Self> {
        named("mode", name, &[("corrected", Self::Corrected), ("faithful", Self::Faithful)])
    }
}

/// A number of frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Count {
    Frames(usize),
    Fraction(f64, FractionMode),
}

impl Count {
    pub fn check(self) -> Result<()> {
        match self {
            Self::Frames(frames) => check_size("frames", frames),
            Self::Fraction(q, _) if q > 0.0 && q <= 1.0 => Ok(()),
            Self::Fraction(q, _) => Err(Error::argument(
                "frames",
                format!("as a float is a fraction of the video, above 0 and at most 1, got {q:?}"),
            )),
        }
    }

    /// The number of frames, at least 1, of a video of `n`. The faithful fraction can be n + 1.
    pub(super) fn of(self, n: usize) -> Result<usize> {
        match self {
            Self::Frames(frames) => Ok(frames),
            Self::Fraction(q, FractionMode::Corrected) => Ok(((q * n as f64 + 0.5).floor() as usize).max(1)),
            Self::Fraction(q, FractionMode::Faithful) => match (q as f32 * (n + 1) as f32) as usize {
                0 => Err(Error::new(ErrorKind::Argument, format!("the fraction {q} of {n} frames is 0 frames"))),
                count => Ok(count),
            },
        }
    }
}
