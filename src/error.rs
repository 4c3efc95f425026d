//! The one error of the house: a kind, a message, and what is known of where it happened.
//!
//! A room makes the error where it finds the fault; whoever knows the path, the frame or the
//! argument adds it on the way up (`.path(p).frame(i).argument("size")`). `py/runtime.rs` maps
//! each kind to one Python class, which is also the builtin that a user expects.

use std::fmt;
use std::path::{Path, PathBuf};

/// What went wrong, as a user would sort it. Each kind is one class of `harkit.errors`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such file or folder (`FileNotFoundError`).
    NotFound,
    /// The file may not be read or written (`PermissionError`).
    Permission,
    /// The system failed to read or write (`OSError`).
    Io,
    /// Not what it should be (a video, a checkpoint), or damaged beyond reading (`ValueError`).
    Decode,
    /// A codec, format or option that this build does not have (`ValueError`).
    Unsupported,
    /// A frame index outside the video (`IndexError`).
    Index,
    /// A value that an argument does not allow (`ValueError`).
    Argument,
    /// An array of a type that is not taken (`TypeError`).
    Type,
    /// Stopped by Ctrl-C; becomes `KeyboardInterrupt`.
    Cancelled,
    /// A fault of harkit's own (`RuntimeError`).
    Internal,
}

/// `Result` with harkit's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A kind, a sentence, and the place.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    path: Option<PathBuf>,
    frame: Option<usize>,
    argument: Option<&'static str>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, frame: None, argument: None }
    }

    /// A value that the argument `name` does not allow; the message says value and allowed range.
    pub fn argument(name: &'static str, message: impl Into<String>) -> Self {
        Self { argument: Some(name), ..Self::new(ErrorKind::Argument, message) }
    }

    /// Adds the file, unless a lower floor already named it.
    #[must_use]
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.path.get_or_insert_with(|| path.as_ref().to_path_buf());
        self
    }

    /// Adds the frame, unless a lower floor already named it.
    #[must_use]
    pub fn frame(mut self, frame: usize) -> Self {
        self.frame.get_or_insert(frame);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The sentence with the argument's name, without file and frame.
    pub fn reason(&self) -> String {
        match self.argument {
            Some(argument) => format!("`{argument}` {}", self.message),
            None => self.message.clone(),
        }
    }

    pub fn path_known(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub fn frame_known(&self) -> Option<usize> {
        self.frame
    }

    /// An I/O error of the standard library, sorted into a kind.
    pub fn io(error: &std::io::Error, path: impl AsRef<Path>) -> Self {
        Self::io_unnamed(error).path(path)
    }

    /// The same where the file's own name would mislead; whoever knows a better one adds it.
    pub fn io_unnamed(error: &std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{}: ", path.display())?;
        }
        if let Some(frame) = self.frame {
            write!(f, "frame {frame}: ")?;
        }
        f.write_str(&self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_comes_first_and_is_named_once() {
        let error = Error::argument("gamma", "must be positive, got -1").path("a.mp4").path("b.mp4").frame(3);
        assert_eq!(error.to_string(), "a.mp4: frame 3: `gamma` must be positive, got -1");
        assert_eq!(error.kind(), ErrorKind::Argument);
    }
}
