//! Optical flow, and histograms around points.

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::Clip;
use crate::py::runtime::detached;
use crate::stip::{FlowSettings, optical_flow};

/// The flow of a clip (T, H, W) as (T - 1, H, W, 2) values.
#[pyfunction]
pub fn stip_optical_flow<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    levels: u32,
    iterations: u32,
    window: f32,
    regularization: f32,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let settings = FlowSettings { levels, iterations, window, regularization };
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    let flow = detached(py, |job| optical_flow(&frames, settings, job))?;
    Ok(flow.into_pyarray(py))
}
