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

    /// Names the video in an error: by its path, or as the argument that bytes and objects came in.
    pub fn name(&self, error: Error) -> Error {
        if let Some(path) = self.path() {
            return error.path(path);
        }
        let named = Error::new(error.kind(), format!("`source` {}", error.message()));
        error.frame_known().map_or(named.clone(), |frame| named.frame(frame))
    }

    /// A name with the file's ending, which helps FFmpeg tell formats without a signature apart.
    pub fn hint(&self) -> Option<String> {
        let extension = self.path()?.extension()?.to_str()?;
        extension.chars().all(|c| c.is_ascii_alphanumeric()).then(|| format!("video.{extension}"))
    }

    fn open(&self) -> Result<Box<dyn Stream>> {
        match self {
            Self::Path(path) => Ok(Box::new(PositionedFile { file: open_regular(path)?, position: 0 })),
            Self::Bytes(bytes) if bytes.is_empty() => Err(Error::new(ErrorKind::Decode, "there are no bytes in it")),
            Self::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            Self::Object(make) => make().map_err(|error| read_error(&error.to_string())),
        }
    }
}

/// The system, or the object, failed to give bytes that are there.
pub fn read_error(reason: &str) -> Error {
    Error::new(ErrorKind::Io, format!("could not be read: {reason}"))
}

/// A file with a position of its own: processes that were forked share the system's, and would read each
/// other's bytes.
struct PositionedFile {
    file: File,
    position: u64,
}

impl Read for PositionedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&self.file, buffer, self.position)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&self.file, buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for PositionedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let (from, offset) = match position {
            SeekFrom::Start(offset) => (offset, 0),
            SeekFrom::Current(offset) => (self.position, offset),
            SeekFrom::End(offset) => (self.file.metadata()?.len(), offset),
        };
        self.position =
            from.checked_add_signed(offset).ok_or_else(|| io::Error::other("a seek to before the beginning"))?;
        Ok(self.position)
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

/// Ties a stream, whose owner outlives one job, to the job that it now reads for; and keeps why a read
/// failed, which FFmpeg's codes do not say.
#[derive(Clone, Default)]
pub struct Interrupt(Arc<Link>);

#[derive(Default)]
struct Link {
    is_cancelled: Mutex<Arc<AtomicBool>>,
    failure: Mutex<Option<String>>,
}

impl Interrupt {
    pub fn watch(&self, job: &Job) {
        *self.0.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner) = job.cancelled_flag();
    }

    fn is_set(&self) -> bool {
        self.0.is_cancelled.lock().unwrap_or_else(PoisonError::into_inner).load(Ordering::Relaxed)
    }

    /// The error of a read that failed, which no later read of this stream can mend.
    pub fn failure(&self) -> Option<Error> {
        self.0.failure.lock().unwrap_or_else(PoisonError::into_inner).as_deref().map(read_error)
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
        let read = self.stream.read(buffer);
        if let Err(error) = &read
            && error.kind() != io::ErrorKind::Interrupted
        {
            *self.interrupt.0.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
        }
        read
    }
}

impl Seek for Interruptible {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.stream.seek(position)
    }
}
