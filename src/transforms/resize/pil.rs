//! Pillow's `Resampling.BILINEAR` on uint8: a triangle filter as wide as the scale, in two passes of
//! 22-bit fixed point with a byte in between.
//!
//! Source: Pillow 13.0 `src/libImaging/Resample.c`, `precompute_coeffs`, `normalize_coeffs_8bpc`,
//! `ImagingResampleHorizontal_8bpc` and `…Vertical_8bpc`, `ImagingResampleInner`. An axis whose size
//! stays is not filtered. The pass across comes first, unless the height shrinks by more than twice as
//! many pixels as the width (Pillow 13; earlier versions always begin across). All integer.

#[cfg(target_arch = "x86_64")]
use super::pil_x86;
use super::{Geometry, Rows, Work};

/// Bits behind the point of the weights.
pub(super) const BITS: u32 = 32 - 8 - 2;
/// What makes the last shift round.
pub(super) const HALF: i32 = 1 << (BITS - 1);

/// The source pixels of a target pixel, from `first` on, and their weights.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub first: usize,
    pub weights: Vec<i32>,
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

/// The pass across.
#[derive(Debug)]
struct Across {
    taps: Vec<Taps>,
    #[cfg(target_arch = "x86_64")]
    fast: Option<pil_x86::Colours>,
}

impl Across {
    fn new(taps: Vec<Taps>, source: usize, channels: usize) -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            fast: pil_x86::Colours::new(&taps, source, channels),
            taps,
        }
    }

    /// One row of `channels` values a pixel.
    fn run(&self, row: &[u8], channels: usize, out: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        let done = self.fast.as_ref().map_or(0, |fast| fast.run(row, out));
        #[cfg(not(target_arch = "x86_64"))]
        let done = 0;
        match channels {
            1 => self.pixels::<1>(row, done, out),
            _ => self.pixels::<3>(row, done, out),
        }
    }

    /// The pixels from `start` on, of `C` values.
    fn pixels<const C: usize>(&self, row: &[u8], start: usize, out: &mut [u8]) {
        for (out, taps) in out.chunks_exact_mut(C).zip(&self.taps).skip(start) {
            let mut sum = [HALF; C];
            for (pixel, &weight) in row[taps.first * C..].chunks_exact(C).zip(&taps.weights) {
                for c in 0..C {
                    sum[c] += i32::from(pixel[c]) * weight;
                }
            }
            for c in 0..C {
                out[c] = to_byte(sum[c]);
            }
        }
    }
}

fn to_byte(sum: i32) -> u8 {
    (sum >> BITS).clamp(0, 255) as u8
}

/// The antialiased bilinear resize of frames of one size.
#[derive(Debug)]
pub struct Pil {
    /// Nothing where the axis keeps its size.
    across: Option<Across>,
    down: Option<Vec<Taps>>,
    across_first: bool,
    job: Geometry,
}

impl Pil {
    pub fn new(job: Geometry) -> Self {
        let Geometry { source, target, window, channels } = job;
        let axis = |source: usize, target: usize, start: usize, length: usize| {
            (source != target).then(|| taps(source, target)[start..start + length].to_vec())
        };
        let less = |source: usize, target: usize| source as isize - target as isize;
        let (lower, narrower) = (less(source.height, target.height), less(source.width, target.width));
        Self {
            across: axis(source.width, target.width, window.left, window.width)
                .map(|taps| Across::new(taps, source.width, channels)),
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
            (Some(across), None) => {
                for y in 0..window.height {
                    across.run(source.row(window.top + y), channels, &mut work.row);
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
            (Some(across), Some(down_taps)) if self.across_first => {
                let first = down_taps.iter().map(|taps| taps.first).min().unwrap_or(0);
                let end = down_taps.iter().map(|taps| taps.first + taps.weights.len()).max().unwrap_or(0);
                work.bytes.resize((end - first) * width, 0);
                for (y, row) in (first..end).zip(work.bytes.chunks_exact_mut(width)) {
                    across.run(source.row(y), channels, row);
                }
                for (y, taps) in down_taps.iter().enumerate() {
                    let data = &work.bytes[(taps.first - first) * width..];
                    down(Rows { data, stride: width, width }, &taps.weights, &mut work.row);
                    emit(y, &work.row);
                }
            }
            (Some(across), Some(down_taps)) => {
                work.bytes.resize(source.width, 0);
                for (y, taps) in down_taps.iter().enumerate() {
                    let data = &source.data[taps.first * source.stride..];
                    down(Rows { data, ..source }, &taps.weights, &mut work.bytes);
                    across.run(&work.bytes, channels, &mut work.row);
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

/// Values that are summed in registers at a time.
const LANES: usize = 32;

/// One row from as many rows as there are weights.
#[inline(always)]
fn down_lanes(source: Rows<'_>, weights: &[i32], out: &mut [u8]) {
    let Rows { data: rows, stride, .. } = source;
    let mut start = 0;
    let whole = out.len() / LANES * LANES;
    for out in out[..whole].chunks_exact_mut(LANES) {
        let mut sum = [HALF; LANES];
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
        *out = to_byte(sum + HALF);
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
