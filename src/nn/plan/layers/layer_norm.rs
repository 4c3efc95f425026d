//! Layer norm.

use crate::error::Result;
use crate::nn::cpu::rows;
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Parameters, layers};

/// The names of a layer's parameters, and what is added to variances.
#[derive(Clone, Debug)]
struct Norm {
    weight: String,
    bias: String,
    eps: f64,
}

impl Norm {
    fn of<'a>(&self, parameters: &'a Parameters) -> Result<rows::LayerNorm<'a>> {
        let get = |name: &str| parameters.get(name).map(Array::data);
        Ok(rows::LayerNorm { weight: get(&self.weight)?, bias: get(&self.bias)?, eps: self.eps })
    }
}

#[derive(Debug)]
struct NormaliseRows {
    norm: Norm,
    input: ValueId,
    output: ValueId,
}

impl Step for NormaliseRows {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let norm = self.norm.of(run.parameters)?;
        let ([input], [output]) = run.memory.open([self.input], [self.output])?;
        rows::layer_norm(input, &norm, output)
    }
}

/// All its gradients.
#[derive(Debug)]
struct NormaliseRowsBack {
    norm: Norm,
    learns: bool,
    input: ValueId,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for NormaliseRowsBack {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let norm = self.norm.of(run.parameters)?;
        let [mut weight, mut bias] = [0, 1].map(|_| Array::zeros(&[norm.weight.len()]));
        let ([input, gradient], [to]) = run.memory.open([self.input, self.gradient], [self.input_gradient])?;
        rows::layer_norm_backward(input, &norm, gradient, to, [weight.data_mut(), bias.data_mut()])?;
        if self.learns {
            run.found.insert(&self.norm.weight, weight);
            run.found.insert(&self.norm.bias, bias);
        }
        Ok(())
    }
}

impl Forward<'_> {
    pub fn layer_norm(&mut self, unit: &Unit, layer: &layers::LayerNorm) -> Result<()> {
        let node = self.node(unit);
        self.reads(node)?;
        let norm = Norm { weight: node.parameter("weight"), bias: node.parameter("bias"), eps: layer.eps };
        let input = self.compiler.value(self.input(unit)?, Form::Plain)?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(NormaliseRows { norm, input, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn layer_norm(&mut self, unit: &Unit, layer: &layers::LayerNorm, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let node = self.node(unit);
        let norm = Norm { weight: node.parameter("weight"), bias: node.parameter("bias"), eps: layer.eps };
        let (learns, input) = (self.learns(unit), self.left(from, Form::Plain)?);
        let input_gradient = self.place(from, Form::Plain);
        self.compiler.draft.push(NormaliseRowsBack { norm, learns, input, gradient, input_gradient });
        self.contribute(from, input_gradient, Form::Plain);
        Ok(())
    }
}
