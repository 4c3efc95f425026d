//! Which frames: rules from a number of frames, or from timestamps, to frame indices.
//!
//! * [`even`]: frames at even distances: `Interval`, `Linspace`, `Uniform`
//! * [`random`]: frames drawn without replacement: `Random`
//! * [`segments`]: one frame from each equal part of the video: `Segments`
//! * [`clips`]: runs of frames: `Dense`, `Blocks`
//! * [`count`]: how many frames, as a number or as a fraction of the video
//! * [`short`]: what a video gets that is too short for a rule
//! * [`timeline`]: the video's frames, or the steps of a timeline at another frame rate
//! * [`draws`]: where random rules draw from
//!
//! A [`Sampler`] is a rule and, where its steps are steps in time, a frame rate. It knows nothing of
//! files: `n_frames` goes in, clips of indices below `n_frames` come out. Everything is linear in the
//! indices that come out, but for drawing without replacement, which is linear in the frames.

pub mod clips;
pub mod count;
pub mod draws;
pub mod even;
pub mod random;
pub mod segments;
pub mod short;
pub mod timeline;

pub use clips::{Blocks, Dense};
pub use count::Count;
pub use draws::{Dialect, Draws};
pub use even::{Interval, Linspace, Rounding, Uniform};
pub use random::{Order, Random};
pub use segments::{SegmentRule, Segments};
pub use short::Short;
pub use timeline::Timeline;

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;
use timeline::{Length, Steps};

/// The longest video and the longest list of indices: 19 days at 60 frames a second. Beyond it a
/// number is a mistake, and would be an allocation that no machine survives.
pub const MAX_FRAMES: usize = 100_000_000;

/// Whether a rule draws at random or takes the fixed frames that tests are run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Train,
    Test,
}

impl Mode {
    pub fn named(name: &str) -> Result<Self> {
        named("mode", name, &[("train", Self::Train), ("test", Self::Test)])
    }
}

/// The choice called `name`, or an error that lists all choices.
fn named<T: Copy>(argument: &'static str, name: &str, choices: &[(&str, T)]) -> Result<T> {
    choices.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice).ok_or_else(|| {
        let all: Vec<String> = choices.iter().map(|(known, _)| format!("{known:?}")).collect();
        Error::argument(argument, format!("must be one of {}, got {name:?}", all.join(", ")))
    })
}

/// One rule of each kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Interval(Interval),
    Random(Random),
    Linspace(Linspace),
    Uniform(Uniform),
    Segments(Segments),
    Dense(Dense),
    Blocks(Blocks),
}

/// A rule, and the frame rate of the timeline that it steps along (`None`: the video's own frames).
#[derive(Clone, Debug, PartialEq)]
pub struct Sampler {
    rule: Rule,
    fps: Option<f64>,
}

impl Sampler {
    /// Checks every value of the rule; after this no video can make it panic.
    pub fn new(rule: Rule, fps: Option<f64>) -> Result<Self> {
        match &rule {
            Rule::Interval(rule) => rule.check()?,
            Rule::Random(rule) => rule.check()?,
            Rule::Linspace(rule) => rule.check()?,
            Rule::Uniform(rule) => rule.check()?,
            Rule::Segments(rule) => rule.check()?,
            Rule::Dense(rule) => rule.check()?,
            Rule::Blocks(rule) => rule.check()?,
        }
        timeline::check_fps(fps)?;
        Ok(Self { rule, fps })
    }

    /// Whether `indices` wants the timestamps of the frames.
    pub fn needs_timestamps(&self) -> bool {
        self.fps.is_some()
    }

    /// Whether each video is one clip, so that rows are videos; otherwise rows are (video, clip).
    pub fn is_single_clip(&self) -> bool {
        match &self.rule {
            Rule::Segments(rule) => rule.clips == 1,
            Rule::Dense(rule) => rule.clips == 1,
            Rule::Blocks(_) => false,
            Rule::Interval(_) | Rule::Random(_) | Rule::Linspace(_) | Rule::Uniform(_) => true,
        }
    }

    /// Whether all videos draw from one stream, one after another, as a report's code did. The others
    /// draw from a stream of their own, which depends on seed, epoch and the video's position alone.
    pub fn is_sequential(&self) -> bool {
        self.randomness().is_some_and(|(_, dialect)| dialect != Dialect::Harkit)
    }

    /// The one stream of a sequential sampler in an epoch: give it to [`Self::indices_from`], video by
    /// video, in their order. (Of other samplers: the stream of the first video.)
    pub fn stream(&self, epoch: u64) -> Draws {
        let (seed, dialect) = self.randomness().unwrap_or((0, Dialect::Harkit));
        Draws::new(dialect, seed, epoch, 0)
    }

