//! `harkit.weights`: checkpoints as arrays that share the mapped file.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use numpy::ndarray::ArrayView1;
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::runtime::{OrRaise, detached};
use crate::error::{Error, ErrorKind};
use crate::weights::safetensors::Entry;
use crate::weights::{self, Dtype};

/// An open checkpoint. Arrays of its tensors keep it alive.
#[pyclass(module = "harkit._core", frozen)]
pub struct Checkpoint {
    checkpoint: weights::Checkpoint,
}

#[pymethods]
impl Checkpoint {
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.checkpoint.tensors().iter().map(weights::Tensor::name).collect()
    }

    #[getter]
    fn shapes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        self.checkpoint.tensors().iter().map(|tensor| PyTuple::new(py, tensor.shape())).collect()
    }

    #[getter]
    fn dtypes(&self) -> Vec<&'static str> {
        self.checkpoint.tensors().iter().map(|tensor| tensor.dtype().name()).collect()
    }

    #[getter]
    fn metadata(&self) -> BTreeMap<String, String> {
        self.checkpoint.metadata().clone()
    }

    /// The array of a tensor, read-only, or None; bfloat16, which NumPy lacks, as float32.
    fn tensor<'py>(slf: &Bound<'py, Self>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = slf.py();
        let Some(tensor) = slf.get().checkpoint.get(name) else { return Ok(None) };
        // Read-only before anyone sees them; what is derived from them is, and cannot be made otherwise.
        let readonly = PyDict::new(py);
        readonly.set_item("write", false)?;
        let flat = if tensor.dtype() == Dtype::BF16 {
            let values = PyArray1::from_vec(py, tensor.to_f32().into_owned()).into_any();
            values.call_method("setflags", (), Some(&readonly))?;
            values
        } else {
            let bytes = match tensor.bytes() {
                Cow::Borrowed(bytes) if bytes.as_ptr().addr().is_multiple_of(tensor.dtype().size()) => {
                    // SAFETY: the bytes belong to the file that `slf` holds and never changes; the array
                    // keeps `slf` alive, and is read-only from the next line on.
                    unsafe { PyArray1::borrow_from_array(&ArrayView1::from(bytes), slf.clone().into_any()) }
                }
                bytes => PyArray1::from_vec(py, bytes.into_owned()),
            };
            bytes.call_method("setflags", (), Some(&readonly))?;
            bytes.call_method1("view", (tensor.dtype().name(),))?
        };
        let array = flat.call_method1("reshape", (PyTuple::new(py, tensor.shape())?,))?;
        Ok(Some(array))
    }
}

#[pyfunction]
pub fn read_checkpoint(
    py: Python<'_>,
    path: PathBuf,
    key: Option<String>,
    rename: Option<HashMap<String, String>>,
) -> PyResult<Checkpoint> {
    let checkpoint = detached(py, |_| {
        let checkpoint = weights::read(&path, key.as_deref())?;
        match &rename {
            Some(names) => checkpoint.renamed(names).map_err(|error| error.path(&path)),
            None => Ok(checkpoint),
        }
    })?;
    Ok(Checkpoint { checkpoint })
}

#[pyfunction]
pub fn write_safetensors(
    py: Python<'_>,
    path: PathBuf,
    tensors: Vec<(String, String, Vec<usize>, PyReadonlyArray1<'_, u8>)>,
    metadata: BTreeMap<String, String>,
) -> PyResult<()> {
    let entries = tensors.iter().map(|(name, dtype, shape, bytes)| {
        let dtype = Dtype::named(dtype).ok_or_else(|| {
            Error::new(ErrorKind::Type, format!("tensor `{name}` is of type {dtype}, which is not written"))
        });
        let bytes = bytes.as_slice().map_err(|error| Error::new(ErrorKind::Internal, error.to_string()));
        Ok(Entry { name, dtype: dtype?, shape, bytes: bytes?.into() })
    });
    let entries = entries.collect::<crate::error::Result<Vec<_>>>().or_raise(py)?;
    detached(py, |_| weights::write_safetensors(&path, &entries, &metadata))
}
