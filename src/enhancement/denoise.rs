//! Spatial and temporal denoising by non-local means over a window of space and time (Buades, Coll and
//! Morel, "Nonlocal image and movie denoising", IJCV 76, 2008), with the weights of the same authors'
//! "Non-Local Means Denoising" (IPOL 1, 2011), pixelwise:
//!
//! `u'(p) = sum_q w(p, q) u(q) / sum_q w(p, q)`, `w = exp(-max(d2 - 2 sigma^2, 0) / h^2)`, `h = strength sigma`,
//!
//! q within `radius` rows and columns and `frames` frames of p, d2 the mean squared difference of the patches about p and q
//! (`2 patch + 1` a side, all channels together). Frames are mirrored at their borders (c b a | a b c), the
//! window ends with the clip. A thing that moves is found again within the radius, so no motion is
//! estimated. Rounded to bytes; sigma 0 changes nothing.
//!
//! The noise is estimated, unless given, by Immerkaer, "Fast noise variance estimation" (CVIU 64(2), 1996):
//! `sigma = sqrt(pi / 2) / (6 (W - 2) (H - 2)) sum |I * N|`, N the difference of two Laplacians, averaged over channels (and over
//! frames for a clip); texture counts as noise in it.
//!
//! O((2 radius + 1)^2 (2 frames + 1)) a pixel, exact sums of squares.

use std::f32::consts::LOG2_E;

use super::Scratch;
use super::elementary::exp2;
use super::scratch::sized;
use super::step::Per;
use crate::clip::FrameShape;
use crate::error::{Error, Result};
use crate::parallel::{self, Job};
use crate::simd::vectorised;

/// Beyond these the work grows past use, and sums of squares past 2^24.
const MOST_RADIUS: usize = 15;
const MOST_FRAMES: usize = 15;
const MOST_PATCH: usize = 3;

/// Rows worked on at a time: their sums stay in the cache over all offsets.
const STRIP: usize = 16;

/// Non-local means over space and time.
#[derive(Clone, Debug)]
pub struct Denoise {
    sigma: Option<f64>,
    strength: f64,
    radius: usize,
    frames: usize,
    patch: usize,
    per: Per,
}

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Mirrored float planes of the frames about the current one, and which frame of the clip each is.
    padded: Vec<(Option<usize>, Vec<f32>)>,
    squares: Vec<f32>,
    sums: Vec<f32>,
    source: Vec<u8>,
}

impl Denoise {
    pub fn new(
        sigma: Option<f64>,
        strength: f64,
        radius: usize,
        frames: usize,
        patch: usize,
        per: Per,
    ) -> Result<Self> {
        if let Some(sigma) = sigma
            && !(0.0..=255.0).contains(&sigma)
        {
            return Err(Error::argument("sigma", format!("must lie in 0 to 255 grey levels, got {sigma}")));
        }
        if !(strength.is_finite() && strength > 0.0) {
            return Err(Error::argument("strength", format!("must be positive and finite, got {strength}")));
        }
        for (name, value, most) in
            [("radius", radius, MOST_RADIUS), ("frames", frames, MOST_FRAMES), ("patch", patch, MOST_PATCH)]
        {
            if value > most {
                return Err(Error::argument(name, format!("must be 0 to {most}, got {value}")));
            }
        }
        Ok(Self { sigma, strength, radius, frames, patch, per })
    }

    /// True where each frame alone suffices.
    pub(super) fn is_framewise(&self) -> bool {
        self.frames == 0 && (self.sigma.is_some() || self.per == Per::Frame)
    }

    /// The frame alone, as a clip of one.
    pub(super) fn apply_frame(&self, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) -> Result<()> {
        let sigma = self.sigmas(frame, shape)?;
        let mut source = std::mem::take(&mut scratch.denoise.source);
        source.clear();
        source.extend_from_slice(frame);
        scratch.denoise.padded.clear();
        self.frame(&source, 0, sigma[0], frame, shape, &mut scratch.denoise);
        scratch.denoise.source = source;
        Ok(())
    }

    pub(super) fn apply_clip(
        &self,
        frames: &mut [u8],
        shape: FrameShape,
        scratch: &mut Scratch,
        job: &Job,
    ) -> Result<()> {
        let sigmas = self.sigmas(frames, shape)?;
        let source = frames.to_vec();
        scratch.denoise.padded.clear();
        for ((index, frame), sigma) in frames.chunks_exact_mut(shape.len()).enumerate().zip(sigmas) {
            job.check()?;
            self.frame(&source, index, sigma, frame, shape, &mut scratch.denoise);
        }
        Ok(())
    }

