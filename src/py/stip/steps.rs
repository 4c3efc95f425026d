//! The steps of detection, each over whole volumes.

use numpy::{IntoPyArray, PyArray1};
use numpy::{PyArray3, PyArray4, PyArrayMethods, PyReadonlyArray3, PyReadonlyArray4, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::detection::{derivatives, settings, smoothing};
use super::{Clip, records};
use crate::error::{Error, Result};
use crate::py::runtime::{OrRaise, detached};
use crate::stip::{Scale, steps};

/// Exactly `N` fields of volumes, all of which have values.
fn volumes<const N: usize>(name: &'static str, shape: &[usize]) -> Result<[usize; 3]> {
    match *shape {
        [fields, t, y, x] if fields == N && t * y * x > 0 => Ok([t, y, x]),
        _ => Err(Error::argument(name, format!("must have shape ({N}, T, H, W), none of them 0, got {shape:?}"))),
    }
}

/// L of a clip (T, H, W).
#[pyfunction]
pub fn stip_scale_space<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    sigma2: f32,
    tau2: f32,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let smoothing = smoothing(settings)?;
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    frames.check_values(0).or_raise(py)?;
    let (height, width) = frames.shape();
    let out = PyArray3::zeros(py, [frames.count(), height, width], false);
    let mut writable = out.try_readwrite()?;
    let values = writable.as_slice_mut()?;
    detached(py, |job| steps::scale_space(&frames, Scale::new(sigma2, tau2), smoothing, values, job))?;
    Ok(out)
}

/// (3, T, H, W): Lx, Ly, Lt of a volume.
#[pyfunction]
pub fn stip_gradients<'py>(
    py: Python<'py>,
    volume: PyReadonlyArray3<'py, f32>,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray4<f32>>> {
    let (derivatives, border) = (derivatives(settings)?, smoothing(settings)?.border);
    let shape = [volume.shape()[0], volume.shape()[1], volume.shape()[2]];
    let [t, y, x] = steps::gradient_shape(derivatives, shape).or_raise(py)?;
    let out = PyArray4::zeros(py, [3, t, y, x], false);
    let mut writable = out.try_readwrite()?;
    let (source, values) = (volume.as_slice()?, writable.as_slice_mut()?);
    detached(py, |_| steps::gradients(source, shape, derivatives, border, values))?;
    Ok(out)
}

/// (6, T, H, W): xx xy xt yy yt tt of gradients (3, T, H, W).
#[pyfunction]
pub fn stip_second_moments<'py>(
    py: Python<'py>,
    gradients: PyReadonlyArray4<'py, f32>,
    sigma2: f32,
    tau2: f32,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray4<f32>>> {
    let smoothing = smoothing(settings)?;
    let shape @ [t, y, x] = volumes::<3>("gradients", gradients.shape()).or_raise(py)?;
    let out = PyArray4::zeros(py, [6, t, y, x], false);
    let mut writable = out.try_readwrite()?;
    let (source, values) = (gradients.as_slice()?, writable.as_slice_mut()?);
    let scale = Scale::new(sigma2, tau2);
    detached(py, |job| steps::second_moments(source, shape, scale, smoothing, values, job))?;
    Ok(out)
}

/// det - k trace^3 of second moments (6, T, H, W).
#[pyfunction]
pub fn stip_response<'py>(
    py: Python<'py>,
    moments: PyReadonlyArray4<'py, f32>,
    k: f32,
) -> PyResult<Bound<'py, PyArray3<f32>>> {
    let shape = volumes::<6>("moments", moments.shape()).or_raise(py)?;
    let out = PyArray3::zeros(py, shape, false);
    let mut writable = out.try_readwrite()?;
    let (source, values) = (moments.as_slice()?, writable.as_slice_mut()?);
    detached(py, |_| {
        steps::response(source, k, values);
        Ok(())
    })?;
    Ok(out)
}

/// The points of a response (T, H, W) at the one scale of the settings, as records in bytes.
#[pyfunction]
pub fn stip_select<'py>(
    py: Python<'py>,
    response: PyReadonlyArray3<'py, f32>,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let settings = self::settings(settings)?;
    let shape = [response.shape()[0], response.shape()[1], response.shape()[2]];
    if shape.contains(&0) {
        let message = format!("must have shape (T, H, W), none of them 0, got {shape:?}");
        return Err(Error::argument("response", message)).or_raise(py);
    }
    let source = response.as_slice()?;
    let points = detached(py, |_| steps::select(source, shape, &settings))?;
    Ok(records(&points).into_pyarray(py))
}
