//! Smoothing of a plane by weighted least squares: t with `t + sum_d D_d' diag(w_d) D_d t = b`, a grid of
//! springs of strengths w between neighbours.
//!
//! Conjugate gradients, preconditioned by a modified incomplete Cholesky factor (Gustafsson 1978), whose
//! substitutions run along anti-diagonals of the plane: values of one diagonal do not depend on each
//! other. Planes are therefore held by diagonals, the right neighbour one diagonal on, the lower one a
//! diagonal and a value on: flat loops, which vectorise. Single precision, sums of products in double.
//! Memory: eight planes of (H + W) min(H, W) values. Iterations grow with the square root of the side.

use crate::simd::vectorised;

/// Iterations over which the fall of the error is watched.
const DELAY: usize = 8;
/// More than any plane has needed; a bound, so that rounding can never make an endless loop.
const MOST_ITERATIONS: usize = 5000;

/// A system and its solution, by diagonals of a plane whose shorter side is `lines`.
#[derive(Debug, Default)]
pub(super) struct System {
    width: usize,
    lines: usize,
    transposed: bool,
    /// Strengths to the next value of the same line, and of the next line.
    along: Vec<f32>,
    across: Vec<f32>,
    solution: Vec<f32>,
    inverse_pivots: Vec<f32>,
    residual: Vec<f32>,
    step: Vec<f32>,
    product: Vec<f32>,
    conditioned: Vec<f32>,
}

impl System {
    /// Makes room for a plane; all strengths and values 0.
    pub(super) fn reset(&mut self, height: usize, width: usize) {
        self.transposed = height > width;
        (self.lines, self.width) = if self.transposed { (width, height) } else { (height, width) };
        let values = self.values();
        for buffer in [
            &mut self.along,
            &mut self.across,
            &mut self.solution,
            &mut self.inverse_pivots,
            &mut self.residual,
            &mut self.step,
            &mut self.product,
            &mut self.conditioned,
        ] {
            buffer.clear();
            buffer.resize(values, 0.0);
        }
    }

    /// Values of a plane by diagonals, one more diagonal and value before and after: neighbours of all.
    fn values(&self) -> usize {
        (self.width + self.lines - 1) * self.lines + 2 * (self.lines + 1)
    }

    /// Where row y, column x lies.
    fn at(&self, y: usize, x: usize) -> usize {
        let line = if self.transposed { x } else { y };
        (x + y + 1) * self.lines + 1 + line
    }
}

impl System {
    /// Gives row y, column x its value of b and its strengths to the right and below; those across the
    /// border must be 0.
    pub(super) fn set(&mut self, y: usize, x: usize, value: f32, right: f32, below: f32) {
        let at = self.at(y, x);
        self.residual[at] = value;
        (self.along[at], self.across[at]) = if self.transposed { (below, right) } else { (right, below) };
    }

    /// The solution at row y, column x.
    pub(super) fn get(&self, y: usize, x: usize) -> f32 {
        self.solution[self.at(y, x)]
    }

    /// Solves until the root mean square of the error, measured as the system measures it (which bounds
    /// the plain one), has fallen below about `tolerance`. `pixels` is H W.
    pub(super) fn solve(&mut self, tolerance: f64, pixels: usize) {
        let Self { lines, along, across, solution, inverse_pivots, residual, step, product, conditioned, .. } = self;
        let lines = *lines;
        factor(lines, along, across, product, inverse_pivots);
        // From t = 0, whose residual is b, exact; that of t = b would hold differences of huge tensions.
        let (mut advance, mut again) = (0.0, 0.0);
        let enough = tolerance * tolerance * pixels as f64;
        let mut falls = [f64::INFINITY; DELAY];
        let mut size = 0.0;
        for iteration in 0..MOST_ITERATIONS {
            substitute_forward(lines, along, across, inverse_pivots, advance, product, residual, conditioned);
            let last = size;
            size = 0.0;
            substitute_back(lines, along, across, inverse_pivots, residual, conditioned, &mut size);
            // The factor's lowest eigenvalue is 1: the size bounds the error from above.
            if size <= enough {
                break;
            }
            if iteration > 0 {
                again = (size / last) as f32;
            }
            walk(advance, again, conditioned, step, solution);
            let mut energy = 0.0;
            multiply(lines, along, across, step, product, &mut energy);
            advance = (size / energy) as f32;
            falls[iteration % DELAY] = size * size / energy;
            if falls.iter().sum::<f64>() <= enough {
                break;
            }
        }
        walk(advance, 0.0, conditioned, step, solution);
    }
}

/// Sum of products, sixteen at a time: one order for all instruction sets.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 16];
    let (a, b) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// First value of each diagonal.
