//! Derivatives of the scale space, a row at a time.

use super::kernel::Border;
use super::ring::Ring;
use super::rows::{along, difference};
use super::settings::{Derivatives, Scale};

/// Weights of a value and its neighbours across the derivative of the Sobel filter.
const SMOOTH: [f32; 2] = [2.0, 1.0];

/// The rule for derivatives of frames of `height` x `width`.
#[derive(Clone, Debug)]
pub(super) struct Gradient {
    derivatives: Derivatives,
    border: Border,
    /// Factors over space and time.
    factors: [f32; 2],
    height: usize,
    width: usize,
    zeros: Vec<f32>,
}

impl Gradient {
    /// With `scale` the derivatives are multiplied by its sigma and tau.
    pub fn new(derivatives: Derivatives, border: Border, scale: Option<Scale>, height: usize, width: usize) -> Self {
        let unit = scale.map_or([1.0; 2], |scale| [scale.sigma2.sqrt(), scale.tau2.sqrt()]);
        let half = if derivatives == Derivatives::Shifted { 1.0 } else { 0.5 };
        let factors = unit.map(|value| half * value);
        Self { derivatives, border, factors, height, width, zeros: vec![0.0; width] }
    }

    /// Height and width of the fields.
    pub fn shape(&self) -> (usize, usize) {
        match self.derivatives {
            Derivatives::Shifted => (self.height - 2, self.width - 2),
            Derivatives::Centered | Derivatives::Sobel => (self.height, self.width),
        }
    }

    /// A window of scale-space frames that is long enough.
    pub fn window(&self, first: usize) -> Ring {
        let (behind, ahead) = match self.derivatives {
            Derivatives::Shifted => (0, 2),
            Derivatives::Centered | Derivatives::Sobel => (1, 1),
        };
        Ring::new(self.height * self.width, behind, ahead, first)
    }

    /// Whether frames are ready that the end of the clip leaves without successors.
    pub fn reaches_the_end(&self) -> bool {
        self.derivatives != Derivatives::Shifted
    }

    /// Row `y` of Lx, Ly and Lt at frame `t`.
    pub fn run(&self, space: &Ring, t: usize, y: usize, [lx, ly, lt]: [&mut [f32]; 3]) {
        let width = self.width;
        let line = |y: usize| y * width..(y + 1) * width;
        let here = space.frame(t);
        let row = &here[line(y)];
        let [of_space, of_time] = self.factors;
        match self.derivatives {
            Derivatives::Shifted => {
                let later = space.frame(t + 2);
                difference(lx, row, &row[2..], of_space);
                difference(ly, row, &here[line(y + 2)], of_space);
                difference(lt, row, &later[line(y)], of_time);
            }
            Derivatives::Centered => {
                self.across(lx, row, of_space);
                difference(ly, self.line(here, y, -1), self.line(here, y, 1), of_space);
                self.over_time(lt, space, t, y);
            }
            Derivatives::Sobel => {
                let [above, below] = [-1, 1].map(|offset| self.line(here, y, offset));
                // Until Lt is written, its row holds the frame smoothed, then differentiated, down the columns.
                along(lt, &[above, row, below], &SMOOTH);
                self.across(lx, lt, of_space);
                difference(lt, above, below, of_space);
                self.smooth_across(ly, lt);
                self.over_time(lt, space, t, y);
            }
        }
    }

    /// What stands `offset` beside `x` in a row, by the border rule.
    fn beside(&self, row: &[f32], x: usize, offset: isize) -> f32 {
        self.border.source(x as isize + offset, self.width, 1).map_or(0.0, |x| row[x])
    }

    /// The row of a frame `offset` rows from `y`, by the border rule.
    fn line<'a>(&'a self, frame: &'a [f32], y: usize, offset: isize) -> &'a [f32] {
        let line = |y: usize| &frame[y * self.width..(y + 1) * self.width];
        self.border.source(y as isize + offset, self.height, 1).map_or(&self.zeros, line)
    }

    /// Differences of the neighbours in a row.
    fn across(&self, out: &mut [f32], row: &[f32], factor: f32) {
        let width = self.width;
        if width > 2 {
            difference(&mut out[1..width - 1], row, &row[2..], factor);
        }
        for x in [0, width - 1] {
            out[x] = factor * (self.beside(row, x, 1) - self.beside(row, x, -1));
        }
    }

    /// (1 2 1) over a row.
    fn smooth_across(&self, out: &mut [f32], row: &[f32]) {
        let width = self.width;
        if width > 2 {
            along(&mut out[1..width - 1], &[row, &row[1..], &row[2..]], &SMOOTH);
        }
        for x in [0, width - 1] {
            out[x] = SMOOTH[0] * row[x] + SMOOTH[1] * (self.beside(row, x, -1) + self.beside(row, x, 1));
        }
    }

    /// Lt of row `y` at frame `t`.
    fn over_time(&self, lt: &mut [f32], space: &Ring, t: usize, y: usize) {
        let [before, after] = [-1, 1].map(|offset| {
            space.near(t, offset, self.border, 1).map_or(&self.zeros[..], |frame| self.line(frame, y, 0))
        });
        difference(lt, before, after, self.factors[1]);
    }
}
