//! `harkit.encoders`: float32 rows in, flat arrays out.

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::runtime::{OrRaise, detached};
use crate::encoders::kmeans::{Search, Seeds, Settings, kmeans};
use crate::encoders::mixture::{self, Mixture};
use crate::encoders::nearest::Centres;
use crate::encoders::{Rows, bag, fisher, vlad};
use crate::error::Error;

type Matrix<'py> = PyReadonlyArray2<'py, f32>;
type Flat<'py, T> = Bound<'py, PyArray1<T>>;

fn rows<'a>(array: &'a Matrix<'_>) -> PyResult<Rows<'a>> {
    let shape = array.shape();
    Rows::new(array.as_slice()?, shape[0], shape[1]).or_raise(array.py())
}

/// Descriptors, and the centres or means that they meet.
fn matching<'a>(array: &'a Matrix<'_>, centres: Rows<'_>) -> PyResult<Rows<'a>> {
    let found = rows(array)?;
    let checked = if found.columns() != centres.columns() || centres.is_empty() {
        let (wanted, got) = (centres.columns(), found.columns());
        Err(Error::argument("X", format!("must have {wanted} columns and meet one centre or more, got {got}")))
    } else {
        Ok(found)
    };
    checked.or_raise(array.py())
}

/// k-means: a dict of centres, labels, inertia, iterations, converged.
#[pyfunction]
#[pyo3(signature = (x, n_clusters, *, init, plus_plus, init_size, batch_size, n_init, max_iter, tol, seed))]
#[allow(clippy::too_many_arguments, reason = "the options of one estimator, by name")]
pub fn kmeans_fit<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    n_clusters: usize,
    init: Option<Matrix<'py>>,
    plus_plus: bool,
    init_size: usize,
    batch_size: Option<usize>,
    n_init: usize,
    max_iter: usize,
    tol: f64,
    seed: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let data = rows(&x)?;
    let seeds = match &init {
        Some(centres) if centres.shape() == [n_clusters, data.columns()] => Seeds::Given(centres.as_slice()?.to_vec()),
        Some(centres) => {
            let message = format!("must have the shape ({n_clusters}, {}), got {:?}", data.columns(), centres.shape());
            return Err(Error::argument("init", message)).or_raise(py);
        }
        None if plus_plus => Seeds::PlusPlus,
        None => Seeds::Random,
    };
    let search = match batch_size {
        Some(0) => return Err(Error::argument("batch_size", "must be positive, got 0")).or_raise(py),
        Some(size) => Search::Minibatch { size },
        None => Search::Lloyd { tolerance: tol },
    };
    let settings = Settings {
        count: n_clusters,
        seeds,
        seed_rows: init_size,
        search,
        starts: n_init,
        max_iterations: max_iter,
        seed,
    };
    let found = detached(py, |job| kmeans(data, &settings, job))?;
    let out = PyDict::new(py);
    out.set_item("centers", found.centres.into_pyarray(py))?;
    out.set_item("labels", found.labels.into_pyarray(py))?;
    out.set_item("inertia", found.inertia)?;
    out.set_item("n_iter", found.iterations)?;
    out.set_item("converged", found.converged)?;
    Ok(out)
}

/// The nearest centre of each row, and the squared distance to it.
#[pyfunction]
pub fn nearest_centers<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    centers: Matrix<'py>,
) -> PyResult<(Flat<'py, u32>, Flat<'py, f32>)> {
    let centres = rows(&centers)?;
    let data = matching(&x, centres)?;
    let (labels, distances) = detached(py, |job| Centres::new(centres).assign(data, job))?;
    Ok((labels.into_pyarray(py), distances.into_pyarray(py)))
}

/// Squared distances (n x K, flat) of rows to centres.
#[pyfunction]
pub fn center_distances<'py>(py: Python<'py>, x: Matrix<'py>, centers: Matrix<'py>) -> PyResult<Flat<'py, f32>> {
    let centres = rows(&centers)?;
    let data = matching(&x, centres)?;
    let distances = detached(py, |job| Centres::new(centres).all_distances(data, job))?;
    Ok(distances.into_pyarray(py))
}

