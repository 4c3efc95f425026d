//! Which nodes are computed together: a convolution with the norm that is folded into it, the residual that is added
//! to it, and its activation.
//!
//! A node joins the one before it where no one else sees what lies between. Nodes that no wanted node needs are left
//! out; dropout in evaluation, and what only gives a vector another shape, stand for what they are given.

use super::Purpose;
use crate::nn::cpu::Activation;
use crate::nn::{Graph, Layer, NodeId, layers};

/// Nodes that are computed together.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unit {
    /// The node that does the work.
    pub head: NodeId,
    /// What it takes, without the residual.
    pub inputs: Vec<NodeId>,
    /// The batch norm behind it, folded into its weights.
    pub norm: Option<NodeId>,
    /// What is added before the activation.
    pub residual: Option<NodeId>,
    pub activation: Activation,
    /// The last of its nodes, whose output it gives.
    pub output: NodeId,
}

/// What is needed of a graph, in the order in which it is computed.
#[derive(Clone, Debug)]
pub(super) struct Units {
    pub units: Vec<Unit>,
    /// The node whose value stands for that of each node.
    pub roots: Vec<NodeId>,
}

/// Groups the nodes that `wanted` ones need.
pub(super) fn units(graph: &Graph, shapes: &[Vec<usize>], wanted: &[NodeId], purpose: Purpose) -> Units {
    let fuser = Fuser::new(graph, shapes, wanted, purpose);
    let mut units = fuser.units();
    units.sort_by_key(|unit| unit.output);
    Units { units, roots: fuser.roots }
}

struct Fuser<'a> {
    graph: &'a Graph,
    shapes: &'a [Vec<usize>],
    purpose: Purpose,
    needed: Vec<bool>,
    roots: Vec<NodeId>,
    /// By root: the nodes that take it (twice where they take it twice), and whether it is wanted.
    users: Vec<Vec<NodeId>>,
    wanted: Vec<bool>,
}

impl<'a> Fuser<'a> {
    fn new(graph: &'a Graph, shapes: &'a [Vec<usize>], wanted: &[NodeId], purpose: Purpose) -> Self {
        let count = graph.nodes.len();
        let mut needed = vec![false; count];
        for &node in wanted {
            needed[node] = true;
        }
        for (id, node) in graph.nodes.iter().enumerate().rev() {
            if needed[id] {
                node.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        let mut roots: Vec<NodeId> = Vec::with_capacity(count);
        for (id, node) in graph.nodes.iter().enumerate() {
            let stands = match (&node.layer, node.inputs.first()) {
                (Layer::Dropout { p }, Some(&input)) if purpose == Purpose::Inference || *p == 0.0 => Some(input),
                (Layer::Flatten, Some(&input)) if shapes[input].len() < 4 => Some(input),
                _ => None,
            };
            roots.push(stands.map_or(id, |input| roots[input]));
        }
        let mut users = vec![Vec::new(); count];
        for (id, node) in graph.nodes.iter().enumerate().filter(|&(id, _)| needed[id] && roots[id] == id) {
            node.inputs.iter().for_each(|&input| users[roots[input]].push(id));
        }
        let mut is_wanted = vec![false; count];
        for &node in wanted {
            is_wanted[roots[node]] = true;
        }
        Self { graph, shapes, purpose, needed, roots, users, wanted: is_wanted }
    }

    fn units(&self) -> Vec<Unit> {
        let mut taken = vec![false; self.graph.nodes.len()];
        let mut units = Vec::new();
        for (id, node) in self.graph.nodes.iter().enumerate() {
            if !self.needed[id] || self.roots[id] != id || taken[id] || matches!(node.layer, Layer::Input { .. }) {
                continue;
            }
            let unit = self.unit(id, &mut taken);
            units.push(unit);
        }
        units
    }

    /// The unit that begins with `head`, as long as it gets.
    fn unit(&self, head: NodeId, taken: &mut [bool]) -> Unit {
        let node = &self.graph.nodes[head];
        let inputs = node.inputs.iter().map(|&input| self.roots[input]).collect();
        let mut unit = Unit { head, inputs, norm: None, residual: None, activation: Activation::None, output: head };
        taken[head] = true;
        let (folds, adds) = match &node.layer {
            Layer::Convolution(_) => (self.purpose == Purpose::Inference, true),
            Layer::Linear(_) => (self.purpose == Purpose::Inference, false),
            Layer::BatchNorm(_) => (false, true),
            Layer::Add => (false, false),
            _ => return unit,
        };
        if folds
            && let Some(next) = self.next(unit.output)
            && self.folds(next)
        {
            (unit.norm, unit.output) = (Some(next), next);
            taken[next] = true;
        }
        if adds
            && let Some(next) = self.next(unit.output)
            && let Some(other) = self.other(next, unit.output)
            && !taken[next]
        {
            (unit.residual, unit.output) = (Some(other), next);
            taken[next] = true;
        }
        if let Some(next) = self.next(unit.output)
            && let Some(activation) = fused(&self.graph.nodes[next].layer)
        {
            (unit.activation, unit.output) = (activation, next);
            taken[next] = true;
        }
        unit
    }

    /// The only user of a node that no one else wants to see.
    fn next(&self, node: NodeId) -> Option<NodeId> {
        match self.users[node][..] {
            [user] if !self.wanted[node] => Some(user),
            _ => None,
        }
    }

    /// Whether a node is a norm over the channels of what comes before, which those of a sequence are not.
    fn folds(&self, norm: NodeId) -> bool {
        matches!(self.graph.nodes[norm].layer, Layer::BatchNorm(_)) && self.shapes[norm].len() != 3
    }

    /// What an addition of two adds to `node`, if it is there by then.
    fn other(&self, addition: NodeId, node: NodeId) -> Option<NodeId> {
        let addition = &self.graph.nodes[addition];
        let [first, second] = addition.inputs[..] else { return None };
        let (first, second) = (self.roots[first], self.roots[second]);
        let other = if first == node { second } else { first };
        (matches!(addition.layer, Layer::Add) && other < node).then_some(other)
    }
}

/// The function that an activation layer is, if kernels fuse it.
fn fused(layer: &Layer) -> Option<Activation> {
    match layer {
        Layer::Activation { function: layers::Activation::Relu } => Some(Activation::Relu),
        Layer::Activation { function: layers::Activation::Relu6 } => Some(Activation::Relu6),
        _ => None,
    }
}