    /// The clips of the video at position `video` in `epoch`: clips x T.
    ///
    /// A sequential sampler can answer for the first video only.
    pub fn indices(&self, timeline: &Timeline, epoch: u64, video: u64) -> Result<Vec<Vec<usize>>> {
        let (seed, dialect) = self.randomness().unwrap_or((0, Dialect::Harkit));
        if video > 0 && self.is_sequential() {
            return Err(Error::argument(
                "video",
                format!(
                    "must be 0, got {video}: this sampler draws from one stream over all videos, in order; \
                     use `indices_many`, or stream=\"harkit\", where each video has its own"
                ),
            ));
        }
        self.indices_from(timeline, &mut Draws::new(dialect, seed, epoch, video))
    }

    /// As [`Self::indices`], drawing on from `draws`.
    pub fn indices_from(&self, timeline: &Timeline, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        timeline.check()?;
        let Some(fps) = self.fps else {
            return self.apply(Length::frames(timeline.n_frames), draws);
        };
        let timestamps = timeline.timestamps.ok_or_else(|| {
            Error::new(
                ErrorKind::Type,
                format!(
                    "`fps={fps}` makes steps in time: it needs the timestamps of the frames in seconds \
                     (`video.timestamps`), not their count"
                ),
            )
        })?;
        let steps = Steps::new(timestamps, fps)?;
        let mut clips = self.apply(steps.length(), draws)?;
        clips.iter_mut().flatten().for_each(|index| *index = steps.frame(*index));
        Ok(clips)
    }

    /// The clips of many videos in their order, sequential samplers drawing from one stream; the error
    /// of the first video that has one, with its position.
    pub fn indices_many(&self, timelines: &[Timeline], epoch: u64, job: &Job) -> Result<Vec<Vec<Vec<usize>>>> {
        let mut stream = self.stream(epoch);
        let mut one = |(video, timeline): (usize, &Timeline)| {
            job.check()?;
            let clips = if self.is_sequential() {
                self.indices_from(timeline, &mut stream)
            } else {
                self.indices(timeline, epoch, video as u64)
            };
            clips.map_err(|error| Error::new(error.kind(), format!("video {video}: {error}")))
        };
        timelines.iter().enumerate().map(&mut one).collect()
    }

    fn apply(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        let one = |clip: Result<Vec<usize>>| clip.map(|clip| vec![clip]);
        match &self.rule {
            Rule::Interval(rule) => one(Ok(rule.indices(length))),
            Rule::Random(rule) => one(rule.indices(length, draws)),
            Rule::Linspace(rule) => one(rule.indices(length)),
            Rule::Uniform(rule) => one(rule.indices(length)),
            Rule::Segments(rule) => rule.indices(length, draws),
            Rule::Dense(rule) => rule.indices(length, draws),
            Rule::Blocks(rule) => rule.indices(length),
        }
    }

    /// Seed and dialect of what is drawn; `None` where nothing is.
    fn randomness(&self) -> Option<(u64, Dialect)> {
        match &self.rule {
            Rule::Random(rule) => Some((rule.seed, rule.dialect)),
            Rule::Segments(rule) => (rule.mode == Mode::Train).then_some((rule.seed, rule.dialect)),
            Rule::Dense(rule) => (rule.mode == Mode::Train).then_some((rule.seed, rule.dialect)),
            Rule::Interval(_) | Rule::Linspace(_) | Rule::Uniform(_) | Rule::Blocks(_) => None,
        }
    }
}

/// The check of a count of frames, clips or steps: at least 1, at most [`MAX_FRAMES`].
fn check_size(argument: &'static str, value: usize) -> Result<()> {
    if (1..=MAX_FRAMES).contains(&value) {
        return Ok(());
    }
    Err(Error::argument(argument, format!("must be from 1 to {MAX_FRAMES}, got {value}")))
}

/// The check of clips of frames: each at least 1, together at most [`MAX_FRAMES`].
fn check_clips(frames: usize, clips: usize) -> Result<()> {
    check_size("frames", frames)?;
    check_size("clips", clips)?;
    check_size("frames", frames * clips)
}

/// The check of a seed: NumPy takes 32 bits.
fn check_seed(seed: u64, dialect: Dialect) -> Result<()> {
    if dialect == Dialect::Numpy && u32::try_from(seed).is_err() {
        return Err(Error::argument("seed", format!("of NumPy's stream must be below 2**32, got {seed}")));
    }
    Ok(())
}
