//! Multi-head self-attention: a projection to queries, keys and values, the heads, and a projection back.

use crate::error::Result;
use crate::nn::cpu::attention::{self, Sizes};
use crate::nn::cpu::{Activation, linear};
use crate::nn::layers::Attention;
use crate::nn::plan::backward::{Backward, lost};
use crate::nn::plan::compile::{Compiler, Form};
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Node};

/// The names of a layer's parameters: weights and biases of the projections, in and out.
#[derive(Clone, Debug)]
struct Names {
    inward: [String; 2],
    outward: [String; 2],
}

impl Names {
    fn new(node: &Node) -> Self {
        Self {
            inward: ["in_proj_weight", "in_proj_bias"].map(|name| node.parameter(name)),
            outward: ["out_proj.weight", "out_proj.bias"].map(|name| node.parameter(name)),
        }
    }
}

/// What lies between the projections: queries, keys and values side by side; the shares; the mixture of values.
#[derive(Clone, Copy, Debug)]
struct Between {
    projected: ValueId,
    shares: ValueId,
    mixed: ValueId,
}

#[derive(Debug)]
struct Attend {
    names: Names,
    sizes: Sizes,
    input: ValueId,
    between: Between,
    output: ValueId,
}

/// The linear layers around the heads.
fn projections(sizes: &Sizes) -> [linear::Sizes; 2] {
    let rows = sizes.items * sizes.steps;
    [3 * sizes.size, sizes.size].map(|outputs| linear::Sizes { rows, inputs: sizes.size, outputs })
}

impl Step for Attend {
    fn values(&self) -> Vec<ValueId> {
        let Between { projected, shares, mixed } = self.between;
        vec![self.input, projected, shares, mixed, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let Between { projected, shares, mixed } = self.between;
        let [inward, outward] = projections(&self.sizes);
        let get = |name: &String| run.parameters.get(name).map(Array::data);
        let [weight, bias] = [get(&self.names.inward[0])?, get(&self.names.inward[1])?];
        {
            let ([input], [projected]) = run.memory.open([self.input], [projected])?;
            linear::forward(input, weight, Some(bias), Activation::None, inward, projected)?;
        }
        {
            let ([projected], [shares, mixed]) = run.memory.open([projected], [shares, mixed])?;
            attention::forward(projected, &self.sizes, shares, mixed)?;
        }
        let [weight, bias] = [get(&self.names.outward[0])?, get(&self.names.outward[1])?];
        let ([mixed], [output]) = run.memory.open([mixed], [self.output])?;
        linear::forward(mixed, weight, Some(bias), Activation::None, outward, output)
    }
}

#[derive(Debug)]
struct AttendBack {
    names: Names,
    sizes: Sizes,
    learns: bool,
    input: ValueId,
    between: Between,
    gradient: ValueId,
    /// Of what the heads give, and of what they take.
    mixed_gradient: ValueId,
    projected_gradient: ValueId,
    input_gradient: ValueId,
}

impl AttendBack {
    fn learn(&self, run: &mut Run, names: &[String; 2], sizes: linear::Sizes, values: [ValueId; 2]) -> Result<()> {
        if !self.learns {
            return Ok(());
        }
        let [input, gradient] = values.map(|value| run.memory.read(value));
        let mut weight = Array::zeros(&[sizes.outputs, sizes.inputs]);
        let mut bias = Array::zeros(&[sizes.outputs]);
        linear::backward_weight(input, gradient, sizes, weight.data_mut())?;
        linear::backward_bias(gradient, sizes.outputs, bias.data_mut())?;
        run.found.insert(&names[0], weight);
        run.found.insert(&names[1], bias);
        Ok(())
    }
}

impl Step for AttendBack {
    fn values(&self) -> Vec<ValueId> {
        let Between { projected, shares, mixed } = self.between;
        let gradients = [self.gradient, self.mixed_gradient, self.projected_gradient, self.input_gradient];
        [&[self.input, projected, shares, mixed], &gradients[..]].concat()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let Between { projected, shares, mixed } = self.between;
        let [inward, outward] = projections(&self.sizes);
        self.learn(run, &self.names.outward, outward, [mixed, self.gradient])?;
        {
            let weight = run.parameters.get(&self.names.outward[0])?.data();
            let ([gradient], [to]) = run.memory.open([self.gradient], [self.mixed_gradient])?;
            linear::backward_input(gradient, weight, outward, to)?;
        }
        {
            let reads = [projected, shares, self.mixed_gradient];
            let ([projected, shares, gradient], [to]) = run.memory.open(reads, [self.projected_gradient])?;
            attention::backward(projected, &self.sizes, shares, gradient, to)?;
        }
        self.learn(run, &self.names.inward, inward, [self.input, self.projected_gradient])?;
        let weight = run.parameters.get(&self.names.inward[0])?.data();
        let ([gradient], [to]) = run.memory.open([self.projected_gradient], [self.input_gradient])?;
        linear::backward_input(gradient, weight, inward, to)
    }
}

fn sizes(compiler: &Compiler, unit: &Unit, layer: &Attention) -> Sizes {
    let side = |axis: usize| compiler.shapes[unit.head].get(axis).copied().unwrap_or(0);
    Sizes { items: side(0), steps: side(1), size: layer.size, heads: layer.heads }
}

impl Forward<'_> {
    pub fn attention(&mut self, unit: &Unit, layer: &Attention) -> Result<()> {
        let node = self.node(unit);
        self.reads(node)?;
        let sizes = sizes(&self.compiler, unit, layer);
        let input = self.compiler.value(self.input(unit)?, Form::Plain)?;
        let length = self.compiler.length(unit.head);
        let value = |length| self.compiler.draft.lives.value(length);
        let [projected, shares, mixed] = [3 * length, sizes.shares(), length].map(value);
        self.kept.insert(unit.head, vec![projected, shares, mixed]);
        let output = self.compiler.define(unit.output);
        let between = Between { projected, shares, mixed };
        self.compiler.draft.push(Attend { names: Names::new(node), sizes, input, between, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn attention(&mut self, unit: &Unit, layer: &Attention, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let node = self.node(unit);
        let &[projected, shares, mixed] = self.kept(unit) else { return Err(lost(node)) };
        let [mixed_gradient, projected_gradient] = [mixed, projected].map(|value| self.like(value));
        let input_gradient = self.place(from, Form::Plain);
        let step = AttendBack {
            names: Names::new(node),
            sizes: sizes(&self.compiler, unit, layer),
            learns: self.learns(unit),
            input: self.left(from, Form::Plain)?,
            between: Between { projected, shares, mixed },
            gradient,
            mixed_gradient,
            projected_gradient,
            input_gradient,
        };
        self.compiler.draft.push(step);
        self.contribute(from, input_gradient, Form::Plain);
        Ok(())
    }
}
