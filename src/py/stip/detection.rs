//! Detection: settings, a clip in memory, a clip in pieces.

use std::sync::Mutex;

use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use super::{Clip, records};
use crate::error::{Error, ErrorKind, Result};
use crate::py::runtime::{OrRaise, detached, to_python};
use crate::stip::{
    Border, Derivatives, Detector, Radius, Reduction, Scale, Selection, Settings, Smoothing, Threshold, detect,
};

/// The value of an attribute, or the error that says what is wanted.
pub(super) fn read<'py, T: for<'a> FromPyObject<'a, 'py>>(
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

/// What a word stands for.
pub(super) fn choice<T: Copy>(
    object: &Bound<'_, PyAny>,
    attribute: &'static str,
    choices: &[(&str, T)],
) -> PyResult<T> {
    let names = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text: String = read(object, attribute, &format!("one of {names}"))?;
    let found = choices.iter().find(|(name, _)| *name == text).map(|&(_, value)| value);
    found
        .ok_or_else(|| Error::argument(attribute, format!("must be one of {names}, got \"{text}\"")))
        .or_raise(object.py())
}

/// An integer that is not negative.
pub(super) fn count(object: &Bound<'_, PyAny>, name: &'static str, value: i64) -> PyResult<usize> {
    usize::try_from(value)
        .map_err(|_| Error::argument(name, format!("must not be negative, got {value}")))
        .or_raise(object.py())
}

/// `radius`, `truncate` and `border` of an option object.
pub(super) fn smoothing(object: &Bound<'_, PyAny>) -> PyResult<Smoothing> {
    let borders = [("zero", Border::Zero), ("reflect", Border::Reflect), ("nearest", Border::Nearest)];
    let border = choice(object, "border", &borders)?;
    let (time, space) = read::<(f32, f32)>(object, "truncate", "a number, or two of them (frames, pixels)")?;
    let samples = read::<Option<i64>>(object, "radius", "an integer or None")?;
    let samples = samples.map(|samples| count(object, "radius", samples)).transpose()?;
    let reach = |truncate: f32| match samples {
        Some(samples) => Ok(Radius::Samples(samples)),
        None if truncate > 0.0 && truncate <= 100.0 => Ok(Radius::Deviations(truncate)),
        None => {
            let message = format!("must be more than 0 and at most 100 standard deviations, got {truncate}");
            Err(to_python(object.py(), &Error::argument("truncate", message)))
        }
    };
    Ok(Smoothing { radius: [reach(space)?, reach(time)?], border })
}

pub(super) fn derivatives(object: &Bound<'_, PyAny>) -> PyResult<Derivatives> {
    let choices =
        [("shifted", Derivatives::Shifted), ("centered", Derivatives::Centered), ("sobel", Derivatives::Sobel)];
    choice(object, "derivatives", &choices)
}

/// What a `Detection` says.
pub(super) fn settings(object: &Bound<'_, PyAny>) -> PyResult<Settings> {
    let numbers = |name| read::<Vec<f32>>(object, name, "a number or a sequence of numbers");
    let number = |name| read::<f32>(object, name, "a number");
    let tau2 = numbers("tau2")?;
    let scales =
        numbers("sigma2")?.into_iter().flat_map(|sigma2| tau2.iter().map(move |&tau2| Scale::new(sigma2, tau2)));
    let threshold = number("threshold")?;
    let (frames, pixels) = read::<(i64, i64)>(object, "margin", "an integer, or two of them (frames, pixels)")?;
    let max_points = read::<Option<i64>>(object, "max_points", "an integer or None")?;
    let settings = Settings {
        scales: scales.collect(),
        levels: u32::try_from(count(object, "levels", read(object, "levels", "an integer")?)?).unwrap_or(u32::MAX),
        reduction: choice(object, "reduction", &[("wide", Reduction::Wide), ("narrow", Reduction::Narrow)])?,
        smoothing: smoothing(object)?,
        derivatives: derivatives(object)?,
        normalized: read(object, "normalized", "True or False")?,
        integration: number("integration")?,
        k: number("k")?,
        threshold: choice(
            object,
            "threshold_type",
            &[("absolute", Threshold::Absolute(threshold)), ("relative", Threshold::Relative(threshold))],
        )?,
        interior: number("interior")?,
        selection: choice(object, "selection", &[("all", Selection::All), ("maxima", Selection::Maxima)])?,
        scale_selection: read(object, "scale_selection", "True or False")?,
        margin: [count(object, "margin", frames)?, count(object, "margin", pixels)?],
        online: read(object, "online", "True or False")?,
        max_points: max_points.map(|most| count(object, "max_points", most)).transpose()?,
    };
    settings.check().or_raise(object.py())?;
    Ok(settings)
}

/// Raises unless the option object is valid.
#[pyfunction]
pub fn stip_check(settings: &Bound<'_, PyAny>) -> PyResult<()> {
    self::settings(settings).map(drop)
}

/// The interest points of a clip (T, H, W), as records of `POINT_DTYPE` in bytes.
#[pyfunction]
pub fn stip_detect<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyAny>,
    settings: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let settings = self::settings(settings)?;
    let clip = Clip::read(clip)?;
    let frames = clip.frames()?;
    let points = detached(py, |job| detect(&frames, &settings, job))?;
    Ok(records(&points).into_pyarray(py))
}

/// Detection over a clip that comes in pieces.
#[pyclass(frozen, module = "harkit._core")]
pub struct StipDetector(Mutex<Option<Detector>>);

#[pymethods]
impl StipDetector {
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyAny>) -> PyResult<Self> {
        let detector = Detector::new(self::settings(settings)?).or_raise(py)?;
        Ok(Self(Mutex::new(Some(detector))))
    }

    /// Takes the next frames, (T, H, W).
    fn push(&self, clip: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = clip.py();
        let mut detector = take(&self.0).or_raise(py)?;
        let clip = Clip::read(clip)?;
        let frames = clip.frames()?;
        let detector = detached(py, move |job| detector.push(&frames, job).map(|()| detector))?;
        put(&self.0, detector);
        Ok(())
    }

    /// Ends the clip; its points as records in bytes.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<u8>>> {
        let detector = take(&self.0).or_raise(py)?;
        let points = detached(py, move |_| detector.finish())?;
        Ok(records(&points).into_pyarray(py))
    }
}

/// Takes what works on a clip out of its place: whoever comes meanwhile, or after a failure, gets an error.
pub(super) fn take<T>(place: &Mutex<Option<T>>) -> Result<T> {
    let mut place = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    place.take().ok_or_else(|| Error::new(ErrorKind::Internal, "the clip has ended, failed, or is being worked on"))
}

pub(super) fn put<T>(place: &Mutex<Option<T>>, worker: T) {
    *place.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(worker);
}
