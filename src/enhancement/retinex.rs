//! Multi-scale retinex (Jobson, Rahman and Woodell, "A multiscale retinex for bridging the gap between
//! color images and the human observation of scenes", IEEE TIP 6(7), 1997, equations 1 to 3):
//! `R = sum_n (ln(I + 1) - ln(F_n * I + 1)) / N` with N surrounds `F_n = K exp(-r^2 / c_n^2)`, equal
//! weights, 1 added to both sides because bytes hold zeros, planes mirrored at their borders.
//!
//! R goes to bytes by the balance of Petro, Sbert and Morel, "Multiscale Retinex" (IPOL 4, 2014): a given
//! percentage of the values is saturated at either end, the rest stretched over 0 to 255, rounded. The
//! gains and offsets of Jobson's colour restoration (MSRCR) depend on a normalisation that the paper
//! does not state, so it is left out; `channels="intensity"` keeps colours by Petro's algorithm 2 (MSRCP):
//! the retinex of `I = (R + G + B) / 3`, balanced to J, and each channel times `min(J / I, 255 / max(R, G, B))`.
//!
//! Percentiles come from a histogram whose bins are a 4096th of R wide. Working memory: six float planes.

use super::Scratch;
use super::elementary::ln;
use super::scratch::sized;
use super::step::{Per, Step};
use super::surround::Surrounds;
use crate::clip::FrameShape;
use crate::error::{Error, Result};
use crate::simd::vectorised;

/// 256^8 is well within single precision: the surrounds are multiplied before one logarithm is taken.
const MOST_SCALES: usize = 8;
/// A surround narrower than a pixel is no surround; a wider one than this is a constant.
const SCALES: std::ops::RangeInclusive<f64> = 1.0..=10_000.0;

/// Bins of the histogram of R grow with |R|: a bin for each sign, exponent and first 12 bits of the
/// mantissa, from 2^-14, below which all is 0, to a little above ln 256, the largest |R|.
const SMALLEST: u32 = (1.0f32 / 16384.0).to_bits();
const LARGEST: u32 = 5.6f32.to_bits();
const DROPPED: u32 = 11;
const HALF: usize = ((LARGEST - SMALLEST) >> DROPPED) as usize + 1;

/// The bin of a value of R; order is kept.
fn bin(value: f32) -> usize {
    let magnitude = (value.abs().to_bits().clamp(SMALLEST, LARGEST) - SMALLEST) >> DROPPED;
    if value < 0.0 { HALF - 1 - magnitude as usize } else { HALF + magnitude as usize }
}

/// The middle of a bin.
fn middle(bin: usize) -> f32 {
    let magnitude = if bin < HALF { HALF - 1 - bin } else { bin - HALF } as u32;
    let value = f32::from_bits(SMALLEST + (magnitude << DROPPED) + (1 << (DROPPED - 1)));
    if bin < HALF { -value } else { value }
}

/// What of an RGB frame goes through the retinex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    Each,
    Intensity,
}

/// Multi-scale retinex.
#[derive(Clone, Debug)]
pub struct Retinex {
    scales: Vec<f64>,
    saturated: f64,
    channels: Channels,
    per: Per,
}

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    surrounds: Option<Surrounds>,
    values: Vec<f32>,
    surround: Vec<f32>,
    product: Vec<f32>,
    reflectances: Vec<f32>,
}

/// What becomes 0 and what 255; none where nothing lies between.
type Stretch = Option<(f32, f32)>;

impl Retinex {
    pub fn new(scales: Vec<f64>, saturated: f64, channels: Channels, per: Per) -> Result<Self> {
        if scales.is_empty() || scales.len() > MOST_SCALES || scales.iter().any(|scale| !SCALES.contains(scale)) {
            return Err(Error::argument(
                "scales",
                format!("must hold 1 to {MOST_SCALES} surrounds of 1 to 10000 pixels, got {scales:?}"),
            ));
        }
        if !(0.0..50.0).contains(&saturated) {
            return Err(Error::argument(
                "saturated",
                format!("must be a percentage from 0 to below 50, got {saturated}"),
            ));
        }
        Ok(Self { scales, saturated, channels, per })
    }

    fn planes(&self, shape: FrameShape) -> usize {
        match self.channels {
            Channels::Each => shape.channels,
            Channels::Intensity => 1,
        }
    }

    /// R of each plane of the frame, to the buffer `reflectances`.
    fn reflect(&self, frame: &[u8], shape: FrameShape, buffers: &mut Buffers) {
        let pixels = shape.height * shape.width;
        let Buffers { surrounds, values, surround, product, reflectances } = buffers;
        let surrounds = match surrounds {
            Some(known) if known.fits(shape.height, shape.width, &self.scales) => known,
            other => other.insert(Surrounds::new(shape.height, shape.width, &self.scales)),
        };
        let [values, surround, product] = [values, surround, product].map(|buffer| sized(buffer, pixels));
        let reflectances = sized(reflectances, self.planes(shape) * pixels);
        for (channel, reflectance) in reflectances.chunks_exact_mut(pixels).enumerate() {
            match (self.channels, shape.channels) {
                (Channels::Intensity, 3) => mean_of_channels(frame, values),
                _ => {
                    for (value, pixel) in values.iter_mut().zip(frame.chunks_exact(shape.channels)) {
                        *value = f32::from(pixel[channel]);
                    }
                }
            }
            surrounds.transform(values);
            product.fill(1.0);
            for scale in 0..self.scales.len() {
                surrounds.surround(scale, surround);
                for (product, surround) in product.iter_mut().zip(surround.iter()) {
                    // Cut cosines may leave a surround of zeros a hair below zero.
                    *product *= surround.max(0.0) + 1.0;
                }
            }
            ratio(values, product, 1.0 / self.scales.len() as f32, reflectance);
        }
    }

