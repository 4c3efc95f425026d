//! Units into backward steps.
//!
//! A gradient has the layout of its value. A unit takes the gradient of its output and contributes to those of its
//! inputs: the first contribution is the gradient, further ones are added to it. A buffer that is the gradient of
//! several nodes, as behind an addition, is only written over by the last that holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::compile::{Compiler, Form};
use super::forward::Forward;
use super::fuse::Unit;
use super::layers::elementwise::{AddTo, Gate, Sum};
use super::memory::ValueId;
use super::training::no_gradient;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::cpu::Activation;
use crate::nn::cpu::lstm::Tape;
use crate::nn::{Layer, Node, NodeId};

/// The compiler of a backward pass.
#[derive(Debug)]
pub(super) struct Backward<'a> {
    pub compiler: Compiler<'a>,
    flows: Vec<bool>,
    kept: BTreeMap<NodeId, Vec<ValueId>>,
    pub tapes: BTreeMap<NodeId, Vec<Arc<Mutex<Tape>>>>,
    /// By node.
    gradients: BTreeMap<NodeId, ValueId>,
    /// How many nodes' gradient a buffer is.
    holders: BTreeMap<ValueId, usize>,
}

impl<'a> Backward<'a> {
    /// After the steps of the forward pass.
    pub fn new(forward: Forward<'a>) -> Self {
        let Forward { compiler, flows, kept, tapes, .. } = forward;
        Self { compiler, flows, kept, tapes, gradients: BTreeMap::new(), holders: BTreeMap::new() }
    }

    /// The place of the output's gradient, in PyTorch's order.
    pub fn begin(&mut self, end: NodeId) -> Result<ValueId> {
        let end = self.compiler.root(end);
        let cotangent = self.compiler.draft.lives.value(self.compiler.length(end));
        let step = self.compiler.draft.len();
        self.compiler.draft.lives.touch(cotangent, step);
        let gradient = self.compiler.reshaped(end, cotangent, Form::Plain, self.form(end));
        self.hold(end, gradient);
        Ok(cotangent)
    }

    /// Writes the steps of one unit.
    pub fn unit(&mut self, unit: &Unit) -> Result<()> {
        let Some(gradient) = self.gradients.remove(&unit.output) else { return Ok(()) };
        self.layer(unit, gradient)?;
        // The unit held it; whoever it was handed on to holds it as well.
        self.let_go(gradient);
        Ok(())
    }

    fn layer(&mut self, unit: &Unit, gradient: ValueId) -> Result<()> {
        let graph = self.compiler.graph;
        match &graph.nodes[unit.head].layer {
            Layer::Input { .. } => Ok(()),
            Layer::Convolution(layer) => self.convolution(unit, layer, gradient),
            Layer::BatchNorm(_) => self.batch_norm(unit, gradient),
            Layer::LayerNorm(layer) => self.layer_norm(unit, layer, gradient),
            Layer::Activation { function } => self.activation(unit, *function, gradient),
            Layer::Pool(layer) => self.pool(unit, layer, gradient),
            Layer::AdaptivePool(layer) => self.adaptive_pool(unit, layer, gradient),
            Layer::GlobalAverage => self.global_average(unit, gradient),
            Layer::SequenceMean => self.sequence_mean(unit, gradient),
            Layer::Add => self.addition(unit, gradient),
            Layer::Concatenate => self.concatenation(unit, gradient),
            Layer::Flatten => self.flattening(unit, gradient),
            Layer::Sequence => self.sequence(unit, gradient),
            Layer::Linear(layer) => self.linear(unit, layer, gradient),
            Layer::Dropout { p } => self.dropout(unit, *p, gradient),
            Layer::Lstm(layer) => self.lstm(unit, layer, gradient),
            Layer::Attention(layer) => self.attention(unit, layer, gradient),
        }
    }

    /// The gradient of the input, in PyTorch's order; the program keeps it to its end.
    pub fn input_gradient(&mut self) -> Result<ValueId> {
        let gradient = self.gradients.remove(&0);
        let gradient = gradient.ok_or_else(|| no_gradient("input"))?;
        self.compiler.draft.lives.keep(gradient);
        Ok(gradient)
    }

