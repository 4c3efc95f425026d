//! What a detector is told: every number of the method, checked once.

use super::kernel::{Border, Kernel, Radius};
use crate::error::{Error, Result};

/// Largest variance, in samples squared, and reach of a kernel, in samples, that are taken.
const LARGEST_VARIANCE: f32 = 10_000.0;
const LONGEST_RADIUS: usize = 1_000;
/// Levels of a pyramid.
const MOST_LEVELS: u32 = 8;

/// A scale: variances over space (pixels squared) and time (frames squared), of frames halved `level` times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    pub sigma2: f32,
    pub tau2: f32,
    pub level: u32,
}

impl Scale {
    /// A scale of frames as they are.
    pub fn new(sigma2: f32, tau2: f32) -> Self {
        Self { sigma2, tau2, level: 0 }
    }

    /// The same in pixels of the frames as they are.
    pub(super) fn whole(self) -> Self {
        Self { sigma2: self.sigma2 * 4.0f32.powi(self.level as i32), level: 0, ..self }
    }
}

/// Gaussian smoothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothing {
    /// Reach over space and over time.
    pub radius: [Radius; 2],
    pub border: Border,
}

impl Smoothing {
    /// The kernels over space and time of a scale whose variances are multiplied by `factor`.
    pub(super) fn kernels(&self, scale: Scale, factor: f32) -> [Kernel; 2] {
        let [space, time] = self.radius;
        [(scale.sigma2, space), (scale.tau2, time)]
            .map(|(variance, radius)| Kernel::gaussian(factor * variance, radius.of(factor * variance)))
    }

    /// The error of a scale that is no pair of positive numbers, or whose kernels, widened by `factor`, are too long.
    pub fn check(&self, scale: Scale, factor: f32) -> Result<()> {
        let [space, time] = self.radius;
        for (name, variance, radius) in [("sigma2", scale.sigma2, space), ("tau2", scale.tau2, time)] {
            if !(variance > 0.0 && variance <= LARGEST_VARIANCE) {
                let message = format!("must be positive and at most {LARGEST_VARIANCE}, got {variance}");
                return Err(Error::argument(name, message));
            }
            let radius = radius.of(factor.max(1.0) * variance);
            if radius > LONGEST_RADIUS {
                let message = format!("needs kernels of radius {radius}, more than {LONGEST_RADIUS}: {variance}");
                return Err(Error::argument(name, message));
            }
        }
        Ok(())
    }
}

/// How derivatives of the scale space are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derivatives {
    /// L\[i + 2\] - L\[i\] stored at i, cropped to (T - 2, H - 2, W - 2): the report's, neither halved nor aligned.
    Shifted,
    /// (L\[i + 1\] - L\[i - 1\]) / 2 stored at i.
    Centered,
    /// As `Centered` over time; over space half of OpenCV's Sobel filter, which is 4 times the derivative: the STIP
    /// program's.
    Sobel,
}

/// How a level of the pyramid comes from the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// The binomial (1 4 6 4 1) / 16, edges mirrored about their pixel; of an odd length the larger half.
    Wide,
    /// The binomial (1 2 1) / 4, edges repeated, rounded to bytes; of an odd length the smaller half.
    Narrow,
}

/// From where on a response counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// A value.
    Absolute(f32),
    /// A share of the largest response of the clip.
    Relative(f32),
}

/// Which responses above the threshold are points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those larger than each of their 26 neighbours.
    Maxima,
}

/// A detector of interest points.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// At the finest level.
    pub scales: Vec<Scale>,
    /// Levels of the pyramid; each halves the frames of the one before, and has the same scales.
    pub levels: u32,
    pub reduction: Reduction,
    pub smoothing: Smoothing,
    pub derivatives: Derivatives,
    /// Whether derivatives are multiplied by sigma and tau.
    pub normalized: bool,
    /// The second moments' variances over those of the scale.
    pub integration: f32,
    pub k: f32,
    pub threshold: Threshold,
    /// A relative threshold looks at voxels so many sigma and tau from every face.
    pub interior: f32,
    pub selection: Selection,
    /// Whether a point gives way to a stronger one at a neighbouring scale.
    pub scale_selection: bool,
    /// Points closer to a face are dropped: frames, pixels of the level.
    pub margin: [usize; 2],
    /// Whether the clip is seen as by a program that reads a stream into empty buffers: black before it begins, its
    /// first frame lost, and without points whose windows reach past its ends (see [`Settings::margin_over_time`]).
    pub online: bool,
    /// The strongest so many points.
    pub max_points: Option<usize>,
}

impl Settings {
    pub fn check(&self) -> Result<()> {
        if self.scales.is_empty() {
            return Err(Error::argument("sigma2", "and `tau2` must hold one scale at least"));
        }
        if !(1..=MOST_LEVELS).contains(&self.levels) {
            return Err(Error::argument("levels", format!("must be 1 to {MOST_LEVELS}, got {}", self.levels)));
        }
        at_least("integration", self.integration, 0.0, self.integration > 0.0)?;
        self.scales.iter().try_for_each(|&scale| self.smoothing.check(scale, self.integration))?;
        at_least("k", self.k, 0.0, self.k >= 0.0)?;
        at_least("interior", self.interior, 0.0, self.interior >= 0.0)?;
        match self.threshold {
            Threshold::Absolute(value) => at_least("threshold", value, 0.0, value >= 0.0),
            Threshold::Relative(share) if (0.0..1.0).contains(&share) => Ok(()),
            Threshold::Relative(share) => {
                Err(Error::argument("threshold", format!("must be a share from 0 to below 1, got {share}")))
            }
        }
    }

    /// The scales of all levels, fine to coarse.
    pub(super) fn all_scales(&self) -> impl Iterator<Item = Scale> {
        (0..self.levels).flat_map(|level| self.scales.iter().map(move |&scale| Scale { level, ..scale }))
    }

    /// Frames that a response reaches to each side, with those of the comparison with its neighbours.
    pub(super) fn reach(&self, scale: Scale) -> usize {
        let radius = |factor: f32| self.smoothing.radius[1].of(factor * scale.tau2);
        // Derivatives reach two frames, the comparison one.
        radius(1.0) + radius(self.integration) + 3
    }

    /// Black frames before the first.
    pub(super) fn lead(&self, scale: Scale) -> usize {
        if self.online { self.reach(scale) } else { 0 }
    }

    /// Frames without points at the beginning and at the end. A stream's integration window must be full, and a
    /// response's neighbour must have all of its frames.
    pub(super) fn margin_over_time(&self, scale: Scale) -> [usize; 2] {
        let least = self.margin[0];
        if !self.online {
            return [least; 2];
        }
        let window = self.smoothing.radius[1].of(self.integration * scale.tau2);
        [least.max(window + 1), least.max(self.reach(scale) - 1)]
    }
}

fn at_least(name: &'static str, value: f32, least: f32, holds: bool) -> Result<()> {
    if holds && value.is_finite() {
        return Ok(());
    }
    let word = if name == "integration" { "more than" } else { "at least" };
    Err(Error::argument(name, format!("must be {word} {least}, got {value}")))
}
