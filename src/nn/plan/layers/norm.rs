//! Batch norm where it is not folded, with what follows it.

use crate::error::Result;
use crate::nn::cpu::{Activation, MapShape, norm};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Mode, Node, layers};

/// The names of a batch norm's parameters.
#[derive(Clone, Debug)]
struct Names {
    weight: String,
    bias: String,
    mean: String,
    variance: String,
    /// Whether running statistics are used in training too.
    frozen: bool,
}

impl Names {
    fn new(node: &Node) -> Self {
        let name = |name| node.parameter(name);
        Self {
            weight: name("weight"),
            bias: name("bias"),
            mean: name("running_mean"),
            variance: name("running_var"),
            frozen: node.frozen,
        }
    }

    fn sees_batch(&self, mode: Mode) -> bool {
        mode != Mode::Evaluation && !self.frozen
    }
}

/// `activation(norm(input) + residual)`.
#[derive(Debug)]
struct Normalise {
    names: Names,
    shape: MapShape,
    eps: f64,
    momentum: f64,
    activation: Activation,
    input: ValueId,
    residual: Option<ValueId>,
    output: ValueId,
    /// Mean and inverse deviation of each channel, for the backward pass.
    moments: Option<[ValueId; 2]>,
}

impl Normalise {
    fn moments(&self, run: &mut Run) -> Result<norm::Moments> {
        let (mean, variance) = (run.parameters.get(&self.names.mean)?, run.parameters.get(&self.names.variance)?);
        if !self.names.sees_batch(run.mode) {
            return norm::Moments::running(mean.data(), variance.data(), self.eps);
        }
        let (mut mean, mut variance) = (mean.clone(), variance.clone());
        let (data, momentum) = ((mean.data_mut(), variance.data_mut()), self.momentum);
        let running = norm::Running { mean: data.0, variance: data.1, momentum };
        let moments = norm::Moments::batch(run.memory.read(self.input), &self.shape, self.eps, Some(running))?;
        run.found.insert(&self.names.mean, mean);
        run.found.insert(&self.names.variance, variance);
        Ok(moments)
    }
}

impl Step for Normalise {
    fn values(&self) -> Vec<ValueId> {
        let moments = self.moments.into_iter().flatten();
        [self.input, self.output].into_iter().chain(self.residual).chain(moments).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let moments = self.moments(run)?;
        let weight = run.parameters.get(&self.names.weight)?.data();
        let affine = norm::Affine { weight, bias: run.parameters.get(&self.names.bias)?.data() };
        let ([input, residual], [output]) =
            run.memory.open([self.input, self.residual.unwrap_or(self.input)], [self.output])?;
        let residual = self.residual.map(|_| residual);
        norm::forward(input, &self.shape, &moments, &affine, residual, self.activation, output)?;
        if let Some(kept) = self.moments {
            let ([], [mean, inverse]) = run.memory.open([], kept)?;
            mean.copy_from_slice(&moments.mean);
            inverse.copy_from_slice(&moments.inverse);
        }
        Ok(())
    }
}

/// The gradients of a batch norm.
#[derive(Debug)]
struct NormaliseBack {
    names: Names,
    shape: MapShape,
    activation: Activation,
    input: ValueId,
    /// Where there is an activation.
    output: Option<ValueId>,
    moments: [ValueId; 2],
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for NormaliseBack {
    fn values(&self) -> Vec<ValueId> {
        let [mean, inverse] = self.moments;
        let values = [self.input, mean, inverse, self.gradient, self.input_gradient];
        values.into_iter().chain(self.output).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let weight = run.parameters.get(&self.names.weight)?.data();
        let [mean, inverse] = self.moments;
        let moments =
            norm::Moments { mean: run.memory.read(mean).to_vec(), inverse: run.memory.read(inverse).to_vec() };
        let reads = [self.input, self.output.unwrap_or(self.input), self.gradient];
        let ([input, output, gradient], [input_gradient]) = run.memory.open(reads, [self.input_gradient])?;
        let saved = norm::Saved { input, output, shape: self.shape, moments: &moments, activation: self.activation };
        if self.names.frozen {
            return norm::backward_frozen(&saved, gradient, weight, None, input_gradient);
        }
        let (mut of_weight, mut of_bias) = (Array::zeros(&[weight.len()]), Array::zeros(&[weight.len()]));
        let mut gradients = norm::Gradients { weight: of_weight.data_mut(), bias: of_bias.data_mut() };
        if self.names.sees_batch(run.mode) {
            norm::backward(&saved, gradient, weight, &mut gradients, input_gradient)?;
        } else {
            norm::backward_frozen(&saved, gradient, weight, Some(&mut gradients), input_gradient)?;
        }
        run.found.insert(&self.names.weight, of_weight);
        run.found.insert(&self.names.bias, of_bias);
        Ok(())
    }
}

impl Forward<'_> {
    pub fn batch_norm(&mut self, unit: &Unit, layer: &layers::BatchNorm) -> Result<()> {
        let node = self.node(unit);
        self.reads(node)?;
        let from = self.input(unit)?;
        let input = self.compiler.value(from, Form::Blocked)?;
        let residual = unit.residual.map(|residual| self.compiler.value(residual, Form::Blocked)).transpose()?;
        let output = self.compiler.define_in(unit.output, Form::Blocked);
        let moments = self.keeps(unit).then(|| [0, 1].map(|_| self.compiler.draft.lives.value(layer.channels)));
        if let Some(moments) = moments {
            self.kept.insert(unit.head, moments.to_vec());
        }
        self.compiler.draft.push(Normalise {
            names: Names::new(node),
            shape: self.compiler.map(from),
            eps: layer.eps,
            momentum: layer.momentum,
            activation: unit.activation,
            input,
            residual,
            output,
            moments,
        });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn batch_norm(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let mut gradient = self.brought(unit.output, gradient, Form::Blocked);
        let mut activation = unit.activation;
        if unit.residual.is_some() {
            gradient = self.gated(unit, gradient, Form::Blocked)?;
            activation = Activation::None;
        }
        if self.flows(unit.head) {
            let output = (activation != Activation::None).then(|| self.left(unit.output, Form::Blocked)).transpose()?;
            let input_gradient = self.place(from, Form::Blocked);
            let kept = self.kept(unit);
            let moments = kept.try_into().map_err(|_| crate::nn::plan::backward::lost(self.node(unit)))?;
            let step = NormaliseBack {
                names: Names::new(self.node(unit)),
                shape: self.compiler.map(from),
                activation,
                input: self.left(from, Form::Blocked)?,
                output,
                moments,
                gradient,
                input_gradient,
            };
            self.compiler.draft.push(step);
            self.contribute(from, input_gradient, Form::Blocked);
        }
        if let Some(residual) = unit.residual {
            self.contribute(residual, gradient, Form::Blocked);
        }
        Ok(())
    }
}
