//! Derivatives of the scale space, a row at a time.

use super::kernel::Border;
use super::ring::Ring;
use super::rows::difference;
use super::settings::{Derivatives, Scale};

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
        let half = if derivatives == Derivatives::Centered { 0.5 } else { 1.0 };
        let factors = unit.map(|value| half * value);
        Self { derivatives, border, factors, height, width, zeros: vec![0.0; width] }
    }

    /// Height and width of the fields.
    pub fn shape(&self) -> (usize, usize) {
        match self.derivatives {
            Derivatives::Shifted => (self.height - 2, self.width - 2),
            Derivatives::Centered => (self.height, self.width),
        }
    }

    /// A window of scale-space frames that is long enough.
    pub fn window(&self, first: usize) -> Ring {
        let (behind, ahead) = match self.derivatives {
            Derivatives::Shifted => (0, 2),
            Derivatives::Centered => (1, 1),
        };
        Ring::new(self.height * self.width, behind, ahead, first)
    }

    /// Whether frames are ready that the end of the clip leaves without successors.
    pub fn reaches_the_end(&self) -> bool {
        self.derivatives == Derivatives::Centered
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
                if width > 2 {
                    difference(&mut lx[1..width - 1], row, &row[2..], of_space);
                }
                for x in [0, width - 1] {
                    let value = |x: isize| self.border.source(x, width, 1).map_or(0.0, |x| row[x]);
                    lx[x] = of_space * (value(x as isize + 1) - value(x as isize - 1));
                }
                let vertical =
                    |y: isize| self.border.source(y, self.height, 1).map_or(&self.zeros[..], |y| &here[line(y)]);
                difference(ly, vertical(y as isize - 1), vertical(y as isize + 1), of_space);
                let temporal =
                    |offset| space.near(t, offset, self.border, 1).map_or(&self.zeros[..], |frame| &frame[line(y)]);
                difference(lt, temporal(-1), temporal(1), of_time);
            }
        }
    }
}
