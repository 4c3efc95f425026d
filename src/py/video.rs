//! `harkit.video`: readers and writers.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use numpy::ndarray::{Array1, Array4};
use numpy::{IntoPyArray, PyArray1, PyArray4, PyReadonlyArray4, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use super::runtime::{OrRaise, detached, detached_with_progress, forward_messages, to_python};
use crate::clip::{FrameShape, zeros};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Job, map_ordered};
use crate::video::inspect::{self, Inspection};
use crate::video::source::Stream;
use crate::video::write::{self, Codec};
use crate::video::{After, Color, FrameSink, Source, Video, VideoInfo};
use crate::video::{build, png};

/// A path, bytes, or an object with `read` and `seek`.
pub(crate) fn source(object: &Bound<'_, PyAny>) -> PyResult<Source> {
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Source::Bytes(bytes.as_bytes().into()));
    }
    if let Ok(path) = object.extract::<PathBuf>() {
        return Ok(Source::Path(path));
    }
    if object.hasattr("read")? && object.hasattr("seek")? {
        // An object that cannot read nothing will say so when it is to read something.
        if let Ok(nothing) = object.call_method1("read", (0,))
            && !nothing.is_instance_of::<PyBytes>()
        {
            let kind = nothing.get_type().name()?.to_string();
            let message = format!("`source` must be open in binary mode: its `read` gives {kind}, not bytes");
            return Err(Error::new(ErrorKind::Type, message)).or_raise(object.py());
        }
        let object = Arc::new(object.clone().unbind());
        return Ok(Source::Object(Arc::new(move || {
            let mut stream = PythonStream { object: object.clone() };
            stream.seek(SeekFrom::Start(0))?;
            Ok(Box::new(stream) as Box<dyn Stream>)
        })));
    }
    let kind = object.get_type().name()?.to_string();
    let message = format!("`source` must be a path, bytes, or a binary file object that can seek, got {kind}");
    Err(Error::new(ErrorKind::Type, message)).or_raise(object.py())
}

/// A Python file object. The GIL is taken for each call, so reading threads and Python take turns.
struct PythonStream {
    object: Arc<Py<PyAny>>,
}

impl Read for PythonStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Python::attach(|py| {
            let data = self.object.call_method1(py, "read", (buffer.len(),)).map_err(python_io)?;
            let data =
                data.cast_bound::<PyBytes>(py).map_err(|_| io::Error::other("the object's `read` gave no bytes"))?;
            let data = data.as_bytes();
            let Some(target) = buffer.get_mut(..data.len()) else {
                return Err(io::Error::other("the object's `read` gave more than was asked for"));
            };
            target.copy_from_slice(data);
            Ok(data.len())
        })
    }
}

impl Seek for PythonStream {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let (offset, whence) = match position {
            SeekFrom::Start(offset) => (i64::try_from(offset).unwrap_or(i64::MAX), 0),
            SeekFrom::Current(offset) => (offset, 1),
            SeekFrom::End(offset) => (offset, 2),
        };
        Python::attach(|py| self.object.call_method1(py, "seek", (offset, whence))?.extract(py)).map_err(python_io)
    }
}

fn python_io(error: PyErr) -> io::Error {
    io::Error::other(error.to_string())
}

/// `gray=False|True|"y"`.
pub(crate) fn color(gray: &Bound<'_, PyAny>) -> PyResult<Color> {
    match (gray.extract::<bool>(), gray.extract::<&str>()) {
        (Ok(false), _) => Ok(Color::Rgb),
        (Ok(true), _) => Ok(Color::Gray),
        (_, Ok("y")) => Ok(Color::Luma),
        _ => Err(Error::argument("gray", format!("must be False, True or \"y\", got {}", gray.repr()?)))
            .or_raise(gray.py()),
    }
}

/// Frames in the order in which they were asked for, twice where asked for twice.
struct Gather {
    /// Frames and their places in the result, sorted.
    slots: Vec<(usize, usize)>,
    shape: Option<FrameShape>,
    data: Vec<u8>,
}

impl Gather {
    fn new(wanted: &[usize]) -> Self {
        let mut slots: Vec<_> = wanted.iter().enumerate().map(|(slot, &frame)| (frame, slot)).collect();
        slots.sort_unstable();
        Self { slots, shape: None, data: Vec::new() }
    }

    /// The frames, ascending, each once.
    fn frames(&self) -> Vec<usize> {
        let mut frames: Vec<_> = self.slots.iter().map(|&(frame, _)| frame).collect();
        frames.dedup();
        frames
    }

    fn slots_of(&self, frame: usize) -> &[(usize, usize)] {
        let start = self.slots.partition_point(|&(known, _)| known < frame);
        let rest = self.slots.get(start..).unwrap_or_default();
        rest.get(..rest.partition_point(|&(known, _)| known == frame)).unwrap_or_default()
    }

