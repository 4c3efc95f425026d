//! `harkit.training`: option objects to losses and optimisers, logits in, gradients out.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{
    IntoPyArray, PyArray2, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArrayDyn,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use super::nn::Network;
use super::runtime::{OrRaise, detached, to_python};
use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Array, Parameters};
use crate::training::{self, Batch, Convention, CrossEntropy, LossScale, Rule};

/// The loss that an option object stands for.
fn loss_of(object: &Bound<'_, PyAny>) -> PyResult<CrossEntropy> {
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
    loss_of(options).map(drop)
}

/// The loss of logits, and its gradient.
#[pyfunction]
pub fn cross_entropy<'py>(
    py: Python<'py>,
    options: &Bound<'py, PyAny>,
    logits: PyReadonlyArray2<'py, f32>,
    labels: PyReadonlyArray1<'py, i64>,
) -> PyResult<(f64, Bound<'py, PyArray2<f32>>)> {
    let criterion = loss_of(options)?;
    let (rows, classes) = (logits.shape()[0], logits.shape()[1]);
    let values = logits.as_slice()?;
    let labels = positions(labels.as_slice()?).or_raise(py)?;
    let loss = detached(py, |_| criterion.evaluate(values, &labels, classes))?;
    Ok((loss.value, loss.gradient.into_pyarray(py).reshape([rows, classes])?))
}

/// What changes parameters, and what it remembers of earlier steps.
///
/// Parameters
/// ----------
/// options : SGD, Adam or AdamW
///     Of `harkit.training`.
#[pyclass(frozen, module = "harkit._core")]
pub struct Optimiser {
    inner: Mutex<training::Optimiser>,
    scale: Mutex<LossScale>,
}

#[pymethods]
impl Optimiser {
    #[new]
    fn new(options: &Bound<'_, PyAny>) -> PyResult<Self> {
        let inner = training::Optimiser::new(rule(options)?).or_raise(options.py())?;
        training::check_rate(read(options, "lr", "a number")?).or_raise(options.py())?;
        Ok(Self { inner: Mutex::new(inner), scale: Mutex::default() })
    }

    /// Change a network's parameters by gradients.
    ///
    /// Parameters
    /// ----------
    /// network : Network
    ///     Whose parameters change.
    /// gradients : dict[str, ndarray]
    ///     By name, float32; what is not named stays.
    /// lr : float
    ///     The learning rate.
    /// max_norm : float, optional
    ///     The gradients are scaled down to this norm of them all.
    ///
    /// Returns
    /// -------
    /// float or None
    ///     The norm that the gradients had, where there is a largest.
    #[pyo3(signature = (network, gradients, *, lr, max_norm=None))]
    fn step(
        &self,
        py: Python<'_>,
        network: &Network,
        gradients: BTreeMap<String, PyReadonlyArrayDyn<'_, f32>>,
        lr: f64,
        max_norm: Option<f64>,
    ) -> PyResult<Option<f64>> {
        let mut given = Parameters::new();
        for (name, gradient) in &gradients {
            let array = Array::new(gradient.shape().to_vec(), gradient.as_slice()?.to_vec()).or_raise(py)?;
            given.insert(name.clone(), array);
        }
        let _turn = network.turn(py);
        detached(py, |job| {
            let norm = max_norm.map(|most| training::clip_norm(&mut given, most, job)).transpose()?;
            network.change(|_, parameters| self.inner().step(parameters, &given, lr, job))?;
            Ok(norm)
        })
    }

    /// What the loss of a network whose products are float16 is multiplied with; overflows halve it, two thousand
    /// steps without double it.
    #[getter]
    fn loss_scale(&self) -> f64 {
        self.loss_scale_now().factor()
    }

    /// Train a network on one batch.
    ///
    /// Parameters
    /// ----------
    /// network : Network
    ///     Whose parameters and running statistics change.
    /// x : ndarray
    ///     A batch, float32.
    /// labels : ndarray
    ///     A class for each item, int64.
    /// criterion : CrossEntropy
    ///     Of `harkit.training`.
    /// lr : float
    ///     The learning rate.
    /// seed : int
    ///     Of the dropout.
    /// step : int
    ///     The step's number, for the error of a loss that is not finite.
    ///
    /// Returns
    /// -------
    /// tuple[float, ndarray]
    ///     The loss before the step, and the logits.
    #[pyo3(signature = (network, x, labels, criterion, *, lr, seed, step))]
    #[expect(clippy::too_many_arguments, reason = "the settings of one step from Python, by name")]
    fn train_step<'py>(
        &self,
        py: Python<'py>,
        network: &Network,
        x: PyReadonlyArrayDyn<'py, f32>,
        labels: PyReadonlyArray1<'py, i64>,
        criterion: &Bound<'py, PyAny>,
        lr: f64,
        seed: u64,
        step: usize,
    ) -> PyResult<(f64, Bound<'py, PyArrayDyn<f32>>)> {
        let criterion = loss_of(criterion)?;
        let labels = positions(labels.as_slice()?).or_raise(py)?;
        let batch = Batch { shape: x.shape(), values: x.as_slice()?, labels: &labels };
        let turn = network.turn(py);
        let (loss, logits) = detached(py, |job| {
            // The parameters, lent for the pass alone, are changed in place where nobody else holds them.
            let found = if network.rounds() {
                let (graph, parameters) = network.graph_and_parameters();
                let mut scale = self.loss_scale_now();
                let found =
                    training::differentiate_eagerly(&graph, &parameters, batch, &criterion, seed, &mut scale, job)?;
                *self.scale.lock().unwrap_or_else(PoisonError::into_inner) = scale;
                found
            } else {
                network.trained(batch.shape, |program, parameters| {
                    training::differentiate(program, &parameters, batch, &criterion, seed, job)
                })?
            };
            found.check(step)?;
            network.change(|_, parameters| {
                if found.usable {
                    self.inner().step(parameters, &found.gradients, lr, job)?;
                }
                for (name, array) in found.statistics.iter() {
                    *parameters.get_mut(name)? = array.clone();
                }
                Ok(())
            })?;
            Ok((found.loss, found.logits))
        })?;
        drop(turn);
        let shape = logits.shape().to_vec();
        Ok((loss, logits.into_data().into_pyarray(py).reshape(shape)?))
    }
}

impl Optimiser {
    fn loss_scale_now(&self) -> LossScale {
        *self.scale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner(&self) -> MutexGuard<'_, training::Optimiser> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
