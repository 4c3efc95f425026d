//! A list of concrete transforms, compiled for frames of one shape.
//!
//! The list becomes a chain of segments: a step that computes pixels (resize, rotation, …) and a
//! [`Window`] that writes them. Crops, flips, channel orders and pointwise rules fold into the window
//! before or behind them; a resize computes only what its window shows, and reads a plain crop of the
//! frame in place. Only between two steps is a frame stored, in a buffer of [`Scratch`].

use super::pointwise::Pointwise;
use super::resize::{self, Resizer, Rows};
use super::window::{Pixel, Row, View, Window};
use super::{Fill, Fixed, Interpolation, Rect, Size, bytes_only};
use super::{contrast::contrast, pad::Padding, rotate::Rotation, warp::Affine};
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};

/// The values of a frame, (H, W, C).
#[derive(Clone, Copy, Debug)]
pub enum Frame<'a> {
    U8(&'a [u8]),
    F32(&'a [f32]),
}

/// Buffers between steps; keep one a thread and the second frame allocates nothing.
#[derive(Debug, Default)]
pub struct Scratch {
    bytes: [Vec<u8>; 2],
    floats: [Vec<f32>; 2],
    work: resize::Work,
    byte_row: Vec<u8>,
    float_row: Vec<f32>,
}

/// What computes the pixels of a segment.
#[derive(Debug)]
enum Step {
    /// The frame as it is.
    Source,
    /// A resize of the part `from` of the frame; the kernel is made when its window is known.
    Resize {
        from: Rect,
        target: Size,
        interpolation: Interpolation,
        kernel: Option<Resizer>,
    },
    Rotate(Rotation),
    Warp(Affine),
    Contrast(f32),
    Pad(Padding),
}

#[derive(Debug)]
struct Segment {
    step: Step,
    window: Window,
    /// The size of the frame that the step reads.
    input: Size,
    /// Whether the step gives floats.
    float: bool,
}

impl Segment {
    /// Whether the window gives floats.
    fn gives_floats(&self) -> bool {
        self.float || self.window.has_pointwise()
    }

    /// Makes tables and kernels, for no more than the window shows.
    fn finish(&mut self, channels: usize) -> Result<()> {
        self.window.finish();
        if let Step::Resize { from, target, interpolation, kernel } = &mut self.step {
            let bounds = self.window.bounds();
            self.window.move_to(bounds);
            *kernel = Some(Resizer::new(from.size(), *target, bounds, channels, *interpolation)?);
        }
        Ok(())
    }
}

/// Transforms, ready for frames of one shape.
#[derive(Debug)]
pub struct Plan {
    segments: Vec<Segment>,
    input: FrameShape,
    float_input: bool,
}

impl Plan {
    /// The plan of `list` for frames of `shape`, bytes or floats.
    pub fn new(list: &[Fixed], shape: FrameShape, float_input: bool) -> Result<Self> {
        let size = Size::new(shape.height, shape.width).checked()?;
        if !matches!(shape.channels, 1 | 3) {
            return Err(Error::argument("clip", format!("must have 1 or 3 channels, got {}", shape.channels)));
        }
        let window = Window::whole(size, shape.channels);
        let first = Segment { step: Step::Source, window, input: size, float: float_input };
        let mut plan = Self { segments: vec![first], input: shape, float_input };
        for fixed in list {
            plan.push(fixed)?;
        }
        for segment in &mut plan.segments {
            segment.finish(shape.channels)?;
        }
        Ok(plan)
    }

    /// Values of a frame that it takes.
    pub fn input_len(&self) -> usize {
        self.input.len()
    }

    pub fn n_views(&self) -> usize {
        self.last().window.n_views()
    }

    /// The shape of a view.
    pub fn shape(&self) -> FrameShape {
        let Size { height, width } = self.last().window.size();
        FrameShape::new(height, width, self.input.channels)
    }

    /// Whether the result is floats.
    pub fn gives_floats(&self) -> bool {
        self.last().gives_floats()
    }

    fn last(&self) -> &Segment {
        &self.segments[self.segments.len() - 1]
    }

    fn push(&mut self, fixed: &Fixed) -> Result<()> {
        let last = self.segments.len() - 1;
        let window = &mut self.segments[last].window;
        match fixed {
            Fixed::Crop(rect) => window.crop(*rect),
            Fixed::ThreeCrop(size) => window.three_crops(*size),
            Fixed::Flip { horizontal, vertical } => {
                window.flip(*horizontal, *vertical);
                Ok(())
            }
            Fixed::Bgr => window.reverse_channels(),
            Fixed::Pointwise(rule) => self.map(rule),
            Fixed::ResizedCrop { crop, size, interpolation } => {
                window.crop(*crop)?;
                self.resize(*size, *interpolation, fixed)
            }
            Fixed::Resize { size, interpolation } => self.resize(*size, *interpolation, fixed),
            Fixed::Rotate { angle, fill: Fill::Zero } => {
                let float = self.gives_floats();
                self.step(fixed, float, None, |size| Step::Rotate(Rotation::new(*angle, size)))
            }
            Fixed::Rotate { angle, fill: Fill::Reflect } => {
                self.step(fixed, true, None, |size| Step::Warp(Affine::rotation(*angle, size)))
            }
            Fixed::Zoom(factor) => self.step(fixed, true, None, |size| Step::Warp(Affine::zoom(*factor, size))),
            Fixed::Contrast(factor) => self.step(fixed, true, None, |_| Step::Contrast(*factor as f32)),
            Fixed::ResizeWithPad(target) => {
                let target = target.checked()?;
                self.step(fixed, true, Some(target), |size| Step::Pad(Padding::new(size, target)))
            }
        }
    }

    fn map(&mut self, rule: &Pointwise) -> Result<()> {
        let last = self.segments.len() - 1;
        self.segments[last].window.map(rule)
    }

    fn resize(&mut self, target: Size, interpolation: Interpolation, fixed: &Fixed) -> Result<()> {
        if self.gives_floats() {
            return Err(bytes_only(fixed.name()));
        }
        let target = target.checked()?;
        // All three libraries copy a frame that has its size already.
        if self.last().window.size() == target {
            return Ok(());
        }
        if let ([Segment { step: Step::Source, input, .. }], Some(from)) =
            (&self.segments[..], self.last().window.as_part())
        {
            let step = Step::Resize { from, target, interpolation, kernel: None };
            let window = Window::whole(target, self.input.channels);
            self.segments = vec![Segment { step, window, input: *input, float: false }];
            return Ok(());
        }
        self.step(fixed, false, Some(target), |size| Step::Resize {
            from: Rect::whole(size),
            target,
            interpolation,
            kernel: None,
        })
    }

    /// Adds a segment whose step reads what the window so far shows, and gives frames of `target` (or
    /// of the size they had).
    fn step(
        &mut self,
        fixed: &Fixed,
        float: bool,
        target: Option<Size>,
        make: impl FnOnce(Size) -> Step,
    ) -> Result<()> {
        let window = &self.last().window;
        if window.n_views() > 1 {
            let name = fixed.name();
            return Err(Error::argument("transforms", format!("must not have `{name}` behind `ThreeCrop`")));
        }
        let input = window.size();
        let untouched = matches!(self.segments[..], [Segment { step: Step::Source, .. }])
            && window.as_part() == Some(Rect::whole(self.segments[0].input));
        let window = Window::whole(target.unwrap_or(input), self.input.channels);
        if untouched {
            self.segments.clear();
        }
        self.segments.push(Segment { step: make(input), window, input, float });
        Ok(())
    }

    /// Transforms one frame into its views.
    pub fn apply<T: Pixel>(&self, frame: Frame<'_>, views: &mut [View<'_, T>], scratch: &mut Scratch) -> Result<()> {
        let (length, float) = match frame {
            Frame::U8(values) => (values.len(), false),
            Frame::F32(values) => (values.len(), true),
        };
        let fits = length == self.input.len() && float == self.float_input && views.len() == self.n_views();
        if !fits || (self.gives_floats() && !T::FLOAT) {
            return Err(Error::new(ErrorKind::Internal, "a frame that its transform plan was not made for"));
        }
        let Scratch { bytes, floats, work, byte_row, float_row } = scratch;
        let mut buffers = Buffers { work, byte_row, float_row };
        let channels = self.input.channels;
        let mut stored = Stored::No;
        for (i, segment) in self.segments[..self.segments.len() - 1].iter().enumerate() {
            let slot = i % 2;
            let Size { height, width } = segment.window.size();
            let length = height * width * channels;
            if segment.gives_floats() {
                let mut out = std::mem::take(&mut floats[slot]);
                out.resize(length.max(out.len()), 0.0);
                segment.run(stored.or(frame, bytes, floats), channels, &mut buffers, &mut whole(&mut out));
                floats[slot] = out;
                stored = Stored::Floats(slot, length);
            } else {
                let mut out = std::mem::take(&mut bytes[slot]);
                out.resize(length.max(out.len()), 0);
                segment.run(stored.or(frame, bytes, floats), channels, &mut buffers, &mut whole(&mut out));
                bytes[slot] = out;
                stored = Stored::Bytes(slot, length);
            }
        }
        self.last().run(stored.or(frame, bytes, floats), channels, &mut buffers, views);
        Ok(())
    }
}

