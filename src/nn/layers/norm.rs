//! Batch norm (Ioffe and Szegedy 2015) and layer norm (Ba et al. 2016), with PyTorch's conventions.

use serde::{Deserialize, Serialize};

use super::{Layer, ParameterSpec, refused};
use crate::error::Result;
use crate::nn::init::Init;

/// Normalises each channel over the batch and all positions: with the batch's mean and biased variance in training,
/// with running ones (the variance unbiased) in evaluation and where it is frozen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    pub channels: usize,
    pub eps: f64,
    /// The weight of the batch in the running statistics.
    pub momentum: f64,
}

impl BatchNorm {
    /// PyTorch's settings.
    pub fn new(channels: usize) -> Self {
        Self { channels, eps: 1e-5, momentum: 0.1 }
    }

    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        let shape = || vec![self.channels];
        let running = |name, init| ParameterSpec { name, shape: shape(), init, learnt: false };
        vec![
            ParameterSpec::learnt("weight", shape(), Init::One),
            ParameterSpec::learnt("bias", shape(), Init::Zero),
            running("running_mean", Init::Zero),
            running("running_var", Init::One),
        ]
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() < 2 || input[1] != self.channels {
            let wanted = format!("(N, {}, ...)", self.channels);
            return Err(refused(&Layer::BatchNorm(self.clone()), &[input], &wanted));
        }
        Ok(input.to_vec())
    }
}

/// Normalises the last axis of each vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerNorm {
    pub size: usize,
    pub eps: f64,
}

impl LayerNorm {
    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        vec![
            ParameterSpec::learnt("weight", vec![self.size], Init::One),
            ParameterSpec::learnt("bias", vec![self.size], Init::Zero),
        ]
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if !(input.len() == 2 || input.len() == 3) || input.last() != Some(&self.size) {
            let wanted = format!("vectors of {}", self.size);
            return Err(refused(&Layer::LayerNorm(self.clone()), &[input], &wanted));
        }
        Ok(input.to_vec())
    }
}
