//! The one door between Python and work: GIL released, Ctrl-C alive, progress told, errors mapped,
//! panics stopped.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Job, is_worker, pool};

/// How often the waiting thread looks for Ctrl-C and tells progress.
const TICK: Duration = Duration::from_millis(50);

/// Runs `work` on the pool with the GIL released, while this thread keeps answering signals. Ctrl-C
/// cancels the job, waits for the work to notice, and raises `KeyboardInterrupt`.
pub fn detached<R: Send>(py: Python<'_>, work: impl FnOnce(&Job) -> Result<R> + Send) -> PyResult<R> {
    detached_with_progress(py, None, work)
}

/// As [`detached`]; calls `progress(n_done)` about twenty times a second, and once at the end.
pub fn detached_with_progress<R: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Job) -> Result<R> + Send,
) -> PyResult<R> {
    if is_worker() {
        // A worker called Python, which calls harkit: the pool may have no other thread to wait for.
        let outcome = py.detach(|| guarded(work, &Job::new()));
        return outcome.or_raise(py);
    }
    let progress = progress.map(|callable| callable.clone().unbind());
    let outcome = py.detach(|| {
        let job = Job::new();
        let pool = pool()?;
        pool.in_place_scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            let job = &job;
            scope.spawn(move |_| {
                // The receiver waits below until this arrives.
                let _ = sender.send(guarded(work, job));
            });
            let tell = || {
                progress
                    .as_ref()
                    .map_or(Ok(()), |callable| Python::attach(|py| callable.call1(py, (job.done(),)).map(drop)))
            };
            let mut interrupted: Option<PyErr> = None;
            loop {
                match receiver.recv_timeout(TICK) {
                    Ok(outcome) => {
                        return match interrupted {
                            Some(error) => Ok(Err(error)),
                            None => tell().map_or_else(|error| Ok(Err(error)), |()| outcome.map(Ok)),
                        };
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        if interrupted.is_none()
                            && let Err(error) = Python::attach(|py| py.check_signals()).and_then(|()| tell())
                        {
                            job.cancel();
                            interrupted = Some(error);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Error::new(ErrorKind::Internal, "a worker ended without a result"));
                    }
                }
            }
        })
    });
    forward_messages(py);
    outcome.unwrap_or_else(|error: Error| Err(to_python(py, &error)))
}

/// Lets Python's threads work on one object in the order in which they came.
///
/// A worker that waits for its own tasks may meanwhile run another thread's work; if that waited for a lock that the
/// first one holds, it would wait for ever. So who works on an object takes a turn before it enters the pool.
#[derive(Default)]
pub struct Turns {
    /// The next number to be given, and the number whose turn it is.
    numbers: Mutex<(u64, u64)>,
    ended: Condvar,
}

/// Ends when it is dropped.
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits, with the GIL released, until it is this thread's turn.
    pub fn take(&self, py: Python<'_>) -> Turn<'_> {
        py.detach(|| {
            let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            let own = numbers.0;
            numbers.0 += 1;
            while numbers.1 != own {
                numbers = self.ended.wait(numbers).unwrap_or_else(PoisonError::into_inner);
            }
        });
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.numbers.lock().unwrap_or_else(PoisonError::into_inner).1 += 1;
        self.0.ended.notify_all();
    }
}

/// Hands FFmpeg's messages to Python's logger "harkit.ffmpeg".
pub fn forward_messages(py: Python<'_>) {
    let messages = crate::video::log::drain();
    if messages.is_empty() {
        return;
    }
    let forward = || -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", ("harkit.ffmpeg",))?;
        for message in messages {
            logger.call_method1(if message.is_error { "error" } else { "warning" }, ("%s", message.text))?;
        }
        Ok(())
    };
    // A logging handler that fails must not lose the result of the work.
    if let Err(error) = forward() {
        error.write_unraisable(py, None);
    }
}

/// Does the work; a panic is an error like others.
fn guarded<R>(work: impl FnOnce(&Job) -> Result<R>, job: &Job) -> Result<R> {
    catch_unwind(AssertUnwindSafe(|| work(job))).unwrap_or_else(|panic| Err(panic_error(panic.as_ref())))
}

fn panic_error(panic: &(dyn Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::new(ErrorKind::Internal, format!("a fault in harkit, please report it: {}", text.unwrap_or_default()))
}

/// The exception class of `harkit.errors` for a kind.
fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "MissingFileError",
        ErrorKind::Permission => "FilePermissionError",
        ErrorKind::Io => "FileAccessError",
        ErrorKind::Decode => "DecodeError",
        ErrorKind::Unsupported => "UnsupportedError",
        ErrorKind::Index => "FrameIndexError",
        ErrorKind::Argument => "ArgumentError",
        ErrorKind::Type => "ArgumentTypeError",
        ErrorKind::Cancelled | ErrorKind::Internal => "InternalError",
    }
}

/// The Python exception of an error, with `path` and `frame` as attributes.
pub fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    if error.kind() == ErrorKind::Cancelled {
        return PyKeyboardInterrupt::new_err(());
    }
    let make = || -> PyResult<PyErr> {
        let class = py.import("harkit.errors")?.getattr(class_name(error.kind()))?;
        let known = PyDict::new(py);
        known.set_item("path", error.path_known())?;
        known.set_item("frame", error.frame_known())?;
        Ok(PyErr::from_value(class.call((error.to_string(),), Some(&known))?))
    };
    make().unwrap_or_else(|failed| failed)
}

/// `?` from harkit's result to Python's inside a function that holds the GIL.
pub trait OrRaise<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| to_python(py, &error))
    }
}
