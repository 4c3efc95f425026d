//! Optical flow, and histograms around points: of a clip in memory, of a clip in pieces.

use std::sync::Mutex;

use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use super::detection::{choice, count, put, read, take};
use super::{Clip, points};
use crate::py::runtime::{OrRaise, detached};
use crate::stip::{
    Blocks, FlowSettings, HistogramDescriber, HistogramSettings, Normalization, describe_histograms, optical_flow,
};

/// What an `OpticalFlow` says.
fn flow_settings(object: &Bound<'_, PyAny>) -> PyResult<FlowSettings> {
    let whole = |name| {
        let value = count(object, name, read(object, name, "an integer")?)?;
        PyResult::Ok(u32::try_from(value).unwrap_or(u32::MAX))
    };
    let settings = FlowSettings {
        levels: whole("levels")?,
        iterations: whole("iterations")?,
        window: read(object, "window", "a number")?,
        regularization: read(object, "regularization", "a number")?,
    };
    settings.check().or_raise(object.py())?;
    Ok(settings)
}

/// What a `Histograms` says.
fn histogram_settings(object: &Bound<'_, PyAny>) -> PyResult<HistogramSettings> {
    let blocks = |gradients, flow, boundaries| Blocks { gradients, flow, boundaries };
    let names = [
        ("hog", blocks(true, false, false)),
        ("hof", blocks(false, true, false)),
        ("mbh", blocks(false, false, true)),
        ("hoghof", blocks(true, true, false)),
        ("hoghofmbh", blocks(true, true, true)),
    ];
    let normalizations =
        [("cell", Normalization::Cell), ("whole", Normalization::Whole), ("none", Normalization::None)];
    let (across, down, long) = read::<(i64, i64, i64)>(object, "cells", "three integers (columns, rows, periods)")?;
    let cells = |cells| count(object, "cells", cells);
    let settings = HistogramSettings {
        blocks: choice(object, "descriptor", &names)?,
        cells: [cells(across)?, cells(down)?, cells(long)?],
        factors: [read(object, "spatial_factor", "a number")?, read(object, "temporal_factor", "a number")?],
        normalization: choice(object, "normalization", &normalizations)?,
        least_motion: read(object, "least_motion", "a number")?,
        flow: flow_settings(&object.getattr("flow")?)?,
    };
    settings.check().or_raise(object.py())?;
    Ok(settings)
}

/// Raises unless the option object is valid.
#[pyfunction]
pub fn stip_check_flow(settings: &Bound<'_, PyAny>) -> PyResult<()> {
    flow_settings(settings).map(drop)
}

/// Raises unless the option object is valid.
#[pyfunction]
pub fn stip_check_histograms(settings: &Bound<'_, PyAny>) -> PyResult<()> {
    histogram_settings(settings).map(drop)
}

/// The flow of a clip (T, H, W) as (T - 1, H, W, 2) values.
#[pyfunction]
pub fn stip_optical_flow<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let settings = flow_settings(settings)?;
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    let flow = detached(py, |job| optical_flow(&frames, settings, job))?;
    Ok(flow.into_pyarray(py))
}

/// The histograms of a clip (T, H, W) at points, row by row.
#[pyfunction]
pub fn stip_histograms<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    points: PyReadonlyArray1<'py, u8>,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let settings = histogram_settings(settings)?;
    let points = self::points(points.as_slice()?);
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    let values = detached(py, |job| describe_histograms(&frames, &points, &settings, job))?;
    Ok(values.into_pyarray(py))
}

/// Histograms over a clip that comes in pieces.
#[pyclass(frozen, module = "harkit._core")]
pub struct StipHistograms(Mutex<Option<HistogramDescriber>>);

#[pymethods]
impl StipHistograms {
    #[new]
    fn new(py: Python<'_>, points: PyReadonlyArray1<'_, u8>, settings: &Bound<'_, PyAny>) -> PyResult<Self> {
        let points = self::points(points.as_slice()?);
        let describer = HistogramDescriber::new(points, histogram_settings(settings)?).or_raise(py)?;
        Ok(Self(Mutex::new(Some(describer))))
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

    /// Ends the clip; the histograms, row by row.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let describer = take(&self.0).or_raise(py)?;
        Ok(detached(py, move |_| describer.finish())?.into_pyarray(py))
    }
}
