//! What a rule counts: the frames of a video, or the steps of a timeline at another frame rate.
//!
//! The timeline at f frames a second has its step k at `timestamps[0] + k / f` seconds, as long as
//! that is not after the last frame's timestamp (timestamps do not say how long the last frame
//! stays). A step shows the frame that is on screen then: the last one whose timestamp is not later.
//! For a constant frame rate this is `floor(k * video_fps / f)`, torchvision's `VideoClips` rule; a
//! variable one is followed. Steps: one binary search each.

use std::fmt;

use super::MAX_FRAMES;
use crate::error::{Error, ErrorKind, Result};

/// The frames of a video: their number and, where known, the time of each in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Timeline<'a> {
    pub n_frames: usize,
    pub timestamps: Option<&'a [f64]>,
}

impl<'a> Timeline<'a> {
    pub fn frames(n_frames: usize) -> Self {
        Self { n_frames, timestamps: None }
    }

    pub fn timed(timestamps: &'a [f64]) -> Self {
        Self { n_frames: timestamps.len(), timestamps: Some(timestamps) }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.n_frames == 0 {
            return Err(Error::new(ErrorKind::Argument, "the video has no frames to sample from"));
        }
        if self.n_frames > MAX_FRAMES {
            return Err(Error::argument("n_frames", format!("must be at most {MAX_FRAMES}, got {}", self.n_frames)));
        }
        let known = self.timestamps.map_or(self.n_frames, <[f64]>::len);
        if known != self.n_frames {
            return Err(Error::argument("timestamps", format!("are {known} for {} frames", self.n_frames)));
        }
        Ok(())
    }
}

/// The number of frames or steps that a rule has to choose from, at least 1.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    pub n: usize,
    fps: Option<f64>,
}

impl Length {
    pub fn frames(n: usize) -> Self {
        Self { n, fps: None }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} frame{}", self.n, if self.n == 1 { "" } else { "s" })?;
        self.fps.map_or(Ok(()), |fps| write!(f, " at {fps} a second"))
    }
}

/// Containers that keep milliseconds (Matroska, FLV, ASF) move a timestamp by up to half of one, the
/// first as well as the one in question: a frame counts as shown from one before its timestamp, or
/// from a quarter of a step where that is less. The last digit keeps float64 from deciding ties.
const TOLERANCE: f64 = 0.001_001;

/// The largest frame rate of a timeline; timestamps are not finer in many containers.
const MAX_FPS: f64 = 1000.0;

pub(super) fn check_fps(fps: Option<f64>) -> Result<()> {
    match fps {
        Some(fps) if !(fps > 0.0 && fps <= MAX_FPS) => {
            Err(Error::argument("fps", format!("must be above 0 and at most {MAX_FPS} frames a second, got {fps}")))
        }
        _ => Ok(()),
    }
}

/// The steps of a timeline over a video's timestamps.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    timestamps: &'a [f64],
    first: f64,
    fps: f64,
    tolerance: f64,
    n: usize,
}

impl<'a> Steps<'a> {
    /// `timestamps` must be finite and ascending, in seconds, and not empty; `fps` checked.
    pub fn new(timestamps: &'a [f64], fps: f64) -> Result<Self> {
        let wrong = |i: usize, what: &str| Err(Error::argument("timestamps", what).frame(i));
        if let Some(i) = timestamps.iter().position(|time| !time.is_finite()) {
            return wrong(i, "are not finite");
        }
        if let Some(i) = timestamps.windows(2).position(|pair| pair[1] < pair[0]) {
            return wrong(i + 1, "go backwards");
        }
        let (Some(first), Some(last)) = (timestamps.first().copied(), timestamps.last().copied()) else {
            return Err(Error::argument("timestamps", "are empty"));
        };
        let tolerance = TOLERANCE.min(0.25 / fps);
        let steps = ((last - first + tolerance) * fps).floor() + 1.0;
        if steps > MAX_FRAMES as f64 {
            return Err(Error::argument(
                "timestamps",
                format!("span {:?} seconds: more than {MAX_FRAMES} steps at {fps} frames a second", last - first),
            ));
        }
        Ok(Self { timestamps, first, fps, tolerance, n: steps as usize })
    }

    pub fn length(&self) -> Length {
        Length { n: self.n, fps: Some(self.fps) }
    }

    /// The frame that is on screen at a step.
    pub fn frame(&self, step: usize) -> usize {
        let time = self.first + step as f64 / self.fps + self.tolerance;
        self.timestamps.partition_point(|&shown| shown <= time).saturating_sub(1)
    }
}
