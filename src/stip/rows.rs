//! The loops of the room, over rows of float32. Each output is a fixed expression of its inputs, without fused
//! multiply-add: results do not depend on the instructions that the processor has.

use crate::simd::vectorised;

/// Values of a row that a pass over many rows takes at a time: so many of each row stay in the fastest cache.
pub(super) const TILE: usize = 256;

/// Values that stay in registers while a kernel is summed.
const BLOCK: usize = 64;

/// Starts of blocks of `size` that cover `length` values; the last may overlap the one before it.
#[inline(always)]
fn starts(length: usize, size: usize) -> impl Iterator<Item = usize> {
    (0..length.div_ceil(size)).map(move |i| (i * size).min(length - size))
}

vectorised! {
    /// `out[i] = w[0] c[i] + sum_k w[k] (a_k[i] + b_k[i])`, where `c` is the row in the middle of `rows` and
    /// a_k, b_k stand k before and after it.
    pub(super) fn along(out: &mut [f32], rows: &[&[f32]], weights: &[f32]) {
        let (length, radius) = (out.len(), weights.len() - 1);
        if length < BLOCK {
            for (i, value) in out.iter_mut().enumerate() {
                let mut sum = weights[0] * rows[radius][i];
                for k in 1..=radius {
                    sum += weights[k] * (rows[radius - k][i] + rows[radius + k][i]);
                }
                *value = sum;
            }
            return;
        }
        for start in starts(length, BLOCK) {
            let block = start..start + BLOCK;
            let mut sums = [0.0f32; BLOCK];
            for (sum, value) in sums.iter_mut().zip(&rows[radius][block.clone()]) {
                *sum = weights[0] * value;
            }
            for (k, weight) in weights.iter().enumerate().skip(1) {
                let (before, after) = (&rows[radius - k][block.clone()], &rows[radius + k][block.clone()]);
                for (sum, (a, b)) in sums.iter_mut().zip(before.iter().zip(after)) {
                    *sum += weight * (a + b);
                }
            }
            out[block].copy_from_slice(&sums);
        }
    }
}

/// Values of a block across a row.
const ACROSS: usize = 32;

vectorised! {
    /// The same across one row: `padded` holds `out.len()` values and the radius more on both sides.
    pub(super) fn across(out: &mut [f32], padded: &[f32], weights: &[f32]) {
        let (length, radius) = (out.len(), weights.len() - 1);
        if length < ACROSS {
            for (i, value) in out.iter_mut().enumerate() {
                let mut sum = weights[0] * padded[i + radius];
                for k in 1..=radius {
                    sum += weights[k] * (padded[i + radius - k] + padded[i + radius + k]);
                }
                *value = sum;
            }
            return;
        }
        for start in starts(length, ACROSS) {
            let shifted = |by: usize| &padded[start + by..start + by + ACROSS];
            let mut sums = [0.0f32; ACROSS];
            for (sum, value) in sums.iter_mut().zip(shifted(radius)) {
                *sum = weights[0] * value;
            }
            for (k, weight) in weights.iter().enumerate().skip(1) {
                let (before, after) = (shifted(radius - k), shifted(radius + k));
                for (sum, (a, b)) in sums.iter_mut().zip(before.iter().zip(after)) {
                    *sum += weight * (a + b);
                }
            }
            out[start..start + ACROSS].copy_from_slice(&sums);
        }
    }
}

vectorised! {
    /// `out[i] = factor (after[i] - before[i])`.
    pub(super) fn difference(out: &mut [f32], before: &[f32], after: &[f32], factor: f32) {
        for (value, (a, b)) in out.iter_mut().zip(after.iter().zip(before)) {
            *value = factor * (a - b);
        }
    }
}

/// Halved central differences of a row; at its ends, where one side is missing, a half of the other.
pub(super) fn slope(out: &mut [f32], row: &[f32]) {
    let Some(last) = row.len().checked_sub(1).filter(|&last| last > 0) else { return out.fill(0.0) };
    difference(&mut out[1..last], &row[..last - 1], &row[2..], 0.5);
    out[0] = 0.5 * (row[1] - row[0]);
    out[last] = 0.5 * (row[last] - row[last - 1]);
}

vectorised! {
    /// `out[i] = a[i] b[i]`.
    pub(super) fn product(out: &mut [f32], a: &[f32], b: &[f32]) {
        for (value, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
            *value = a * b;
        }
    }
}

vectorised! {
    /// det(mu) - k trace(mu)^3 of a row of matrices, `moments` = xx xy xt yy yt tt one after the other; in the
    /// grouping of the report (torch evaluates it so).
    pub(super) fn response(out: &mut [f32], moments: &[f32], k: f32) {
        let width = out.len();
        let field = |i: usize| &moments[i * width..(i + 1) * width];
        let (xx, xy, xt, yy, yt, tt) = (field(0), field(1), field(2), field(3), field(4), field(5));
        for i in 0..width {
            let det = xx[i] * (yy[i] * tt[i] - yt[i] * yt[i]) - xy[i] * (xy[i] * tt[i] - xt[i] * yt[i])
                + xt[i] * (xy[i] * yt[i] - xt[i] * yy[i]);
            let trace = xx[i] + yy[i] + tt[i];
            out[i] = det - k * (trace * trace * trace);
        }
    }
}

vectorised! {
    /// The largest value of `row` into `most`, where it is larger. Not a number loses.
    pub(super) fn largest(row: &[f32], most: &mut f32) {
        let mut lanes = [f32::NEG_INFINITY; 16];
        let chunks = row.chunks_exact(16);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &value) in lanes.iter_mut().zip(chunk) {
                *lane = if value > *lane { value } else { *lane };
            }
        }
        for &value in lanes.iter().chain(rest) {
            if value > *most {
                *most = value;
            }
        }
    }
}

vectorised! {
    /// Bytes to 0..1, by true division.
    pub(super) fn unit(out: &mut [f32], bytes: &[u8]) {
        for (value, &byte) in out.iter_mut().zip(bytes) {
            *value = f32::from(byte) / 255.0;
        }
    }
}
