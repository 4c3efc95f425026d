//! Architectures: each a short function that builds a graph, with names and initial values of the reference.
//!
//! * [`resnet`], [`vgg`], [`squeezenet`], [`mobilenet_v2`], [`efficientnet_lite`]: of pictures
//! * [`video_resnet`], [`csn`]: of clips
//! * [`heads`]: of features
//!
//! The stage `features` is what goes into the classifier (before dropout), `logits` what comes out of it.

pub mod csn;
pub mod efficientnet_lite;
pub mod heads;
pub mod mobilenet_v2;
pub mod options;
pub mod resnet;
pub mod squeezenet;
mod units;
pub mod vgg;
pub mod video_resnet;

pub use options::{Options, Value};

use crate::error::{Error, Result};
use crate::nn::Graph;

/// What one item of an input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `(C, H, W)`.
    Image,
    /// `(C, T, H, W)`.
    Clip,
    /// `(D,)`.
    Vector,
    /// `(L, D)`.
    Sequence,
}

impl Family {
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Clip => "clip",
            Self::Vector => "vector",
            Self::Sequence => "sequence",
        }
    }
}

/// A known architecture.
#[derive(Clone, Copy, Debug)]
pub struct Architecture {
    pub name: &'static str,
    pub family: Family,
    /// The shape of one item as the reference takes it.
    pub input: &'static [usize],
    pub build: fn(&str, &mut Options) -> Result<Graph>,
}

const IMAGE: &[usize] = &[3, 224, 224];

const fn of(
    name: &'static str,
    family: Family,
    input: &'static [usize],
    build: fn(&str, &mut Options) -> Result<Graph>,
) -> Architecture {
    Architecture { name, family, input, build }
}

/// All of them.
pub const ARCHITECTURES: [Architecture; 17] = [
    of("resnet18", Family::Image, IMAGE, resnet::build),
    of("resnet50", Family::Image, IMAGE, resnet::build),
    of("resnet152", Family::Image, IMAGE, resnet::build),
    of("vgg16", Family::Image, IMAGE, vgg::build),
    of("squeezenet1_1", Family::Image, IMAGE, squeezenet::build),
    of("mobilenet_v2", Family::Image, IMAGE, mobilenet_v2::build),
    of("efficientnet_lite0", Family::Image, IMAGE, efficientnet_lite::build),
    of("r3d_18", Family::Clip, &[3, 16, 112, 112], video_resnet::build),
    of("mc3_18", Family::Clip, &[3, 16, 112, 112], video_resnet::build),
    of("r2plus1d_18", Family::Clip, &[3, 16, 112, 112], video_resnet::build),
    of("ircsn_50", Family::Clip, &[3, 32, 224, 224], csn::build),
    of("ircsn_152", Family::Clip, &[3, 32, 224, 224], csn::build),
    of("ipcsn_50", Family::Clip, &[3, 32, 224, 224], csn::build),
    of("ipcsn_152", Family::Clip, &[3, 32, 224, 224], csn::build),
    of("linear", Family::Vector, &[1000], heads::linear),
    of("mlp", Family::Vector, &[1000], heads::mlp),
    of("lstm", Family::Sequence, &[16, 768], heads::lstm),
];

/// The architecture of a name.
pub fn architecture(name: &str) -> Result<&'static Architecture> {
    ARCHITECTURES.iter().find(|known| known.name == name).ok_or_else(|| {
        let names: Vec<&str> = ARCHITECTURES.iter().map(|known| known.name).collect();
        Error::argument("name", format!("must be one of {}, got {name:?}", names.join(", ")))
    })
}

/// Builds the graph of an architecture.
pub fn create(name: &str, mut options: Options) -> Result<Graph> {
    let known = architecture(name)?;
    let graph = (known.build)(name, &mut options)?;
    options.finish(name)?;
    Ok(graph)
}

#[cfg(test)]
mod tests;
