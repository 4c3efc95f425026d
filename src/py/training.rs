//! `harkit.training`: option objects to losses and optimisers, logits in, gradients out.

use numpy::{IntoPyArray, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::runtime::{OrRaise, detached, to_python};
use crate::error::{Error, ErrorKind, Result};
use crate::training::{self, Convention, CrossEntropy, Rule};

/// The loss that an option object stands for.
fn criterion(object: &Bound<'_, PyAny>) -> PyResult<CrossEntropy> {
    let smoothing = read(object, "label_smoothing", "a number")?;
    CrossEntropy::new(smoothing, read(object, "class_weights", "a sequence of numbers or None")?).or_raise(object.py())
}

/// The rule that an option object stands for.
fn rule(object: &Bound<'_, PyAny>) -> PyResult<Rule> {
    let py = object.py();
    let number = |attribute| read::<f64>(object, attribute, "a number");
    let name = object.get_type().name()?;
    match name.to_str()? {
        "SGD" => {
            let nesterov = read(object, "nesterov", "True or False")?;
            Ok(Rule::Sgd { momentum: number("momentum")?, weight_decay: number("weight_decay")?, nesterov })
        }
        name @ ("Adam" | "AdamW") => {
            let convention: String = read(object, "convention", "a string")?;
            let convention = if convention == "keras" { Convention::Keras } else { Convention::PyTorch };
            let betas = read(object, "betas", "two numbers")?;
            let (eps, weight_decay) = (number("eps")?, number("weight_decay")?);
            Ok(Rule::Adam { betas, eps, weight_decay, decoupled: name == "AdamW", convention })
        }
        name => {
            let message = format!("`optimizer` must be an option object of harkit.training (Adam(), …), got {name}");
            Err(Error::new(ErrorKind::Type, message)).or_raise(py)
        }
    }
}

/// The value of an attribute, or the error that says what is wanted.
fn read<'py, T: for<'a> FromPyObject<'a, 'py>>(
    object: &Bound<'py, PyAny>,
    attribute: &str,
    wanted: &str,
) -> PyResult<T> {
    let value = object.getattr(attribute)?;
    value.extract().map_err(|_| {
        let message = format!("`{attribute}` must be {wanted}, got {value:?}");
        to_python(object.py(), &Error::new(ErrorKind::Type, message))
    })
}

/// Labels as positions; a negative one is refused by name.
fn positions(labels: &[i64]) -> Result<Vec<usize>> {
    let position = |&label: &i64| {
        usize::try_from(label).map_err(|_| Error::argument("labels", format!("must not be negative, got {label}")))
    };
    labels.iter().map(position).collect()
}

/// Raises unless the option object is a valid loss.
#[pyfunction]
pub fn check_cross_entropy(options: &Bound<'_, PyAny>) -> PyResult<()> {
    criterion(options).map(drop)
}

/// The loss of logits, and its gradient.
#[pyfunction]
pub fn cross_entropy<'py>(
    py: Python<'py>,
    options: &Bound<'py, PyAny>,
    logits: PyReadonlyArray2<'py, f32>,
    labels: PyReadonlyArray1<'py, i64>,
) -> PyResult<(f64, Bound<'py, PyArray2<f32>>)> {
    let criterion = criterion(options)?;
    let (rows, classes) = (logits.shape()[0], logits.shape()[1]);
    let values = logits.as_slice()?;
    let labels = positions(labels.as_slice()?).or_raise(py)?;
    let loss = detached(py, |_| criterion.evaluate(values, &labels, classes))?;
    Ok((loss.value, loss.gradient.into_pyarray(py).reshape([rows, classes])?))
}

/// What changes parameters, and what it remembers of earlier steps.
#[pyclass(module = "harkit._core", frozen)]
pub struct Optimiser {
    inner: std::sync::Mutex<training::Optimiser>,
}

#[pymethods]
impl Optimiser {
    #[new]
    fn new(options: &Bound<'_, PyAny>) -> PyResult<Self> {
        let lr: f64 = read(options, "lr", "a number")?;
        training::check_rate(lr).or_raise(options.py())?;
        let inner = training::Optimiser::new(rule(options)?).or_raise(options.py())?;
        Ok(Self { inner: std::sync::Mutex::new(inner) })
    }
}