/// A buffer as the only view, channels last.
fn whole<T>(buffer: &mut [T]) -> [View<'_, T>; 1] {
    [View { data: buffer, start: 0, plane: None }]
}

/// Where the frame between two segments lies.
#[derive(Clone, Copy)]
enum Stored {
    No,
    Bytes(usize, usize),
    Floats(usize, usize),
}

impl Stored {
    fn or<'a>(self, frame: Frame<'a>, bytes: &'a [Vec<u8>; 2], floats: &'a [Vec<f32>; 2]) -> Frame<'a> {
        match self {
            Self::No => frame,
            Self::Bytes(slot, length) => Frame::U8(&bytes[slot][..length]),
            Self::Floats(slot, length) => Frame::F32(&floats[slot][..length]),
        }
    }
}

/// Rows that steps fill.
struct Buffers<'a> {
    work: &'a mut resize::Work,
    byte_row: &'a mut Vec<u8>,
    float_row: &'a mut Vec<f32>,
}

impl Segment {
    /// Computes the pixels of `source` and writes them through the window.
    fn run<T: Pixel>(&self, source: Frame<'_>, channels: usize, buffers: &mut Buffers<'_>, views: &mut [View<'_, T>]) {
        let width = self.input.width * channels;
        let mut bytes = |y: usize, row: &[u8]| self.window.write(y, Row::U8(row), views);
        match (&self.step, source) {
            (Step::Source, Frame::U8(values)) => {
                values.chunks_exact(width).enumerate().for_each(|(y, row)| bytes(y, row));
            }
            (Step::Resize { from, kernel: Some(kernel), .. }, Frame::U8(values)) => {
                let data = &values[from.top * width + from.left * channels..];
                let rows = Rows { data, stride: width, width: from.width * channels };
                kernel.run(rows, buffers.work, &mut bytes);
            }
            (Step::Rotate(rotation), Frame::U8(values)) => {
                rotation.run(values, channels, buffers.byte_row, &mut bytes);
            }
            (_, Frame::U8(values)) => self.run_floats(values, channels, buffers.float_row, views),
            (Step::Source, Frame::F32(values)) => {
                let mut floats = |y: usize, row: &[f32]| self.window.write(y, Row::F32(row), views);
                values.chunks_exact(width).enumerate().for_each(|(y, row)| floats(y, row));
            }
            (Step::Rotate(rotation), Frame::F32(values)) => {
                let mut floats = |y: usize, row: &[f32]| self.window.write(y, Row::F32(row), views);
                rotation.run(values, channels, buffers.float_row, &mut floats);
            }
            (_, Frame::F32(values)) => self.run_floats(values, channels, buffers.float_row, views),
        }
    }

    /// The steps that give floats.
    fn run_floats<S: Copy + Into<f32>, T: Pixel>(
        &self,
        values: &[S],
        channels: usize,
        line: &mut Vec<f32>,
        views: &mut [View<'_, T>],
    ) {
        let mut emit = |y: usize, row: &[f32]| self.window.write(y, Row::F32(row), views);
        match &self.step {
            Step::Warp(affine) => affine.run(values, channels, line, &mut emit),
            Step::Contrast(factor) => contrast(values, *factor, [self.input.width, channels], line, &mut emit),
            Step::Pad(padding) => padding.run(values, channels, line, &mut emit),
            // These keep the type of the frame: `run` has them, and floats are never resized.
            Step::Source | Step::Resize { .. } | Step::Rotate(_) => {}
        }
    }
}