    fn first_slot(&self, frame: usize) -> Result<usize> {
        let first = self.slots_of(frame).first().map(|&(_, slot)| slot);
        first.ok_or_else(|| Error::new(ErrorKind::Internal, format!("frame {frame} was not asked for")))
    }

    /// Room for all frames; no memory is an error like others, not the end of the process.
    fn allocate(&mut self, shape: FrameShape) -> Result<()> {
        let length = self.slots.len().saturating_mul(shape.len());
        self.data = zeros(length).ok_or_else(|| {
            let message =
                format!("{} frames need {length} bytes, more than there is memory; ask for fewer", self.slots.len());
            Error::new(ErrorKind::Argument, message)
        })?;
        Ok(())
    }

    fn into_array(self) -> Result<Array4<u8>> {
        let shape = self.shape.unwrap_or(FrameShape::new(0, 0, 0));
        Array4::from_shape_vec((self.slots.len(), shape.height, shape.width, shape.channels), self.data)
            .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
    }
}

impl FrameSink for Gather {
    fn place(&mut self, frame: usize, shape: FrameShape) -> Result<&mut [u8]> {
        let slot = self.first_slot(frame)?;
        let known = *self.shape.get_or_insert(shape);
        if self.data.is_empty() {
            self.allocate(known)?;
        }
        self.data
            .get_mut(slot * known.len()..(slot + 1) * known.len())
            .filter(|place| place.len() == shape.len())
            .ok_or_else(|| Error::new(ErrorKind::Decode, "the frame size changes in mid-video").frame(frame))
    }

    fn finish(&mut self, frame: usize) -> Result<()> {
        let (first, length) = (self.first_slot(frame)?, self.shape.map_or(0, |shape| shape.len()));
        let others: Vec<_> = self.slots_of(frame).iter().skip(1).map(|&(_, slot)| slot).collect();
        for slot in others {
            self.data.copy_within(first * length..(first + 1) * length, slot * length);
        }
        Ok(())
    }
}

/// How often a waiting thread looks whether the reader is free.
const TURN: Duration = Duration::from_millis(1);

/// An open video; one request at a time.
#[pyclass(module = "harkit._core", frozen)]
pub struct Reader {
    /// `None` once closed.
    video: Mutex<Option<Video>>,
    source: Source,
    color: Color,
}

impl Reader {
    /// The video, as soon as no other thread reads it; a cancelled job waits no longer.
    fn wait_for_turn(&self, job: &Job) -> Result<MutexGuard<'_, Option<Video>>> {
        loop {
            match self.video.try_lock() {
                Ok(video) => return Ok(video),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => std::thread::sleep(TURN),
            }
            job.check()?;
        }
    }

    fn with<R: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Video, &Job) -> Result<R> + Send) -> PyResult<R> {
        detached(py, |job| {
            let mut video = self.wait_for_turn(job)?;
            match video.as_mut() {
                Some(video) => work(video, job),
                None => Err(self.source.name(Error::new(ErrorKind::Argument, "has been closed"))),
            }
        })
    }
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (source, gray))]
    fn new(py: Python<'_>, source: &Bound<'_, PyAny>, gray: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (source, color) = (self::source(source)?, color(gray)?);
        let video = detached(py, |job| Video::open(&source, job))?;
        Ok(Self { video: Mutex::new(Some(video)), source, color })
    }

    /// Frames `wanted`, as (T, H, W, C); with `go_on` the decoder stays alive for the frames that follow.
    /// `None`: the file is damaged and has been counted anew; `n_frames` has changed.
    fn read<'py>(
        &self,
        py: Python<'py>,
        wanted: Vec<usize>,
        go_on: bool,
    ) -> PyResult<Option<Bound<'py, PyArray4<u8>>>> {
        let color = self.color;
        let after = if go_on { After::GoOn } else { After::Stop };
        let frames = self.with(py, |video, job| {
            let mut gather = Gather::new(&wanted);
            let complete = video.decode(&gather.frames(), color, after, job, &mut gather)?;
            if complete { gather.into_array().map(Some) } else { Ok(None) }
        })?;
        Ok(frames.map(|frames| frames.into_pyarray(py)))
    }

    fn n_frames(&self, py: Python<'_>) -> PyResult<usize> {
        self.with(py, |video, _| Ok(video.n_frames()))
    }

    fn duration(&self, py: Python<'_>) -> PyResult<f64> {
        self.with(py, |video, _| Ok(video.duration()))
    }

    fn timestamps<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let times = self.with(py, |video, _| Ok(Array1::from(video.timestamps().to_vec())))?;
        Ok(times.into_pyarray(py))
    }

    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let info = self.with(py, |video, job| video.info(job))?;
        info_dict(py, &info)
    }

    fn close(&self, py: Python<'_>) {
        let video = py.detach(|| self.video.lock().unwrap_or_else(PoisonError::into_inner).take());
        drop(video);
        forward_messages(py);
    }
}

