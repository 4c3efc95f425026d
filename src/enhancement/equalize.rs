//! Histogram equalisation, in the conventions of three libraries, to the byte.
//!
//! With the histogram h of N values:
//! * `keras_cv` (KerasCV 0.9.0 `Equalization((0, 255))`, the dark-video report's): m the smallest count
//!   that is not zero, `step = (N - m) // 255`, `I' = min(255, (h[0] + … + h[I - 1] + step // 2) // step)`;
//!   unchanged where step is 0.
//! * `pil` (Pillow 13.0 `ImageOps.equalize`, torchvision): the same with m the count of the largest value.
//! * `opencv` (OpenCV 5.0 `equalizeHist`): f the smallest value, `I' = round((h[f + 1] + … + h[I]) * (255 /
//!   (N - h[f])))` in single precision, to even; unchanged where all values are equal.
//!
//! `channels="each"` has a table for each channel, which can shift colours; `"luma"` equalises the luma
//! of OpenCV's YCrCb and keeps the chroma ([`super::luma`]).

use super::Scratch;
use super::histogram::{Histogram, count, count_channels};
use super::lookup::{self, Table, Tables};
use super::luma;
use super::step::{Per, Step};
use crate::clip::FrameShape;

/// Whose bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    KerasCv,
    Pil,
    OpenCv,
}

/// What of an RGB frame is equalised; a grey frame is its own luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    Each,
    Luma,
}

/// Histogram equalisation.
#[derive(Clone, Debug)]
pub struct Equalize {
    convention: Convention,
    channels: Channels,
    per: Per,
}

impl Equalize {
    pub fn new(convention: Convention, channels: Channels, per: Per) -> Self {
        Self { convention, channels, per }
    }

    fn table(&self, histogram: &Histogram) -> Table {
        let total: u64 = histogram.iter().sum();
        match self.convention {
            Convention::OpenCv => opencv(histogram, total),
            Convention::KerasCv => {
                let rarest = histogram.iter().filter(|&&count| count > 0).min();
                by_steps(histogram, total, rarest.copied().unwrap_or(0))
            }
            Convention::Pil => {
                let last = histogram.iter().rfind(|&&count| count > 0);
                by_steps(histogram, total, last.copied().unwrap_or(0))
            }
        }
    }
}

fn by_steps(histogram: &Histogram, total: u64, left_out: u64) -> Table {
    let step = (total - left_out) / 255;
    if step == 0 {
        return lookup::identity();
    }
    let mut below = step / 2;
    histogram.map(|count| {
        let value = (below / step).min(255);
        below += count;
        value as u8
    })
}

fn opencv(histogram: &Histogram, total: u64) -> Table {
    let Some(first) = histogram.iter().position(|&count| count > 0) else {
        return lookup::identity();
    };
    if histogram[first] == total {
        return lookup::identity();
    }
    let scale = 255.0 / (total - histogram[first]) as f32;
    let mut above = 0;
    let mut table = [0; 256];
    for (value, count) in table.iter_mut().zip(histogram).skip(first + 1) {
        above += count;
        *value = (above as f32 * scale).round_ties_even() as u8;
    }
    table
}

impl Step for Equalize {
    type Statistics = Box<[Histogram; 3]>;
    type Known = Tables;

    fn per(&self) -> Per {
        self.per
    }

    fn statistics(&self) -> Self::Statistics {
        Box::new([[0; 256]; 3])
    }

    fn observe(&self, frame: &[u8], shape: FrameShape, scratch: &mut Scratch, histograms: &mut Self::Statistics) {
        match (shape.channels, self.channels) {
            (1, _) => count(frame, &mut histograms[0]),
            (_, Channels::Each) => count_channels(frame, histograms),
            (_, Channels::Luma) => {
                let plane = scratch.plane(shape.height * shape.width);
                luma::luma(frame, plane);
                count(plane, &mut histograms[0]);
            }
        }
    }

    fn conclude(&self, histograms: Self::Statistics, shape: FrameShape) -> Tables {
        match (shape.channels, self.channels) {
            (1, _) => Tables::All(self.table(&histograms[0])),
            (_, Channels::Each) => Tables::Channels(Box::new(histograms.map(|histogram| self.table(&histogram)))),
            (_, Channels::Luma) => Tables::Luma(self.table(&histograms[0])),
        }
    }

    fn apply(&self, tables: &Tables, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        tables.apply(frame, shape, scratch);
    }
}
