//! A product with a matrix, over the last axis.

use serde::{Deserialize, Serialize};

use super::{Layer, ParameterSpec, refused};
use crate::error::Result;
use crate::nn::init::Init;

/// `x W^T + b`; weight `(outputs, inputs)`, bias `(outputs,)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    pub inputs: usize,
    pub outputs: usize,
    pub bias: bool,
    pub init: Init,
}

impl Linear {
    /// With a bias and PyTorch's initial values.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs, bias: true, init: Init::FanIn }
    }

    #[must_use]
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        let mut specs = vec![ParameterSpec::learnt("weight", vec![self.outputs, self.inputs], self.init)];
        if self.bias {
            specs.push(ParameterSpec::learnt("bias", vec![self.outputs], self.init.of_bias(self.inputs)));
        }
        specs
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if !(input.len() == 2 || input.len() == 3) || input.last() != Some(&self.inputs) {
            let wanted = format!("vectors of {}", self.inputs);
            return Err(refused(&Layer::Linear(self.clone()), &[input], &wanted));
        }
        let mut shape = input.to_vec();
        shape.pop();
        shape.push(self.outputs);
        Ok(shape)
    }

    pub(super) fn multiply_adds(&self, output: &[usize]) -> u64 {
        output.iter().map(|&side| side as u64).product::<u64>() * self.inputs as u64
    }
}
