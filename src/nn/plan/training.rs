//! Training: a forward pass that keeps what the backward pass reads, and the backward pass.
//!
//! Both are one program: its second half goes through the units in reverse. A value lives until its last reader,
//! forward or backward, has run, so nothing is kept that no gradient needs. The gradient of a node with several
//! users is summed in the order in which the backward pass comes to them. What neither holds nor leads to a trainable
//! parameter has no gradient, and nothing is kept for it.

use super::Purpose;
use super::backward::Backward;
use super::compile::{Compiler, Form};
use super::forward::Forward;
use super::fuse::Unit;
use super::inference::check_values;
use super::memory::ValueId;
use super::step::Program;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Array, Graph, Mode, Parameters};
use crate::parallel::Job;

/// What a backward pass gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients {
    /// Of the input, if it was asked for.
    pub input: Option<Array>,
    /// Of the trainable parameters, by name.
    pub parameters: Parameters,
    /// New running means and variances, by name, of norms that saw a batch in training.
    pub statistics: Parameters,
}

/// A network that is compiled for training on batches of one shape.
#[derive(Debug)]
pub struct Training {
    graph: Graph,
    input: Vec<usize>,
    compiled: Compiled,
    last: Option<Pass>,
}

/// A forward pass, for the backward pass that follows it.
#[derive(Debug)]
struct Pass {
    input: Vec<f32>,
    mode: Mode,
    statistics: Parameters,
}

/// A program, and where it takes and leaves values.
#[derive(Debug)]
struct Compiled {
    program: Program,
    /// Steps of the forward pass.
    forward: usize,
    /// In PyTorch's order.
    output: ValueId,
    cotangent: ValueId,
    shape: Vec<usize>,
    input: Vec<usize>,
    wishes_input: bool,
    input_gradient: Option<ValueId>,
}

impl Training {
    /// Compiles a graph for batches of shape `input`.
    pub fn new(graph: &Graph, input: &[usize]) -> Result<Self> {
        let compiled = Compiled::new(graph, input, false)?;
        Ok(Self { graph: graph.clone(), input: input.to_vec(), compiled, last: None })
    }

    /// The output for an input, both in PyTorch's order.
    pub fn forward(&mut self, parameters: &Parameters, input: &[f32], mode: Mode, job: &Job) -> Result<Array> {
        check_values("input", input, &self.input)?;
        let mut kept = self.last.take().map_or_else(Vec::new, |pass| pass.input);
        kept.clear();
        kept.extend_from_slice(input);
        let mut pass = Pass { input: kept, mode, statistics: Parameters::new() };
        let output = self.compiled.forward(parameters, &mut pass, job)?;
        self.last = Some(pass);
        Ok(output)
    }

    /// The gradients of `sum(output * cotangent)` at the last forward pass, whose parameters must be given again.
    /// The first wish for the input's gradient compiles the graph anew and repeats that pass.
    pub fn backward(
        &mut self,
        parameters: &Parameters,
        cotangent: &[f32],
        input_gradient: bool,
        job: &Job,
    ) -> Result<Gradients> {
        let mut pass = self.last.take().ok_or_else(|| {
            Error::argument("cotangent", "has no forward pass to go back through: each allows one backward pass")
        })?;
        check_values("cotangent", cotangent, &self.compiled.shape)?;
        if input_gradient != self.compiled.wishes_input {
            self.compiled = Compiled::new(&self.graph, &self.input, input_gradient)?;
            self.compiled.forward(parameters, &mut pass, job)?;
        }
        self.compiled.backward(parameters, pass, cotangent, job)
    }

    /// Whether it was made for this graph and shape.
    pub(super) fn fits(&self, graph: &Graph, input: &[usize]) -> bool {
        self.input == input && self.graph == *graph
    }

    #[cfg(test)]
    pub(super) fn poison(&mut self) {
        self.compiled.program.poison();
    }

    #[cfg(test)]
    pub(super) fn n_steps(&self) -> usize {
        self.compiled.program.len()
    }

    #[cfg(test)]
    pub(super) fn arena_length(&self) -> usize {
        self.compiled.program.arena_length()
    }
}

/// An error unless the output depends on every trainable parameter.
fn check_reached(graph: &Graph, units: &[Unit]) -> Result<()> {
    let mut reached = vec![false; graph.nodes.len()];
    for unit in units {
        reached[unit.head] = true;
    }
    let mut nodes = graph.nodes.iter().zip(reached).filter(|(node, reached)| !reached && !node.frozen);
    let lost = nodes.find_map(|(node, _)| {
        let spec = node.layer.parameters().into_iter().find(|spec| spec.learnt)?;
        Some(node.parameter(spec.name))
    });
    lost.map_or(Ok(()), |name| Err(no_gradient(&name)))
}

/// The error of what the output does not depend on, in the words of the eager executor.
pub(super) fn no_gradient(name: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("{name:?} has no gradient: the output does not depend on it"))
}

impl Compiled {
    fn new(graph: &Graph, input: &[usize], wishes_input: bool) -> Result<Self> {
        let end = graph.output();
        let (compiler, units) = Compiler::new(graph, input, &[end], Purpose::Training)?;
        let mut forward = Forward::training(compiler, wishes_input);
        for unit in &units {
            forward.unit(unit)?;
        }
        let output = forward.compiler.value(forward.compiler.root(end), Form::Plain)?;
        let steps = forward.compiler.draft.len();
        let mut backward = Backward::new(forward);
        let cotangent = backward.begin(end)?;
        for unit in units.iter().rev() {
            backward.unit(unit)?;
        }
        check_reached(graph, &units)?;
        let input_gradient = if wishes_input { Some(backward.input_gradient()?) } else { None };
        let Compiler { shapes, draft, .. } = backward.compiler;
        let [input, shape] = [0, end].map(|node| shapes[node].clone());
        let program = draft.finish();
        Ok(Self { program, forward: steps, output, cotangent, shape, input, wishes_input, input_gradient })
    }

    fn forward(&mut self, parameters: &Parameters, pass: &mut Pass, job: &Job) -> Result<Array> {
        pass.statistics = Parameters::new();
        self.program.run(0..self.forward, &pass.input, (parameters, pass.mode), &mut pass.statistics, job)?;
        let output = self.program.memory(&pass.input).read(self.output).to_vec();
        Array::new(self.shape.clone(), output)
    }

    fn backward(&mut self, parameters: &Parameters, pass: Pass, cotangent: &[f32], job: &Job) -> Result<Gradients> {
        let steps = self.forward..self.program.len();
        let mut memory = self.program.memory(&pass.input);
        let ([], [place]) = memory.open([], [self.cotangent])?;
        place.copy_from_slice(cotangent);
        let mut found = Parameters::new();
        self.program.run(steps, &pass.input, (parameters, pass.mode), &mut found, job)?;
        let memory = self.program.memory(&pass.input);
        let input = self.input_gradient.map(|value| memory.read(value).to_vec());
        let shape = |data: Vec<f32>| Array::new(self.input.clone(), data);
        Ok(Gradients { input: input.map(shape).transpose()?, parameters: found, statistics: pass.statistics })
    }
}