    fn tally(&self, pixels: usize, reflectances: &[f32], histograms: &mut [Vec<u64>]) {
        for (reflectance, histogram) in reflectances.chunks_exact(pixels).zip(histograms) {
            histogram.resize(2 * HALF, 0);
            for &value in reflectance {
                histogram[bin(value)] += 1;
            }
        }
    }

    fn stretch_of(&self, histogram: &[u64]) -> Stretch {
        let values: u64 = histogram.iter().sum();
        let cut = (self.saturated / 100.0 * values as f64) as u64;
        let mut below = 0;
        let (mut low, mut high) = (None, None);
        for (bin, count) in histogram.iter().enumerate() {
            below += count;
            if low.is_none() && below > cut {
                low = Some(bin);
            }
            if high.is_none() && below >= values - cut {
                high = Some(bin);
            }
        }
        match (low, high) {
            // Rounding spreads a constant over the two bins about 0.
            (Some(low), Some(high)) if high > low + 1 => Some((middle(low), middle(high))),
            _ => None,
        }
    }

    fn to_bytes(&self, stretches: &[Stretch], reflectances: &[f32], frame: &mut [u8], shape: FrameShape) {
        let pixels = shape.height * shape.width;
        for (channel, (stretch, reflectance)) in stretches.iter().zip(reflectances.chunks_exact(pixels)).enumerate() {
            let &Some((low, high)) = stretch else { continue };
            let scale = 255.0 / (high - low);
            match (self.channels, shape.channels) {
                (Channels::Intensity, 3) => recolour(reflectance, low, scale, frame),
                _ => {
                    for (pixel, value) in frame.chunks_exact_mut(shape.channels).zip(reflectance) {
                        // `as` saturates.
                        pixel[channel] = ((value - low) * scale + 0.5) as u8;
                    }
                }
            }
        }
    }
}

impl Step for Retinex {
    /// A histogram of R for each plane.
    type Statistics = Vec<Vec<u64>>;
    type Known = Vec<Stretch>;

    fn per(&self) -> Per {
        self.per
    }

    fn statistics(&self) -> Self::Statistics {
        vec![Vec::new(); 3]
    }

    fn observe(&self, frame: &[u8], shape: FrameShape, scratch: &mut Scratch, histograms: &mut Self::Statistics) {
        self.reflect(frame, shape, &mut scratch.retinex);
        let pixels = shape.height * shape.width;
        self.tally(pixels, &scratch.retinex.reflectances[..self.planes(shape) * pixels], histograms);
    }

    fn conclude(&self, histograms: Self::Statistics, _: FrameShape) -> Vec<Stretch> {
        histograms
            .iter()
            .filter(|histogram| !histogram.is_empty())
            .map(|histogram| self.stretch_of(histogram))
            .collect()
    }

    fn apply(&self, stretches: &Vec<Stretch>, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        self.reflect(frame, shape, &mut scratch.retinex);
        self.to_bytes(stretches, &scratch.retinex.reflectances, frame, shape);
    }

    fn apply_alone(&self, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        let mut histograms = self.statistics();
        self.observe(frame, shape, scratch, &mut histograms);
        // R is still there.
        let stretches = self.conclude(histograms, shape);
        self.to_bytes(&stretches, &scratch.retinex.reflectances, frame, shape);
    }
}

fn mean_of_channels(frame: &[u8], values: &mut [f32]) {
    for (value, pixel) in values.iter_mut().zip(frame.chunks_exact(3)) {
        *value = pixel.iter().map(|&value| f32::from(value)).sum::<f32>() / 3.0;
    }
}

vectorised! {
    /// `ln(value + 1) - share ln(product)`.
    fn ratio(values: &[f32], product: &[f32], share: f32, reflectance: &mut [f32]) {
        for ((reflectance, value), product) in reflectance.iter_mut().zip(values).zip(product) {
            *reflectance = ln(value + 1.0) - share * ln(*product);
        }
    }
}

/// Scales each pixel so that its intensity becomes that of the stretched reflectance, as far as its
/// largest channel allows.
fn recolour(reflectance: &[f32], low: f32, scale: f32, frame: &mut [u8]) {
    for (pixel, value) in frame.chunks_exact_mut(3).zip(reflectance) {
        let sum: f32 = pixel.iter().map(|&value| f32::from(value)).sum();
        let largest = pixel.iter().fold(0, |largest, &value| largest.max(value));
        // A black pixel has no colour to keep.
        if largest > 0 {
            let wanted = ((value - low) * scale).clamp(0.0, 255.0);
            let factor = (3.0 * wanted / sum).min(255.0 / f32::from(largest));
            for value in pixel {
                *value = (f32::from(*value) * factor + 0.5) as u8;
            }
        }
    }
}
