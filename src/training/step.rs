//! What a batch says about the parameters: forward in training, loss, backward.

use candle_core::{DType, Device, Tensor};

use super::loss::CrossEntropy;
use super::scaling::LossScale;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::plan::Training;
use crate::nn::{Array, Graph, Mode, Parameters, Precision, eager};
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
    /// Whether the gradients may change parameters: not where they overflowed float16.
    pub usable: bool,
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
    Ok(Step { loss: loss.value, logits, gradients: found.parameters, statistics: found.statistics, usable: true })
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

/// The same on candle's tensors, which round products where the graph says so. Where they are rounded to float16, the
/// loss is scaled on its way back.
pub fn differentiate_eagerly(
    graph: &Graph,
    parameters: &Parameters,
    batch: Batch<'_>,
    criterion: &CrossEntropy,
    seed: u64,
    scale: &mut LossScale,
    job: &Job,
) -> Result<Step> {
    let tensors = eager::tensors(parameters, &Device::Cpu, DType::F32)?;
    let x = Tensor::from_slice(batch.values, batch.shape, &Device::Cpu)?;
    let scaled = graph.precision == Precision::Float16;
    let factor = if scaled { scale.factor() } else { 1.0 };
    let mut evaluated = None;
    let of_loss = |output: &Tensor| {
        let logits = array(output)?;
        let loss = criterion.evaluate(logits.data(), batch.labels, classes(&logits)?)?;
        let cotangent = (Tensor::from_slice(&loss.gradient, logits.shape(), &Device::Cpu)? * factor)?;
        evaluated = Some((loss.value, logits));
        Ok(cotangent)
    };
    let found = eager::differentiated(graph, &tensors, &x, of_loss, Mode::Training { seed }, job)?;
    let (loss, logits) = evaluated.ok_or_else(|| Error::new(ErrorKind::Internal, "a network without an output"))?;
    let mut gradients = arrays(found.parameters)?;
    let usable = !scaled || scale.unscale(&mut gradients)?;
    Ok(Step { loss, logits, gradients, statistics: arrays(found.statistics)?, usable })
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
