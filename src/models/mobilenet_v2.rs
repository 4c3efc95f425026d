//! MobileNetV2 (Sandler et al. 2018) as torchvision 0.24 has it, of width 1.

use super::options::Options;
use super::units::normed;
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, BatchNorm, Convolution, Linear};
use crate::nn::{Builder, Graph, NodeId};

/// Expansion, channels, blocks and first stride of each group of blocks: table 2 of the paper.
const GROUPS: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

/// `(N, 3, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 1000)?;
    let dropout = options.rate("dropout", 0.2)?;
    let mut b = Builder::new(name, &[3, 0, 0]);
    let mut x = activated(&mut b, "features.0", 0, convolution(3, 32, 3, 2));
    b.stage("features.0", x);
    let mut position = 1;
    for (expansion, width, count, first) in GROUPS {
        for block in 0..count {
            let name = format!("features.{position}");
            x = inverted(&mut b, &name, x, width, if block == 0 { first } else { 1 }, expansion);
            b.stage(&name, x);
            position += 1;
        }
    }
    let x = activated(&mut b, "features.18", x, convolution(320, 1280, 1, 1));
    b.stage("features.18", x);
    let x = b.global_average("avgpool", x);
    b.stage("pooled", x);
    b.stage("features", x);
    let x = b.dropout("classifier.0", x, dropout);
    let x = b.linear("classifier.1", x, Linear::new(1280, classes).init(Init::Normal { deviation: 0.01 }));
    b.stage("logits", x);
    b.finish(Some("classifier.1"))
}

fn convolution(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Convolution {
    Convolution::new(inputs, outputs, &[kernel, kernel])
        .stride(&[stride, stride])
        .padding(&[kernel / 2, kernel / 2])
        .init(Init::HeFanOut)
}

/// Convolution, norm and ReLU6, numbered as in torchvision's sequence.
fn activated(b: &mut Builder, name: &str, input: NodeId, layer: Convolution) -> NodeId {
    let x = normed(b, input, [&format!("{name}.0"), &format!("{name}.1")], layer, BatchNorm::new);
    b.activation(&format!("{name}.2"), x, Activation::Relu6)
}

/// Wider by `expansion`, filtered a channel at a time, narrow again; with a shortcut where the shape stays.
fn inverted(b: &mut Builder, name: &str, input: NodeId, width: usize, stride: usize, expansion: usize) -> NodeId {
    let inputs = b.channels(input);
    let wide = inputs * expansion;
    let mut x = input;
    let mut part = 0;
    if expansion > 1 {
        x = activated(b, &format!("{name}.conv.0"), x, convolution(inputs, wide, 1, 1));
        part = 1;
    }
    x = activated(b, &format!("{name}.conv.{part}"), x, convolution(wide, wide, 3, stride).groups(wide));
    let names = [format!("{name}.conv.{}", part + 1), format!("{name}.conv.{}", part + 2)];
    x = normed(b, x, [&names[0], &names[1]], convolution(wide, width, 1, 1), BatchNorm::new);
    if stride == 1 && inputs == width {
        x = b.add(&format!("{name}.add"), &[input, x]);
    }
    x
}
