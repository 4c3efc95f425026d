//! `harkit.sampling`: option objects in, index arrays out.

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyList};

use super::runtime::{OrRaise, detached, to_python};
use crate::error::{Error, ErrorKind, Result};
use crate::sampling::count::FractionMode;
use crate::sampling::{
    Blocks, Count, Dense, Dialect, Interval, Linspace, Mode, Order, Random, Rounding, Rule, Sampler, SegmentRule,
    Segments, Short, Timeline, Uniform,
};

/// The sampler that an option object of `harkit.sampling` describes.
pub(crate) fn sampler(object: &Bound<'_, PyAny>) -> PyResult<Sampler> {
    let options = Options(object);
    let class = object.get_type().name()?;
    let mut fps = None;
    let rule = match class.to_str()? {
        "Interval" => {
            fps = options.fps()?;
            Rule::Interval(Interval { interval: options.whole("interval")? })
        }
        "Random" => Rule::Random(Random {
            frames: options.count()?,
            seed: options.seed(None)?,
            dialect: options.choice("stream", Dialect::named)?,
            order: options.choice("order", Order::named)?,
            short: options.choice("short", Short::named)?,
        }),
        "Linspace" => {
            let rounding = options.choice("rounding", Rounding::named)?;
            Rule::Linspace(Linspace {
                frames: options.count()?,
                rounding,
                short: options.optional_choice("short", Short::named)?.unwrap_or(rounding.default_short()),
            })
        }
        "Uniform" => Rule::Uniform(Uniform { frames: options.count()?, short: options.choice("short", Short::named)? }),
        "Segments" => Rule::Segments(segments(&options)?),
        "Dense" => {
            fps = options.fps()?;
            Rule::Dense(Dense {
                frames: options.whole("frames")?,
                stride: options.whole("stride")?,
                clips: options.whole("clips")?,
                mode: options.choice("mode", Mode::named)?,
                seed: options.seed(None)?,
                dialect: options.choice("stream", Dialect::named)?,
                short: options.choice("short", Short::named)?,
            })
        }
        "Blocks" => {
            fps = options.fps()?;
            Rule::Blocks(Blocks { frames: options.whole("frames")?, short: options.choice("short", Short::named)? })
        }
        _ => {
            return options.wrong(
                ErrorKind::Type,
                "sampling",
                "a sampler of harkit.sampling (Interval, Random, Linspace, Uniform, Segments, Dense or Blocks)",
                object,
            );
        }
    };
    Sampler::new(rule, fps).or_raise(object.py())
}

fn segments(options: &Options<'_, '_>) -> PyResult<Segments> {
    let (mode, rule) = (options.choice("mode", Mode::named)?, options.choice("rule", SegmentRule::named)?);
    let (seed, dialect) = Segments::default_randomness(rule, mode);
    Ok(Segments {
        frames: options.whole("frames")?,
        mode,
        clips: options.whole("clips")?,
        rule,
        seed: options.seed(Some(seed))?,
        dialect: options.optional_choice("stream", Dialect::named)?.unwrap_or(dialect),
        short: options.optional_choice("short", Short::named)?.unwrap_or(rule.default_short()),
    })
}

/// The attributes of an option object.
struct Options<'a, 'py>(&'a Bound<'py, PyAny>);

impl Options<'_, '_> {
    fn wrong<T>(&self, kind: ErrorKind, name: &str, allowed: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
        let error = Error::new(kind, format!("`{name}` must be {allowed}, got {}", value.repr()?));
        Err(to_python(self.0.py(), &error))
    }

    /// A whole number that is not negative; the room checks its range.
    fn whole(&self, name: &str) -> PyResult<usize> {
        self.whole_of(name, &self.0.getattr(name)?)
    }

