//! Residual networks (He et al. 2016) as torchvision 0.24 has them: a bottleneck's stride is in its 3x3 convolution.
//! Names, initial values and order are torchvision's.

use super::options::Options;
use super::units::{joined, normed};
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, BatchNorm, Convolution, Linear, Pool};
use crate::nn::{Builder, Graph, NodeId};

/// The number of blocks of the four stages, and whether they are bottlenecks.
fn settings(name: &str) -> ([usize; 4], bool) {
    match name {
        "resnet18" => ([2, 2, 2, 2], false),
        "resnet50" => ([3, 4, 6, 3], true),
        _ => ([3, 8, 36, 3], true),
    }
}

/// `(N, 3, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 1000)?;
    let (blocks, bottleneck) = settings(name);
    let mut b = Builder::new(name, &[3, 0, 0]);
    let stem = convolution(3, 64, 7, 2);
    let x = normed(&mut b, 0, ["conv1", "bn1"], stem, BatchNorm::new);
    let x = b.activation("relu", x, Activation::Relu);
    b.stage("stem", x);
    let mut x = b.pool("maxpool", x, Pool::max(&[3, 3], &[2, 2]).padding(&[1, 1]));
    b.stage("pool", x);
    for (i, &count) in blocks.iter().enumerate() {
        let stage = format!("layer{}", i + 1);
        for block in 0..count {
            let stride = if i > 0 && block == 0 { 2 } else { 1 };
            let name = format!("{stage}.{block}");
            x = residual(&mut b, &name, x, 64 << i, stride, bottleneck);
        }
        b.stage(&stage, x);
    }
    let x = b.global_average("avgpool", x);
    b.stage("pooled", x);
    b.stage("features", x);
    let inputs = b.channels(x);
    let x = b.linear("fc", x, Linear::new(inputs, classes));
    b.stage("logits", x);
    b.finish(Some("fc"))
}

fn convolution(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> Convolution {
    Convolution::new(inputs, outputs, &[kernel, kernel])
        .stride(&[stride, stride])
        .padding(&[kernel / 2, kernel / 2])
        .init(Init::HeFanOut)
}

fn residual(b: &mut Builder, name: &str, input: NodeId, width: usize, stride: usize, bottleneck: bool) -> NodeId {
    let inputs = b.channels(input);
    let outputs = if bottleneck { 4 * width } else { width };
    let layers = if bottleneck {
        vec![convolution(inputs, width, 1, 1), convolution(width, width, 3, stride), convolution(width, outputs, 1, 1)]
    } else {
        vec![convolution(inputs, width, 3, stride), convolution(width, width, 3, 1)]
    };
    let count = layers.len();
    let mut x = input;
    for (i, layer) in layers.into_iter().enumerate() {
        let names = [format!("{name}.conv{}", i + 1), format!("{name}.bn{}", i + 1)];
        x = normed(b, x, [&names[0], &names[1]], layer, BatchNorm::new);
        if i + 1 < count {
            x = b.activation(&format!("{name}.relu{}", i + 1), x, Activation::Relu);
        }
    }
    let mut shortcut = input;
    if stride > 1 || inputs != outputs {
        let names = [format!("{name}.downsample.0"), format!("{name}.downsample.1")];
        let layer = convolution(inputs, outputs, 1, stride);
        shortcut = normed(b, input, [&names[0], &names[1]], layer, BatchNorm::new);
    }
    joined(b, name, x, shortcut)
}
