//! EfficientNet-Lite0 (Tan and Le 2019; Google's "lite" models of 2020) as the package efficientnet-lite-pytorch 0.1.0
//! has it: ReLU6, no squeeze-and-excitation, TensorFlow's "same" padding and norms. The package fixes the padding for
//! sides of 224; here it follows the picture's sides, as in TensorFlow, which is the same at 224. Its stochastic depth
//! in training is left out.

use super::options::Options;
use super::units::normed;
use crate::error::Result;
use crate::nn::layers::{Activation, BatchNorm, Convolution, Linear};
use crate::nn::{Builder, Graph, NodeId};

/// Blocks, kernel, first stride, expansion and channels of each group of blocks.
const GROUPS: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];

/// TensorFlow's settings of batch norm: it keeps 0.99 of what it knew.
fn norm(channels: usize) -> BatchNorm {
    BatchNorm { channels, eps: 1e-3, momentum: 0.01 }
}

/// `(N, 3, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 1000)?;
    let dropout = options.rate("dropout", 0.2)?;
    let mut b = Builder::new(name, &[3, 0, 0]);
    let x = normed(&mut b, 0, ["_conv_stem", "_bn0"], convolution(3, 32, 3, 2), norm);
    let mut x = b.activation("_stem_relu6", x, Activation::Relu6);
    b.stage("stem", x);
    let mut position = 0;
    for (count, kernel, first, expansion, width) in GROUPS {
        for block in 0..count {
            let stride = if block == 0 { first } else { 1 };
            let sizes = Sizes { kernel, stride, expansion, width };
            x = inverted(&mut b, &format!("_blocks.{position}"), x, &sizes);
            b.stage(&format!("blocks.{position}"), x);
            position += 1;
        }
    }
    let x = normed(&mut b, x, ["_conv_head", "_bn1"], convolution(320, 1280, 1, 1), norm);
    let x = b.activation("_head_relu6", x, Activation::Relu6);
    b.stage("head", x);
    let x = b.global_average("_avg_pooling", x);
    b.stage("pooled", x);
    b.stage("features", x);
    let x = b.dropout("_dropout", x, dropout);
    let x = b.linear("_fc", x, Linear::new(1280, classes));
    b.stage("logits", x);
    b.finish(Some("_fc"))
}

/// Of one block.
struct Sizes {
    kernel: usize,
    stride: usize,
    expansion: usize,
    width: usize,
}

fn convolution(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Convolution {
    Convolution::new(inputs, outputs, &[kernel, kernel]).stride(&[stride, stride]).same()
}

/// Wider by the expansion, filtered a channel at a time, narrow again; with a shortcut where the shape stays.
fn inverted(b: &mut Builder, name: &str, input: NodeId, sizes: &Sizes) -> NodeId {
    let inputs = b.channels(input);
    let wide = inputs * sizes.expansion;
    let part = |b: &mut Builder, input: NodeId, names: [&str; 2], layer: Convolution| {
        let names = names.map(|part| format!("{name}.{part}"));
        normed(b, input, [&names[0], &names[1]], layer, norm)
    };
    let mut x = input;
    if sizes.expansion > 1 {
        x = part(b, x, ["_expand_conv", "_bn0"], convolution(inputs, wide, 1, 1));
        x = b.activation(&format!("{name}.relu6_0"), x, Activation::Relu6);
    }
    let filters = convolution(wide, wide, sizes.kernel, sizes.stride).groups(wide);
    x = part(b, x, ["_depthwise_conv", "_bn1"], filters);
    x = b.activation(&format!("{name}.relu6_1"), x, Activation::Relu6);
    x = part(b, x, ["_project_conv", "_bn2"], convolution(wide, sizes.width, 1, 1));
    if sizes.stride == 1 && inputs == sizes.width {
        x = b.add(&format!("{name}.add"), &[x, input]);
    }
    x
}
