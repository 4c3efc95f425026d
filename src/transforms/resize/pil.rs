//! Pillow's `Resampling.BILINEAR` on uint8: a triangle filter as wide as the scale, in two passes of
//! 22-bit fixed point with a byte in between.
//!
//! Source: Pillow 13.0 `src/libImaging/Resample.c`, `precompute_coeffs`, `normalize_coeffs_8bpc`,
//! `ImagingResampleHorizontal_8bpc` and `…Vertical_8bpc`, `ImagingResampleInner`. An axis whose size
//! stays is not filtered. The pass across comes first, unless the height shrinks by more than twice as
//! many pixels as the width (Pillow 13; earlier versions always begin across). All integer.

use super::{Geometry, Rows, Work};

/// Bits behind the point of the weights.
const BITS: u32 = 32 - 8 - 2;

/// The source pixels of a target pixel, from `first` on, and their weights.
#[derive(Clone, Debug)]
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// The taps of one axis.
fn taps(source: usize, target: usize) -> Vec<Taps> {
    let scale = source as f64 / target as f64;
    let filter = scale.max(1.0);
    let inverse = 1.0 / filter;
    let of = |x: usize| {
        let centre = (x as f64 + 0.5) * scale;
        let first = ((centre - filter + 0.5) as isize).max(0) as usize;
        let end = ((centre + filter + 0.5) as usize).min(source);
        let triangle = |x: usize| (1.0 - ((x as f64 - centre + 0.5) * inverse).abs()).max(0.0);
        let weights: Vec<f64> = (first..end).map(triangle).collect();
        let total: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (0.5 + weight / total * f64::from(1 << BITS)) as i32;
        Taps { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..target).map(of).collect()
}

fn to_byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// The antialiased bilinear resize of frames of one size.
#[derive(Debug)]
pub struct Pil {
    /// Nothing where the axis keeps its size.
    across: Option<Vec<Taps>>,
    down: Option<Vec<Taps>>,
    across_first: bool,
    job: Geometry,
}

impl Pil {
    pub fn new(job: Geometry) -> Self {
        let Geometry { source, target, window, .. } = job;
        let axis = |source: usize, target: usize, start: usize, length: usize| {
            (source != target).then(|| taps(source, target)[start..start + length].to_vec())
        };
        let less = |source: usize, target: usize| source as isize - target as isize;
        let (lower, narrower) = (less(source.height, target.height), less(source.width, target.width));
        Self {
            across: axis(source.width, target.width, window.left, window.width),
            down: axis(source.height, target.height, window.top, window.height),
            across_first: !(lower > 0 && lower > 2 * narrower),
            job,
        }
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let Geometry { window, channels, .. } = self.job;
        let width = window.width * channels;
        let columns = window.left * channels..(window.left + window.width) * channels;
        work.row.resize(width, 0);
        match (&self.across, &self.down) {
            (Some(taps), None) => {
                for y in 0..window.height {
                    across(source.row(window.top + y), taps, channels, &mut work.row);
                    emit(y, &work.row);
                }
            }
            (None, Some(taps)) => {
                for (y, taps) in taps.iter().enumerate() {
                    let data = &source.data[taps.first * source.stride + columns.start..];
                    down(Rows { data, width, ..source }, &taps.weights, &mut work.row);
                    emit(y, &work.row);
                }
            }
            (Some(across_taps), Some(down_taps)) if self.across_first => {
                let first = down_taps.iter().map(|taps| taps.first).min().unwrap_or(0);
                let end = down_taps.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
                work.bytes.resize((end - first) * width, 0);
                for (y, row) in (first..end).zip(work.bytes.chunks_exact_mut(width)) {
                    across(source.row(y), across_taps, channels, row);
                }
                for (y, taps) in down_taps.iter().enumerate() {
                    let data = &work.bytes[(taps.first - first) * width..];
                    down(Rows { data, stride: width, width }, &taps.weights, &mut work.row);
                    emit(y, &work.row);
                }
            }
            (Some(across_taps), Some(down_taps)) => {
                work.bytes.resize(source.width, 0);
                for (y, taps) in down_taps.iter().enumerate() {
                    let data = &source.data[taps.first * source.stride..];
                    down(Rows { data, ..source }, &taps.weights, &mut work.bytes);
                    across(&work.bytes, across_taps, channels, &mut work.row);
                    emit(y, &work.row);
                }
            }
            (None, None) => {
                for y in 0..window.height {
                    emit(y, &source.row(window.top + y)[columns.clone()]);
                }
            }
        }
    }
}

fn across(row: &[u8], taps: &[Taps], channels: usize, out: &mut [u8]) {
    match channels {
        1 => across_channels::<1>(row, taps, out),
        _ => across_channels::<3>(row, taps, out),
    }
}

fn across_channels<const C: usize>(row: &[u8], taps: &[Taps], out: &mut [u8]) {
    for (out, taps) in out.chunks_exact_mut(C).zip(taps) {
        let mut sum = [1 << (BITS - 1); C];
        let pixels = row[taps.first * C..].chunks_exact(C);
        for (pixel, &weight) in pixels.zip(&taps.weights) {
            for c in 0..C {
                sum[c] += i32::from(pixel[c]) * weight;
            }
        }
        for c in 0..C {
            out[c] = to_byte(sum[c]);
        }
    }
}

/// Values that are summed in registers at a time.
const LANES: usize = 32;

/// One row from as many rows as there are weights.
#[inline(always)]
fn down_lanes(source: Rows<'_>, weights: &[i32], out: &mut [u8]) {
    let Rows { data: rows, stride, .. } = source;
    let mut start = 0;
    let whole = out.len() / LANES * LANES;
    for out in out[..whole].chunks_exact_mut(LANES) {
        let mut sum = [1 << (BITS - 1); LANES];
        for (i, &weight) in weights.iter().enumerate() {
            for (sum, &value) in sum.iter_mut().zip(&rows[i * stride + start..][..LANES]) {
                *sum += i32::from(value) * weight;
            }
        }
        for (out, &sum) in out.iter_mut().zip(&sum) {
            *out = to_byte(sum);
        }
        start += LANES;
    }
    for (x, out) in out.iter_mut().enumerate().skip(whole) {
        let terms = weights.iter().enumerate();
        let sum: i32 = terms.map(|(i, &weight)| i32::from(rows[i * stride + x]) * weight).sum();
        *out = to_byte(sum + (1 << (BITS - 1)));
    }
}

fn down(source: Rows<'_>, weights: &[i32], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        /// # Safety
        /// AVX2.
        #[target_feature(enable = "avx2")]
        unsafe fn down_avx2(source: Rows<'_>, weights: &[i32], out: &mut [u8]) {
            down_lanes(source, weights, out);
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 is there.
            return unsafe { down_avx2(source, weights, out) };
        }
    }
    down_lanes(source, weights, out);
}
