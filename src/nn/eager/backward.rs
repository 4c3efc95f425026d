//! Gradients, by candle's autograd, a layer at a time.
//!
//! The forward pass keeps each layer's output and nothing else. Backward, each layer is run again on variables and
//! candle differentiates that run alone. So memory holds the inside of one layer at a time; neither candle's recursion
//! over a graph nor the drop of one is deeper than a layer; and Ctrl-C is heard between layers.

use std::collections::BTreeMap;

use candle_core::{Tensor, Var};

use super::{Output, Scope, Tensors, inputs_of, no_value};
use crate::error::{Error, ErrorKind, Result};
use crate::nn::Mode;
use crate::nn::graph::{Graph, Node};
use crate::nn::layers::Layer;
use crate::parallel::Job;

/// candle walks the graph of a layer by recursion, an LSTM's step by step.
const MOST_STEPS: usize = 10_000;

/// What a backward pass gives.
#[derive(Debug)]
pub struct Backward {
    pub output: Tensor,
    /// The gradient of the input.
    pub input: Tensor,
    /// Gradients of what is trainable, by full name.
    pub parameters: BTreeMap<String, Tensor>,
    /// New running statistics, by full name.
    pub statistics: BTreeMap<String, Tensor>,
}

/// Gradients of `sum(output * cotangent)`. Frozen parameters get none; a trainable one without a gradient is an
/// error.
pub fn gradients(
    graph: &Graph,
    tensors: &Tensors,
    input: &Tensor,
    cotangent: &Tensor,
    mode: Mode,
    job: &Job,
) -> Result<Backward> {
    let shapes = graph.shapes(input.dims())?;
    let wanted = shapes.last().map_or(&[][..], Vec::as_slice);
    if cotangent.dims() != wanted {
        let message = format!("must have the output's shape {wanted:?}, got {:?}", cotangent.dims());
        return Err(Error::argument("cotangent", message));
    }
    differentiated(graph, tensors, input, |_| Ok(cotangent.clone()), mode, job)
}

/// The same where the cotangent follows from the output: the gradient of a loss.
pub fn differentiated(
    graph: &Graph,
    tensors: &Tensors,
    input: &Tensor,
    cotangent: impl FnOnce(&Tensor) -> Result<Tensor>,
    mode: Mode,
    job: &Job,
) -> Result<Backward> {
    graph.shapes(input.dims())?;
    let mut values: Vec<Option<Tensor>> = Vec::with_capacity(graph.nodes.len());
    let mut statistics = BTreeMap::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        job.check()?;
        let inputs = inputs_of(node, &values, input)?;
        let output = Scope { id, node, tensors, mode, precision: graph.precision }.run(&inputs)?;
        statistics.extend(output.statistics);
        values.push(Some(output.value));
    }
    let output = values.last().cloned().flatten().ok_or_else(|| no_value(graph.output()))?;
    let mut flowing: Vec<Option<Tensor>> = vec![None; graph.nodes.len()];
    flowing[graph.output()] = Some(cotangent(&output)?);
    let mut parameters = BTreeMap::new();
    for (id, node) in graph.nodes.iter().enumerate().skip(1).rev() {
        job.check()?;
        values[id] = None;
        let Some(gradient) = flowing[id].take() else { continue };
        let inputs = inputs_of(node, &values, input)?;
        let found = Scope { id, node, tensors, mode, precision: graph.precision }.differentiated(&inputs, &gradient)?;
        for (&used, gradient) in node.inputs.iter().zip(found.inputs) {
            flowing[used] = Some(match flowing[used].take() {
                Some(sum) => sum.add(&gradient)?,
                None => gradient,
            });
        }
        parameters.extend(found.parameters);
    }
    for parameter in graph.parameters().iter().filter(|parameter| parameter.trainable) {
        if !parameters.contains_key(&parameter.name) {
            return Err(no_gradient(&parameter.name));
        }
    }
    let input = flowing[0].take().ok_or_else(|| no_gradient("input"))?;
    Ok(Backward { output, input, parameters, statistics })
}

fn no_gradient(name: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("{name:?} has no gradient: the output does not depend on it"))
}

struct Gradients {
    inputs: Vec<Tensor>,
    parameters: Vec<(String, Tensor)>,
}

impl Scope<'_> {
    /// Gradients of `sum(output * gradient)` for this layer alone.
    fn differentiated(&self, inputs: &[Tensor], gradient: &Tensor) -> Result<Gradients> {
        if let (Layer::Lstm(_), Some(&steps)) = (&self.node.layer, inputs.first().and_then(|x| x.dims().get(1)))
            && steps > MOST_STEPS
        {
            let message = format!("has {steps} steps at {:?}: gradients go through {MOST_STEPS}", self.node.name);
            return Err(Error::argument("input", message));
        }
        let variables: Vec<Var> = inputs.iter().map(Var::from_tensor).collect::<Result<_, _>>()?;
        let learnt = self.variables()?;
        let mut tensors = Tensors::new();
        for spec in self.node.layer.parameters() {
            let name = self.node.parameter(spec.name);
            let value = match learnt.get(&name) {
                Some(variable) => variable.as_tensor().clone(),
                None => self.parameter(spec.name)?.clone(),
            };
            tensors.insert(name, value);
        }
        let given: Vec<Tensor> = variables.iter().map(|variable| variable.as_tensor().clone()).collect();
        let Output { value, .. } = Scope { tensors: &tensors, ..*self }.run(&given)?;
        let found = value.mul(gradient)?.sum_all()?.backward()?;
        // Detached: a gradient must not keep this layer's graph alive.
        let of = |variable: &Var, name: &str| -> Result<Tensor> {
            let gradient = found.get(variable.as_tensor()).ok_or_else(|| no_gradient(name))?;
            Ok(gradient.detach().contiguous()?)
        };
        let inputs = variables.iter().map(|variable| of(variable, &self.node.name)).collect::<Result<_>>()?;
        let parameters =
            learnt.iter().map(|(name, variable)| Ok((name.clone(), of(variable, name)?))).collect::<Result<_>>()?;
        Ok(Gradients { inputs, parameters })
    }

    /// Variables for what of this layer is trainable.
    fn variables(&self) -> Result<BTreeMap<String, Var>> {
        let Node { frozen, layer, .. } = self.node;
        let learnt = layer.parameters().into_iter().filter(|spec| spec.learnt && !frozen);
        learnt.map(|spec| Ok((self.node.parameter(spec.name), Var::from_tensor(self.parameter(spec.name)?)?))).collect()
    }
}
