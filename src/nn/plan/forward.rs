//! Units into forward steps, for inference and for training.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::compile::{Compiler, Form};
use super::fuse::Unit;
use super::memory::ValueId;
use crate::error::{Error, Result};
use crate::nn::cpu::lstm::Tape;
use crate::nn::layers::ParameterSpec;
use crate::nn::{Array, Graph, Layer, Node, NodeId, Parameters};

/// The compiler of a forward pass.
#[derive(Debug)]
pub(super) struct Forward<'a> {
    pub compiler: Compiler<'a>,
    /// Of inference: the parameters of the network, and those that steps read when they run.
    pub given: Option<&'a Parameters>,
    pub read: Parameters,
    /// Whether the gradient of a node's output is needed.
    pub flows: Vec<bool>,
    /// What a unit, by its head, keeps for its backward step besides its inputs and its output.
    pub kept: BTreeMap<NodeId, Vec<ValueId>>,
    /// The same of an LSTM's directions.
    pub tapes: BTreeMap<NodeId, Vec<Arc<Mutex<Tape>>>>,
}

impl<'a> Forward<'a> {
    /// For inference with these parameters.
    pub fn inference(compiler: Compiler<'a>, parameters: &'a Parameters) -> Self {
        let flows = vec![false; compiler.graph.nodes.len()];
        Self::new(compiler, Some(parameters), flows)
    }

    /// For training, with or without the gradient of the input.
    pub fn training(compiler: Compiler<'a>, wishes_input: bool) -> Self {
        let flows = flows(compiler.graph, wishes_input);
        Self::new(compiler, None, flows)
    }

    fn new(mut compiler: Compiler<'a>, given: Option<&'a Parameters>, flows: Vec<bool>) -> Self {
        let input = compiler.draft.lives.outside(compiler.length(0));
        compiler.set(0, Form::Plain, input);
        Self { compiler, given, read: Parameters::new(), flows, kept: BTreeMap::new(), tapes: BTreeMap::new() }
    }

    /// Writes the steps of one unit.
    pub fn unit(&mut self, unit: &Unit) -> Result<()> {
        let graph = self.compiler.graph;
        match &graph.nodes[unit.head].layer {
            Layer::Input { .. } => Ok(()),
            Layer::Convolution(layer) => self.convolution(unit, layer),
            Layer::BatchNorm(layer) => self.batch_norm(unit, layer),
            Layer::LayerNorm(layer) => self.layer_norm(unit, layer),
            Layer::Activation { function } => self.activation(unit, *function),
            Layer::Pool(layer) => self.pool(unit, layer),
            Layer::AdaptivePool(layer) => self.adaptive_pool(unit, layer),
            Layer::GlobalAverage => self.global_average(unit),
            Layer::SequenceMean => self.sequence_mean(unit),
            Layer::Add => self.addition(unit),
            Layer::Concatenate => self.concatenation(unit),
            Layer::Flatten => self.flattening(unit),
            Layer::Sequence => self.sequence(unit),
            Layer::Linear(layer) => self.linear(unit, layer),
            Layer::Dropout { p } => self.dropout(unit, *p),
            Layer::Lstm(layer) => self.lstm(unit, layer),
            Layer::Attention(layer) => self.attention(unit, layer),
        }
    }

    /// The only input of a unit.
    pub fn input(&self, unit: &Unit) -> Result<NodeId> {
        unit.inputs.first().copied().ok_or_else(|| Error::argument("graph", "has a layer without an input"))
    }

    pub fn node(&self, unit: &Unit) -> &'a Node {
        &self.compiler.graph.nodes[unit.head]
    }

    /// Whether the unit has a backward step.
    pub fn keeps(&self, unit: &Unit) -> bool {
        self.flows[unit.output]
    }

    /// A parameter of inference, whose shape is the layer's.
    pub fn parameter(&self, node: &Node, name: &str) -> Result<&'a Array> {
        let given = self.given.ok_or_else(|| Error::argument("parameters", "are not given"))?;
        let spec = node.layer.parameters().into_iter().find(|spec| spec.name == name);
        let full = node.parameter(name);
        let array = given.get(&full)?;
        fits(&full, spec.as_ref(), array)?;
        Ok(array)
    }

    /// An error unless the parameters of `node` are there and have their shapes.
    pub fn check_parameters(&self, node: &Node) -> Result<()> {
        node.layer.parameters().iter().try_for_each(|spec| self.parameter(node, spec.name).map(|_| ()))
    }

    /// Says that a step reads the parameters of `node` when it runs.
    pub fn reads(&mut self, node: &Node) -> Result<()> {
        if self.given.is_some() {
            for spec in node.layer.parameters() {
                let array = self.parameter(node, spec.name)?.clone();
                self.read.insert(node.parameter(spec.name), array);
            }
        }
        Ok(())
    }
}

/// An error unless an array has the shape of its parameter.
pub(super) fn fits(name: &str, spec: Option<&ParameterSpec>, array: &Array) -> Result<()> {
    match spec {
        Some(spec) if spec.shape != array.shape() => {
            let message = format!("have a tensor {name:?} of shape {:?}, not {:?}", array.shape(), spec.shape);
            Err(Error::argument("parameters", message))
        }
        _ => Ok(()),
    }
}

/// For each node whether it, or what leads to it, has a trainable parameter, or is the input if its gradient is wished.
fn flows(graph: &Graph, wishes_input: bool) -> Vec<bool> {
    let mut flows: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for (id, node) in graph.nodes.iter().enumerate() {
        let learns = !node.frozen && node.layer.parameters().iter().any(|spec| spec.learnt);
        flows.push(learns || (id == 0 && wishes_input) || node.inputs.iter().any(|&input| flows[input]));
    }
    flows
}
