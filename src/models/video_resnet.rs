//! Residual networks over space and time (Tran et al. 2018) of 18 layers, as torchvision 0.24 has them: R3D (all
//! 3x3x3), MC3 (only the first stage looks along time) and R(2+1)D (space, then time, with as many parameters as a
//! 3x3x3 convolution would have).

use super::options::Options;
use super::units::{joined, normed};
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, BatchNorm, Convolution, Linear};
use crate::nn::{Builder, Graph, NodeId};

/// The convolution that a block is made of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// 3x3x3.
    Full,
    /// 1x3x3; strides spare the time.
    Spatial,
    /// 1x3x3, norm, ReLU, 3x1x1.
    Factored,
}

/// `(N, 3, T, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 400)?;
    let mut b = Builder::new(name, &[3, 0, 0, 0]);
    let mut x = match name {
        "r2plus1d_18" => factored_stem(&mut b),
        _ => stem(&mut b),
    };
    b.stage("stem", x);
    for i in 0..4 {
        let kind = match (name, i) {
            ("r3d_18", _) | ("mc3_18", 0) => Kind::Full,
            ("mc3_18", _) => Kind::Spatial,
            _ => Kind::Factored,
        };
        let stage = format!("layer{}", i + 1);
        for block in 0..2 {
            let stride = if i > 0 && block == 0 { 2 } else { 1 };
            x = residual(&mut b, &format!("{stage}.{block}"), x, 64 << i, stride, kind);
        }
        b.stage(&stage, x);
    }
    let x = b.global_average("avgpool", x);
    b.stage("pooled", x);
    b.stage("features", x);
    let x = b.linear("fc", x, Linear::new(512, classes).init(Init::Normal { deviation: 0.01 }));
    b.stage("logits", x);
    b.finish(Some("fc"))
}

fn convolution(inputs: usize, outputs: usize, kernel: [usize; 3], stride: [usize; 3]) -> Convolution {
    Convolution::new(inputs, outputs, &kernel)
        .stride(&stride)
        .padding(&kernel.map(|side| side / 2))
        .init(Init::HeFanOut)
}

fn stem(b: &mut Builder) -> NodeId {
    let layer = convolution(3, 64, [3, 7, 7], [1, 2, 2]);
    let x = normed(b, 0, ["stem.0", "stem.1"], layer, BatchNorm::new);
    b.activation("stem.2", x, Activation::Relu)
}

fn factored_stem(b: &mut Builder) -> NodeId {
    let x = normed(b, 0, ["stem.0", "stem.1"], convolution(3, 45, [1, 7, 7], [1, 2, 2]), BatchNorm::new);
    let x = b.activation("stem.2", x, Activation::Relu);
    let x = normed(b, x, ["stem.3", "stem.4"], convolution(45, 64, [3, 1, 1], [1, 1, 1]), BatchNorm::new);
    b.activation("stem.5", x, Activation::Relu)
}

fn residual(b: &mut Builder, name: &str, input: NodeId, width: usize, stride: usize, kind: Kind) -> NodeId {
    let inputs = b.channels(input);
    // Channels between space and time, for both convolutions of the block: equation in section 3.5 of the paper.
    let middle = inputs * width * 27 / (inputs * 9 + 3 * width);
    let x = part(b, &format!("{name}.conv1"), input, [width, middle], stride, kind);
    let x = b.activation(&format!("{name}.conv1.2"), x, Activation::Relu);
    let x = part(b, &format!("{name}.conv2"), x, [width, middle], 1, kind);
    let mut shortcut = input;
    if stride > 1 || inputs != width {
        let along_time = if kind == Kind::Spatial { 1 } else { stride };
        let layer = convolution(inputs, width, [1, 1, 1], [along_time, stride, stride]);
        let names = [format!("{name}.downsample.0"), format!("{name}.downsample.1")];
        shortcut = normed(b, input, [&names[0], &names[1]], layer, BatchNorm::new);
    }
    joined(b, name, x, shortcut)
}

/// A convolution to `widths[0]` channels (by way of `widths[1]` where it is factored), and its norm.
fn part(b: &mut Builder, name: &str, input: NodeId, widths: [usize; 2], stride: usize, kind: Kind) -> NodeId {
    let inputs = b.channels(input);
    let [width, middle] = widths;
    let (name, norm) = (format!("{name}.0"), format!("{name}.1"));
    match kind {
        Kind::Full => {
            let layer = convolution(inputs, width, [3, 3, 3], [stride; 3]);
            normed(b, input, [&name, &norm], layer, BatchNorm::new)
        }
        Kind::Spatial => {
            let layer = convolution(inputs, width, [1, 3, 3], [1, stride, stride]);
            normed(b, input, [&name, &norm], layer, BatchNorm::new)
        }
        Kind::Factored => {
            let space = convolution(inputs, middle, [1, 3, 3], [1, stride, stride]);
            let names = [format!("{name}.0"), format!("{name}.1")];
            let x = normed(b, input, [&names[0], &names[1]], space, BatchNorm::new);
            let x = b.activation(&format!("{name}.2"), x, Activation::Relu);
            let time = convolution(middle, width, [3, 1, 1], [stride, 1, 1]);
            normed(b, x, [&format!("{name}.3"), &norm], time, BatchNorm::new)
        }
    }
}