    fn whole_of(&self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<usize> {
        let index = if value.is_instance_of::<PyBool>() { None } else { value.call_method0("__index__").ok() };
        match index.map(|index| index.extract::<usize>()) {
            Some(Ok(whole)) => Ok(whole),
            Some(Err(_)) => self.wrong(ErrorKind::Argument, name, "a count of at least 1", value),
            None => self.wrong(ErrorKind::Type, name, "a whole number", value),
        }
    }

    /// A number of frames, a float as a fraction, or a `Fraction`.
    fn count(&self) -> PyResult<Count> {
        let value = self.0.getattr("frames")?;
        if value.is_instance_of::<PyFloat>() {
            return Ok(Count::Fraction(value.extract()?, FractionMode::Corrected));
        }
        if value.get_type().name()?.to_str()? == "Fraction" {
            return fraction(&value);
        }
        self.whole_of("frames", &value).map(Count::Frames)
    }

    fn seed(&self, default: Option<u64>) -> PyResult<u64> {
        let (name, value) = ("seed", self.0.getattr("seed")?);
        if let Some(default) = default
            && value.is_none()
        {
            return Ok(default);
        }
        let index = if value.is_instance_of::<PyBool>() { None } else { value.call_method0("__index__").ok() };
        match index.map(|index| index.extract::<u64>()) {
            Some(Ok(seed)) => Ok(seed),
            Some(Err(_)) => self.wrong(ErrorKind::Argument, name, "from 0 to 2**64 - 1", &value),
            None => self.wrong(ErrorKind::Type, name, "a whole number", &value),
        }
    }

    fn fps(&self) -> PyResult<Option<f64>> {
        let value = self.0.getattr("fps")?;
        if value.is_none() {
            return Ok(None);
        }
        match value.extract() {
            Ok(fps) if !value.is_instance_of::<PyBool>() => Ok(Some(fps)),
            _ => self.wrong(ErrorKind::Type, "fps", "a number of frames a second or None", &value),
        }
    }

    fn choice<T>(&self, name: &str, named: fn(&str) -> Result<T>) -> PyResult<T> {
        let value = self.0.getattr(name)?;
        match value.extract::<String>() {
            Ok(text) => named(&text).or_raise(self.0.py()),
            Err(_) => self.wrong(ErrorKind::Type, name, "a string", &value),
        }
    }

    fn optional_choice<T>(&self, name: &str, named: fn(&str) -> Result<T>) -> PyResult<Option<T>> {
        if self.0.getattr(name)?.is_none() { Ok(None) } else { self.choice(name, named).map(Some) }
    }
}

/// What a `harkit.sampling.Fraction` describes.
fn fraction(object: &Bound<'_, PyAny>) -> PyResult<Count> {
    let options = Options(object);
    let value = object.getattr("value")?;
    match value.extract::<f64>() {
        Ok(q) if !value.is_instance_of::<PyBool>() => {
            Ok(Count::Fraction(q, options.choice("mode", FractionMode::named)?))
        }
        _ => options.wrong(ErrorKind::Type, "value", "a fraction of the video, above 0 and at most 1", &value),
    }
}

/// A count of frames, or the timestamps of each.
#[derive(FromPyObject)]
pub enum Length<'py> {
    Count(usize),
    Times(PyReadonlyArray1<'py, f64>),
}

impl Length<'_> {
    fn timeline(&self) -> PyResult<Timeline<'_>> {
        Ok(match self {
            Self::Count(n_frames) => Timeline::frames(*n_frames),
            Self::Times(times) => Timeline::timed(times.as_slice()?),
        })
    }
}

/// (T,) for samplers of a single clip, (clips, T) for the others.
fn array<'py>(py: Python<'py>, sampler: &Sampler, clips: &[Vec<usize>]) -> PyResult<Bound<'py, PyAny>> {
    let flat: Vec<i64> = clips.iter().flatten().map(|&index| index as i64).collect();
    let shape = [clips.len(), clips.first().map_or(0, Vec::len)];
    let flat = PyArray1::from_vec(py, flat);
    if sampler.is_single_clip() { Ok(flat.into_any()) } else { Ok(flat.reshape(shape)?.into_any()) }
}

/// Raises what is wrong with an option object of `harkit.sampling`, a `Fraction` included.
#[pyfunction]
pub fn check_sampling(options: &Bound<'_, PyAny>) -> PyResult<()> {
    if options.get_type().name()?.to_str()? == "Fraction" {
        return fraction(options)?.check().or_raise(options.py());
    }
    sampler(options).map(drop)
}

/// What a sampler is like: (one clip a video, one stream over all videos, wants timestamps).
#[pyfunction]
pub fn sampling_traits(sampler: &Bound<'_, PyAny>) -> PyResult<(bool, bool, bool)> {
    let sampler = self::sampler(sampler)?;
    Ok((sampler.is_single_clip(), sampler.is_sequential(), sampler.needs_timestamps()))
}

/// The frames of the video at position `video` in `epoch`.
#[pyfunction]
#[pyo3(name = "sample_indices")]
pub fn indices<'py>(
    py: Python<'py>,
    sampler: &Bound<'py, PyAny>,
    length: Length<'py>,
    epoch: u64,
    video: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let sampler = self::sampler(sampler)?;
    let clips = sampler.indices(&length.timeline()?, epoch, video).or_raise(py)?;
    array(py, &sampler, &clips)
}

/// The frames of each of many videos, in their order.
#[pyfunction]
#[pyo3(name = "sample_indices_many")]
pub fn indices_many<'py>(
    py: Python<'py>,
    sampler: &Bound<'py, PyAny>,
    lengths: Vec<Length<'py>>,
    epoch: u64,
) -> PyResult<Bound<'py, PyList>> {
    let sampler = self::sampler(sampler)?;
    let timelines = lengths.iter().map(Length::timeline).collect::<PyResult<Vec<_>>>()?;
    let videos = detached(py, |job| sampler.indices_many(&timelines, epoch, job))?;
    let arrays = videos.iter().map(|clips| array(py, &sampler, clips)).collect::<PyResult<Vec<_>>>()?;
    PyList::new(py, arrays)
}
