//! Jets of points: of a clip in memory, of a clip in pieces.

use std::sync::Mutex;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::detection::{derivatives, put, smoothing, take};
use super::{Clip, points};
use crate::error::Error;
use crate::py::runtime::{OrRaise, detached};
use crate::stip::{Derivatives, Describer, Jet, describe};

/// The jet of so many terms, halved or not as the settings' derivatives are.
fn jet(py: Python<'_>, terms: usize, derivatives: Derivatives) -> PyResult<Jet> {
    match (terms, derivatives) {
        (6, Derivatives::Shifted) => Ok(Jet::SixUnhalved),
        (6, Derivatives::Centered | Derivatives::Sobel) => Ok(Jet::Six),
        (34, _) => Ok(Jet::ThirtyFour),
        _ => Err(Error::argument("terms", format!("must be 6 or 34, got {terms}"))).or_raise(py),
    }
}

/// Jets (points x terms, flat) of points, given as records of `POINT_DTYPE` in bytes, of a clip (T, H, W).
#[pyfunction]
pub fn stip_jets<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    points: PyReadonlyArray1<'py, u8>,
    terms: usize,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let (jet, smoothing) = (jet(py, terms, derivatives(settings)?)?, smoothing(settings)?);
    let points = self::points(points.as_slice()?);
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    let values = detached(py, |job| describe(&frames, &points, jet, smoothing, job))?;
    Ok(values.into_pyarray(py))
}

/// Jets over a clip that comes in pieces.
#[pyclass(frozen, module = "harkit._core")]
pub struct StipJets(Mutex<Option<Describer>>);

#[pymethods]
impl StipJets {
    #[new]
    fn new(
        py: Python<'_>,
        points: PyReadonlyArray1<'_, u8>,
        terms: usize,
        settings: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let (jet, smoothing) = (jet(py, terms, derivatives(settings)?)?, smoothing(settings)?);
        Ok(Self(Mutex::new(Some(Describer::new(self::points(points.as_slice()?), jet, smoothing)))))
    }

    /// Takes the next frames, (T, H, W).
    fn push(&self, clip: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = clip.py();
        let mut describer = take(&self.0).or_raise(py)?;
        let clip = Clip::read(clip)?;
        let frames = clip.frames()?;
        let describer = detached(py, move |job| describer.push(&frames, job).map(|()| describer))?;
        put(&self.0, describer);
        Ok(())
    }

    /// Ends the clip; the jets (points x terms, flat).
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let describer = take(&self.0).or_raise(py)?;
        Ok(detached(py, move |_| describer.finish())?.into_pyarray(py))
    }
}
