//! Sums over rectangles of what pixels weigh, by bin: integral images.
//!
//! Weights are whole numbers and sums wrap, so the difference of four corners is exact as long as the rectangle's own
//! sum is less than 2^32 (the rooms' limits keep it so), whatever the size of the frame; and sums over
//! frames do not depend on their order.

use crate::simd::vectorised;

/// Directions of a histogram.
pub(super) const BINS: usize = 4;

/// Sums over all pixels above and to the left, (H + 1, W + 1).
#[derive(Clone, Debug)]
pub(super) struct Integral {
    sums: Vec<[u32; BINS]>,
    stride: usize,
}

impl Integral {
    pub fn new(height: usize, width: usize) -> Self {
        Self { sums: vec![[0; BINS]; (height + 1) * (width + 1)], stride: width + 1 }
    }

    /// Row `y` of a frame, after those above it: the bin and the weight of each pixel.
    pub fn put_row(&mut self, y: usize, bins: &[u32], weights: &[u32]) {
        let (above, below) = self.sums[y * self.stride..].split_at_mut(self.stride);
        accumulate(&mut below[1..self.stride], &above[1..], bins, weights);
    }

    /// The weights of rows `y` and columns `x`, which lie in the frame.
    pub fn sum(&self, y: [usize; 2], x: [usize; 2]) -> [u32; BINS] {
        let at = |y: usize, x: usize| self.sums[y * self.stride + x];
        let (a, b, c, d) = (at(y[0], x[0]), at(y[0], x[1]), at(y[1], x[0]), at(y[1], x[1]));
        std::array::from_fn(|k| d[k].wrapping_sub(b[k]).wrapping_sub(c[k]).wrapping_add(a[k]))
    }
}

fn accumulate(out: &mut [[u32; BINS]], above: &[[u32; BINS]], bins: &[u32], weights: &[u32]) {
    let mut sums = [0u32; BINS];
    for ((out, above), (&bin, &weight)) in out.iter_mut().zip(above).zip(bins.iter().zip(weights)) {
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = sum.wrapping_add(if bin == k as u32 { weight } else { 0 });
        }
        *out = std::array::from_fn(|k| above[k].wrapping_add(sums[k]));
    }
}

/// tan(22.5 degrees): where the bin of 0 degrees ends.
const EIGHTH: f32 = 0.414_213_57;

vectorised! {
    /// Orientations modulo 180 degrees, around 0 45 90 135, weighed by length (at most `most`, times `scale`).
    pub(super) fn orientations(
        bins: &mut [u32], weights: &mut [u32], x: &[f32], y: &[f32], most: f32, scale: f32,
    ) {
        let width = bins.len();
        let (weights, x, y) = (&mut weights[..width], &x[..width], &y[..width]);
        for i in 0..width {
            let (along, down) = (x[i].abs(), y[i].abs());
            let slanted = if x[i] * y[i] > 0.0 { 1 } else { 3 };
            let steep = if along < EIGHTH * down { 2 } else { slanted };
            bins[i] = if down <= EIGHTH * along { 0 } else { steep };
            let length = (x[i] * x[i] + y[i] * y[i]).sqrt().min(most);
            weights[i] = (length * scale + 0.5) as i32 as u32;
        }
    }
}

vectorised! {
    /// Quadrants of what moves by `least` or more: 0 to 90 degrees (right, down), 90 to 180 and so on; each weighs 1.
    pub(super) fn quadrants(bins: &mut [u32], weights: &mut [u32], x: &[f32], y: &[f32], least: f32) {
        let width = bins.len();
        let (weights, x, y) = (&mut weights[..width], &x[..width], &y[..width]);
        for i in 0..width {
            let (right, left) = (x[i] > 0.0, x[i] < 0.0);
            let (below, above) = (y[i] > 0.0, y[i] < 0.0);
            let upper = if left & !below { 2 } else { 3 };
            let lower = if below & !right { 1 } else { upper };
            bins[i] = if right & !above { 0 } else { lower };
            weights[i] = u32::from(x[i] * x[i] + y[i] * y[i] >= least * least);
        }
    }
}
