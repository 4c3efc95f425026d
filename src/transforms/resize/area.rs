//! OpenCV's `INTER_AREA` on uint8 where both axes shrink: the mean of the area that a pixel covers.
//!
//! Source: OpenCV 5.0 `modules/imgproc/src/resize.cpp`, `resizeAreaFast_` (whole factors: an integer
//! sum, [`Whole`]) and `ResizeArea_Invoker` with `computeResizeAreaTab` (any other: float32 sums,
//! [`Area`]). The bytes are those of the x86-64 wheels: multiplications and additions apart, in
//! OpenCV's order, rounded half to even. Halving both sides is a case of its own
//! ([`super::halve`]).

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
        let inverse = 1.0 / (down * across) as f32;
        work.row.resize(width, 0);
        for y in 0..window.height {
            let rows = (window.top + y) * down;
            for (i, out) in work.row.iter_mut().enumerate() {
                let first = left + i / channels * across * channels + i % channels;
                let sum: i32 = (rows..rows + down)
                    .map(|y| {
                        let row = &source.row(y)[first..];
                        (0..across).map(|x| i32::from(row[x * channels])).sum::<i32>()
                    })
                    .sum();
                *out = to_byte(sum as f32 * inverse);
            }
            emit(y, &work.row);
        }
    }
}

/// 1.5 * 2^23: adding it leaves a small value's integer part, rounded half to even, in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// A value in 0..=255 and a little more, rounded half to even; a form that compilers vectorise.
fn to_byte(value: f32) -> u8 {
    (value.min(255.0) + ROUNDING).to_bits() as u8
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
    /// As many shares for each pixel: those of weight 0 add nothing, and the loop never turns early.
    across: Vec<Share>,
    shares_a_pixel: usize,
    down: Vec<Vec<Share>>,
    channels: usize,
}

impl Area {
    pub fn new(job: Geometry) -> Self {
        let Geometry { source, target, window, channels } = job;
        let across = &shares(source.width, target.width)[window.left..window.left + window.width];
        let down = shares(source.height, target.height);
        let most = across.iter().map(Vec::len).max().unwrap_or(0);
        let idle = Share { source: 0, weight: 0.0 };
        let filled = |shares: &Vec<Share>| shares.iter().copied().chain(std::iter::repeat(idle)).take(most).collect();
        Self {
            across: across.iter().flat_map::<Vec<Share>, _>(filled).collect(),
            shares_a_pixel: most,
            down: down[window.top..window.top + window.height].to_vec(),
            channels,
        }
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let width = self.across.len() / self.shares_a_pixel * self.channels;
        // Pixels of three values are read and written as four.
        let padded = width + 1;
        work.floats.resize(2 * padded + source.width + 1, 0.0);
        work.row.resize(width, 0);
        let (line, rest) = work.floats.split_at_mut(padded);
        let (sum, row) = rest.split_at_mut(padded);
        // Neighbouring target rows share a source row: its pass across is kept.
        let mut held = None;
        for (y, shares) in self.down.iter().enumerate() {
            sum.fill(0.0);
            for share in shares {
                if held != Some(share.source) {
                    for (value, &byte) in row.iter_mut().zip(source.row(share.source)) {
                        *value = f32::from(byte);
                    }
                    match self.channels {
                        1 => self.across::<1, 1>(row, line),
                        _ => self.across::<3, 4>(row, line),
                    }
                    held = Some(share.source);
                }
                for (sum, value) in sum.iter_mut().zip(&*line) {
                    *sum += share.weight * value;
                }
            }
            for (out, &sum) in work.row.iter_mut().zip(&*sum) {
                *out = to_byte(sum);
            }
            emit(y, &work.row);
        }
    }

    /// The pass across: pixels of `C` values, of which `LANES` are summed (the next pixel then
    /// overwrites what is too much).
    fn across<const C: usize, const LANES: usize>(&self, row: &[f32], out: &mut [f32]) {
        for (x, shares) in self.across.chunks_exact(self.shares_a_pixel).enumerate() {
            let mut sum = [0.0f32; LANES];
            for share in shares {
                let pixel = &row[share.source * C..][..LANES];
                for lane in 0..LANES {
                    sum[lane] += pixel[lane] * share.weight;
                }
            }
            out[x * C..][..LANES].copy_from_slice(&sum);
        }
    }
}
