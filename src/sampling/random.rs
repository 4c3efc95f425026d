//! Frames drawn without replacement, every set of T as likely as any other.
//!
//! The reports `dark-csn` 3.1 (CPython's stream, in time order), `hmdb-vgg-frames` 1.3 (NumPy's, in
//! drawn order) and `dark-convnext-lstm` 3.3 (TensorFlow's, which cannot be had: harkit's).

use super::count::Count;
use super::draws::{Dialect, Draws};
use super::short::Short;
use super::timeline::Length;
use super::{check_seed, named};
use crate::error::Result;

/// The order of drawn frames in the clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Time,
    Drawn,
}

impl Order {
    pub fn named(name: &str) -> Result<Self> {
        named("order", name, &[("time", Self::Time), ("drawn", Self::Drawn)])
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Random {
    pub frames: Count,
    pub seed: u64,
    pub dialect: Dialect,
    pub order: Order,
    pub short: Short,
}

impl Random {
    pub(super) fn check(&self) -> Result<()> {
        self.frames.check()?;
        check_seed(self.seed, self.dialect)
    }

    /// A video that is too short draws nothing.
    pub(super) fn indices(&self, length: Length, draws: &mut Draws) -> Result<Vec<usize>> {
        let count = self.frames.of(length.n)?;
        if length.n < count {
            return self.short.apply_to_first(count, length, &format!("Random of {count}"));
        }
        let mut chosen = draws.choose(length.n, count);
        if self.order == Order::Time {
            chosen.sort_unstable();
        }
        Ok(chosen)
    }
}
