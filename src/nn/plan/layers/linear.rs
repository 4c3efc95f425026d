//! Linear layers.

use super::fold::Affine;
use crate::error::{Error, Result};
use crate::nn::cpu::Activation;
use crate::nn::cpu::linear::{self, Sizes};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::{Compiler, Form};
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Layer, Node, layers};

/// The names of a layer's parameters.
#[derive(Clone, Debug)]
struct Names {
    weight: String,
    bias: Option<String>,
}

impl Names {
    fn new(node: &Node, bias: bool) -> Self {
        Self { weight: node.parameter("weight"), bias: bias.then(|| node.parameter("bias")) }
    }
}

/// `activation(input weight^T + bias)`.
#[derive(Debug)]
struct Multiply {
    names: Names,
    sizes: Sizes,
    activation: Activation,
    input: ValueId,
    output: ValueId,
}

impl Step for Multiply {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let weight = run.parameters.get(&self.names.weight)?.data();
        let bias = self.names.bias.as_ref().map(|name| run.parameters.get(name)).transpose()?;
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        linear::forward(input, weight, bias.map(Array::data), self.activation, self.sizes, output)
    }
}

/// The gradient of the input.
#[derive(Debug)]
struct MultiplyBack {
    weight: String,
    sizes: Sizes,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for MultiplyBack {
    fn values(&self) -> Vec<ValueId> {
        vec![self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let weight = run.parameters.get(&self.weight)?.data();
        let ([gradient], [input_gradient]) = run.memory.open([self.gradient], [self.input_gradient])?;
        linear::backward_input(gradient, weight, self.sizes, input_gradient)
    }
}

/// The gradients of weight and bias.
#[derive(Debug)]
struct MultiplyLearn {
    names: Names,
    sizes: Sizes,
    input: ValueId,
    gradient: ValueId,
}

impl Step for MultiplyLearn {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (input, gradient) = (run.memory.read(self.input), run.memory.read(self.gradient));
        let mut found = Array::zeros(&[self.sizes.outputs, self.sizes.inputs]);
        linear::backward_weight(input, gradient, self.sizes, found.data_mut())?;
        run.found.insert(&self.names.weight, found);
        if let Some(bias) = &self.names.bias {
            let mut found = Array::zeros(&[self.sizes.outputs]);
            linear::backward_bias(gradient, self.sizes.outputs, found.data_mut())?;
            run.found.insert(bias, found);
        }
        Ok(())
    }
}

fn sizes(compiler: &Compiler, unit: &Unit, layer: &layers::Linear) -> Sizes {
    let rows = compiler.length(unit.head) / layer.outputs.max(1);
    Sizes { rows, inputs: layer.inputs, outputs: layer.outputs }
}

impl Forward<'_> {
    pub fn linear(&mut self, unit: &Unit, layer: &layers::Linear) -> Result<()> {
        let node = self.node(unit);
        self.reads(node)?;
        let mut names = Names::new(node, layer.bias);
        if let Some(norm) = unit.norm {
            names.bias = Some(node.parameter("bias"));
            self.fold(node, layer.bias, &self.compiler.graph.nodes[norm])?;
        }
        let input = self.compiler.value(self.input(unit)?, Form::Plain)?;
        let output = self.compiler.define(unit.output);
        let sizes = sizes(&self.compiler, unit, layer);
        self.compiler.draft.push(Multiply { names, sizes, activation: unit.activation, input, output });
        Ok(())
    }

    /// Lets the step of `node` read parameters that its norm is folded into.
    fn fold(&mut self, node: &Node, bias: bool, norm: &Node) -> Result<()> {
        let (Layer::BatchNorm(layer), Some(given)) = (&norm.layer, self.given) else {
            return Err(Error::argument("graph", format!("has no batch norm at {:?}", norm.name)));
        };
        self.check_parameters(norm)?;
        let weight = self.parameter(node, "weight")?;
        let bias = if bias { Some(self.parameter(node, "bias")?.data()) } else { None };
        let (weights, biases) = Affine::new(norm, layer, given)?.folded(weight.data(), bias);
        self.read.insert(node.parameter("weight"), Array::new(weight.shape().to_vec(), weights)?);
        self.read.insert(node.parameter("bias"), Array::new(vec![biases.len()], biases)?);
        Ok(())
    }
}

impl Backward<'_> {
    pub fn linear(&mut self, unit: &Unit, layer: &layers::Linear, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let node = self.node(unit);
        let sizes = sizes(&self.compiler, unit, layer);
        let gradient = self.gated(unit, gradient, Form::Plain)?;
        if self.learns(unit) {
            let input = self.left(from, Form::Plain)?;
            let names = Names::new(node, layer.bias);
            self.compiler.draft.push(MultiplyLearn { names, sizes, input, gradient });
        }
        if self.flows(from) {
            let input_gradient = self.place(from, Form::Plain);
            let weight = node.parameter("weight");
            self.compiler.draft.push(MultiplyBack { weight, sizes, gradient, input_gradient });
            self.contribute(from, input_gradient, Form::Plain);
        }
        Ok(())
    }
}
