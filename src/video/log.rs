//! FFmpeg's messages, kept for Python's `logging`: what C prints to the terminal is lost in Jupyter.
//!
//! video-rs hands every line to `tracing`; a subscriber of ours keeps warnings and errors, with the file
//! that the thread was working on, until [`drain`] takes them. Two things FFmpeg says in no other way, so
//! they are taken from here: that a picture had to be concealed, and that a container ends too early.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::source::Source;

/// Lines kept at most; a damaged file can give thousands, and the newest say as much as the oldest.
const KEPT: usize = 256;

/// One line, and whether FFmpeg called it an error (or a warning).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub is_error: bool,
    pub text: String,
}

static MESSAGES: Mutex<VecDeque<Message>> = Mutex::new(VecDeque::new());

thread_local! {
    static SUBJECT: RefCell<Option<String>> = const { RefCell::new(None) };
    static CONCEALED: Cell<usize> = const { Cell::new(0) };
    static ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Pictures that decoders have concealed on this thread so far: FFmpeg paints what it cannot decode from
/// other pictures, whichever it has.
pub fn concealed() -> usize {
    CONCEALED.get()
}

/// Takes the last error of this thread.
pub fn take_error() -> Option<String> {
    ERROR.take()
}

/// Starts FFmpeg and routes its messages; safe to call again.
pub fn initialise() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails only if this program has set a subscriber of its own, which then gets the messages.
        let _ = tracing::subscriber::set_global_default(Keeper);
        let _ = video_rs::init();
    });
}

/// Takes what has been kept, oldest first.
pub fn drain() -> Vec<Message> {
    MESSAGES.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect()
}

/// Keeps a line of our own beside FFmpeg's.
pub fn warn(text: &str) {
    keep(false, text);
}

/// While the guard lives, messages of this thread name the source.
pub fn about(source: &Source) -> Subject {
    let name = source.path().map(|path| path.display().to_string());
    Subject(SUBJECT.with(|subject| subject.replace(name)))
}

/// Restores what the thread was about before.
pub struct Subject(Option<String>);

impl Drop for Subject {
    fn drop(&mut self) {
        let before = self.0.take();
        SUBJECT.with(|subject| subject.replace(before));
    }
}

/// Keeps a line about the thread's subject. FFmpeg may say the same of every byte: once is enough.
fn keep(is_error: bool, text: &str) {
    let subject = SUBJECT.with_borrow(|subject| subject.as_ref().map_or_else(String::new, |name| format!("{name}: ")));
    let message = Message { is_error, text: subject + text };
    let mut messages = MESSAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if messages.back() == Some(&message) {
        return;
    }
    if messages.len() == KEPT {
        messages.pop_front();
    }
    messages.push_back(message);
}

/// "[h264 @ 0x7f94d0012000] text" without the address, which says nothing and makes equal lines differ.
fn without_address(line: &str) -> String {
    match line.strip_prefix('[').and_then(|rest| rest.split_once(" @ 0x")) {
        Some((name, rest)) => rest.split_once("] ").map_or(line.to_string(), |(_, text)| format!("[{name}] {text}")),
        None => line.to_string(),
    }
}

struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("video") && *metadata.level() <= Level::INFO
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Line(&mut line));
        let line = without_address(line.trim());
        let is_concealment = line.contains("] concealing ");
        if is_concealment {
            CONCEALED.set(CONCEALED.get() + 1);
        }
        let is_error = *event.metadata().level() == Level::ERROR;
        if is_error {
            ERROR.set(Some(line.clone()));
        }
        // A line that FFmpeg prints in two parts ends in a part of its own.
        if (*event.metadata().level() <= Level::WARN || is_concealment) && !line.ends_with("] .") {
            keep(is_error, &line);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
