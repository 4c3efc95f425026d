//! `harkit.enhancement`: arrays in, arrays out, option objects to steps.

use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::runtime::{OrRaise, detached, to_python};
use crate::clip::FrameShape;
use crate::enhancement::{
    AutoGamma, Clahe, Convention, Denoise, Enhancement, Equalize, EqualizeChannels, Gamma, Lime, Log, Per, Retinex,
    RetinexChannels, enhance,
};
use crate::error::{Error, ErrorKind, Result};

/// The step that an option object of `harkit.enhancement` stands for.
pub(crate) fn enhancement(object: &Bound<'_, PyAny>) -> PyResult<Enhancement> {
    let py = object.py();
    let number = |attribute| read::<f64>(object, attribute, "a number");
    let class = object.get_type();
    let step = match class.name()?.to_str()? {
        "Gamma" => Gamma::new(number("gamma")?).map(Enhancement::Gamma),
        "AutoGamma" => AutoGamma::new(number("target")?, per(object)?).map(Enhancement::AutoGamma),
        "Log" => Ok(Enhancement::Log(Log::new(per(object)?))),
        "Equalize" => {
            let conventions =
                [("keras_cv", Convention::KerasCv), ("pil", Convention::Pil), ("opencv", Convention::OpenCv)];
            let convention = choice(object, "convention", &conventions)?;
            let channels =
                choice(object, "channels", &[("each", EqualizeChannels::Each), ("luma", EqualizeChannels::Luma)])?;
            Ok(Enhancement::Equalize(Equalize::new(convention, channels, per(object)?)))
        }
        "Clahe" => {
            let (rows, columns) = read::<(i64, i64)>(object, "grid", "two integers (rows, columns)")?;
            // A negative number of tiles is refused as 0 is.
            let grid = (usize::try_from(rows).unwrap_or(0), usize::try_from(columns).unwrap_or(0));
            Clahe::new(number("clip_limit")?, grid, per(object)?).map(Enhancement::Clahe)
        }
        "Retinex" => {
            let scales = read(object, "scales", "a sequence of numbers")?;
            let channels = [("each", RetinexChannels::Each), ("intensity", RetinexChannels::Intensity)];
            let channels = choice(object, "channels", &channels)?;
            Retinex::new(scales, number("saturated")?, channels, per(object)?).map(Enhancement::Retinex)
        }
        "Lime" => Lime::new(number("alpha")?, number("gamma")?).map(Enhancement::Lime),
        "Denoise" => {
            let sigma = read(object, "sigma", "a number or None")?;
            let (radius, frames, patch) = (count(object, "radius")?, count(object, "frames")?, count(object, "patch")?);
            Denoise::new(sigma, number("strength")?, radius, frames, patch, per(object)?).map(Enhancement::Denoise)
        }
        name => {
            let message = format!("a step must be an option object of harkit.enhancement (Gamma(3), …), got {name}");
            Err(Error::new(ErrorKind::Type, message))
        }
    };
    step.or_raise(py)
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

/// A number that is not negative.
fn count(object: &Bound<'_, PyAny>, attribute: &'static str) -> PyResult<usize> {
    let value: i64 = read(object, attribute, "an integer")?;
    usize::try_from(value)
        .map_err(|_| Error::argument(attribute, format!("must not be negative, got {value}")))
        .or_raise(object.py())
}

fn per(object: &Bound<'_, PyAny>) -> PyResult<Per> {
    choice(object, "per", &[("frame", Per::Frame), ("clip", Per::Clip)])
}

/// What the string in `attribute` names.
fn choice<T: Copy>(object: &Bound<'_, PyAny>, attribute: &'static str, choices: &[(&str, T)]) -> PyResult<T> {
    let names = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let text: String = read(object, attribute, &format!("one of {names}"))?;
    let found = choices.iter().find(|(name, _)| *name == text).map(|&(_, value)| value);
    found
        .ok_or_else(|| Error::argument(attribute, format!("must be one of {names}, got \"{text}\"")))
        .or_raise(object.py())
}

/// Raises unless the option object is a valid step.
#[pyfunction]
pub fn check_enhancement(step: &Bound<'_, PyAny>) -> PyResult<()> {
    enhancement(step).map(drop)
}

/// Applies steps in order to a clip or a frame; returns a new array of the same shape.
///
/// A contiguous array is read as it lies; another one is copied once, into the result.
#[pyfunction]
#[pyo3(signature = (clip, steps))]
pub fn enhance_clip<'py>(
    py: Python<'py>,
    clip: &Bound<'py, PyArrayDyn<u8>>,
    steps: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArrayDyn<u8>>> {
    let steps: Vec<Enhancement> = steps.iter().map(enhancement).collect::<PyResult<_>>()?;
    let shape = frame_shape(clip.shape()).or_raise(py)?;
    let source = clip.readonly();
    let contiguous = source.as_slice().ok();
    let result = match contiguous {
        // SAFETY: every value is written below before the array is handed out; a byte is never invalid.
        Some(_) => unsafe { PyArrayDyn::<u8>::new(py, clip.shape(), false) },
        None => clip.call_method0("copy")?.cast_into()?,
    };
    {
        let mut writable = result.try_readwrite()?;
        let frames = writable.as_slice_mut()?;
        detached(py, |job| enhance(&steps, contiguous, frames, shape, job))?;
    }
    Ok(result)
}

/// (T, H, W, 3), (T, H, W, 1), (T, H, W), (H, W, 3) or (H, W): the shape of one frame. Three numbers of
/// which the last is 3 are one RGB frame.
fn frame_shape(shape: &[usize]) -> Result<FrameShape> {
    match *shape {
        [height, width] | [height, width, 3] | [_, height, width] | [_, height, width, 1 | 3] => {
            let channels = if shape.len() > 2 && shape[shape.len() - 1] == 3 { 3 } else { 1 };
            Ok(FrameShape::new(height, width, channels))
        }
        _ => Err(Error::argument(
            "clip",
            format!("must have shape (T, H, W, 3), (T, H, W), (H, W, 3) or (H, W), got {shape:?}"),
        )),
    }
}