    /// As [`Self::apply_clip`], frames on the pool.
    pub(super) fn apply_clip_on_pool(&self, frames: &mut [u8], shape: FrameShape, job: &Job) -> Result<()> {
        let sigmas = self.sigmas(frames, shape)?;
        let source = frames.to_vec();
        parallel::for_each_chunk(frames, shape.len(), job, |index, frame, buffers: &mut Buffers| {
            self.frame(&source, index, sigmas[index], frame, shape, buffers);
            Ok(())
        })
    }

    /// The noise of each frame, in grey levels.
    fn sigmas(&self, frames: &[u8], shape: FrameShape) -> Result<Vec<f32>> {
        let count = frames.len() / shape.len();
        if let Some(sigma) = self.sigma {
            return Ok(vec![sigma as f32; count]);
        }
        if shape.height < 3 || shape.width < 3 {
            let message = format!("cannot be estimated from frames of {}x{}; give it", shape.height, shape.width);
            return Err(Error::argument("sigma", message));
        }
        let each = frames.chunks_exact(shape.len()).map(|frame| noise(frame, shape));
        if self.per == Per::Frame {
            return Ok(each.map(|sigma| sigma as f32).collect());
        }
        let mean = each.sum::<f64>() / count as f64;
        Ok(vec![mean as f32; count])
    }
}

/// Immerkaer's estimate of the standard deviation of the noise.
fn noise(frame: &[u8], shape: FrameShape) -> f64 {
    let FrameShape { height, width, channels } = shape;
    let line = width * channels;
    let mut sum = 0u64;
    for rows in (0..height - 2).map(|y| &frame[y * line..(y + 3) * line]) {
        let laplacians = |x: usize| {
            let at = |row: usize, column: usize| i32::from(rows[row * line + x + column * channels]);
            let [top, middle, bottom] = [0, 1, 2].map(|row| at(row, 0) - 2 * at(row, 1) + at(row, 2));
            (top - 2 * middle + bottom).unsigned_abs()
        };
        sum += u64::from((0..line - 2 * channels).map(laplacians).sum::<u32>());
    }
    (std::f64::consts::FRAC_PI_2).sqrt() * sum as f64 / (6 * (width - 2) * (height - 2) * channels) as f64
}

/// Where the values of a strip of rows lie, and the weights.
struct Strip {
    width: usize,
    channels: usize,
    patch: usize,
    /// Length of a row and of a plane of the padded frames; the padding.
    stride: usize,
    plane: usize,
    padding: usize,
    /// First row and number of rows.
    start: usize,
    rows: usize,
    /// `w = exp2(min(free - steepness * sum of squares, 0))`.
    steepness: f32,
    free: f32,
}

impl Denoise {
    /// Denoises frame `index` of the clip `source` to `frame`.
    fn frame(
        &self,
        source: &[u8],
        index: usize,
        sigma: f32,
        frame: &mut [u8],
        shape: FrameShape,
        buffers: &mut Buffers,
    ) {
        if sigma == 0.0 {
            return;
        }
        let FrameShape { height, width, channels } = shape;
        let padding = self.radius + self.patch;
        let stride = width + 2 * padding;
        let samples = (channels * (2 * self.patch + 1).pow(2)) as f32;
        let h2 = (self.strength as f32 * sigma).powi(2);
        let mut strip = Strip {
            width,
            channels,
            patch: self.patch,
            stride,
            plane: stride * (height + 2 * padding),
            padding,
            start: 0,
            rows: 0,
            steepness: LOG2_E / (samples * h2),
            free: LOG2_E * 2.0 * sigma * sigma / h2,
        };
        let all = source.chunks_exact(shape.len());
        let window = index.saturating_sub(self.frames)..=(index + self.frames).min(all.len() - 1);
        let slots = 2 * self.frames + 1;
        buffers.padded.resize(slots, (None, Vec::new()));
        for (other, frame) in all.enumerate().skip(*window.start()).take(window.clone().count()) {
            let (held, padded) = &mut buffers.padded[other % slots];
            if *held != Some(other) {
                *held = Some(other);
                pad(frame, shape, padding, padded);
            }
        }
        let squares = sized(&mut buffers.squares, (STRIP + 2 * self.patch + 2) * (width + 2 * self.patch));
        let centre = &buffers.padded[index % slots].1;
        let radius = self.radius as isize;
        for (number, rows) in frame.chunks_mut(STRIP * width * channels).enumerate() {
            (strip.start, strip.rows) = (number * STRIP, rows.len() / (width * channels));
            let sums = sized(&mut buffers.sums, (1 + channels) * strip.rows * width);
            sums.fill(0.0);
            for other in window.clone() {
                let other = &buffers.padded[other % slots].1;
                for dy in -radius..=radius {
                    for dx in -radius..=radius {
                        accumulate(&strip, centre, other, dy * stride as isize + dx, squares, sums);
                    }
                }
            }
            let (weights, sums) = sums.split_at(strip.rows * width);
            for (channel, sums) in sums.chunks_exact(strip.rows * width).enumerate() {
                for ((pixel, sum), weight) in rows.chunks_exact_mut(channels).zip(sums).zip(weights) {
                    // The weight of the pixel itself is 1, so the sum is positive.
                    pixel[channel] = (sum / weight + 0.5) as u8;
                }
            }
        }
    }
}

