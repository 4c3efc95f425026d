//! What a batch says about the parameters: forward in training, loss, backward.

use candle_core::{DType, Device, Tensor};

use super::loss::CrossEntropy;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::plan::Training;
use crate::nn::{Array, Graph, Mode, Parameters, eager};
use crate::parallel::Job;

/// Items and their classes.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub shape: &'a [usize],
    pub values: &'a [f32],
    pub labels: &'a [usize],
}

/// What one batch gave.
#[derive(Clone, Debug)]
pub struct Step {
    pub loss: f64,
    pub logits: Array,
    /// Of what is trainable, by full name.
    pub gradients: Parameters,
    /// New running means and variances, by full name.
    pub statistics: Parameters,
}

impl Step {
    /// Refuses a loss that is not finite, in step number `step`: every later one would be lost.
    pub fn check(&self, step: usize) -> Result<()> {
        if self.loss.is_finite() {
            return Ok(());
        }
        let message = format!("made the loss {} in step {step} (counted from 0): a smaller one may help", self.loss);
        Err(Error::argument("lr", message))
    }
}

/// The loss of a batch and its gradients, in training, by a program that was compiled for batches of this shape;
/// `seed` is of the dropout.
pub fn differentiate(
    training: &mut Training,
    parameters: &Parameters,
    batch: Batch<'_>,
    criterion: &CrossEntropy,
    seed: u64,
    job: &Job,
) -> Result<Step> {
    let logits = training.forward(parameters, batch.values, Mode::Training { seed }, job)?;
    let loss = criterion.evaluate(logits.data(), batch.labels, classes(&logits)?)?;
    let found = training.backward(parameters, &loss.gradient, false, job)?;
    Ok(Step { loss: loss.value, logits, gradients: found.parameters, statistics: found.statistics })
}

/// Classes of logits.
fn classes(logits: &Array) -> Result<usize> {
    match *logits.shape() {
        [_, classes] => Ok(classes),
        ref shape => {
            let message = format!("gives {shape:?} where logits (N, classes) are wanted");
            Err(Error::argument("network", message))
        }
    }
}

/// The same on candle's tensors, which round products where the graph says so.
pub fn differentiate_eagerly(
    graph: &Graph,
    parameters: &Parameters,
    batch: Batch<'_>,
    criterion: &CrossEntropy,
    seed: u64,
    job: &Job,
) -> Result<Step> {
    let mode = Mode::Training { seed };
    let tensors = eager::tensors(parameters, &Device::Cpu, DType::F32)?;
    let x = Tensor::from_slice(batch.values, batch.shape, &Device::Cpu)?;
    let outputs = eager::forward(graph, &tensors, &x, mode, &[graph.output()], job)?;
    let output = outputs.first().ok_or_else(|| Error::new(ErrorKind::Internal, "a network without an output"))?;
    let logits = array(output)?;
    let loss = criterion.evaluate(logits.data(), batch.labels, classes(&logits)?)?;
    let cotangent = Tensor::from_slice(&loss.gradient, logits.shape(), &Device::Cpu)?;
    let found = eager::gradients(graph, &tensors, &x, &cotangent, mode, job)?;
    Ok(Step { loss: loss.value, logits, gradients: arrays(found.parameters)?, statistics: arrays(found.statistics)? })
}

fn array(tensor: &Tensor) -> Result<Array> {
    Array::new(tensor.dims().to_vec(), tensor.flatten_all()?.to_vec1()?)
}

fn arrays(tensors: impl IntoIterator<Item = (String, Tensor)>) -> Result<Parameters> {
    let mut named = Parameters::new();
    for (name, tensor) in tensors {
        named.insert(name, array(&tensor)?);
    }
    Ok(named)
}
