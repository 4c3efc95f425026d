//! Inference: a program for inputs of one shape, with its weights packed.

use super::Purpose;
use super::compile::{Compiler, Form};
use super::forward::Forward;
use super::memory::ValueId;
use super::step::Program;
use crate::error::{Error, Result};
use crate::nn::{Array, Graph, Mode, NodeId, Parameters};
use crate::parallel::{self, Job};

/// A network that is compiled for inputs of one shape.
#[derive(Debug)]
pub struct Plan {
    program: Program,
    /// Those that are not packed into the steps.
    parameters: Parameters,
    input: Vec<usize>,
    wanted: Vec<NodeId>,
    /// Shape and value of each output, in PyTorch's order.
    outputs: Vec<(Vec<usize>, ValueId)>,
}

impl Plan {
    /// Compiles what `wanted` nodes need, for inputs of shape `input`, with these parameters.
    pub fn new(graph: &Graph, parameters: &Parameters, input: &[usize], wanted: &[NodeId]) -> Result<Self> {
        let (compiler, units) = Compiler::new(graph, input, wanted, Purpose::Inference)?;
        let mut forward = Forward::inference(compiler, parameters);
        for unit in &units {
            forward.unit(unit)?;
        }
        let mut outputs = Vec::with_capacity(wanted.len());
        for &node in wanted {
            let value = forward.compiler.value(forward.compiler.root(node), Form::Plain)?;
            forward.compiler.draft.lives.keep(value);
            outputs.push((forward.compiler.shapes[node].clone(), value));
        }
        let program = forward.compiler.draft.finish();
        Ok(Self { program, parameters: forward.read, input: input.to_vec(), wanted: wanted.to_vec(), outputs })
    }

    /// The wanted outputs for an input of the plan's shape, in PyTorch's order.
    pub fn run(&mut self, input: &[f32], job: &Job) -> Result<Vec<Array>> {
        check_values("input", input, &self.input)?;
        let steps = 0..self.program.len();
        self.program.run(steps, input, (&self.parameters, Mode::Evaluation), &mut Parameters::new(), job)?;
        let memory = self.program.memory(input);
        self.outputs.iter().map(|(shape, value)| Array::new(shape.clone(), copied(memory.read(*value))?)).collect()
    }

    /// Whether it was made for this shape and these nodes.
    pub(super) fn fits(&self, input: &[usize], wanted: &[NodeId]) -> bool {
        self.input == input && self.wanted == wanted
    }

    #[cfg(test)]
    pub(super) fn poison(&mut self) {
        self.program.poison();
    }

    #[cfg(test)]
    pub(super) fn n_steps(&self) -> usize {
        self.program.len()
    }

    #[cfg(test)]
    pub(super) fn arena_length(&self) -> usize {
        self.program.arena_length()
    }
}

/// A copy that all threads make: it takes as long as reading and writing does.
fn copied(values: &[f32]) -> Result<Vec<f32>> {
    const PIECE: usize = 1 << 16;
    let mut copy = vec![0.0; values.len()];
    parallel::for_each_piece(&mut copy, PIECE, |i, piece| piece.copy_from_slice(&values[i * PIECE..][..piece.len()]))?;
    Ok(copy)
}

/// An error unless there are as many values as a shape has.
pub(super) fn check_values(name: &'static str, values: &[f32], shape: &[usize]) -> Result<()> {
    if values.len() == shape.iter().product::<usize>() {
        return Ok(());
    }
    Err(Error::argument(name, format!("has {} values where the shape {shape:?} needs another number", values.len())))
}