/// Float planes of a frame, mirrored at the borders.
fn pad(frame: &[u8], shape: FrameShape, padding: usize, padded: &mut Vec<f32>) {
    let FrameShape { height, width, channels } = shape;
    padded.clear();
    let columns: Vec<usize> = (0..width + 2 * padding).map(|x| mirrored(x, padding, width) * channels).collect();
    for channel in 0..channels {
        for y in 0..height + 2 * padding {
            let row = &frame[mirrored(y, padding, height) * width * channels..][..width * channels];
            padded.extend(columns.iter().map(|x| f32::from(row[x + channel])));
        }
    }
}

/// The position that a line of `len`, mirrored at its borders, shows `padding` before position `i`.
fn mirrored(i: usize, padding: usize, len: usize) -> usize {
    let period = 2 * len;
    let i = (i + period * padding - padding) % period;
    i.min(period - 1 - i)
}

vectorised! {
    /// Adds the pixels of `other` that lie `shift` values on, weighted by how alike the patches are, to
    /// the sums of a strip: weights first, then a plane a channel.
    fn accumulate(
        strip: &Strip,
        centre: &[f32],
        other: &[f32],
        shift: isize,
        squares: &mut [f32],
        sums: &mut [f32],
    ) {
        let &Strip { width, channels, patch, stride, plane, padding, start, rows, steepness, free } = strip;
        let wide = width + 2 * patch;
        let (column, squares) = squares.split_at_mut(wide);
        let (weight, squares) = squares.split_at_mut(width);
        // Squared differences, summed over channels, of the strip and `patch` pixels about it.
        for (row, squares) in squares.chunks_exact_mut(wide).take(rows + 2 * patch).enumerate() {
            let first = (start + row + padding - patch) * stride + padding - patch;
            let part = |planes, at: usize, channel| row_of(planes, at + channel * plane, wide);
            let shifted = first.wrapping_add_signed(shift);
            let pair = |channel| part(centre, first, channel).iter().zip(part(other, shifted, channel));
            let square = |(a, b): (&f32, &f32)| (a - b) * (a - b);
            if channels == 3 {
                let pairs = pair(0).zip(pair(1)).zip(pair(2));
                for (sum, ((red, green), blue)) in squares.iter_mut().zip(pairs) {
                    *sum = square(red) + square(green) + square(blue);
                }
            } else {
                for (sum, grey) in squares.iter_mut().zip(pair(0)) {
                    *sum = square(grey);
                }
            }
        }
        let (weights, sums) = sums.split_at_mut(rows * width);
        for row in 0..rows {
            // Sums over patches: down, then across.
            sum_windows(patch, wide, &squares[row * wide..], column);
            sum_windows(patch, 1, column, weight);
            for (total, weight) in weights[row * width..].iter_mut().zip(weight.iter_mut()) {
                *weight = exp2((free - *weight * steepness).min(0.0));
                *total += *weight;
            }
            let first = ((start + row + padding) * stride + padding).wrapping_add_signed(shift);
            for channel in 0..channels {
                let sums = &mut sums[(channel * rows + row) * width..][..width];
                let values = row_of(other, first + channel * plane, width);
                for ((sum, weight), value) in sums.iter_mut().zip(weight.iter()).zip(values) {
                    *sum += weight * value;
                }
            }
        }
    }
}

#[inline(always)]
fn row_of(planes: &[f32], first: usize, len: usize) -> &[f32] {
    &planes[first..first + len]
}

/// `sums[x] = values[x] + values[x + step] + … + values[x + 2 patch step]`.
#[inline(always)]
fn sum_windows(patch: usize, step: usize, values: &[f32], sums: &mut [f32]) {
    let len = sums.len();
    let part = |i: usize| &values[i * step..i * step + len];
    if patch == 0 {
        return sums.copy_from_slice(part(0));
    }
    for (((sum, a), b), c) in sums.iter_mut().zip(part(0)).zip(part(1)).zip(part(2)) {
        *sum = a + b + c;
    }
    for pair in 1..patch {
        for ((sum, a), b) in sums.iter_mut().zip(part(2 * pair + 1)).zip(part(2 * pair + 2)) {
            *sum += a + b;
        }
    }
}
