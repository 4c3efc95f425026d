//! The kinds of layers: settings, shape rules, parameters, multiply-adds.
//!
//! Shapes are `(N, C, H, W)` for pictures, `(N, C, T, H, W)` for clips, `(N, L, D)` for sequences and `(N, D)` for
//! vectors.

mod activation;
mod attention;
mod convolution;
mod linear;
mod lstm;
mod norm;
mod pool;
mod reshape;
mod window;

pub use activation::Activation;
pub use attention::Attention;
pub use convolution::Convolution;
pub use linear::Linear;
pub use lstm::{Lstm, LstmConvention};
pub use norm::{BatchNorm, LayerNorm};
pub use pool::{AdaptivePool, Pool, PoolKind};
pub use window::{Padding, Sliding};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::init::Init;

/// What a layer does, with everything that is set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Layer {
    /// Where values come in: the shape of one item, 0 for an extent that is free.
    Input {
        shape: Vec<usize>,
    },
    Convolution(Convolution),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Activation {
        function: Activation,
    },
    Pool(Pool),
    AdaptivePool(AdaptivePool),
    /// The mean over frames, rows and columns: `(N, C, ...)` to `(N, C)`.
    GlobalAverage,
    /// The mean over the steps of a sequence: `(N, L, D)` to `(N, D)`.
    SequenceMean,
    /// The sum of all inputs, of equal shapes.
    Add,
    /// Inputs one after another along the channels.
    Concatenate,
    /// `(N, C, ...)` to `(N, C * ...)`, in this order.
    Flatten,
    /// Each frame or position of `(N, C, ...)` becomes a step of `(N, L, C)`.
    Sequence,
    Linear(Linear),
    /// In training, zeroes each value with probability `p` and divides the others by `1 - p`.
    Dropout {
        p: f64,
    },
    Lstm(Lstm),
    Attention(Attention),
}

/// A parameter of a layer: the last part of its name, its shape, and how it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    pub name: &'static str,
    pub shape: Vec<usize>,
    pub init: Init,
    /// Learnt by gradients; otherwise a running statistic.
    pub learnt: bool,
}

impl ParameterSpec {
    fn learnt(name: &'static str, shape: Vec<usize>, init: Init) -> Self {
        Self { name, shape, init, learnt: true }
    }
}

impl Layer {
    /// The kind, as a reader would call it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Input { .. } => "input",
            Self::Convolution(_) => "convolution",
            Self::BatchNorm(_) => "batch norm",
            Self::LayerNorm(_) => "layer norm",
            Self::Activation { function } => function.name(),
            Self::Pool(pool) => pool.of.name(),
            Self::AdaptivePool(pool) => pool.of.adaptive_name(),
            Self::GlobalAverage => "global average",
            Self::SequenceMean => "mean over steps",
            Self::Add => "add",
            Self::Concatenate => "concatenate",
            Self::Flatten => "flatten",
            Self::Sequence => "sequence",
            Self::Linear(_) => "linear",
            Self::Dropout { .. } => "dropout",
            Self::Lstm(_) => "lstm",
            Self::Attention(_) => "attention",
        }
    }

    /// The parameters, in the order of the reference's.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        match self {
            Self::Convolution(layer) => layer.parameters(),
            Self::BatchNorm(layer) => layer.parameters(),
            Self::LayerNorm(layer) => layer.parameters(),
            Self::Linear(layer) => layer.parameters(),
            Self::Lstm(layer) => layer.parameters(),
            Self::Attention(layer) => layer.parameters(),
            _ => Vec::new(),
        }
    }

    /// The output's shape for inputs of these shapes, the batch first.
    pub fn shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>> {
        let first = *inputs.first().ok_or_else(|| refused(self, inputs, "an input"))?;
        if inputs.len() > 1 && !matches!(self, Self::Add | Self::Concatenate) {
            return Err(refused(self, inputs, "one input"));
        }
        match self {
            Self::Input { shape } => {
                let fits = first.len() == shape.len() + 1
                    && shape.iter().zip(&first[1..]).all(|(&wanted, &got)| wanted == 0 || wanted == got);
                if fits { Ok(first.to_vec()) } else { Err(refused(self, inputs, &described(shape))) }
            }
            Self::Convolution(layer) => layer.shape(first),
            Self::BatchNorm(layer) => layer.shape(first),
            Self::LayerNorm(layer) => layer.shape(first),
            Self::Activation { .. } | Self::Dropout { .. } => Ok(first.to_vec()),
            Self::Pool(layer) => layer.shape(first),
            Self::AdaptivePool(layer) => layer.shape(first),
            Self::GlobalAverage if first.len() > 2 => Ok(first[..2].to_vec()),
            Self::SequenceMean if first.len() == 3 => Ok(vec![first[0], first[2]]),
            Self::Flatten if first.len() > 1 => Ok(vec![first[0], first[1..].iter().product()]),
            Self::Sequence if first.len() > 2 => Ok(vec![first[0], first[2..].iter().product(), first[1]]),
            Self::Add => {
                let equal = inputs.iter().all(|shape| *shape == first);
                if equal { Ok(first.to_vec()) } else { Err(refused(self, inputs, "equal shapes")) }
            }
            Self::Concatenate => reshape::concatenated(self, inputs),
            Self::Linear(layer) => layer.shape(first),
            Self::Lstm(layer) => layer.shape(first),
            Self::Attention(layer) => layer.shape(first),
            Self::GlobalAverage | Self::Flatten | Self::Sequence => Err(refused(self, inputs, "a map")),
            Self::SequenceMean => Err(refused(self, inputs, "a sequence (N, L, D)")),
        }
    }

    /// Multiply-adds for an output of this shape. Only products with parameters, and attention's, are counted, as is
    /// usual in tables of models.
    pub fn multiply_adds(&self, input: &[usize], output: &[usize]) -> u64 {
        match self {
            Self::Convolution(layer) => layer.multiply_adds(output),
            Self::Linear(layer) => layer.multiply_adds(output),
            Self::Lstm(layer) => layer.multiply_adds(input),
            Self::Attention(layer) => layer.multiply_adds(input),
            _ => 0,
        }
    }
}

/// The error of a layer that is given shapes that it does not take.
pub(crate) fn refused(layer: &Layer, inputs: &[&[usize]], wanted: &str) -> Error {
    let got: Vec<String> = inputs.iter().map(|shape| format!("{shape:?}")).collect();
    Error::argument("input", format!("of shape {}: {} takes {wanted}", got.join(", "), layer.kind()))
}

fn described(shape: &[usize]) -> String {
    let sides: Vec<String> =
        shape.iter().map(|&side| if side == 0 { "any".to_owned() } else { side.to_string() }).collect();
    format!("(N, {})", sides.join(", "))
}
