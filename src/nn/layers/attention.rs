//! Multi-head self-attention (Vaswani et al. 2017), with the names of PyTorch's `MultiheadAttention`.

use serde::{Deserialize, Serialize};

use super::{Layer, ParameterSpec, refused};
use crate::error::Result;
use crate::nn::init::Init;

/// `(N, L, D)` to `(N, L, D)`: `in_proj_weight (3 D, D)`, `in_proj_bias`, `out_proj.weight (D, D)`, `out_proj.bias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    pub size: usize,
    pub heads: usize,
}

impl Attention {
    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        let size = self.size;
        vec![
            ParameterSpec::learnt("in_proj_weight", vec![3 * size, size], Init::GlorotUniform),
            ParameterSpec::learnt("in_proj_bias", vec![3 * size], Init::Zero),
            ParameterSpec::learnt("out_proj.weight", vec![size, size], Init::FanIn),
            ParameterSpec::learnt("out_proj.bias", vec![size], Init::Zero),
        ]
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let divides = self.heads > 0 && self.size.is_multiple_of(self.heads);
        if input.len() != 3 || input.last() != Some(&self.size) || !divides {
            let wanted = format!("a sequence of vectors of {}, which its {} heads divide", self.size, self.heads);
            return Err(refused(&Layer::Attention(self.clone()), &[input], &wanted));
        }
        Ok(input.to_vec())
    }

    pub(super) fn multiply_adds(&self, input: &[usize]) -> u64 {
        let &[items, steps, size] = input else { return 0 };
        let (items, steps, size) = (items as u64, steps as u64, size as u64);
        items * (4 * steps * size * size + 2 * steps * steps * size)
    }
}
