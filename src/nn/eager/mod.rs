//! The executor on candle's tensors: float32 or float64, processor or CUDA, forward and backward.
//!
//! Everything is composed from candle's operators, so that the path that a GPU takes is the one that is tested on the
//! processor. Operators whose value or gradient is wrong in candle 0.11 stay out (`candle_faults` lists and pins
//! them). Tensors have the shapes that the graph says: maps `(N, C, H, W)` or `(N, C, T, H, W)`, sequences
//! `(N, L, D)`, vectors `(N, D)`.

mod activation;
mod attention;
mod backward;
#[cfg(test)]
mod candle_faults;
mod convolution;
mod device;
mod lstm;
mod norm;
mod pool;
mod product;
mod reshape;
mod window;

pub use backward::{Backward, differentiated, gradients};
pub use device::device;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use super::dropout::{Mask, Part};
use super::graph::{Graph, Node, NodeId};
use super::layers::{Layer, PoolKind};
use super::parameters::{Array, Parameters};
use super::{Mode, Precision};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// Parameters and running statistics as tensors, by full name.
pub type Tensors = BTreeMap<String, Tensor>;

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::new(ErrorKind::Internal, format!("candle: {error}"))
    }
}

/// Copies parameters to a device.
pub fn tensors(parameters: &Parameters, device: &Device, dtype: DType) -> Result<Tensors> {
    let moved = |(name, array): (&str, &Array)| {
        let tensor = Tensor::from_slice(array.data(), array.shape(), device)?.to_dtype(dtype)?;
        Ok((name.to_owned(), tensor))
    };
    parameters.iter().map(moved).collect()
}

/// The outputs of the nodes `wanted`, for one batch. A map is freed as soon as nothing needs it any more; what lies
/// behind the last wanted node is not computed.
pub fn forward(
    graph: &Graph,
    tensors: &Tensors,
    input: &Tensor,
    mode: Mode,
    wanted: &[NodeId],
    job: &Job,
) -> Result<Vec<Tensor>> {
    graph.shapes(input.dims())?;
    let end = wanted.iter().max().map_or(0, |&last| (last + 1).min(graph.nodes.len()));
    let nodes = &graph.nodes[..end];
    let mut users = vec![0usize; graph.nodes.len()];
    nodes.iter().flat_map(|node| &node.inputs).chain(wanted).for_each(|&id| users[id] += 1);
    let mut values: Vec<Option<Tensor>> = Vec::with_capacity(end);
    for (id, node) in nodes.iter().enumerate() {
        job.check()?;
        let inputs = inputs_of(node, &values, input)?;
        let output = Scope { id, node, tensors, mode, precision: graph.precision }.run(&inputs)?.value;
        drop(inputs);
        values.push((users[id] > 0).then_some(output));
        for &used in &node.inputs {
            users[used] -= 1;
            if users[used] == 0 {
                values[used] = None;
            }
        }
    }
    wanted.iter().map(|&id| values.get(id).cloned().flatten().ok_or_else(|| no_value(id))).collect()
}

fn no_value(id: NodeId) -> Error {
    Error::new(ErrorKind::Internal, format!("layer {id} has no value where one is needed"))
}

fn inputs_of(node: &Node, values: &[Option<Tensor>], input: &Tensor) -> Result<Vec<Tensor>> {
    if node.inputs.is_empty() {
        return Ok(vec![input.clone()]);
    }
    node.inputs.iter().map(|&id| values[id].clone().ok_or_else(|| no_value(id))).collect()
}

/// What a layer gives: its value, and a batch norm's new running statistics by full name.
struct Output {
    value: Tensor,
    statistics: Vec<(String, Tensor)>,
}

/// One layer in one run.
#[derive(Clone, Copy)]
struct Scope<'a> {
    id: NodeId,
    node: &'a Node,
    tensors: &'a Tensors,
    mode: Mode,
    precision: Precision,
}

impl Scope<'_> {
    /// The layer's output for these inputs.
    fn run(&self, inputs: &[Tensor]) -> Result<Output> {
        let x = inputs.first().ok_or_else(|| no_value(self.id))?;
        if let Layer::BatchNorm(layer) = &self.node.layer {
            return norm::batch_norm(self, layer, x);
        }
        let value = match &self.node.layer {
            Layer::Input { .. } => x.clone(),
            Layer::BatchNorm(_) => return Err(no_value(self.id)),
            Layer::Convolution(layer) => convolution::convolution(self, layer, x)?,
            Layer::LayerNorm(layer) => norm::layer_norm(self, layer, x)?,
            Layer::Activation { function } => activation::activation(*function, x)?,
            Layer::Pool(layer) => match layer.of {
                PoolKind::Max => pool::max(&layer.sliding, x)?,
                PoolKind::Average { count_padding } => pool::average(&layer.sliding, count_padding, x)?,
            },
            Layer::AdaptivePool(layer) => pool::adaptive(layer, x)?,
            Layer::GlobalAverage => x.flatten_from(2)?.mean(2)?,
            Layer::SequenceMean => x.mean(1)?,
            Layer::Add => reshape::sum(inputs)?,
            Layer::Concatenate => Tensor::cat(inputs, 1)?,
            Layer::Flatten => x.flatten_from(1)?,
            Layer::Sequence => x.flatten_from(2)?.transpose(1, 2)?.contiguous()?,
            Layer::Linear(layer) => product::linear(self, layer, x)?,
            Layer::Dropout { p } => self.dropped(x, Part::Values, *p)?,
            Layer::Lstm(layer) => lstm::lstm(self, layer, x)?,
            Layer::Attention(layer) => attention::attention(self, layer, x)?,
        };
        Ok(Output { value, statistics: Vec::new() })
    }

    /// A parameter or a running statistic of the layer.
    fn parameter(&self, name: &str) -> Result<&Tensor> {
        let name = self.node.parameter(name);
        self.tensors.get(&name).ok_or_else(|| Error::argument("parameters", format!("have no tensor {name:?}")))
    }

    /// A parameter that goes into a product.
    fn factor(&self, name: &str) -> Result<Tensor> {
        self.rounded(self.parameter(name)?)
    }

    /// What goes into a product or comes out of it, in the precision of the network; the gradient is rounded too.
    fn rounded(&self, x: &Tensor) -> Result<Tensor> {
        let half = match self.precision {
            Precision::Full => return Ok(x.clone()),
            Precision::Float16 => DType::F16,
            Precision::BFloat16 => DType::BF16,
        };
        Ok(x.to_dtype(half)?.to_dtype(x.dtype())?)
    }

    /// `x` with values dropped, in training.
    fn dropped(&self, x: &Tensor, part: Part, p: f64) -> Result<Tensor> {
        Ok(match self.mask(x.dims(), x, part, p)? {
            Some(mask) => x.mul(&mask)?,
            None => x.clone(),
        })
    }

    /// The factors of a dropout, on the device and in the type of `like`; none where nothing is dropped.
    fn mask(&self, shape: &[usize], like: &Tensor, part: Part, p: f64) -> Result<Option<Tensor>> {
        let Mode::Training { seed } = self.mode else { return Ok(None) };
        let mask = Mask::new(seed, self.id, part, p)?;
        if p == 0.0 {
            return Ok(None);
        }
        let factors: Vec<f64> = (0..shape.iter().product())
            .map(|position| if mask.keeps(position) && p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 })
            .collect();
        Ok(Some(Tensor::from_vec(factors, shape, like.device())?.to_dtype(like.dtype())?))
    }
}
