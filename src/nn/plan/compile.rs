//! What inference and training share when they turn units into steps: where the value of each node is, and in which
//! layout.

use std::collections::BTreeMap;

use super::Purpose;
use super::fuse::{Unit, units};
use super::layers::layout::{Block, Unblock};
use super::memory::ValueId;
use super::step::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::cpu::MapShape;
use crate::nn::{Graph, NodeId, Precision};

/// How a value lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    /// In blocks of sixteen channels.
    Blocked,
    /// In PyTorch's order: vectors, sequences, and the network's input.
    Plain,
}

/// A draft, and what is known of the graph that it is made from.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub graph: &'a Graph,
    pub shapes: Vec<Vec<usize>>,
    pub draft: Draft,
    /// The node whose value stands for that of each node.
    roots: Vec<NodeId>,
    values: BTreeMap<(NodeId, Form), ValueId>,
}

impl<'a> Compiler<'a> {
    /// The compiler, and the units that it is to turn into steps, in their order.
    pub fn new(graph: &'a Graph, input: &[usize], wanted: &[NodeId], purpose: Purpose) -> Result<(Self, Vec<Unit>)> {
        let shapes = graph.shapes(input)?;
        if graph.precision != Precision::Full {
            let message = "rounded products are not compiled for the processor: use `executor` \"eager\"";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        if let Some(node) = wanted.iter().find(|&&node| node >= shapes.len()) {
            return Err(Error::argument("stages", format!("have no layer {node}")));
        }
        let units = units(graph, &shapes, wanted, purpose);
        let compiler = Self { graph, shapes, draft: Draft::default(), roots: units.roots, values: BTreeMap::new() };
        Ok((compiler, units.units))
    }

    /// The node whose value stands for that of `node`.
    pub fn root(&self, node: NodeId) -> NodeId {
        self.roots[node]
    }

    /// Whether a node gives a map; otherwise a vector or a sequence.
    pub fn is_map(&self, node: NodeId) -> bool {
        self.shapes[node].len() > 3
    }

    /// The extents of a node's map. A vector's channels are its values; a sequence's are its steps, its values the
    /// columns.
    pub fn map(&self, node: NodeId) -> MapShape {
        map_shape(&self.shapes[node])
    }

    /// Values of a node in PyTorch's order.
    pub fn length(&self, node: NodeId) -> usize {
        self.shapes[node].iter().product()
    }

    /// The form in which steps exchange a node's value, and its gradient.
    pub fn usual_form(&self, node: NodeId) -> Form {
        if self.is_map(node) { Form::Blocked } else { Form::Plain }
    }

    /// Values of a node in this form.
    pub fn values_in(&self, node: NodeId, form: Form) -> usize {
        match form {
            Form::Blocked => self.map(node).len(),
            Form::Plain => self.length(node),
        }
    }

    /// A value for a node's output in the usual form, that the next step writes.
    pub fn define(&mut self, node: NodeId) -> ValueId {
        self.define_in(node, self.usual_form(node))
    }

    pub fn define_in(&mut self, node: NodeId, form: Form) -> ValueId {
        let value = self.draft.lives.value(self.values_in(node, form));
        self.set(node, form, value);
        value
    }

    /// Says that a value is a node's output.
    pub fn set(&mut self, node: NodeId, form: Form, value: ValueId) {
        self.values.insert((node, form), value);
    }

    /// The value of a node in this form, if there is one by now.
    pub fn known(&self, node: NodeId, form: Form) -> Option<ValueId> {
        self.values.get(&(node, form)).copied()
    }

    /// The value of a node in this form; a step brings it into it if need be.
    pub fn value(&mut self, node: NodeId, form: Form) -> Result<ValueId> {
        if let Some(value) = self.known(node, form) {
            return Ok(value);
        }
        let other = if form == Form::Blocked { Form::Plain } else { Form::Blocked };
        let known = self.known(node, other);
        let known =
            known.ok_or_else(|| Error::argument("graph", format!("uses layer {node} before it is computed")))?;
        let value = self.reshaped(node, known, other, form);
        self.set(node, form, value);
        Ok(value)
    }

    /// The value of a node in the usual form.
    pub fn usual(&mut self, node: NodeId) -> Result<ValueId> {
        self.value(node, self.usual_form(node))
    }

    /// A value of a node's extents in another form, by a step if need be.
    pub fn reshaped(&mut self, node: NodeId, input: ValueId, from: Form, to: Form) -> ValueId {
        if from == to {
            return input;
        }
        let output = self.draft.lives.value(self.values_in(node, to));
        let shape = self.map(node);
        match to {
            Form::Blocked => self.draft.push(Block { shape, input, output }),
            Form::Plain => self.draft.push(Unblock { shape, input, output }),
        }
        output
    }
}

/// The extents of a map of this shape.
pub(super) fn map_shape(shape: &[usize]) -> MapShape {
    let of = |batch, channels, frames, height, width| MapShape { batch, channels, frames, height, width };
    match *shape {
        [n, c, t, h, w] => of(n, c, t, h, w),
        [n, c, h, w] => of(n, c, 1, h, w),
        [n, c, w] => of(n, c, 1, 1, w),
        [n, c] => of(n, c, 1, 1, 1),
        _ => of(shape.iter().product(), 1, 1, 1, 1),
    }
}
