//! Pooling over windows, and into a fixed number of bins.

use serde::{Deserialize, Serialize};

use super::{Layer, Padding, Sliding, refused};
use crate::error::Result;

/// What of a window is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolKind {
    /// The maximum; padding never wins.
    Max,
    /// The mean; `count_padding` says whether the padding counts, as zeros (PyTorch's `count_include_pad`).
    Average { count_padding: bool },
}

impl PoolKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Max => "max pool",
            Self::Average { .. } => "average pool",
        }
    }

    pub(super) fn adaptive_name(self) -> &'static str {
        match self {
            Self::Max => "adaptive max pool",
            Self::Average { .. } => "adaptive average pool",
        }
    }
}

/// Pools over a window that slides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    pub of: PoolKind,
    #[serde(flatten)]
    pub sliding: Sliding,
}

impl Pool {
    pub fn max(kernel: &[usize], stride: &[usize]) -> Self {
        Self { of: PoolKind::Max, sliding: Sliding { stride: stride.to_vec(), ..Sliding::new(kernel) } }
    }

    pub fn average(kernel: &[usize], stride: &[usize]) -> Self {
        Self { of: PoolKind::Average { count_padding: true }, ..Self::max(kernel, stride) }
    }

    #[must_use]
    pub fn padding(mut self, padding: &[usize]) -> Self {
        self.sliding.padding = Padding::Sides(padding.to_vec());
        self
    }

    #[must_use]
    pub fn ceil(mut self) -> Self {
        self.sliding.ceil = true;
        self
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() != self.sliding.axes() + 2 {
            return Err(refused(&Layer::Pool(self.clone()), &[input], "a map of as many sides as its window"));
        }
        let mut shape = input[..2].to_vec();
        shape.extend(self.sliding.outputs(&input[2..])?);
        Ok(shape)
    }
}

/// Pools into `output` bins along each axis: bin `i` of `n` over a side `s` is `floor(i s / n)..ceil((i + 1) s / n)`,
/// as PyTorch's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptivePool {
    pub of: PoolKind,
    pub output: Vec<usize>,
}

impl AdaptivePool {
    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        if input.len() != self.output.len() + 2 || input.contains(&0) {
            return Err(refused(&Layer::AdaptivePool(self.clone()), &[input], "a map of as many sides as bins"));
        }
        Ok([&input[..2], &self.output].concat())
    }
}
