//! Pooling over windows and into bins, and means over positions and steps.

use crate::error::Result;
use crate::nn::NodeId;
use crate::nn::cpu::pool::{self, Bins};
use crate::nn::cpu::{MapShape, rows};
use crate::nn::layers::{self, PoolKind};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::{Compiler, Form};
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};

/// The maximum or the mean of each bin.
#[derive(Debug)]
struct Gather {
    of: PoolKind,
    bins: Bins,
    input: ValueId,
    output: ValueId,
}

impl Step for Gather {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        match self.of {
            PoolKind::Max => pool::maximum(input, &self.bins, output),
            PoolKind::Average { .. } => pool::average(input, &self.bins, output),
        }
    }
}

/// The gradient of its input.
#[derive(Debug)]
struct Scatter {
    bins: Bins,
    /// Of a maximum, which is looked for again.
    input: Option<ValueId>,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for Scatter {
    fn values(&self) -> Vec<ValueId> {
        [self.gradient, self.input_gradient].into_iter().chain(self.input).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let reads = [self.input.unwrap_or(self.gradient), self.gradient];
        let ([input, gradient], [input_gradient]) = run.memory.open(reads, [self.input_gradient])?;
        match self.input {
            Some(_) => pool::maximum_backward(input, &self.bins, gradient, input_gradient),
            None => pool::average_backward(&self.bins, gradient, input_gradient),
        }
    }
}

/// The mean of each channel.
#[derive(Debug)]
struct Mean {
    shape: MapShape,
    input: ValueId,
    output: ValueId,
}

impl Step for Mean {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        pool::global_average(input, &self.shape, output)
    }
}

/// The gradient of its input.
#[derive(Debug)]
struct Spread {
    shape: MapShape,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for Spread {
    fn values(&self) -> Vec<ValueId> {
        vec![self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([gradient], [input_gradient]) = run.memory.open([self.gradient], [self.input_gradient])?;
        pool::global_average_backward(gradient, &self.shape, input_gradient)
    }
}

/// The mean over the steps of sequences, forward; the gradient spread over them, backward.
#[derive(Debug)]
struct OverSteps {
    steps: usize,
    size: usize,
    backward: bool,
    input: ValueId,
    output: ValueId,
}

impl Step for OverSteps {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        if self.backward {
            rows::sequence_mean_backward(input, self.steps, self.size, output)
        } else {
            rows::sequence_mean(input, self.steps, self.size, output)
        }
    }
}

/// The bins of a pool over a window.
fn sliding(compiler: &Compiler, unit: &Unit, from: NodeId, layer: &layers::Pool) -> Result<Bins> {
    let (input, output) = (compiler.map(from), compiler.map(unit.output));
    let window = layer.sliding.window(&compiler.shapes[from][2..]);
    match layer.of {
        PoolKind::Max => Bins::sliding(&input, &window, &output),
        PoolKind::Average { count_padding } => Bins::averaging(&input, &window, &output, count_padding),
    }
}

impl Forward<'_> {
    pub fn pool(&mut self, unit: &Unit, layer: &layers::Pool) -> Result<()> {
        let bins = sliding(&self.compiler, unit, self.input(unit)?, layer)?;
        self.gather(unit, layer.of, bins)
    }

    pub fn adaptive_pool(&mut self, unit: &Unit, layer: &layers::AdaptivePool) -> Result<()> {
        let bins = Bins::adaptive(&self.compiler.map(self.input(unit)?), &self.compiler.map(unit.output))?;
        self.gather(unit, layer.of, bins)
    }

    fn gather(&mut self, unit: &Unit, of: PoolKind, bins: Bins) -> Result<()> {
        let input = self.compiler.value(self.input(unit)?, Form::Blocked)?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(Gather { of, bins, input, output });
        Ok(())
    }

    pub fn global_average(&mut self, unit: &Unit) -> Result<()> {
        let from = self.input(unit)?;
        let input = self.compiler.value(from, Form::Blocked)?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(Mean { shape: self.compiler.map(from), input, output });
        Ok(())
    }

    pub fn sequence_mean(&mut self, unit: &Unit) -> Result<()> {
        let from = self.input(unit)?;
        let input = self.compiler.value(from, Form::Plain)?;
        let (steps, size) = (self.compiler.shapes[from][1], self.compiler.shapes[from][2]);
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(OverSteps { steps, size, backward: false, input, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn pool(&mut self, unit: &Unit, layer: &layers::Pool, gradient: ValueId) -> Result<()> {
        let bins = sliding(&self.compiler, unit, self.input(unit)?, layer)?;
        self.scatter(unit, layer.of, bins, gradient)
    }

    pub fn adaptive_pool(&mut self, unit: &Unit, layer: &layers::AdaptivePool, gradient: ValueId) -> Result<()> {
        let bins = Bins::adaptive(&self.compiler.map(self.input(unit)?), &self.compiler.map(unit.output))?;
        self.scatter(unit, layer.of, bins, gradient)
    }

    fn scatter(&mut self, unit: &Unit, of: PoolKind, bins: Bins, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let input = if of == PoolKind::Max { Some(self.left(from, Form::Blocked)?) } else { None };
        let input_gradient = self.place(from, Form::Blocked);
        self.compiler.draft.push(Scatter { bins, input, gradient, input_gradient });
        self.contribute(from, input_gradient, Form::Blocked);
        Ok(())
    }

    pub fn global_average(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let input_gradient = self.place(from, Form::Blocked);
        self.compiler.draft.push(Spread { shape: self.compiler.map(from), gradient, input_gradient });
        self.contribute(from, input_gradient, Form::Blocked);
        Ok(())
    }

    pub fn sequence_mean(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let output = self.place(from, Form::Plain);
        let (steps, size) = (self.compiler.shapes[from][1], self.compiler.shapes[from][2]);
        self.compiler.draft.push(OverSteps { steps, size, backward: true, input: gradient, output });
        self.contribute(from, output, Form::Plain);
        Ok(())
    }
}
