//! One frame from each of T equal parts of the video. n is its number of frames.

use super::draws::{Dialect, Draws};
use super::short::Short;
use super::timeline::Length;
use super::{Mode, check_clips, check_seed, named};
use crate::error::{Error, Result};

/// Whose parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentRule {
    /// `UniformSampleFrames` of mmaction2 1.2 (the report `dark-csn`, 4.3).
    Mmaction2,
    /// Temporal segment networks (Wang et al. 2016), as `TSNDataSet` of yjxiong/tsn-pytorch.
    Tsn,
}

impl SegmentRule {
    pub fn named(name: &str) -> Result<Self> {
        named("rule", name, &[("mmaction2", Self::Mmaction2), ("tsn", Self::Tsn)])
    }

    /// What the original does (TSN's in tests; in training it repeated the first frame).
    pub fn default_short(self) -> Short {
        match self {
            Self::Mmaction2 => Short::Loop,
            Self::Tsn => Short::Stretch,
        }
    }
}

/// T parts, and `clips` clips of a frame from each. `seed` and `dialect` are what training draws
/// from; in test mode mmaction2's rule begins NumPy's stream anew from `seed` for each video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub frames: usize,
    pub mode: Mode,
    pub clips: usize,
    pub rule: SegmentRule,
    pub seed: u64,
    pub dialect: Dialect,
    pub short: Short,
}

/// mmaction2's seed for tests, the same for every video.
const TEST_SEED: u64 = 255;

impl Segments {
    /// The seed and the stream where none is chosen.
    pub fn default_randomness(rule: SegmentRule, mode: Mode) -> (u64, Dialect) {
        match (rule, mode) {
            (SegmentRule::Mmaction2, Mode::Test) => (TEST_SEED, Dialect::Numpy),
            _ => (0, Dialect::Harkit),
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_clips(self.frames, self.clips)?;
        check_seed(self.seed, self.dialect)?;
        if self.dialect == Dialect::Python {
            return Err(Error::argument("stream", "must be \"harkit\" or \"numpy\" for Segments, got \"python\""));
        }
        if (self.rule, self.mode) == (SegmentRule::Tsn, Mode::Test) && self.clips > 1 {
            return Err(Error::argument(
                "clips",
                format!("must be 1 where rule=\"tsn\" takes the middles in test mode, got {}", self.clips),
            ));
        }
        if (self.rule, self.mode) == (SegmentRule::Mmaction2, Mode::Test) && self.dialect == Dialect::Harkit {
            return Err(Error::argument(
                "stream",
                "must be \"numpy\" in test mode, whose frames are defined by NumPy's stream, got \"harkit\"",
            ));
        }
        Ok(())
    }

    pub(super) fn indices(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        match (self.rule, self.mode) {
            (SegmentRule::Mmaction2, Mode::Train) => self.mmaction2(length, draws),
            (SegmentRule::Mmaction2, Mode::Test) => {
                self.mmaction2(length, &mut Draws::new(Dialect::Numpy, self.seed, 0, 0))
            }
            (SegmentRule::Tsn, _) => self.tsn(length, draws),
        }
    }

    /// By length: wrap around; skip n - T single frames; one frame of each part.
    fn mmaction2(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        let (n, count) = (length.n, self.frames);
        if n < count {
            return self.mmaction2_short(length, draws);
        }
        let mut clip = || {
            if n < 2 * count {
                return skipping(n, count, draws);
            }
            let border = |i: usize| i * n / count;
            (0..count).map(|i| border(i) + draws.below(border(i + 1) - border(i))).collect()
        };
        Ok((0..self.clips).map(|_| clip()).collect())
    }

    /// mmaction2 wraps around, from a random frame in training and from evenly spaced ones in tests.
    fn mmaction2_short(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        let (n, count) = (length.n, self.frames);
        if self.short != Short::Loop {
            let clip = self.short.apply_to_first(count, length, &format!("Segments of {count}"))?;
            return Ok(vec![clip; self.clips]);
        }
        let mut start = |clip: usize| match self.mode {
            Mode::Train => draws.below(n),
            Mode::Test if n < self.clips => clip,
            Mode::Test => clip * n / self.clips,
        };
        Ok((0..self.clips)
            .map(|clip| {
                let start = start(clip);
                (start..start + count).map(|index| index % n).collect()
            })
            .collect())
    }

    /// Parts of floor(n / T) frames, one drawn from each, the remainder never seen; in test mode the
    /// middles of parts of n / T frames, in the original's float64.
    fn tsn(&self, length: Length, draws: &mut Draws) -> Result<Vec<Vec<usize>>> {
        let (n, count) = (length.n, self.frames);
        let part = n / count;
        if part == 0 && self.short != Short::Stretch {
            let clip = self.short.apply_to_first(count, length, &format!("Segments of {count}"))?;
            return Ok(vec![clip; self.clips]);
        }
        let mut clip = || {
            if self.mode == Mode::Train && part > 0 {
                return (0..count).map(|i| i * part + draws.below(part)).collect();
            }
            let part = n as f64 / count as f64;
            (0..count).map(|i| (part / 2.0 + part * i as f64) as usize).collect()
        };
        Ok((0..self.clips).map(|_| clip()).collect())
    }
}

/// T of T <= n < 2T frames, ascending, n - T single frames left out: frame k is k plus the number of
/// drawn d <= k. (d = T leaves out nothing: then one frame fewer is skipped.)
fn skipping(n: usize, count: usize, draws: &mut Draws) -> Vec<usize> {
    let mut skip = vec![false; count + 1];
    for drawn in draws.choose(count + 1, n - count) {
        skip[drawn] = true;
    }
    let mut skipped = 0;
    (0..count)
        .map(|k| {
            skipped += usize::from(skip[k]);
            k + skipped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The report `dark-csn` (golden `train_stream`): between the frames of two videos, the crop takes 20
    /// numbers and the flip one from the same stream; Python has no door to that.
    #[test]
    fn frames_stay_mmaction2s_when_others_draw_from_the_stream_too() {
        let segments = Segments {
            frames: 40,
            mode: Mode::Train,
            clips: 1,
            rule: SegmentRule::Mmaction2,
            seed: 0,
            dialect: Dialect::Numpy,
            short: Short::Loop,
        };
        let mut draws = Draws::new(Dialect::Numpy, 0, 0, 0);
        let mut flips = Vec::new();
        let sums: Vec<usize> = [100, 54, 80, 20]
            .into_iter()
            .map(|n| {
                let clips = segments.indices(Length::frames(n), &mut draws).unwrap();
                let Draws::Numpy(generator) = &mut draws else { unreachable!() };
                flips.push((0..21).map(|_| generator.uniform()).last().unwrap());
                clips.iter().flatten().sum()
            })
            .collect();
        assert_eq!(sums, [1969, 1038, 1574, 380]);
        assert_eq!(flips, [0.17090958513604515, 0.13179786240439217, 0.29828232595603077, 0.7790510196090357]);
    }
}
