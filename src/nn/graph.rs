//! A network as data: named layers, what feeds what, stages that features are taken from, and what is frozen.
//!
//! Nodes stand in an order in which they can be computed; node 0 is the input, the last one the output. A parameter's
//! full name is its node's name, a dot, and its own (`layer1.0.conv1.weight`), as in the reference's checkpoint.

use serde::{Deserialize, Serialize};

use super::Precision;
use super::layers::{Activation, AdaptivePool, BatchNorm, Convolution, Layer, Linear, ParameterSpec, Pool};
use super::parameters::{Array, Parameters};
use crate::error::{Error, Result};

/// The position of a node in its graph.
pub type NodeId = usize;

/// A layer, its name, and whose outputs it takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    pub name: String,
    #[serde(flatten)]
    pub layer: Layer,
    /// In JSON `from`: some layers have an extent `inputs`.
    #[serde(rename = "from")]
    pub inputs: Vec<NodeId>,
    /// No gradients for its parameters; a batch norm also keeps its running statistics and uses them.
    #[serde(default)]
    pub frozen: bool,
}

impl Node {
    /// The full name of one of its parameters.
    pub fn parameter(&self, name: &str) -> String {
        format!("{}.{name}", self.name)
    }
}

/// A name for the output of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub name: String,
    pub node: NodeId,
}

/// A network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// The architecture's name.
    pub name: String,
    pub nodes: Vec<Node>,
    /// In the order of the nodes.
    pub stages: Vec<Stage>,
    /// The layer that gives logits, by name: what `replace_classifier` replaces.
    pub classifier: Option<String>,
    /// How its products are rounded; only the eager executor rounds.
    #[serde(default, skip_serializing_if = "Precision::is_full")]
    pub precision: Precision,
}

/// A parameter with its full name.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: String,
    pub spec: ParameterSpec,
    /// Whether training changes it by gradients.
    pub trainable: bool,
}

impl Graph {
    /// Reads the JSON that `to_json` wrote, and checks that it is a graph.
    pub fn from_json(text: &str) -> Result<Self> {
        let graph: Self = serde_json::from_str(text)
            .map_err(|error| Error::argument("architecture", format!("cannot be read: {error}")))?;
        graph.check()?;
        Ok(graph)
    }

    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::argument("architecture", format!("cannot be written: {error}")))
    }

    /// Whether nodes feed forward from one input, and names are told apart.
    pub fn check(&self) -> Result<()> {
        let refused = |message: String| Err(Error::argument("architecture", message));
        let mut names = std::collections::HashSet::new();
        for (id, node) in self.nodes.iter().enumerate() {
            let is_input = matches!(node.layer, Layer::Input { .. });
            if (id == 0) != is_input {
                return refused(format!("must begin with its one input, got {} as layer {id}", node.layer.kind()));
            }
            if is_input != node.inputs.is_empty() || node.inputs.iter().any(|&input| input >= id) {
                return refused(format!("has a layer {:?} that does not follow its inputs", node.name));
            }
            if !names.insert(node.name.as_str()) {
                return refused(format!("has two layers named {:?}", node.name));
            }
        }
        if self.nodes.is_empty() || self.stages.iter().any(|stage| stage.node >= self.nodes.len()) {
            return refused("has no layers, or a stage without one".to_owned());
        }
        if let Some(name) = &self.classifier
            && !names.contains(name.as_str())
        {
            return refused(format!("names {name:?} as its classifier, which it does not have"));
        }
        Ok(())
    }

    /// The node that gives the network's output.
    pub fn output(&self) -> NodeId {
        self.nodes.len() - 1
    }

    /// The node of a stage, or the error that lists the stages.
    pub fn stage(&self, name: &str) -> Result<NodeId> {
        let found = self.stages.iter().find(|stage| stage.name == name);
        found.map(|stage| stage.node).ok_or_else(|| {
            let names: Vec<&str> = self.stages.iter().map(|stage| stage.name.as_str()).collect();
            Error::argument("stage", format!("must be one of {}, got {name:?}", names.join(", ")))
        })
    }

    /// The shape of every node's output for an input of this shape (batch first); the error names the layer.
    pub fn shapes(&self, input: &[usize]) -> Result<Vec<Vec<usize>>> {
        let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let given: Vec<&[usize]> = if node.inputs.is_empty() {
                vec![input]
            } else {
                node.inputs.iter().map(|&i| &shapes[i][..]).collect()
            };
            let shape = node.layer.shape(&given).map_err(|error| {
                let message = format!(
                    "of shape {input:?} does not go through {} at {:?}: {}",
                    self.name,
                    node.name,
                    error.message()
                );
                Error::argument("input", message)
            })?;
            shapes.push(shape);
        }
        Ok(shapes)
    }

    /// All parameters, in the order of the nodes.
    pub fn parameters(&self) -> Vec<Parameter> {
        let of_node = |node: &Node| -> Vec<Parameter> {
            let specs = node.layer.parameters().into_iter();
            specs
                .map(|spec| Parameter { name: node.parameter(spec.name), trainable: spec.learnt && !node.frozen, spec })
                .collect()
        };
        self.nodes.iter().flat_map(of_node).collect()
    }

    /// Values that training can learn; running statistics are not counted.
    pub fn n_parameters(&self) -> usize {
        let learnt = self.parameters().into_iter().filter(|parameter| parameter.spec.learnt);
        learnt.map(|parameter| parameter.spec.shape.iter().product::<usize>()).sum()
    }

    /// Initial values.
    pub fn initialised(&self, seed: u64) -> Parameters {
        let mut parameters = Parameters::new();
        for parameter in self.parameters() {
            let shape = &parameter.spec.shape;
            let values = parameter.spec.init.draw(seed, &parameter.name, shape);
            let mut array = Array::zeros(shape);
            array.data_mut().copy_from_slice(&values);
            parameters.insert(parameter.name, array);
        }
        parameters
    }

    /// Freezes everything up to the node of a stage; `None` thaws everything.
    pub fn freeze(&mut self, until: Option<NodeId>) {
        for (id, node) in self.nodes.iter_mut().enumerate() {
            node.frozen = until.is_some_and(|until| id <= until);
        }
    }

    /// Freezes all batch norms, and nothing else that is not frozen.
    pub fn freeze_norms(&mut self) {
        for node in &mut self.nodes {
            node.frozen |= matches!(node.layer, Layer::BatchNorm(_));
        }
    }

    /// Gives the classifier another number of classes; returns its name. It is thawed: its values are new.
    pub fn replace_classifier(&mut self, classes: usize) -> Result<String> {
        let refused = || Error::argument("n_classes", format!("cannot be set: {} has no classifier", self.name));
        let name = self.classifier.clone().ok_or_else(refused)?;
        if classes == 0 {
            return Err(Error::argument("n_classes", "must be positive, got 0"));
        }
        for node in self.nodes.iter_mut().filter(|node| node.name == name) {
            node.frozen = false;
            match &mut node.layer {
                Layer::Linear(layer) => layer.outputs = classes,
                Layer::Convolution(layer) => layer.out_channels = classes,
                layer => {
                    let message = format!("cannot be set: the classifier is a {}", layer.kind());
                    return Err(Error::argument("n_classes", message));
                }
            }
        }
        Ok(name)
    }
}

