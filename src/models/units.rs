//! What most networks are made of.

use crate::nn::layers::{Activation, BatchNorm, Convolution};
use crate::nn::{Builder, Layer, NodeId};

/// A convolution without bias and the norm behind it, by the names of both.
pub fn normed(
    builder: &mut Builder,
    input: NodeId,
    names: [&str; 2],
    layer: Convolution,
    norm: fn(usize) -> BatchNorm,
) -> NodeId {
    let channels = layer.out_channels;
    let x = builder.convolution(names[0], input, layer.no_bias());
    builder.layer(names[1], Layer::BatchNorm(norm(channels)), &[x])
}

/// The sum of a branch and its shortcut, then ReLU, inside the block of this name.
pub fn joined(builder: &mut Builder, block: &str, branch: NodeId, shortcut: NodeId) -> NodeId {
    let x = builder.add(&format!("{block}.add"), &[branch, shortcut]);
    builder.activation(&format!("{block}.relu"), x, Activation::Relu)
}
