//! Layers that only move values, and what brings a value from one layout into the other.

use crate::error::Result;
use crate::nn::cpu::{MapShape, layout};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};

/// From PyTorch's order into blocks.
#[derive(Debug)]
pub(in crate::nn::plan) struct Block {
    pub shape: MapShape,
    pub input: ValueId,
    pub output: ValueId,
}

impl Step for Block {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        layout::to_blocked(input, &self.shape, output)
    }
}

/// From blocks into PyTorch's order.
#[derive(Debug)]
pub(in crate::nn::plan) struct Unblock {
    pub shape: MapShape,
    pub input: ValueId,
    pub output: ValueId,
}

impl Step for Unblock {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        layout::to_planar(input, &self.shape, output)
    }
}

/// A map's positions into steps of a sequence.
#[derive(Debug)]
struct ToSequence {
    shape: MapShape,
    input: ValueId,
    output: ValueId,
}

impl Step for ToSequence {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        layout::to_sequence(input, &self.shape, output)
    }
}

/// The way back.
#[derive(Debug)]
struct FromSequence {
    shape: MapShape,
    input: ValueId,
    output: ValueId,
}

impl Step for FromSequence {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        layout::from_sequence(input, &self.shape, output)
    }
}

/// Maps one after another along the channels.
#[derive(Debug)]
struct Join {
    channels: Vec<usize>,
    shape: MapShape,
    inputs: Vec<ValueId>,
    output: ValueId,
}

impl Step for Join {
    fn values(&self) -> Vec<ValueId> {
        [&self.inputs[..], &[self.output]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (inputs, mut outputs) = run.memory.open_all(&self.inputs, &[self.output])?;
        outputs.iter_mut().try_for_each(|output| layout::concatenate(&inputs, &self.channels, &self.shape, output))
    }
}

/// A map into maps of some of its channels each.
#[derive(Debug)]
struct Part {
    channels: Vec<usize>,
    shape: MapShape,
    input: ValueId,
    outputs: Vec<ValueId>,
}

impl Step for Part {
    fn values(&self) -> Vec<ValueId> {
        [&[self.input], &self.outputs[..]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (inputs, mut outputs) = run.memory.open_all(&[self.input], &self.outputs)?;
        inputs.iter().try_for_each(|input| layout::split(input, &self.shape, &self.channels, &mut outputs))
    }
}

/// The same for values in PyTorch's order: rows one after another, of as many values each.
#[derive(Debug)]
struct JoinRows {
    rows: usize,
    inputs: Vec<ValueId>,
    output: ValueId,
}

impl Step for JoinRows {
    fn values(&self) -> Vec<ValueId> {
        [&self.inputs[..], &[self.output]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (inputs, outputs) = run.memory.open_all(&self.inputs, &[self.output])?;
        for output in outputs {
            let each = output.len() / self.rows.max(1);
            for (row, output) in output.chunks_exact_mut(each.max(1)).enumerate() {
                let mut rest = output;
                for input in &inputs {
                    let length = input.len() / self.rows;
                    let (part, behind) = rest.split_at_mut(length);
                    part.copy_from_slice(&input[row * length..(row + 1) * length]);
                    rest = behind;
                }
            }
        }
        Ok(())
    }
}

/// And back.
#[derive(Debug)]
struct PartRows {
    rows: usize,
    input: ValueId,
    outputs: Vec<ValueId>,
}

impl Step for PartRows {
    fn values(&self) -> Vec<ValueId> {
        [&[self.input], &self.outputs[..]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (inputs, mut outputs) = run.memory.open_all(&[self.input], &self.outputs)?;
        for input in inputs {
            let each = input.len() / self.rows.max(1);
            for (row, input) in input.chunks_exact(each.max(1)).enumerate() {
                let mut rest = input;
                for output in &mut outputs {
                    let length = output.len() / self.rows;
                    let (part, behind) = rest.split_at(length);
                    output[row * length..(row + 1) * length].copy_from_slice(part);
                    rest = behind;
                }
            }
        }
        Ok(())
    }
}

impl Forward<'_> {
    pub fn concatenation(&mut self, unit: &Unit) -> Result<()> {
        let inputs = unit.inputs.iter().map(|&input| self.compiler.usual(input)).collect::<Result<Vec<_>>>()?;
        let output = self.compiler.define(unit.output);
        if self.compiler.is_map(unit.output) {
            let channels = unit.inputs.iter().map(|&input| self.compiler.map(input).channels).collect();
            self.compiler.draft.push(Join { channels, shape: self.compiler.map(unit.output), inputs, output });
        } else {
            self.compiler.draft.push(JoinRows { rows: self.compiler.shapes[unit.output][0], inputs, output });
        }
        Ok(())
    }

    /// A flattened map is the map in PyTorch's order.
    pub fn flattening(&mut self, unit: &Unit) -> Result<()> {
        let value = self.compiler.value(self.input(unit)?, Form::Plain)?;
        self.compiler.set(unit.output, Form::Plain, value);
        Ok(())
    }

    pub fn sequence(&mut self, unit: &Unit) -> Result<()> {
        let node = self.input(unit)?;
        let input = self.compiler.value(node, Form::Blocked)?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(ToSequence { shape: self.compiler.map(node), input, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn concatenation(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let form = self.compiler.usual_form(unit.output);
        let outputs: Vec<ValueId> = unit.inputs.iter().map(|&input| self.place(input, form)).collect();
        let step_outputs = outputs.clone();
        if form == Form::Blocked {
            let channels = unit.inputs.iter().map(|&input| self.compiler.map(input).channels).collect();
            let shape = self.compiler.map(unit.output);
            self.compiler.draft.push(Part { channels, shape, input: gradient, outputs: step_outputs });
        } else {
            let rows = self.compiler.shapes[unit.output][0];
            self.compiler.draft.push(PartRows { rows, input: gradient, outputs: step_outputs });
        }
        for (&input, output) in unit.inputs.iter().zip(outputs) {
            self.contribute(input, output, form);
        }
        Ok(())
    }

    pub fn flattening(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        self.contribute(self.input(unit)?, gradient, Form::Plain);
        Ok(())
    }

    pub fn sequence(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let node = self.input(unit)?;
        let output = self.place(node, Form::Blocked);
        self.compiler.draft.push(FromSequence { shape: self.compiler.map(node), input: gradient, output });
        self.contribute(node, output, Form::Blocked);
        Ok(())
    }
}