/// How many descriptors each word has; with `sigma2`, shared among the `n_nearest` words.
#[pyfunction]
pub fn bag_of_words<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    words: Matrix<'py>,
    sigma2: Option<f64>,
    n_nearest: usize,
) -> PyResult<Flat<'py, f32>> {
    let words = rows(&words)?;
    let data = matching(&x, words)?;
    let counts = detached(py, |job| match sigma2 {
        None => bag::hard(words, data, job),
        Some(sigma2) => bag::soft(words, data, sigma2, n_nearest, job),
    })?;
    Ok(counts.into_pyarray(py))
}

/// Sums of residuals (K x D, flat).
#[pyfunction]
pub fn vlad_residuals<'py>(py: Python<'py>, x: Matrix<'py>, centers: Matrix<'py>) -> PyResult<Flat<'py, f32>> {
    let centres = rows(&centers)?;
    let data = matching(&x, centres)?;
    Ok(detached(py, |job| vlad::residuals(centres, data, job))?.into_pyarray(py))
}

/// A mixture from the clusters of `labels`: a dict of weights, means and variances (flat), `log_likelihood`,
/// iterations, converged.
#[pyfunction]
#[pyo3(signature = (x, labels, n_components, *, max_iter, tol, variance_floor))]
pub fn mixture_fit<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    labels: PyReadonlyArray1<'py, u32>,
    n_components: usize,
    max_iter: usize,
    tol: f64,
    variance_floor: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let data = rows(&x)?;
    let labels = labels.as_slice()?;
    let settings = mixture::Settings { max_iterations: max_iter, tolerance: tol, floor: variance_floor };
    let found = detached(py, |job| mixture::fit(data, labels, n_components, settings, job))?;
    let out = PyDict::new(py);
    out.set_item("weights", found.mixture.weights().to_vec().into_pyarray(py))?;
    out.set_item("means", found.mixture.means().to_vec().into_pyarray(py))?;
    out.set_item("variances", found.mixture.variances().to_vec().into_pyarray(py))?;
    out.set_item("log_likelihood", found.log_likelihood)?;
    out.set_item("n_iter", found.iterations)?;
    out.set_item("converged", found.converged)?;
    Ok(out)
}

fn mixture_of(
    weights: &PyReadonlyArray1<'_, f64>,
    means: &PyReadonlyArray2<'_, f64>,
    variances: &PyReadonlyArray2<'_, f64>,
) -> PyResult<Mixture> {
    let values = (weights.as_slice()?.to_vec(), means.as_slice()?.to_vec(), variances.as_slice()?.to_vec());
    Mixture::new(values.0, values.1, values.2).or_raise(weights.py())
}

fn meeting<'a>(array: &'a Matrix<'_>, mixture: &Mixture) -> PyResult<Rows<'a>> {
    let found = rows(array)?;
    let (wanted, got) = (mixture.columns(), found.columns());
    if wanted != got {
        return Err(Error::argument("X", format!("must have {wanted} columns, got {got}"))).or_raise(array.py());
    }
    Ok(found)
}

/// Posteriors (n x K, flat) and log densities (n).
#[pyfunction]
pub fn mixture_posteriors<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    means: PyReadonlyArray2<'py, f64>,
    variances: PyReadonlyArray2<'py, f64>,
) -> PyResult<(Flat<'py, f64>, Flat<'py, f64>)> {
    let mixture = mixture_of(&weights, &means, &variances)?;
    let data = meeting(&x, &mixture)?;
    let (posteriors, densities) = detached(py, |job| mixture.posteriors(data, job))?;
    Ok((posteriors.into_pyarray(py), densities.into_pyarray(py)))
}

/// The Fisher vector (2 K D) of descriptors.
#[pyfunction]
pub fn fisher_vector<'py>(
    py: Python<'py>,
    x: Matrix<'py>,
    weights: PyReadonlyArray1<'py, f64>,
    means: PyReadonlyArray2<'py, f64>,
    variances: PyReadonlyArray2<'py, f64>,
) -> PyResult<Flat<'py, f32>> {
    let mixture = mixture_of(&weights, &means, &variances)?;
    let data = meeting(&x, &mixture)?;
    Ok(detached(py, |job| fisher::vector(&mixture, data, job))?.into_pyarray(py))
}
