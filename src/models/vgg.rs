//! VGG16 (Simonyan and Zisserman 2015) as torchvision 0.24 has it, without batch norm. With `top = false` it ends
//! behind the last pooling: `(N, 512, H / 32, W / 32)`.

use super::options::Options;
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, AdaptivePool, Convolution, Linear, Pool, PoolKind};
use crate::nn::{Builder, Graph, Layer, NodeId};

/// Channels of the convolutions between two poolings.
const WIDTHS: [&[usize]; 5] = [&[64, 64], &[128, 128], &[256; 3], &[512; 3], &[512; 3]];

/// `(N, 3, H, W)` to logits, or to the last map.
pub fn build(name: &str, options: &mut Options) -> Result<Graph> {
    let top = options.flag("top", true)?;
    let mut b = Builder::new(name, &[3, 0, 0]);
    let mut x = 0;
    let mut position = 0;
    for widths in WIDTHS {
        for &width in widths {
            let layer = Convolution::new(b.channels(x), width, &[3, 3]).padding(&[1, 1]).init(Init::HeFanOut);
            x = b.convolution(&format!("features.{position}"), x, layer);
            x = b.activation(&format!("features.{}", position + 1), x, Activation::Relu);
            position += 2;
        }
        let name = format!("features.{position}");
        x = b.pool(&name, x, Pool::max(&[2, 2], &[2, 2]));
        b.stage(&name, x);
        position += 1;
    }
    if top {
        let classes = options.count("n_classes", 1000)?;
        let dropout = options.rate("dropout", 0.5)?;
        classified(&mut b, x, classes, dropout);
        b.finish(Some("classifier.6"))
    } else {
        b.stage("features", x);
        b.finish(None)
    }
}

fn classified(b: &mut Builder, map: NodeId, classes: usize, dropout: f64) {
    let bins = AdaptivePool { of: PoolKind::Average { count_padding: true }, output: vec![7, 7] };
    let x = b.adaptive_pool("avgpool", map, bins);
    b.stage("avgpool", x);
    let mut x = b.layer("flatten", Layer::Flatten, &[x]);
    let init = Init::Normal { deviation: 0.01 };
    for (position, inputs) in [(0, 512 * 7 * 7), (3, 4096)] {
        x = b.linear(&format!("classifier.{position}"), x, Linear::new(inputs, 4096).init(init));
        let name = format!("classifier.{}", position + 1);
        x = b.activation(&name, x, Activation::Relu);
        b.stage(&name, x);
        if position == 3 {
            b.stage("features", x);
        }
        x = b.dropout(&format!("classifier.{}", position + 2), x, dropout);
    }
    let x = b.linear("classifier.6", x, Linear::new(4096, classes).init(init));
    b.stage("logits", x);
}
