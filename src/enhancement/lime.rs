//! Low-light image enhancement by illumination map estimation, LIME (Guo, Li and Ling, "LIME: Low-light
//! image enhancement via illumination map estimation", IEEE TIP 26(2), 2017), on intensities 0 to 1:
//!
//! * illumination `T^(p) = max_c L_c(p)` (equation 3; a grey frame is its own illumination);
//! * weights by strategy III (equation 19): `W_d(p) = sum_q G(p, q) / (|sum_q G(p, q) grad_d T^(q)| + eps)`, G a
//!   Gaussian of sigma 2 over 5 x 5 pixels, normalised over those within the frame;
//! * T by the sped-up solver (equations 17 and 18): `(1 + sum_d D_d' diag(w_d) D_d) t = t^` with
//!   `w_d = alpha W_d / (|grad_d T^| + eps)`, forward differences, none across the border;
//! * `I' = round(255 min(1, L / T ** gamma))` (section III-B's gamma correction of T, equation 1's R = L / T).
//!
//! eps is 0.001, T at least 1/255. Left out: the paper's BM3D on the luma of R, which
//! [`super::denoise`] after it stands in for, and the exact augmented-Lagrangian solver. The
//! linear system is solved by conjugate gradients ([`super::laplacian`]) until a byte can no longer change by more than
//! rounding. Nothing is shared between frames.

use super::Scratch;
use super::elementary::{exp2, ln};
use super::laplacian::System;
use super::scratch::sized;
use super::step::{Per, Step};
use crate::clip::FrameShape;
use crate::error::{Error, Result};
use crate::simd::vectorised;

/// The paper's "very small constant to avoid the zero denominator", in its authors' code 0.001.
const EPSILON: f32 = 0.001;
/// Half a side of the Gaussian of strategy III, and its standard deviation.
const REACH: usize = 2;
const SIGMA: f64 = 2.0;
/// The darkest illumination.
const DARKEST: f32 = 1.0 / 255.0;
/// Root mean square error of T.
const TOLERANCE: f64 = 2e-5;

/// Illumination map estimation.
#[derive(Clone, Debug)]
pub struct Lime {
    alpha: f32,
    gamma: f32,
}

/// Working memory: the system, and planes of the frame.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    system: System,
    illumination: Vec<f32>,
    gradient: Vec<f32>,
    rows: Vec<f32>,
    strengths: [Vec<f32>; 2],
}

impl Lime {
    pub fn new(alpha: f64, gamma: f64) -> Result<Self> {
        // A stronger system than 1e3 / eps^2 is beyond single precision.
        if !(0.0..=1e3).contains(&alpha) {
            return Err(Error::argument("alpha", format!("must lie in 0 to 1000, got {alpha}")));
        }
        if !(0.0..=1.0).contains(&gamma) {
            return Err(Error::argument("gamma", format!("must lie in 0 to 1, got {gamma}")));
        }
        Ok(Self { alpha: alpha as f32, gamma: gamma as f32 })
    }
}

impl Step for Lime {
    type Statistics = ();
    type Known = ();

    fn per(&self) -> Per {
        Per::Frame
    }

    fn statistics(&self) {}

    fn observe(&self, _: &[u8], _: FrameShape, _: &mut Scratch, (): &mut ()) {}

    fn conclude(&self, (): (), _: FrameShape) {}

