//! `harkit.loading`: paths and a recipe in; arrays, rows and failures out.

use std::path::PathBuf;

use numpy::ndarray::{Array2, ArrayD, IxDyn};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;

use super::runtime::{OrRaise, detached, detached_with_progress};
use super::{enhancement, sampling, transforms, video};
use crate::error::{Error, ErrorKind};
use crate::loading::{self, Failure, Item, Layout, Loaded, Recipe, Values};

/// A recipe from `harkit.loading.ClipRecipe`.
fn recipe(object: &Bound<'_, PyAny>) -> PyResult<Recipe> {
    let py = object.py();
    let sampler = object.getattr("sampling")?;
    let layout: String = object.getattr("layout")?.extract()?;
    let dtype: Option<String> = object.getattr("dtype")?.extract()?;
    let list = |name: &str| -> PyResult<Vec<Bound<'_, PyAny>>> { object.getattr(name)?.try_iter()?.collect() };
    Ok(Recipe {
        sampler: if sampler.is_none() { None } else { Some(sampling::sampler(&sampler)?) },
        enhancement: list("enhancement")?.iter().map(enhancement::enhancement).collect::<PyResult<_>>()?,
        transforms: list("transforms")?.iter().map(transforms::transform).collect::<PyResult<_>>()?,
        color: video::color(&object.getattr("gray")?)?,
        layout: Layout::named(&layout).or_raise(py)?,
        is_float: dtype.map(|dtype| dtype == "float32"),
        seed: object.getattr("seed")?.extract()?,
    })
}

/// (source, position, span or None, clips or None).
type PyItem<'py> = (Bound<'py, PyAny>, u64, Option<(usize, usize)>, Option<Vec<Vec<usize>>>);

fn item((source, position, span, clips): &PyItem<'_>) -> PyResult<Item> {
    Ok(Item { source: video::source(source)?, position: *position, span: *span, clips: clips.clone() })
}

/// Makes the options of a recipe in Rust, so that what does not fit is an error before the first frame.
#[pyfunction]
pub fn check_recipe(recipe: &Bound<'_, PyAny>) -> PyResult<()> {
    self::recipe(recipe).map(drop)
}

/// The clips of one video: an array (rows, ...) and the frames of each row, int64 (rows, T).
type PyClips<'py> = (Bound<'py, PyAny>, Bound<'py, PyArray2<i64>>);

fn clips(py: Python<'_>, loaded: Loaded) -> PyResult<PyClips<'_>> {
    let n_rows = loaded.frames.len();
    let frames: Vec<i64> = loaded.frames.iter().flatten().map(|&frame| frame as i64).collect();
    let frames =
        Array2::from_shape_vec((n_rows, frames.len() / n_rows.max(1)), frames).map_err(misshapen).or_raise(py)?;
    let shape: Vec<usize> = std::iter::once(n_rows).chain(loaded.shape).collect();
    let values = match loaded.values {
        Values::Bytes(values) => array(py, &shape, values)?,
        Values::Floats(values) => array(py, &shape, values)?,
    };
    Ok((values, frames.into_pyarray(py)))
}

fn array<'py, T: Element>(py: Python<'py>, shape: &[usize], values: Vec<T>) -> PyResult<Bound<'py, PyAny>> {
    let array = ArrayD::from_shape_vec(IxDyn(shape), values).map_err(misshapen).or_raise(py)?;
    Ok(array.into_pyarray(py).into_any())
}

fn misshapen(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, error.to_string())
}

/// Load one video; its failure is raised.
#[pyfunction]
pub fn load_video<'py>(
    py: Python<'py>,
    source: &Bound<'py, PyAny>,
    recipe: &Bound<'py, PyAny>,
) -> PyResult<PyClips<'py>> {
    let recipe = self::recipe(recipe)?;
    let item = Item { source: video::source(source)?, position: 0, span: None, clips: None };
    clips(py, detached(py, |job| loading::load_one(&item, &recipe, 0, job))?)
}

/// Load many videos: clips or `None` for each, and the failures.
#[pyfunction]
#[pyo3(signature = (items, recipe, epoch, progress))]
#[allow(clippy::type_complexity, reason = "a tuple of plain lists is what Python gets")]
pub fn load_videos<'py>(
    py: Python<'py>,
    items: Vec<PyItem<'py>>,
    recipe: &Bound<'py, PyAny>,
    epoch: u64,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Vec<Option<PyClips<'py>>>, Vec<PyFailure>)> {
    let recipe = self::recipe(recipe)?;
    let items = items.iter().map(item).collect::<PyResult<Vec<_>>>()?;
    let outcomes = detached_with_progress(py, progress, |job| loading::load(&items, &recipe, epoch, job))?;
    sorted(outcomes, |loaded| clips(py, loaded))
}

/// The lengths of many videos: n_frames and timestamps, or `None`, for each, and the failures.
#[pyfunction]
#[pyo3(signature = (items, progress))]
#[allow(clippy::type_complexity, reason = "a tuple of plain lists is what Python gets")]
pub fn video_lengths<'py>(
    py: Python<'py>,
    items: Vec<PyItem<'py>>,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Vec<Option<(usize, Bound<'py, PyArray1<f64>>)>>, Vec<PyFailure>)> {
    let items = items.iter().map(item).collect::<PyResult<Vec<_>>>()?;
    let outcomes = detached_with_progress(py, progress, |job| loading::lengths(&items, job))?;
    sorted(outcomes, |length| Ok((length.n_frames, length.timestamps.into_pyarray(py))))
}

/// (item, path, frame, reason).
type PyFailure = (usize, Option<PathBuf>, Option<usize>, String);

/// What came of each item, in their order, and the failures with the item's number.
fn sorted<T, R>(
    outcomes: Vec<Result<T, Failure>>,
    convert: impl Fn(T) -> PyResult<R>,
) -> PyResult<(Vec<Option<R>>, Vec<PyFailure>)> {
    let (mut results, mut failures) = (Vec::with_capacity(outcomes.len()), Vec::new());
    for (i, outcome) in outcomes.into_iter().enumerate() {
        results.push(match outcome {
            Ok(value) => Some(convert(value)?),
            Err(failure) => {
                failures.push((i, failure.path, failure.frame, failure.reason));
                None
            }
        });
    }
    Ok((results, failures))
}
