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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::tests::same_at_every_level;

    #[test]
    fn sums_are_exact_where_they_have_wrapped() {
        let (height, width) = (40, 40);
        let mut integral = Integral::new(height, width);
        let weight = |y: usize, x: usize| u32::MAX / 20 - (7 * y + x) as u32;
        for y in 0..height {
            let bins: Vec<u32> = (0..width).map(|x| ((x + y) % BINS) as u32).collect();
            let weights: Vec<u32> = (0..width).map(|x| weight(y, x)).collect();
            integral.put_row(y, &bins, &weights);
        }
        let mut expected = [0u32; BINS];
        for y in 30..34 {
            for x in 35..40 {
                expected[(x + y) % BINS] += weight(y, x);
            }
        }
        assert_eq!(integral.sum([30, 34], [35, 40]), expected);
        assert_eq!(integral.sum([3, 3], [0, 40]), [0; BINS]);
    }

    #[test]
    fn directions_are_those_of_the_arc_tangent() {
        // No vector lies on a border of two bins.
        let angles: Vec<f32> = (0..720).map(|i| (i as f32 + 0.25) * std::f32::consts::PI / 360.0).collect();
        let (x, y): (Vec<f32>, Vec<f32>) = angles.iter().map(|angle| (0.5 * angle.cos(), 0.5 * angle.sin())).unzip();
        let (mut bins, mut weights) = (vec![0; 720], vec![0; 720]);
        quadrants(&mut bins, &mut weights, &x, &y, 0.4);
        assert!(bins.iter().enumerate().all(|(i, &bin)| bin as usize == i / 180));
        assert!(weights.iter().all(|&weight| weight == 1));
        quadrants(&mut bins, &mut weights, &x, &y, 0.6);
        assert!(weights.iter().all(|&weight| weight == 0));
        orientations(&mut bins, &mut weights, &x, &y, 1.0, 1000.0);
        assert!(bins.iter().enumerate().all(|(i, &bin)| bin as usize == (i + 45) / 90 % 4));
        assert!(weights.iter().all(|&weight| weight == 500));
        orientations(&mut bins, &mut weights, &x, &y, 0.25, 1000.0);
        assert!(weights.iter().all(|&weight| weight == 250));
    }

    #[test]
    fn instructions_do_not_matter() {
        let value = |i: usize| ((i * 7919 % 1000) as f32 - 500.0) / 700.0;
        let (x, y): (Vec<f32>, Vec<f32>) = (0..77).map(|i| (value(i), value(3 * i + 1))).unzip();
        same_at_every_level(|| {
            let (mut bins, mut weights) = (vec![0; 77], vec![0; 77]);
            orientations(&mut bins, &mut weights, &x, &y, 0.75, 65_536.0);
            let gradients = (bins.clone(), weights.clone());
            quadrants(&mut bins, &mut weights, &x, &y, 0.4);
            (gradients, bins, weights)
        });
    }
}
