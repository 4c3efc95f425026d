//! Values by name: weights, biases and running statistics.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// A float32 array, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Array {
    /// Wraps `data`, which must hold as many values as `shape` says.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self> {
        if shape.iter().product::<usize>() == data.len() {
            Ok(Self { shape, data })
        } else {
            Err(Error::argument("data", format!("has {} values where {shape:?} needs another number", data.len())))
        }
    }

    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] }
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn data(&self) -> &[f32] {
        &self.data
    }

    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    pub fn into_data(self) -> Vec<f32> {
        self.data
    }
}

/// The arrays of a network, by full name (`layer1.0.conv1.weight`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameters {
    arrays: BTreeMap<String, Array>,
}

impl Parameters {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn insert(&mut self, name: impl Into<String>, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    pub fn remove(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// The array of a name, or the error that names it.
    pub fn get(&self, name: &str) -> Result<&Array> {
        self.arrays.get(name).ok_or_else(|| missing(name))
    }

    pub fn get_mut(&mut self, name: &str) -> Result<&mut Array> {
        self.arrays.get_mut(name).ok_or_else(|| missing(name))
    }

    /// By name, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }
}

impl IntoIterator for Parameters {
    type Item = (String, Array);
    type IntoIter = std::collections::btree_map::IntoIter<String, Array>;

    fn into_iter(self) -> Self::IntoIter {
        self.arrays.into_iter()
    }
}

fn missing(name: &str) -> Error {
    Error::argument("parameters", format!("have no tensor {name:?}"))
}
