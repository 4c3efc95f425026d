//! From bytes to the floats of a model, value by value, in float32.

use crate::error::{Error, Result};

/// A rule that looks at one value and its channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Pointwise {
    /// x / scale.
    ToFloat { scale: f32 },
    /// (x / scale - mean) / std, with one mean and one std for all channels or one for each.
    Normalize { mean: Vec<f32>, std: Vec<f32>, scale: f32 },
}

impl Pointwise {
    pub fn name(&self) -> &'static str {
        match self {
            Self::ToFloat { .. } => "ToFloat",
            Self::Normalize { .. } => "Normalize",
        }
    }

    /// The rule for frames of so many channels, mean and std written out for each.
    pub(super) fn for_channels(&self, channels: usize) -> Result<Self> {
        let each = |name, values: &[f32]| match values {
            [one] => Ok(vec![*one; channels]),
            all if all.len() == channels => Ok(all.to_vec()),
            all => Err(Error::argument(
                name,
                format!("must be one number or one for each of the {channels} channels, got {}", all.len()),
            )),
        };
        Ok(match self {
            Self::ToFloat { .. } => self.clone(),
            Self::Normalize { mean, std, scale } => {
                Self::Normalize { mean: each("mean", mean)?, std: each("std", std)?, scale: *scale }
            }
        })
    }

    /// As it was, for channels in reverse order.
    pub(super) fn reverse_channels(&mut self) {
        if let Self::Normalize { mean, std, .. } = self {
            mean.reverse();
            std.reverse();
        }
    }

    pub(super) fn apply(&self, channel: usize, value: f32) -> f32 {
        match self {
            Self::ToFloat { scale } => value / scale,
            Self::Normalize { mean, std, scale } => (value / scale - mean[channel]) / std[channel],
        }
    }
}
