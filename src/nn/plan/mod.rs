//! Compiles a graph for the processor.
//!
//! * [`Plan`]: inference for inputs of one shape. Batch norms are folded into the weights before them, additions and
//!   ReLUs are done by the convolution that they follow, weights are packed once, and all values share one arena.
//! * [`Training`]: the forward pass that keeps what the backward pass needs, and that backward pass, derived from the
//!   static graph. Nothing is computed for what is frozen.
//!
//! Inside, maps are in blocks of sixteen channels (see [`super::cpu`]), and vectors and sequences plain; what goes in and
//! comes out is in PyTorch's order. Results do not depend on the number of threads: steps run one after the other,
//! each kernel cuts its work alike on any number of threads, and gradients that meet are added in the order of the
//! layers.

mod backward;
mod cache;
mod compile;
mod forward;
mod fuse;
mod inference;
mod layers;
mod memory;
mod step;
#[cfg(test)]
mod tests;
mod training;

pub use cache::Cache;
pub use inference::Plan;
pub use training::{Gradients, Training};

/// What a graph is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Inference,
    Training,
}
