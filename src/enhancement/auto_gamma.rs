//! Automatic gamma: the power that sends the mean to a target.
//!
//! With the mean `m` of all values (0 to 1, channels together) and the target `t`,
//! `I' = floor(255 (I / 255) ** (ln t / ln m))`: the table of [`super::gamma`] for gamma = ln m / ln t.
//! This is Babakhani and Zarei, "Automatic gamma correction based on average of brightness" (ACSIJ 4(6),
//! 2015), for t = 0.5, with the mean of the values in place of the mean of the grey image. The mean
//! *value* lands on the target, so the mean of the result is near it, not at it. A frame all black or
//! all white stays as it is.

use super::Scratch;
use super::gamma;
use super::lookup::{self, Table};
use super::step::{Per, Step};
use crate::clip::FrameShape;
use crate::error::{Error, Result};

/// `I ** (ln target / ln mean)`.
#[derive(Clone, Debug)]
pub struct AutoGamma {
    target: f64,
    per: Per,
}

/// Sum and number of values.
#[derive(Default)]
pub(super) struct Mean {
    sum: u64,
    values: u64,
}

impl AutoGamma {
    pub fn new(target: f64, per: Per) -> Result<Self> {
        if !(target > 0.0 && target < 1.0) {
            return Err(Error::argument("target", format!("must lie between 0 and 1, got {target}")));
        }
        Ok(Self { target, per })
    }
}

impl Step for AutoGamma {
    type Statistics = Mean;
    type Known = Table;

    fn per(&self) -> Per {
        self.per
    }

    fn statistics(&self) -> Mean {
        Mean::default()
    }

    fn observe(&self, frame: &[u8], _: FrameShape, _: &mut Scratch, mean: &mut Mean) {
        mean.sum += frame.iter().map(|&value| u64::from(value)).sum::<u64>();
        mean.values += frame.len() as u64;
    }

    fn conclude(&self, mean: Mean, _: FrameShape) -> Table {
        let most = 255 * mean.values;
        if mean.sum == 0 || mean.sum == most {
            return lookup::identity();
        }
        gamma::table((mean.sum as f64 / most as f64).ln() / self.target.ln())
    }

    fn apply(&self, table: &Table, frame: &mut [u8], _: FrameShape, _: &mut Scratch) {
        lookup::map(frame, table);
    }
}