#[inline(always)]
fn diagonals(lines: usize, values: usize) -> impl DoubleEndedIterator<Item = usize> {
    (0..(values - 2) / lines - 2).map(move |diagonal| (diagonal + 1) * lines + 1)
}

vectorised! {
    /// Pivots of the modified incomplete factor. What they exceed the strengths by (`excess`) is a sum of
    /// positive terms, so nothing cancels.
    fn factor(lines: usize, along: &[f32], across: &[f32], excess: &mut [f32], inverse_pivots: &mut [f32]) {
        for start in diagonals(lines, along.len()) {
            let (left, above) = (start - lines, start - lines - 1);
            let (excess_before, excess) = excess.split_at_mut(start);
            let (inverse_before, inverse) = inverse_pivots.split_at_mut(start);
            let (excess, inverse) = (&mut excess[..lines], &mut inverse[..lines]);
            let part = |strengths: &[f32], from: usize, i: usize| {
                strengths[from + i] * excess_before[from + i] * inverse_before[from + i]
            };
            for i in 0..lines {
                excess[i] = 1.0 + part(along, left, i) + part(across, above, i);
                inverse[i] = 1.0 / (excess[i] + along[start + i] + across[start + i]);
            }
        }
    }
}

vectorised! {
    /// Takes a step off the residual and solves with the lower factor.
    fn substitute_forward(
        lines: usize,
        along: &[f32],
        across: &[f32],
        inverse_pivots: &[f32],
        advance: f32,
        product: &[f32],
        residual: &mut [f32],
        conditioned: &mut [f32],
    ) {
        for start in diagonals(lines, along.len()) {
            let (before, now) = conditioned.split_at_mut(start);
            let (left, above) = (start - lines, start - lines - 1);
            let (before_left, before_above) = (&before[left..][..lines], &before[above..][..lines]);
            let (from_left, from_above) = (&along[left..][..lines], &across[above..][..lines]);
            let (inverse, product) = (&inverse_pivots[start..][..lines], &product[start..][..lines]);
            let (residual, now) = (&mut residual[start..][..lines], &mut now[..lines]);
            for i in 0..lines {
                residual[i] -= advance * product[i];
                let flow = from_left[i] * before_left[i] + from_above[i] * before_above[i];
                now[i] = (residual[i] + flow) * inverse[i];
            }
        }
    }
}

vectorised! {
    /// Solves with the upper factor; `size` is the product with the residual.
    fn substitute_back(
        lines: usize,
        along: &[f32],
        across: &[f32],
        inverse_pivots: &[f32],
        residual: &[f32],
        conditioned: &mut [f32],
        size: &mut f64,
    ) {
        for start in diagonals(lines, along.len()).rev() {
            let (now, after) = conditioned.split_at_mut(start + lines);
            let (right, below) = (&after[..lines], &after[1..=lines]);
            let (to_right, to_below) = (&along[start..][..lines], &across[start..][..lines]);
            let (inverse, now) = (&inverse_pivots[start..][..lines], &mut now[start..]);
            for i in 0..lines {
                now[i] += (to_right[i] * right[i] + to_below[i] * below[i]) * inverse[i];
            }
            *size += dot(now, &residual[start..][..lines]);
        }
    }
}

vectorised! {
    /// The solution goes the last step; the next one is the conditioned residual and a part of the last.
    fn walk(advance: f32, again: f32, conditioned: &[f32], step: &mut [f32], solution: &mut [f32]) {
        for ((conditioned, step), solution) in conditioned.iter().zip(step).zip(solution) {
            *solution += advance * *step;
            *step = conditioned + again * *step;
        }
    }
}

vectorised! {
    /// `product = A values`; `energy` is the product of both.
    fn multiply(
        lines: usize,
        along: &[f32],
        across: &[f32],
        values: &[f32],
        product: &mut [f32],
        energy: &mut f64,
    ) {
        for start in diagonals(lines, along.len()) {
            let (left, above) = (start - lines, start - lines - 1);
            let part = |from: usize| &values[from..][..lines];
            let (centre, right, below) = (part(start), part(start + lines), part(start + lines + 1));
            let (left_values, above_values) = (part(left), part(above));
            let (to_right, to_below) = (&along[start..][..lines], &across[start..][..lines]);
            let (to_left, to_above) = (&along[left..][..lines], &across[above..][..lines]);
            let product = &mut product[start..][..lines];
            for i in 0..lines {
                let c = centre[i];
                product[i] = c
                    + to_right[i] * (c - right[i])
                    + to_left[i] * (c - left_values[i])
                    + to_below[i] * (c - below[i])
                    + to_above[i] * (c - above_values[i]);
            }
            *energy += dot(product, centre);
        }
    }
}
