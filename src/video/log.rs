//! FFmpeg's messages, kept for Python's `logging`: what C prints to the terminal is lost in Jupyter.
//!
//! video-rs hands every line to `tracing`; a subscriber of ours keeps warnings and errors, with the file
//! that the thread was working on, until [`drain`] takes them.

use std::cell::RefCell;
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
pub fn warn(text: impl Into<String>) {
    keep(Message { is_error: false, text: text.into() });
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

fn keep(message: Message) {
    let mut messages = MESSAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if messages.len() == KEPT {
        messages.pop_front();
    }
    messages.push_back(message);
}

struct Keeper;

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("video") && *metadata.level() <= Level::WARN
    }

    fn event(&self, event: &Event<'_>) {
        let mut text =
            SUBJECT.with(|subject| subject.borrow().as_ref().map_or_else(String::new, |name| format!("{name}: ")));
        event.record(&mut Line(&mut text));
        keep(Message { is_error: *event.metadata().level() == Level::ERROR, text });
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
