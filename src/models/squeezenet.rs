//! SqueezeNet 1.1 (Iandola et al. 2016) as torchvision 0.24 has it. Its classifier is a convolution, and logits are the
//! means of its maps; so the stage `features`, what goes into it, is a map of 512 channels.

use super::options::Options;
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, Convolution, Pool};
use crate::nn::{Builder, Graph, NodeId};

/// Position, and channels of the squeezing and of each expanding convolution.
const FIRES: [(usize, usize, usize); 8] =
    [(3, 16, 64), (4, 16, 64), (6, 32, 128), (7, 32, 128), (9, 48, 192), (10, 48, 192), (11, 64, 256), (12, 64, 256)];

/// `(N, 3, H, W)` to logits.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let classes = options.count("n_classes", 1000)?;
    let dropout = options.rate("dropout", 0.5)?;
    let mut b = Builder::new(name, &[3, 0, 0]);
    let stem = Convolution::new(3, 64, &[3, 3]).stride(&[2, 2]).init(Init::HeUniform);
    let x = b.convolution("features.0", 0, stem);
    let x = b.activation("features.1", x, Activation::Relu);
    b.stage("features.1", x);
    let mut x = pooled(&mut b, 2, x);
    for (position, squeezed, expanded) in FIRES {
        if matches!(position, 6 | 9) {
            x = pooled(&mut b, position - 1, x);
        }
        x = fire(&mut b, &format!("features.{position}"), x, squeezed, expanded);
    }
    b.stage("features", x);
    let x = b.dropout("classifier.0", x, dropout);
    let last = Convolution::new(512, classes, &[1, 1]).init(Init::Normal { deviation: 0.01 });
    let x = b.convolution("classifier.1", x, last);
    let x = b.activation("classifier.2", x, Activation::Relu);
    let x = b.global_average("classifier.3", x);
    b.stage("logits", x);
    b.finish(Some("classifier.1"))
}

fn pooled(b: &mut Builder, position: usize, input: NodeId) -> NodeId {
    let name = format!("features.{position}");
    let x = b.pool(&name, input, Pool::max(&[3, 3], &[2, 2]).ceil());
    b.stage(&name, x);
    x
}

/// A 1x1 convolution to few channels, then 1x1 and 3x3 ones side by side.
fn fire(b: &mut Builder, name: &str, input: NodeId, squeezed: usize, expanded: usize) -> NodeId {
    let inputs = b.channels(input);
    let mut activated = |part: &str, input: NodeId, layer: Convolution| {
        let x = b.convolution(&format!("{name}.{part}"), input, layer.init(Init::HeUniform));
        b.activation(&format!("{name}.{part}_activation"), x, Activation::Relu)
    };
    let x = activated("squeeze", input, Convolution::new(inputs, squeezed, &[1, 1]));
    let narrow = activated("expand1x1", x, Convolution::new(squeezed, expanded, &[1, 1]));
    let wide = activated("expand3x3", x, Convolution::new(squeezed, expanded, &[3, 3]).padding(&[1, 1]));
    let x = b.concatenate(&format!("{name}.concatenate"), &[narrow, wide]);
    b.stage(name, x);
    x
}