fn info_dict<'py>(py: Python<'py>, info: &VideoInfo) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("width", info.width)?;
    dict.set_item("height", info.height)?;
    dict.set_item("n_frames", info.n_frames)?;
    dict.set_item("counted", info.counted.name())?;
    dict.set_item("fps", info.fps)?;
    dict.set_item("duration", info.duration)?;
    dict.set_item("start", info.start)?;
    dict.set_item("codec", &info.codec)?;
    dict.set_item("container", &info.container)?;
    dict.set_item("pixel_format", &info.pixel_format)?;
    dict.set_item("rotation", info.rotation)?;
    dict.set_item("color_range", &info.color_range)?;
    dict.set_item("color_space", &info.color_space)?;
    dict.set_item("pixel_aspect", info.pixel_aspect)?;
    dict.set_item("interlaced", info.is_interlaced)?;
    dict.set_item("header_frames", info.header_frames)?;
    dict.set_item("damage", &info.damage)?;
    Ok(dict)
}

/// A file that grows by frames; `quality` is VP9's.
#[pyclass(module = "harkit._core", frozen)]
pub struct Writer {
    /// `None` once finished or given up.
    writer: Mutex<Option<write::Writer>>,
}

impl Writer {
    fn take(&self) -> Option<write::Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (path, fps, codec, quality))]
    fn new(py: Python<'_>, path: PathBuf, fps: f64, codec: &str, quality: u8) -> PyResult<Self> {
        let codec = match codec {
            "vp9" => Codec::Vp9 { quality },
            "ffv1" => Codec::Ffv1,
            other => {
                return Err(Error::argument("codec", format!("must be \"vp9\" or \"ffv1\", got {other:?}")))
                    .or_raise(py);
            }
        };
        let writer = write::Writer::new(&path, fps, codec).or_raise(py)?;
        Ok(Self { writer: Mutex::new(Some(writer)) })
    }

    /// Appends (T, H, W, C) bytes.
    fn write(
        &self,
        py: Python<'_>,
        clip: PyReadonlyArray4<'_, u8>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let shape = clip.shape();
        let shape = FrameShape::new(shape[1], shape[2], shape[3]);
        let frames = clip.as_slice()?;
        detached_with_progress(py, progress, |job| {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            match writer.as_mut() {
                Some(writer) => writer.write(frames, shape, job),
                None => Err(Error::new(ErrorKind::Argument, "this writer is closed")),
            }
        })
    }

    /// Closes the file, which then appears under its name.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        detached(py, |_| match self.take() {
            Some(writer) => writer.finish(),
            None => Err(Error::new(ErrorKind::Argument, "this writer is closed")),
        })
    }

    /// Leaves nothing behind.
    fn give_up(&self, py: Python<'_>) {
        py.detach(|| drop(self.take()));
        forward_messages(py);
    }
}

/// Writes (T, H, W, C) bytes to PNG files in `folder`, named by `numbers`.
#[pyfunction]
#[pyo3(signature = (folder, clip, numbers, progress))]
pub fn write_frames(
    py: Python<'_>,
    folder: PathBuf,
    clip: PyReadonlyArray4<'_, u8>,
    numbers: Vec<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let shape = clip.shape();
    let shape = FrameShape::new(shape[1], shape[2], shape[3]);
    let frames = clip.as_slice()?;
    detached_with_progress(py, progress, |job| png::write_frames(&folder, frames, shape, &numbers, job))
}

/// One inspection for each source, or the exception that it raised; decodes all frames with `everything`.
#[pyfunction]
#[pyo3(signature = (sources, everything, progress))]
pub fn inspect_videos<'py>(
    py: Python<'py>,
    sources: Vec<Bound<'py, PyAny>>,
    everything: bool,
    progress: Option<&Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let sources = sources.iter().map(source).collect::<PyResult<Vec<Source>>>()?;
    let found = detached_with_progress(py, progress, |job| {
        map_ordered(&sources, job, |_, source| inspect::inspect(source, everything, job))
    })?;
    found.iter().map(|found| inspection_object(py, found)).collect()
}

fn inspection_object<'py>(py: Python<'py>, found: &Result<Inspection>) -> PyResult<Bound<'py, PyAny>> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return Ok(to_python(py, error).into_value(py).into_bound(py).into_any()),
    };
    let dict = PyDict::new(py);
    dict.set_item("info", info_dict(py, &found.info)?)?;
    dict.set_item("timestamps", PyArray1::from_slice(py, &found.timestamps))?;
    dict.set_item("has_times", found.has_times)?;
    dict.set_item("damaged", &found.damaged)?;
    Ok(dict.into_any())
}

/// The FFmpeg inside: `version`, `configuration`, `license`, `decoders`, `encoders`.
#[pyfunction]
pub fn ffmpeg_build(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let (decoders, encoders) = build::codecs();
    let dict = PyDict::new(py);
    dict.set_item("version", build::version())?;
    dict.set_item("configuration", build::configuration())?;
    dict.set_item("license", build::license())?;
    dict.set_item("decoders", decoders)?;
    dict.set_item("encoders", encoders)?;
    Ok(dict)
}
