//! OpenCV's `INTER_AREA` on uint8 where both axes shrink: the mean of the area that a pixel covers.
//!
//! Source: OpenCV 5.0 `modules/imgproc/src/resize.cpp`, `resizeAreaFast_` (whole factors: an integer
//! sum, [`Whole`]) and `ResizeArea_Invoker` with `computeResizeAreaTab` (any other: float32 sums,
//! [`Area`]). The bytes are those of the x86-64 wheels: multiplications and additions apart, in
//! OpenCV's order, rounded half to even. Halving both sides is [`Whole`] for `INTER_LINEAR` as well.

use super::{Geometry, Rows, Work};
use crate::transforms::Size;

/// OpenCV's scale of an axis: 1 / (target / source), which is not always source / target.
fn scale(source: usize, target: usize) -> f64 {
    1.0 / (target as f64 / source as f64)
}

/// Whether `INTER_AREA` is a mean of areas here; otherwise it is a bilinear rule of its own.
pub(super) fn shrinks(source: Size, target: Size) -> bool {
    scale(source.height, target.height) >= 1.0 && scale(source.width, target.width) >= 1.0
}

/// The factors by which height and width shrink, where both are whole to the last bit.
pub(super) fn whole_factors(source: Size, target: Size) -> Option<(usize, usize)> {
    let whole = |source: usize, target: usize| {
        let scale = scale(source, target);
        let near = scale.round_ties_even();
        ((scale - near).abs() < f64::EPSILON && near >= 1.0).then_some(near as usize)
    };
    whole(source.height, target.height).zip(whole(source.width, target.width))
}

/// Shrinking by whole factors.
#[derive(Debug)]
pub struct Whole {
    job: Geometry,
    down: usize,
    across: usize,
}

impl Whole {
    pub fn new(job: Geometry, down: usize, across: usize) -> Self {
        Self { job, down, across }
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let Self { job: Geometry { window, channels, .. }, down, across } = *self;
        let left = window.left * across * channels;
        let width = window.width * channels;
        work.row.resize(width, 0);
        for y in 0..window.height {
            let rows = (window.top + y) * down;
            if (down, across) == (2, 2) {
                let pair = [rows, rows + 1].map(|row| &source.row(row)[left..]);
                match channels {
                    1 => halve::<1>(pair, &mut work.row),
                    _ => halve::<3>(pair, &mut work.row),
                }
            } else {
                let inverse = 1.0 / (down * across) as f32;
                for (i, out) in work.row.iter_mut().enumerate() {
                    let first = left + i / channels * across * channels + i % channels;
                    let sum: i32 = (rows..rows + down)
                        .map(|y| {
                            let row = &source.row(y)[first..];
                            (0..across).map(|x| i32::from(row[x * channels])).sum::<i32>()
                        })
                        .sum();
                    *out = (sum as f32 * inverse).round_ties_even() as u8;
                }
            }
            emit(y, &work.row);
        }
    }
}

/// The rounded mean of 2 x 2 pixels of `C` channels.
fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
    let [above, below] = rows;
    for ((out, a), b) in out.chunks_exact_mut(C).zip(above.chunks_exact(2 * C)).zip(below.chunks_exact(2 * C)) {
        for c in 0..C {
            let sum = u16::from(a[c]) + u16::from(a[c + C]) + u16::from(b[c]) + u16::from(b[c + C]);
            out[c] = ((sum + 2) >> 2) as u8;
        }
    }
}

/// A share of a source pixel in a target pixel.
#[derive(Clone, Copy, Debug)]
struct Share {
    source: usize,
    weight: f32,
}

/// Less of a source pixel than this is left out (OpenCV).
const SLIVER: f64 = 1e-3;

/// The shares of each target pixel of one axis.
fn shares(source: usize, target: usize) -> Vec<Vec<Share>> {
    let scale = scale(source, target);
    let of = |x: usize| {
        let start = x as f64 * scale;
        let end = start + scale;
        let cell = scale.min(source as f64 - start);
        let last = (end.floor() as usize).min(source - 1);
        let first = (start.ceil() as usize).min(last);
        let mut shares = Vec::with_capacity(last - first + 2);
        let before = first as f64 - start;
        if before > SLIVER {
            shares.push(Share { source: first - 1, weight: (before / cell) as f32 });
        }
        shares.extend((first..last).map(|source| Share { source, weight: (1.0 / cell) as f32 }));
        let after = end - last as f64;
        if after > SLIVER {
            shares.push(Share { source: last, weight: (after.min(1.0).min(cell) / cell) as f32 });
        }
        shares
    };
    (0..target).map(of).collect()
}

/// Shrinking by any factors.
#[derive(Debug)]
pub struct Area {
    across: Vec<Vec<Share>>,
    down: Vec<Vec<Share>>,
    channels: usize,
}

impl Area {
    pub fn new(job: Geometry) -> Self {
        let Geometry { source, target, window, channels } = job;
        let cut = |shares: Vec<Vec<Share>>, start: usize, length: usize| shares[start..start + length].to_vec();
        Self {
            across: cut(shares(source.width, target.width), window.left, window.width),
            down: cut(shares(source.height, target.height), window.top, window.height),
            channels,
        }
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let width = self.across.len() * self.channels;
        work.floats.resize(2 * width, 0.0);
        work.row.resize(width, 0);
        let (line, sum) = work.floats.split_at_mut(width);
        // Neighbouring target rows share a source row: its pass across is kept.
        let mut held = None;
        for (y, shares) in self.down.iter().enumerate() {
            sum.fill(0.0);
            for share in shares {
                if held != Some(share.source) {
                    match self.channels {
                        1 => across::<1>(source.row(share.source), &self.across, line),
                        _ => across::<3>(source.row(share.source), &self.across, line),
                    }
                    held = Some(share.source);
                }
                for (sum, value) in sum.iter_mut().zip(&*line) {
                    *sum += share.weight * value;
                }
            }
            for (out, sum) in work.row.iter_mut().zip(&*sum) {
                *out = sum.round_ties_even() as u8;
            }
            emit(y, &work.row);
        }
    }
}

fn across<const C: usize>(row: &[u8], pixels: &[Vec<Share>], out: &mut [f32]) {
    for (out, shares) in out.chunks_exact_mut(C).zip(pixels) {
        let mut sum = [0.0f32; C];
        for share in shares {
            let pixel = &row[share.source * C..][..C];
            for c in 0..C {
                sum[c] += f32::from(pixel[c]) * share.weight;
            }
        }
        out.copy_from_slice(&sum);
    }
}
