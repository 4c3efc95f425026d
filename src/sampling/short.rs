//! What a video gets that has fewer frames than a rule asks for.

use super::named;
use super::timeline::Length;
use crate::error::{Error, ErrorKind, Result};

/// The policies, by the names that users choose them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// An error that says how many frames there are and how many are needed.
    Error,
    /// The last frame that the rule reaches, again and again: 0 1 2 2 2.
    RepeatLast,
    /// From the first frame again, indices modulo the number of frames: 0 1 2 0 1.
    Loop,
    /// Each frame as often as the next, give or take one: 0 0 1 1 2.
    Stretch,
    /// The frames that there are, and a clip of fewer: 0 1 2.
    Fewer,
}

impl Short {
    pub fn named(name: &str) -> Result<Self> {
        named(
            "short",
            name,
            &[
                ("error", Self::Error),
                ("repeat_last", Self::RepeatLast),
                ("loop", Self::Loop),
                ("stretch", Self::Stretch),
                ("fewer", Self::Fewer),
            ],
        )
    }

    /// Indices below `length` in place of `wanted` (ascending), some of which are not; `needed` frames
    /// would have been enough for `rule`.
    pub(super) fn apply(self, wanted: &[usize], length: Length, rule: &str, needed: usize) -> Result<Vec<usize>> {
        let n = length.n;
        let fits = wanted.partition_point(|&index| index < n);
        Ok(match self {
            Self::Error => {
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "the video has {length}, but {rule} needs at least {needed}; `short` chooses what \
                         a shorter video gets: \"repeat_last\", \"loop\", \"stretch\" or \"fewer\""
                    ),
                ));
            }
            Self::RepeatLast => {
                let last = wanted[..fits].last().copied().unwrap_or(0);
                wanted.iter().map(|&index| if index < n { index } else { last }).collect()
            }
            Self::Loop => wanted.iter().map(|&index| index % n).collect(),
            Self::Stretch => aligned(wanted.len(), n),
            Self::Fewer => wanted[..fits].to_vec(),
        })
    }

    /// [`Self::apply`] for a rule that asks for `count` different frames, each once.
    pub(super) fn apply_to_first(self, count: usize, length: Length, rule: &str) -> Result<Vec<usize>> {
        let wanted: Vec<usize> = (0..count).collect();
        self.apply(&wanted, length, rule, count)
    }
}

/// `count` points from the first of `n` frames to the last, halves rounded up:
/// `floor(i * (n - 1) / (count - 1) + 0.5)`; the first frame where `count` is 1.
pub(super) fn aligned(count: usize, n: usize) -> Vec<usize> {
    let gaps = count.saturating_sub(1).max(1);
    (0..count).map(|i| (2 * i * (n - 1) + gaps) / (2 * gaps)).collect()
}