    fn apply(&self, (): &(), frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        let FrameShape { height, width, channels } = shape;
        let Buffers { system, illumination, gradient, rows, strengths } = &mut scratch.lime;
        let [illumination, gradient] = [illumination, gradient].map(|buffer| sized(buffer, height * width));
        for (value, pixel) in illumination.iter_mut().zip(frame.chunks_exact(channels)) {
            *value = f32::from(pixel.iter().fold(0, |largest, &value| largest.max(value))) / 255.0;
        }
        let [right, below] = strengths.each_mut().map(|buffer| sized(buffer, height * width));
        for (strengths, (dy, dx)) in [(&mut *right, (0, 1)), (&mut *below, (1, 0))] {
            differences(illumination, gradient, height, width, dy, dx);
            smooth(gradient, strengths, sized(rows, height * width), height, width);
            weigh(gradient, strengths, self.alpha);
            // None across the border.
            if dx == 1 {
                strengths.iter_mut().skip(width - 1).step_by(width).for_each(|strength| *strength = 0.0);
            } else {
                strengths[(height - 1) * width..].fill(0.0);
            }
        }
        system.reset(height, width);
        for y in 0..height {
            for x in 0..width {
                let i = y * width + x;
                system.set(y, x, illumination[i], right[i], below[i]);
            }
        }
        system.solve(TOLERANCE, height * width);
        for y in 0..height {
            for (x, value) in illumination[y * width..][..width].iter_mut().enumerate() {
                *value = system.get(y, x);
            }
        }
        brighten(illumination, self.gamma);
        for (pixel, factor) in frame.chunks_exact_mut(channels).zip(&*illumination) {
            for value in pixel {
                // `as` saturates.
                *value = (f32::from(*value) * factor + 0.5) as u8;
            }
        }
    }
}

/// Forward differences along one direction, 0 across the border.
fn differences(plane: &[f32], gradient: &mut [f32], height: usize, width: usize, dy: usize, dx: usize) {
    gradient.fill(0.0);
    for y in 0..height - dy {
        for x in 0..width - dx {
            gradient[y * width + x] = plane[(y + dy) * width + x + dx] - plane[y * width + x];
        }
    }
}

vectorised! {
    /// The Gaussian mean of each pixel of the frame within [`REACH`]; `rows` is room for a plane.
    fn smooth(plane: &[f32], smoothed: &mut [f32], rows: &mut [f32], height: usize, width: usize) {
        let gauss: [f32; 2 * REACH + 1] = std::array::from_fn(|i| {
            let distance = i as f64 - REACH as f64;
            (-distance * distance / (2.0 * SIGMA * SIGMA)).exp() as f32
        });
        // Weights of the neighbours of position i of a line that lie on it, normalised.
        let weights = |i: usize, len: usize| {
            let on_line = move |k: usize| i + k >= REACH && i + k < len + REACH;
            let total: f32 = (0..gauss.len()).filter(|&k| on_line(k)).map(|k| gauss[k]).sum();
            (0..gauss.len()).filter(move |&k| on_line(k)).map(move |k| (k, gauss[k] / total))
        };
        for (row, smoothed) in plane.chunks_exact(width).zip(rows.chunks_exact_mut(width)) {
            let inner = REACH.min(width)..width.saturating_sub(REACH).max(REACH.min(width));
            for x in (0..inner.start).chain(inner.end..width) {
                smoothed[x] = weights(x, width).map(|(k, weight)| weight * row[x + k - REACH]).sum();
            }
            if inner.is_empty() {
                continue;
            }
            smoothed[inner.clone()].fill(0.0);
            for (k, weight) in weights(REACH, width) {
                for (sum, value) in smoothed[inner.clone()].iter_mut().zip(&row[k..]) {
                    *sum += weight * value;
                }
            }
        }
        for (y, smoothed) in smoothed.chunks_exact_mut(width).enumerate() {
            smoothed.fill(0.0);
            for (k, weight) in weights(y, height) {
                for (sum, value) in smoothed.iter_mut().zip(&rows[(y + k - REACH) * width..]) {
                    *sum += weight * value;
                }
            }
        }
    }
}

vectorised! {
    /// `alpha / ((|mean gradient| + eps) (|gradient| + eps))`, from the mean gradient in place.
    fn weigh(gradient: &[f32], strengths: &mut [f32], alpha: f32) {
        for (strength, gradient) in strengths.iter_mut().zip(gradient) {
            *strength = alpha / ((strength.abs() + EPSILON) * (gradient.abs() + EPSILON));
        }
    }
}

vectorised! {
    /// `1 / T ** gamma`, in place.
    fn brighten(illumination: &mut [f32], gamma: f32) {
        for value in illumination {
            *value = exp2(-gamma * std::f32::consts::LOG2_E * ln(value.max(DARKEST)));
        }
    }
}
