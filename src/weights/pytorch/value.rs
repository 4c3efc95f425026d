//! What a pickle holds: values, containers that may be shared, and tensors that are not yet looked up.

use std::rc::Rc;

use super::globals::Global;
use crate::weights::Dtype;

/// A value. Text and bytes are parts of the pickle, containers are places in [`Pickled::nodes`].
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Bytes that a pickle of protocol 2 writes as text.
    Encoded(Rc<[u8]>),
    Node(usize),
    Global(Global),
    /// A place in [`Pickled::storages`], and what its elements are said to be.
    Storage(usize, Option<Dtype>),
    /// A place in [`Pickled::tensors`].
    Tensor(usize),
    /// NumPy's code of an element, as `f8`.
    NumpyDtype(&'a str),
    /// Something harmless that has no meaning here (a device).
    Other,
}

/// A container. A list and a set are sequences like a tuple.
#[derive(Clone, Debug)]
pub(super) enum Node<'a> {
    Sequence(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
}

/// A stretch of memory that tensors share.
#[derive(Clone, Debug)]
pub(super) struct Storage<'a> {
    pub(super) key: &'a str,
    pub(super) bytes: usize,
    /// Bytes of an element, for files that count elements.
    pub(super) element: usize,
}

/// A tensor as the pickle describes it.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) storage: usize,
    pub(super) dtype: Dtype,
    /// In elements.
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// A whole pickle.
#[derive(Debug)]
pub(super) struct Pickled<'a> {
    pub(super) root: Value<'a>,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) tensors: Vec<Described>,
    /// Bytes that the pickle took.
    pub(super) length: usize,
}

impl<'a> Pickled<'a> {
    pub(super) fn dict(&self, value: &Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match value {
            Value::Node(place) => match self.nodes.get(*place) {
                Some(Node::Dict(entries)) => Some(entries),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn sequence(&self, value: &Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Node(place) => match self.nodes.get(*place) {
                Some(Node::Sequence(items)) => Some(items),
                _ => None,
            },
            _ => None,
        }
    }
}
