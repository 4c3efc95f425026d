//! Where a video's bytes come from: a file, memory, or an object that reads.
//!
//! FFmpeg reads through our own stream rather than by file name, so that any path works (bytes that
//! are not UTF-8 too), memory and Python file objects are sources like files, and a read in progress
//! stops when the work is cancelled.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// What a stream must offer: bytes from any position.
pub trait Stream: Read + Seek + Send {}
impl<T: Read + Seek + Send> Stream for T {}

/// A video that can be opened, more than once.
#[derive(Clone)]
pub enum Source {
    Path(PathBuf),
    Bytes(Arc<[u8]>),
    /// Makes a stream over the same object; a later stream may move the position of an earlier one.
    Object(Arc<dyn Fn() -> io::Result<Box<dyn Stream>> + Send + Sync>),
}

impl Source {
    /// The path, for messages; bytes and objects have none.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Bytes(_) | Self::Object(_) => None,
        }
    }

    /// Adds the path to an error, where there is one.
    pub fn name(&self, error: Error) -> Error {
        match self.path() {
            Some(path) => error.path(path),
            None => error,
        }
    }

    /// A name with the file's ending, which helps FFmpeg tell formats without a signature apart.
    pub fn hint(&self) -> Option<String> {
        let extension = self.path()?.extension()?.to_str()?;
        extension.chars().all(|c| c.is_ascii_alphanumeric()).then(|| format!("video.{extension}"))
    }

    fn open(&self) -> Result<Box<dyn Stream>> {
        match self {
            Self::Path(path) => Ok(Box::new(open_regular(path)?)),
            Self::Bytes(bytes) if bytes.is_empty() => Err(Error::new(ErrorKind::Decode, "there are no bytes in it")),
            Self::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Self::Object(make) => make().map_err(|error| Error::new(ErrorKind::Io, error.to_string())),
        }
    }
}

/// Opens a regular file; a folder, device or pipe is an error that says what it is (a pipe could
/// block for ever, and cannot be read twice).
fn open_regular(path: &Path) -> Result<File> {
    let about = std::fs::metadata(path).map_err(|error| Error::io(&error, path))?;
    if about.is_dir() {
        return Err(Error::new(ErrorKind::Decode, "is a folder, not a video file").path(path));
    }
    if !about.is_file() {
        return Err(
            Error::new(ErrorKind::Decode, "is not a regular file; open it and pass the file object instead").path(path)
        );
    }
    if about.len() == 0 {
        return Err(Error::new(ErrorKind::Decode, "is empty").path(path));
    }
    File::open(path).map_err(|error| Error::io(&error, path))
}

/// Tells a stream, whose owner outlives one job, which job it now reads for.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Mutex<Arc<AtomicBool>>>);

impl Interrupt {
    pub fn watch(&self, job: &Job) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = job.cancelled_flag();
    }

    fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).load(Ordering::Relaxed)
    }
}

/// A source opened for FFmpeg. Every read looks at the interrupt first.
pub struct Interruptible {
    stream: Box<dyn Stream>,
    interrupt: Interrupt,
}

impl Interruptible {
    pub fn open(source: &Source, interrupt: &Interrupt) -> Result<Self> {
        Ok(Self { stream: source.open()?, interrupt: interrupt.clone() })
    }
}

impl Read for Interruptible {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupt.is_set() {
            return Err(io::Error::other("stopped"));
        }
        self.stream.read(buffer)
    }
}

impl Seek for Interruptible {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.stream.seek(position)
    }
}
