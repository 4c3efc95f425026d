//! NumPy's arrays as batches and parameters of networks, and back.

use candle_core::{DType, Device, Tensor};
use numpy::{IntoPyArray, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Array, Graph};
use crate::py::runtime::{OrRaise, to_python};

/// A batch from Python, row after row.
pub(super) struct Batch {
    name: &'static str,
    pub(super) shape: Vec<usize>,
    data: Data,
}

enum Data {
    Single(Vec<f32>),
    Double(Vec<f64>),
}

impl Batch {
    pub(super) fn read(name: &'static str, array: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(array) = array.cast::<PyArrayDyn<f32>>() {
            return Ok(Self { name, shape: array.shape().to_vec(), data: Data::Single(plain(array)?) });
        }
        if let Ok(array) = array.cast::<PyArrayDyn<f64>>() {
            return Ok(Self { name, shape: array.shape().to_vec(), data: Data::Double(plain(array)?) });
        }
        Err(wrong_type(array, name))
    }

    pub(super) fn dtype(&self) -> DType {
        match self.data {
            Data::Single(_) => DType::F32,
            Data::Double(_) => DType::F64,
        }
    }

    /// Whether the graph takes this shape, and all values are finite.
    pub(super) fn check(&self, graph: &Graph) -> Result<()> {
        if self.shape.first().is_none_or(|&items| items == 0) {
            return Err(Error::argument(self.name, format!("must hold at least one item, got shape {:?}", self.shape)));
        }
        graph.shapes(&self.shape)?;
        self.check_finite()
    }

    pub(super) fn check_finite(&self) -> Result<()> {
        let bad = match &self.data {
            Data::Single(values) => first(values, |value| !value.is_finite()),
            Data::Double(values) => first(values, |value| !value.is_finite()),
        };
        let Some(position) = bad else { return Ok(()) };
        let each: usize = self.shape.iter().skip(1).product();
        let message = format!("must be finite, got NaN or infinity in item {}", position / each.max(1));
        Err(Error::argument(self.name, message))
    }

    /// The values of a batch of float32, as the plan executor takes them.
    pub(super) fn single(&self) -> Result<&[f32]> {
        match &self.data {
            Data::Single(values) => Ok(values),
            Data::Double(_) => {
                let message = format!("`{}` must be float32 for executor \"plan\", got float64", self.name);
                Err(Error::new(ErrorKind::Type, message))
            }
        }
    }

    pub(super) fn tensor(&self, device: &Device) -> Result<Tensor> {
        Ok(match &self.data {
            Data::Single(values) => Tensor::from_slice(values, &self.shape[..], device)?,
            Data::Double(values) => Tensor::from_slice(values, &self.shape[..], device)?,
        })
    }
}

/// The place of the first value that is `bad`. Blocks without one are looked through with vector instructions.
fn first<T: Copy>(values: &[T], bad: impl Fn(T) -> bool) -> Option<usize> {
    const BLOCK: usize = 4096;
    let block = values.chunks(BLOCK).position(|block| block.iter().fold(false, |any, &value| any | bad(value)))?;
    values[block * BLOCK..].iter().position(|&value| bad(value)).map(|place| block * BLOCK + place)
}

/// Values for Python.
pub(super) struct Values {
    shape: Vec<usize>,
    data: Data,
}

impl Values {
    pub(super) fn of(tensor: &Tensor) -> Result<Self> {
        let flat = tensor.flatten_all()?;
        let data = match tensor.dtype() {
            DType::F64 => Data::Double(flat.to_vec1()?),
            _ => Data::Single(flat.to_vec1()?),
        };
        Ok(Self { shape: tensor.dims().to_vec(), data })
    }

    pub(super) fn of_array(array: Array) -> Self {
        let shape = array.shape().to_vec();
        Self { shape, data: Data::Single(array.into_data()) }
    }

    pub(super) fn into_numpy(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(match self.data {
            Data::Single(values) => to_numpy(py, values, &self.shape)?.into_any(),
            Data::Double(values) => to_numpy(py, values, &self.shape)?.into_any(),
        })
    }
}

pub(super) fn to_numpy<'py, T: numpy::Element>(
    py: Python<'py>,
    values: Vec<T>,
    shape: &[usize],
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    values.into_pyarray(py).reshape(shape)
}

/// The values, row after row, whatever the strides.
fn plain<T: numpy::Element + Copy>(array: &Bound<'_, PyArrayDyn<T>>) -> PyResult<Vec<T>> {
    let array = array.try_readonly()?;
    Ok(match array.as_slice() {
        Ok(values) => values.to_vec(),
        Err(_) => array.as_array().iter().copied().collect(),
    })
}

fn wrong_type(array: &Bound<'_, PyAny>, name: &str) -> PyErr {
    let kind = array.getattr("dtype").map_or_else(|_| array.get_type().to_string(), |dtype| dtype.to_string());
    let message = format!("`{name}` must be a numpy array of float32 or float64, got {kind}");
    to_python(array.py(), &Error::new(ErrorKind::Type, message))
}

/// A parameter's new values.
pub(super) fn weights(value: &Bound<'_, PyAny>, name: &str, shape: &[usize]) -> PyResult<Array> {
    let batch = Batch::read("value", value)?;
    if batch.shape != shape {
        let message = format!("of {name:?} must have shape {shape:?}, got {:?}", batch.shape);
        return Err(to_python(value.py(), &Error::argument("value", message)));
    }
    let values = match batch.data {
        Data::Single(values) => values,
        Data::Double(values) => values.into_iter().map(|value| value as f32).collect(),
    };
    Array::new(batch.shape, values).or_raise(value.py())
}