/// Builds a graph, a layer at a time. Methods take the node that feeds the new one, and return the new one.
#[derive(Debug)]
pub struct Builder {
    graph: Graph,
    channels: Vec<usize>,
}

impl Builder {
    /// A network whose input is one item of this shape, 0 for an extent that is free; the first extent is the
    /// channels of a map.
    pub fn new(name: &str, input: &[usize]) -> Self {
        let node = Node {
            name: "input".to_owned(),
            layer: Layer::Input { shape: input.to_vec() },
            inputs: vec![],
            frozen: false,
        };
        let graph = Graph {
            name: name.to_owned(),
            nodes: vec![node],
            stages: vec![],
            classifier: None,
            precision: Precision::Full,
        };
        Self { graph, channels: vec![input.first().copied().unwrap_or(0)] }
    }

    /// The input's node.
    pub fn input(&self) -> NodeId {
        0
    }

    /// Channels of a node's output; of sequences and vectors, their size where it is known.
    pub fn channels(&self, node: NodeId) -> usize {
        self.channels[node]
    }

    /// Adds any layer.
    pub fn layer(&mut self, name: &str, layer: Layer, inputs: &[NodeId]) -> NodeId {
        let first = inputs.first().map_or(0, |&input| self.channels[input]);
        let channels = match &layer {
            Layer::Convolution(layer) => layer.out_channels,
            Layer::Linear(layer) => layer.outputs,
            Layer::Lstm(layer) => layer.units * (1 + usize::from(layer.bidirectional)),
            Layer::Concatenate => inputs.iter().map(|&input| self.channels[input]).sum(),
            _ => first,
        };
        self.channels.push(channels);
        self.graph.nodes.push(Node { name: name.to_owned(), layer, inputs: inputs.to_vec(), frozen: false });
        self.graph.nodes.len() - 1
    }

    pub fn convolution(&mut self, name: &str, input: NodeId, layer: Convolution) -> NodeId {
        self.layer(name, Layer::Convolution(layer), &[input])
    }

    pub fn batch_norm(&mut self, name: &str, input: NodeId, eps: f64) -> NodeId {
        let channels = self.channels[input];
        self.layer(name, Layer::BatchNorm(BatchNorm { eps, ..BatchNorm::new(channels) }), &[input])
    }

    pub fn activation(&mut self, name: &str, input: NodeId, function: Activation) -> NodeId {
        self.layer(name, Layer::Activation { function }, &[input])
    }

    pub fn pool(&mut self, name: &str, input: NodeId, layer: Pool) -> NodeId {
        self.layer(name, Layer::Pool(layer), &[input])
    }

    pub fn adaptive_pool(&mut self, name: &str, input: NodeId, layer: AdaptivePool) -> NodeId {
        self.layer(name, Layer::AdaptivePool(layer), &[input])
    }

    pub fn global_average(&mut self, name: &str, input: NodeId) -> NodeId {
        self.layer(name, Layer::GlobalAverage, &[input])
    }

    pub fn linear(&mut self, name: &str, input: NodeId, layer: Linear) -> NodeId {
        self.layer(name, Layer::Linear(layer), &[input])
    }

    pub fn dropout(&mut self, name: &str, input: NodeId, p: f64) -> NodeId {
        self.layer(name, Layer::Dropout { p }, &[input])
    }

    pub fn add(&mut self, name: &str, inputs: &[NodeId]) -> NodeId {
        self.layer(name, Layer::Add, inputs)
    }

    pub fn concatenate(&mut self, name: &str, inputs: &[NodeId]) -> NodeId {
        self.layer(name, Layer::Concatenate, inputs)
    }

    /// Names a node's output as a stage.
    pub fn stage(&mut self, name: &str, node: NodeId) {
        self.graph.stages.push(Stage { name: name.to_owned(), node });
    }

    /// The graph, whose last node gives the output; `classifier` is the layer that gives logits.
    pub fn finish(mut self, classifier: Option<&str>) -> Result<Graph> {
        self.graph.classifier = classifier.map(str::to_owned);
        self.graph.stages.sort_by_key(|stage| stage.node);
        self.graph.check()?;
        Ok(self.graph)
    }
}
