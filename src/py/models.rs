//! `harkit.models`: a name and options in, the graph as JSON out, and what is asked of a graph without values.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::runtime::OrRaise;
use crate::error::{Error, ErrorKind};
use crate::models::{self, Options, Value};
use crate::nn::{Graph, eager};

/// All architectures: name, family, shape of one item.
#[pyfunction]
pub fn list_architectures() -> Vec<(&'static str, &'static str, Vec<usize>)> {
    models::ARCHITECTURES.iter().map(|known| (known.name, known.family.name(), known.input.to_vec())).collect()
}

/// The graph of an architecture as JSON, which `Network.from_json` takes.
#[pyfunction]
pub fn build_architecture(py: Python<'_>, name: &str, options: &Bound<'_, PyDict>) -> PyResult<String> {
    let mut given = Vec::with_capacity(options.len());
    for (key, option) in options.iter() {
        let key: String = key.extract()?;
        let option = value(&key, &option)?;
        given.push((key, option));
    }
    models::create(name, Options::new(given)).and_then(|graph| graph.to_json()).or_raise(py)
}

fn value(name: &str, object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(flag) = object.extract() {
        return Ok(Value::Flag(flag));
    }
    if let Ok(count) = object.extract() {
        return Ok(Value::Count(count));
    }
    if let Ok(number) = object.extract() {
        return Ok(Value::Number(number));
    }
    if let Ok(text) = object.extract() {
        return Ok(Value::Text(text));
    }
    let message = format!("`{name}` must be a number, a text or a boolean, got {}", object.get_type().name()?);
    Err(Error::new(ErrorKind::Type, message)).or_raise(object.py())
}

/// Names, shapes, whether they are learnt, and whether training changes them, of the parameters of a graph.
#[pyfunction]
#[allow(clippy::type_complexity, reason = "a list of plain tuples is what Python gets, as of `Network.parameters`")]
pub fn architecture_parameters(py: Python<'_>, architecture: &str) -> PyResult<Vec<(String, Vec<usize>, bool, bool)>> {
    let graph = Graph::from_json(architecture).or_raise(py)?;
    let parameters = graph.parameters().into_iter();
    Ok(parameters.map(|p| (p.name, p.spec.shape, p.spec.learnt, p.trainable)).collect())
}

/// Raises where a device is not there, or is none.
#[pyfunction]
pub fn check_device(py: Python<'_>, device: &str) -> PyResult<()> {
    eager::device(device).map(drop).or_raise(py)
}
