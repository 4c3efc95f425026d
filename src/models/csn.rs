//! Channel-separated networks (Tran et al. 2019) as mmaction2 1.2.0 has them (`ResNet3dCSN`): bottlenecks whose
//! 3x3x3 convolution filters a channel at a time; in the "interaction-preserved" ones (`ip`) a 1x1x1 convolution
//! stands in front of it. Names are those of mmaction2's checkpoints; initial values of its configurations, in which
//! no residual branch begins at zero.

use super::options::Options;
use super::units::{joined, normed};
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, BatchNorm, Convolution, Linear, Pool};
use crate::nn::{Builder, Graph, NodeId};

fn norm(channels: usize) -> BatchNorm {
    BatchNorm { eps: 1e-3, ..BatchNorm::new(channels) }
}

/// `(N, 3, T, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 400)?;
    let dropout = options.rate("dropout", 0.5)?;
    let preserved = name.starts_with("ip");
    let blocks = if name.ends_with("152") { [3, 8, 36, 3] } else { [3, 4, 6, 3] };
    let mut b = Builder::new(name, &[3, 0, 0, 0]);
    let stem = convolution(3, 64, [3, 7, 7], [1, 2, 2]);
    let x = unit(&mut b, "backbone.conv1", 0, stem, true);
    b.stage("stem", x);
    let mut x = b.pool("backbone.maxpool", x, Pool::max(&[1, 3, 3], &[1, 2, 2]).padding(&[0, 1, 1]));
    b.stage("pool", x);
    for (i, &count) in blocks.iter().enumerate() {
        for block in 0..count {
            let stride = if i > 0 && block == 0 { 2 } else { 1 };
            x = bottleneck(&mut b, &format!("backbone.layer{}.{block}", i + 1), x, 64 << i, stride, preserved);
        }
        b.stage(&format!("layer{}", i + 1), x);
    }
    let x = b.global_average("cls_head.avg_pool", x);
    b.stage("pooled", x);
    b.stage("features", x);
    let x = b.dropout("cls_head.dropout", x, dropout);
    let x = b.linear("cls_head.fc_cls", x, Linear::new(2048, classes).init(Init::Normal { deviation: 0.01 }));
    b.stage("logits", x);
    b.finish(Some("cls_head.fc_cls"))
}

fn convolution(inputs: usize, outputs: usize, kernel: [usize; 3], stride: [usize; 3]) -> Convolution {
    Convolution::new(inputs, outputs, &kernel)
        .stride(&stride)
        .padding(&kernel.map(|side| side / 2))
        .init(Init::HeFanOut)
}

/// Convolution, norm and perhaps ReLU, named as parts of one module.
fn unit(b: &mut Builder, name: &str, input: NodeId, layer: Convolution, activated: bool) -> NodeId {
    let x = normed(b, input, [&format!("{name}.conv"), &format!("{name}.bn")], layer, norm);
    if activated { b.activation(&format!("{name}.activate"), x, Activation::Relu) } else { x }
}

fn bottleneck(b: &mut Builder, name: &str, input: NodeId, width: usize, stride: usize, preserved: bool) -> NodeId {
    let inputs = b.channels(input);
    let outputs = 4 * width;
    let pointwise = |inputs, outputs, stride: usize| convolution(inputs, outputs, [1, 1, 1], [stride; 3]);
    let mut x = unit(b, &format!("{name}.conv1"), input, pointwise(inputs, width, 1), true);
    let mut part = 0;
    if preserved {
        x = unit(b, &format!("{name}.conv2.0"), x, pointwise(width, width, 1), false);
        part = 1;
    }
    let filters = convolution(width, width, [3, 3, 3], [stride; 3]).groups(width);
    x = unit(b, &format!("{name}.conv2.{part}"), x, filters, true);
    x = unit(b, &format!("{name}.conv3"), x, pointwise(width, outputs, 1), false);
    let mut shortcut = input;
    if stride > 1 || inputs != outputs {
        shortcut = unit(b, &format!("{name}.downsample"), input, pointwise(inputs, outputs, stride), false);
    }
    joined(b, name, x, shortcut)
}
