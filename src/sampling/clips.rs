//! Runs of frames at a fixed distance. n is the video's number of frames, T that of a clip.

use super::draws::{Dialect, Draws};
use super::short::Short;
use super::timeline::Length;
use super::{Mode, check_clips, check_seed, check_size};
use crate::error::{Error, Result};

/// `clips` clips of T frames, `stride` apart, as `SampleFrames` of mmaction2 1.2: the protocol
/// "T x stride x clips" of the Kinetics models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    pub frames: usize,
    pub stride: usize,
    pub clips: usize,
    pub mode: Mode,
    pub seed: u64,
    pub dialect: Dialect,
    pub short: Short,
}

impl Dense {
    pub(super) fn check(&self) -> Result<()> {
        check_clips(self.frames, self.clips)?;
        check_size("stride", self.stride)?;
        check_seed(self.seed, self.dialect)?;
        if self.dialect == Dialect::Python {
            return Err(Error::argument("stream", "must be \"harkit\" or \"numpy\" for Dense, got \"python\""));
        }
        Ok(())
    }

    /// Frames from the first of a clip to its last, both counted.
    fn span(&self) -> usize {
        (self.frames - 1) * self.stride + 1
    }

    pub(super) fn indices(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        let (n, span) = (length.n, self.span());
        if n < span {
            let wanted: Vec<usize> = (0..self.frames).map(|i| i * self.stride).collect();
            let rule = format!("Dense of {} frames {} apart", self.frames, self.stride);
            let clip = self.short.apply(&wanted, length, &rule, span)?;
            return Ok(vec![clip; self.clips]);
        }
        let starts = match self.mode {
            Mode::Test => self.spread(n, n - span),
            Mode::Train => self.drawn(n, draws),
        };
        // mmaction2's rounding can put a start one past the last possible (stride 1, more clips than starts).
        let clip = |start: usize| (0..self.frames).map(|i| start.min(n - span) + i * self.stride).collect();
        Ok(starts.into_iter().map(clip).collect())
    }

    /// Starts from 0 to `last`, evenly, halves to even; the middle where there is one clip. Clips of
    /// one frame are the middles of equal parts, in mmaction2's float64.
    fn spread(&self, n: usize, last: usize) -> Vec<usize> {
        if self.frames == 1 {
            let part = n as f64 / self.clips as f64;
            return (0..self.clips).map(|i| (i as f64 * part + part / 2.0) as usize).collect();
        }
        if self.clips == 1 {
            return vec![last / 2];
        }
        let between = last as f64 / (self.clips - 1) as f64;
        (0..self.clips).map(|i| (i as f64 * between).round_ties_even() as usize).collect()
    }

    /// A random start in each of `clips` equal parts of the starts that leave room for T * stride
    /// frames; where there are fewer starts than clips: sorted draws, or an even spread.
    fn drawn(&self, n: usize, draws: &mut Draws) -> Vec<usize> {
        let room = self.frames * self.stride;
        if n < room {
            return vec![0; self.clips];
        }
        let possible = n - room + 1;
        let part = possible / self.clips;
        if part > 0 {
            return (0..self.clips).map(|i| i * part + draws.below(part)).collect();
        }
        if n > self.clips.max(room) {
            let mut starts: Vec<usize> = (0..self.clips).map(|_| draws.below(possible)).collect();
            starts.sort_unstable();
            return starts;
        }
        let between = possible as f64 / self.clips as f64;
        (0..self.clips).map(|i| (i as f64 * between).round_ties_even() as usize).collect()
    }
}

/// Consecutive groups of T frames from the first frame on, an incomplete last one dropped: floor(n / T)
/// clips (the report `hmdb-attention`, 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    pub frames: usize,
    pub short: Short,
}

impl Blocks {
    pub(super) fn check(&self) -> Result<()> {
        check_size("frames", self.frames)
    }

    pub(super) fn indices(&self, length: Length) -> Result<Vec<Vec<usize>>> {
        if length.n < self.frames {
            return Ok(vec![self.short.apply_to_first(self.frames, length, &format!("Blocks of {}", self.frames))?]);
        }
        Ok((0..length.n / self.frames)
            .map(|block| (block * self.frames..(block + 1) * self.frames).collect())
            .collect())
    }
}
