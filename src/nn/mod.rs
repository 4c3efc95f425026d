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

pub use graph::{Builder, Graph, Node, NodeId, Stage};
pub use layers::Layer;
pub use parameters::{Array, Parameters};

/// What a run of a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, no dropout.
    Evaluation,
    /// Batch statistics where a norm is not frozen, and dropout, whose masks are drawn from `seed`, the number
    /// of the layer and the position in the tensor, so that they do not depend on the threads.
    Training { seed: u64 },
}
