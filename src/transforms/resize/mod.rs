//! Resizing bytes, equal to the bytes of a named library.
//!
//! | interpolation | whose bytes |
//! |---|---|
//! | [`Interpolation::Bilinear`] | OpenCV `INTER_LINEAR` on uint8 ([`linear`]), halving included ([`halve`]) |
//! | [`Interpolation::Area`] | OpenCV `INTER_AREA` on uint8 ([`area`]; enlarging axes: [`linear`]) |
//! | [`Interpolation::PilBilinear`] | Pillow `Resampling.BILINEAR`, filtered by support ([`pil`]) |
//!
//! A [`Resizer`] holds the tables of one size, reads a rectangle of a frame, computes only the window
//! of the result that someone wants, and gives it row by row, so that the next step finds it in cache.

use super::{Rect, Size};
use crate::error::Result;

pub mod area;
pub mod halve;
pub mod linear;
#[cfg(target_arch = "x86_64")]
mod linear_x86;
pub mod pil;
#[cfg(target_arch = "x86_64")]
mod pil_x86;

/// The rule by which a frame is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    Bilinear,
    Area,
    PilBilinear,
}

/// Rows of bytes, `width` values each, `stride` values apart.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub data: &'a [u8],
    pub stride: usize,
    pub width: usize,
}

impl<'a> Rows<'a> {
    pub fn row(&self, y: usize) -> &'a [u8] {
        &self.data[y * self.stride..][..self.width]
    }
}

/// Buffers that a resize fills and the next frame fills again.
#[derive(Debug, Default)]
pub struct Work {
    pub shorts: Vec<i16>,
    pub floats: Vec<f32>,
    pub bytes: Vec<u8>,
    pub row: Vec<u8>,
}

#[derive(Debug)]
enum Kernel {
    Linear(linear::Linear),
    Halve(halve::Halve),
    Whole(area::Whole),
    Area(area::Area),
    Pil(pil::Pil),
}

/// A resize of frames of one size, ready to run.
#[derive(Debug)]
pub struct Resizer {
    kernel: Kernel,
}

impl Resizer {
    /// From `source` to `target`, of which only `window` is computed.
    pub fn new(
        source: Size,
        target: Size,
        window: Rect,
        channels: usize,
        interpolation: Interpolation,
    ) -> Result<Self> {
        source.checked()?;
        target.checked()?;
        window.inside(target)?;
        let job = Geometry { source, target, window, channels };
        let kernel = match interpolation {
            Interpolation::PilBilinear => Kernel::Pil(pil::Pil::new(job)),
            Interpolation::Bilinear => match area::whole_factors(source, target) {
                Some((2, 2)) => Kernel::Halve(halve::Halve::new(job)),
                _ => Kernel::Linear(linear::Linear::new(job, linear::Centres::Half)),
            },
            Interpolation::Area if area::shrinks(source, target) => match area::whole_factors(source, target) {
                Some((2, 2)) => Kernel::Halve(halve::Halve::new(job)),
                Some((down, across)) => Kernel::Whole(area::Whole::new(job, down, across)),
                None => Kernel::Area(area::Area::new(job)),
            },
            Interpolation::Area => Kernel::Linear(linear::Linear::new(job, linear::Centres::Area)),
        };
        Ok(Self { kernel })
    }

    /// Calls `emit(y, row)` for the rows of the window, y counted from the window's top.
    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        match &self.kernel {
            Kernel::Linear(kernel) => kernel.run(source, work, emit),
            Kernel::Halve(kernel) => kernel.run(source, work, emit),
            Kernel::Whole(kernel) => kernel.run(source, work, emit),
            Kernel::Area(kernel) => kernel.run(source, work, emit),
            Kernel::Pil(kernel) => kernel.run(source, work, emit),
        }
    }
}

/// What is resized to what, and which part of the result is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub source: Size,
    pub target: Size,
    pub window: Rect,
    pub channels: usize,
}
