//! Sums, and activations that no other step does.

use crate::error::{Error, ErrorKind, Result};
use crate::nn::cpu::elementwise::{self, Function};
use crate::nn::cpu::{Activation, MapShape, rows};
use crate::nn::layers;
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};

/// `activation(sum of all inputs)`.
#[derive(Debug)]
pub(in crate::nn::plan) struct Sum {
    pub inputs: Vec<ValueId>,
    pub activation: Activation,
    pub output: ValueId,
}

impl Step for Sum {
    fn values(&self) -> Vec<ValueId> {
        [&self.inputs[..], &[self.output]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (inputs, mut outputs) = run.memory.open_all(&self.inputs, &[self.output])?;
        outputs.iter_mut().try_for_each(|output| elementwise::add(&inputs, self.activation, output))
    }
}

/// `sum += value`.
#[derive(Debug)]
pub(in crate::nn::plan) struct AddTo {
    pub value: ValueId,
    pub sum: ValueId,
}

impl Step for AddTo {
    fn values(&self) -> Vec<ValueId> {
        vec![self.value, self.sum]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([value], [sum]) = run.memory.open([self.value], [self.sum])?;
        elementwise::accumulate(sum, value)
    }
}

/// The gradient before an activation that a kernel did, from its output.
#[derive(Debug)]
pub(in crate::nn::plan) struct Gate {
    pub activation: Activation,
    pub output: ValueId,
    pub gradient: ValueId,
    pub gated: ValueId,
}

impl Step for Gate {
    fn values(&self) -> Vec<ValueId> {
        vec![self.output, self.gradient, self.gated]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([output, gradient], [gated]) = run.memory.open([self.output, self.gradient], [self.gated])?;
        elementwise::gate(self.activation, output, gradient, gated)
    }
}

/// A function of each value.
#[derive(Debug)]
struct Apply {
    function: Function,
    /// Of a map whose padding lanes the function would fill.
    clear: Option<MapShape>,
    input: ValueId,
    output: ValueId,
}

impl Step for Apply {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        elementwise::forward(self.function, input, output)?;
        self.clear.as_ref().map_or(Ok(()), |shape| elementwise::clear_padding(output, shape))
    }
}

/// The gradient of its input.
#[derive(Debug)]
struct ApplyBack {
    function: Function,
    /// The output or the input, as the function's gradient needs it.
    kept: ValueId,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for ApplyBack {
    fn values(&self) -> Vec<ValueId> {
        vec![self.kept, self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let reads = [self.kept, self.gradient];
        let ([kept, gradient], [input_gradient]) = run.memory.open(reads, [self.input_gradient])?;
        elementwise::backward(self.function, kept, gradient, input_gradient)
    }
}

/// Softmax of each row.
#[derive(Debug)]
struct Softmax {
    columns: usize,
    input: ValueId,
    output: ValueId,
}

impl Step for Softmax {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        rows::softmax(input, self.columns, output)
    }
}

/// The gradient of its input.
#[derive(Debug)]
struct SoftmaxBack {
    columns: usize,
    output: ValueId,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for SoftmaxBack {
    fn values(&self) -> Vec<ValueId> {
        vec![self.output, self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([output, gradient], [to]) = run.memory.open([self.output, self.gradient], [self.input_gradient])?;
        rows::softmax_backward(output, gradient, self.columns, to)
    }
}

/// The kernels' name of a function; none for softmax, which is not of one value.
fn function(layer: layers::Activation) -> Option<Function> {
    Some(match layer {
        layers::Activation::Relu => Function::Relu,
        layers::Activation::Relu6 => Function::Relu6,
        layers::Activation::Gelu => Function::Gelu,
        layers::Activation::GeluTanh => Function::GeluTanh,
        layers::Activation::Silu => Function::Silu,
        layers::Activation::Sigmoid => Function::Sigmoid,
        layers::Activation::Tanh => Function::Tanh,
        layers::Activation::Softmax => return None,
    })
}

impl Forward<'_> {
    pub fn addition(&mut self, unit: &Unit) -> Result<()> {
        let inputs = unit.inputs.iter().map(|&input| self.compiler.usual(input)).collect::<Result<_>>()?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(Sum { inputs, activation: unit.activation, output });
        Ok(())
    }

    pub fn activation(&mut self, unit: &Unit, layer: layers::Activation) -> Result<()> {
        let Some(function) = function(layer) else { return self.softmax(unit) };
        let input = self.compiler.usual(self.input(unit)?)?;
        let output = self.compiler.define(unit.output);
        let fills = function == Function::Sigmoid && self.compiler.is_map(unit.output);
        let clear = fills.then(|| self.compiler.map(unit.output));
        self.compiler.draft.push(Apply { function, clear, input, output });
        Ok(())
    }

    fn softmax(&mut self, unit: &Unit) -> Result<()> {
        if self.compiler.is_map(unit.head) {
            let message = format!("layer {:?}: softmax over a map is not implemented", self.node(unit).name);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let from = self.input(unit)?;
        let columns = self.compiler.shapes[from].last().copied().unwrap_or(1);
        let input = self.compiler.value(from, Form::Plain)?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(Softmax { columns, input, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn addition(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let form = self.compiler.usual_form(unit.output);
        let gradient = self.gated(unit, gradient, form)?;
        unit.inputs.iter().for_each(|&input| self.contribute(input, gradient, form));
        Ok(())
    }

    pub fn activation(&mut self, unit: &Unit, layer: layers::Activation, gradient: ValueId) -> Result<()> {
        let Some(function) = function(layer) else { return self.softmax(unit, gradient) };
        let from = self.input(unit)?;
        let form = self.compiler.usual_form(unit.output);
        let kept = self.left(if function.keeps_output() { unit.output } else { from }, form)?;
        let input_gradient = self.place(from, form);
        self.compiler.draft.push(ApplyBack { function, kept, gradient, input_gradient });
        self.contribute(from, input_gradient, form);
        Ok(())
    }

    fn softmax(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let columns = self.compiler.shapes[from].last().copied().unwrap_or(1);
        let output = self.left(unit.output, Form::Plain)?;
        let input_gradient = self.place(from, Form::Plain);
        self.compiler.draft.push(SoftmaxBack { columns, output, gradient, input_gradient });
        self.contribute(from, input_gradient, Form::Plain);
        Ok(())
    }
}
