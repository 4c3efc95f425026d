//! Frames at even distances, the same for every run. n is the number of frames, T the count asked for.

use super::count::Count;
use super::short::{Short, aligned};
use super::timeline::Length;
use super::{check_size, named};
use crate::error::{Error, ErrorKind, Result};

/// Every `interval`-th frame from the first: 0, s, 2s, … below n; `ceil(n / s)` of them (the report
/// `dark-csn`, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub interval: usize,
}

impl Interval {
    pub(super) fn check(&self) -> Result<()> {
        check_size("interval", self.interval)
    }

    pub(super) fn indices(&self, length: Length) -> Vec<usize> {
        (0..length.n).step_by(self.interval).collect()
    }
}

/// The middle of each of T equal parts: `floor((i + 0.5) * n / T)`, in integers (the report
/// `hmdb-vgg-frames`, 2.5; the test frames of TSN).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uniform {
    pub frames: Count,
    pub short: Short,
}

impl Uniform {
    pub(super) fn check(&self) -> Result<()> {
        self.frames.check()
    }

    pub(super) fn indices(&self, length: Length) -> Result<Vec<usize>> {
        let (n, count) = (length.n, self.frames.of(length.n)?);
        if n < count && self.short != Short::Stretch {
            return self.short.apply_to_first(count, length, &format!("Uniform of {count}"));
        }
        Ok((0..count).map(|i| (2 * i + 1) * n / (2 * count)).collect())
    }
}

/// What is rounded to whole frames when T points are laid over a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Each point down: `floor(i * (n - 1) / (T - 1))`, equal to `numpy.linspace(0, n - 1, T).astype(int)`.
    Floor,
    /// Each point to the nearest, halves up: `floor(i * (n - 1) / (T - 1) + 0.5)`, in integers.
    Nearest,
    /// The distance down: `i * floor((n - 1) / (T - 1))`. The tail is dropped.
    Step,
    /// A distance less, open at the end: `i * (floor(n / (T - 1)) - 1)`.
    OpenStep,
}

impl Rounding {
    pub fn named(name: &str) -> Result<Self> {
        named(
            "rounding",
            name,
            &[("floor", Self::Floor), ("nearest", Self::Nearest), ("step", Self::Step), ("open_step", Self::OpenStep)],
        )
    }

    /// The report's step rules had no answer for short videos; points repeat frames by themselves.
    pub fn default_short(self) -> Short {
        if self.is_step() { Short::Error } else { Short::Stretch }
    }

    fn is_step(self) -> bool {
        matches!(self, Self::Step | Self::OpenStep)
    }
}

/// T points from the first frame to the last, or near it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linspace {
    pub frames: Count,
    pub rounding: Rounding,
    pub short: Short,
}

impl Linspace {
    pub(super) fn check(&self) -> Result<()> {
        self.frames.check()?;
        if self.rounding.is_step() && self.frames == Count::Frames(1) {
            return Err(Error::argument(
                "frames",
                "must be at least 2 where the distance between frames is rounded, got 1",
            ));
        }
        Ok(())
    }

    pub(super) fn indices(&self, length: Length) -> Result<Vec<usize>> {
        let (n, count) = (length.n, self.frames.of(length.n)?);
        match self.rounding {
            Rounding::Floor | Rounding::Nearest if n < count && self.short != Short::Stretch => {
                self.short.apply_to_first(count, length, &format!("Linspace of {count}"))
            }
            Rounding::Floor => Ok(numpy_linspace(count, n)),
            Rounding::Nearest => Ok(aligned(count, n)),
            Rounding::Step | Rounding::OpenStep => self.stepped(count, length),
        }
    }

    /// The two rules of the report `dark-convnext-lstm` (3.1 `BatchIntervalSampling` and 3.2
    /// `IntervalSampling`), where a step of 0 and a negative one are not allowed.
    fn stepped(&self, count: usize, length: Length) -> Result<Vec<usize>> {
        if count < 2 {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("the fraction of {length} is {count}: where the distance is rounded, 2 or more are needed"),
            ));
        }
        let gaps = count - 1;
        let (step, needed) = match self.rounding {
            // A step of 0 is an error of the report's strided slice.
            Rounding::Step => ((length.n - 1) / gaps, count),
            _ => (length.n / gaps, gaps),
        };
        if step == 0 {
            let wanted: Vec<usize> = (0..count).collect();
            return self.short.apply(&wanted, length, &format!("Linspace of {count}"), needed);
        }
        let step = if self.rounding == Rounding::Step { step } else { step - 1 };
        Ok((0..count).map(|i| i * step).collect())
    }
}

/// `numpy.linspace(0, n - 1, count).astype(int)` in NumPy's own order of operations: float64 puts
/// about one list in a hundred one frame before the exact quotient, and published models were fed so.
fn numpy_linspace(count: usize, n: usize) -> Vec<usize> {
    let last = n - 1;
    let step = last as f64 / count.saturating_sub(1).max(1) as f64;
    (0..count).map(|i| if i > 0 && i + 1 == count { last } else { (i as f64 * step) as usize }).collect()
}