    pub fn input(&self, unit: &Unit) -> Result<NodeId> {
        unit.inputs.first().copied().ok_or_else(|| Error::argument("graph", "has a layer without an input"))
    }

    pub fn node(&self, unit: &Unit) -> &'a Node {
        &self.compiler.graph.nodes[unit.head]
    }

    /// Whether the gradient of a node is needed.
    pub fn flows(&self, node: NodeId) -> bool {
        self.flows[node]
    }

    /// Whether a unit's head has parameters to learn.
    pub fn learns(&self, unit: &Unit) -> bool {
        let node = self.node(unit);
        !node.frozen && node.layer.parameters().iter().any(|spec| spec.learnt)
    }

    /// What the forward steps of a unit kept.
    pub fn kept(&self, unit: &Unit) -> &[ValueId] {
        self.kept.get(&unit.head).map_or(&[], |kept| kept)
    }

    /// The value of a node as the forward pass left it.
    pub fn left(&self, node: NodeId, form: Form) -> Result<ValueId> {
        let value = self.compiler.known(node, form);
        value.ok_or_else(|| Error::argument("graph", format!("has no value of layer {node} to go back through")))
    }

    fn hold(&mut self, node: NodeId, gradient: ValueId) {
        self.gradients.insert(node, gradient);
        *self.holders.entry(gradient).or_default() += 1;
    }

    fn let_go(&mut self, gradient: ValueId) {
        if let Some(holders) = self.holders.get_mut(&gradient) {
            *holders = holders.saturating_sub(1);
        }
    }

    /// Whether a gradient that a unit took may be written over.
    pub fn is_own(&self, gradient: ValueId) -> bool {
        self.holders.get(&gradient).is_none_or(|&holders| holders == 1)
    }

    /// A new buffer of as many values.
    pub fn like(&mut self, value: ValueId) -> ValueId {
        let length = self.compiler.draft.lives.length(value);
        self.compiler.draft.lives.value(length)
    }

    /// The gradient before the unit's activation.
    pub fn gated(&mut self, unit: &Unit, gradient: ValueId, form: Form) -> Result<ValueId> {
        if unit.activation == Activation::None {
            return Ok(gradient);
        }
        let output = self.left(unit.output, form)?;
        let gated = self.like(gradient);
        self.compiler.draft.push(Gate { activation: unit.activation, output, gradient, gated });
        Ok(gated)
    }

    /// The layout of the gradient of `node`: that of its value, of which the network's input is plain.
    pub fn form(&self, node: NodeId) -> Form {
        if node == 0 { Form::Plain } else { self.compiler.usual_form(node) }
    }

    /// A buffer for a contribution to the gradient of `node`.
    pub fn place(&mut self, node: NodeId, form: Form) -> ValueId {
        let length = self.compiler.values_in(node, form);
        self.compiler.draft.lives.value(length)
    }

    /// The gradient of `node` that a unit took, in another layout.
    pub fn brought(&mut self, node: NodeId, gradient: ValueId, form: Form) -> ValueId {
        self.compiler.reshaped(node, gradient, self.form(node), form)
    }

    /// Takes `value` as a contribution to the gradient of `node`.
    pub fn contribute(&mut self, node: NodeId, value: ValueId, form: Form) {
        if !self.flows[node] {
            return;
        }
        let value = self.compiler.reshaped(node, value, form, self.form(node));
        match self.gradients.remove(&node) {
            None => self.hold(node, value),
            Some(gradient) if self.is_own(gradient) => {
                self.compiler.draft.push(AddTo { value, sum: gradient });
                self.gradients.insert(node, gradient);
            }
            Some(gradient) if self.is_own(value) && value != gradient => {
                self.let_go(gradient);
                self.compiler.draft.push(AddTo { value: gradient, sum: value });
                self.hold(node, value);
            }
            Some(gradient) => {
                let sum = self.like(gradient);
                self.let_go(gradient);
                let inputs = vec![gradient, value];
                self.compiler.draft.push(Sum { inputs, activation: Activation::None, output: sum });
                self.hold(node, sum);
            }
        }
    }
}

/// The error of a unit whose forward step kept something else than its backward step reads.
pub(super) fn lost(node: &Node) -> Error {
    Error::new(ErrorKind::Internal, format!("plan: {} kept too little for its gradient", node.name))
}
