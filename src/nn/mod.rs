//! Neural networks: a graph of named layers, and two ways to run it.
//!
//! * [`graph`]: what a network is: layers, their names, what feeds what, stages, what is frozen
//! * [`layers`]: each kind of layer: its settings, shape rule, parameters, multiply-adds
//! * [`parameters`], [`init`]: values by name, and how they begin
//! * [`eager`]: runs a network on candle's tensors, forward and backward
//! * [`plan`]: compiles it for the processor: inference, and training by a backward pass of its own
//! * [`dropout`]: which values are dropped
//! * [`cpu`]: the kernels that a plan calls
//!
//! A network here is data: nothing in this room knows an architecture.

pub mod cpu;
pub mod dropout;
pub mod eager;
pub mod graph;
pub mod init;
pub mod layers;
pub mod parameters;
pub mod plan;

use serde::{Deserialize, Serialize};

pub use graph::{Builder, Graph, Node, NodeId, Stage};
pub use layers::Layer;
pub use parameters::{Array, Parameters};

/// How products with matrices are rounded: those of convolutions, linear layers, LSTMs and attention.
///
/// In the half types, what goes into a product, weights included, and what comes out is rounded to the type; backward,
/// so are the gradients on the same ways. Parameters stay float32, and sums are taken in float32. This is mixed
/// precision by rounding: it shows what a half type does to a result, and runs no faster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Not at all.
    #[default]
    Full,
    /// IEEE 754's binary16: 11 bits, up to 65504; small gradients need a scaled loss.
    Float16,
    /// 8 bits, float32's range.
    BFloat16,
}

impl Precision {
    /// Whether nothing is rounded.
    pub fn is_full(&self) -> bool {
        *self == Self::Full
    }

    /// "full", "float16" or "bfloat16".
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "full" => Some(Self::Full),
            "float16" => Some(Self::Float16),
            "bfloat16" => Some(Self::BFloat16),
            _ => None,
        }
    }
}

/// What a run of a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Evaluation,
    /// Batch statistics where a norm is not frozen, and dropout, whose masks are drawn from `seed`, the number
    /// of the layer and the position in the tensor, so that they do not depend on the threads.
    Training { seed: u64 },
}
