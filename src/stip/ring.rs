//! A window of frames that slides over time, and the edges of a clip.
//!
//! Frames come in one after the other; a frame is ready when all that its kernel reaches have come. A stream
//! begins at frame 0, where the border rule holds, or in the middle of a clip (a piece with its halo), where the
//! first frames only serve those that follow. So a piece gives the very values that the whole clip gives.

use std::ops::Range;

use super::kernel::{Border, Kernel};
use super::rows;

/// The last frames of a stream, each of `size` values.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    values: Vec<f32>,
    size: usize,
    behind: usize,
    ahead: usize,
    /// The first frame of the stream, and the one that comes next.
    first: usize,
    next: usize,
}

impl Ring {
    /// Room for what reaches `behind` frames back and `ahead` frames on, in a stream that begins at `first`.
    pub fn new(size: usize, behind: usize, ahead: usize, first: usize) -> Self {
        let values = vec![0.0; size * (behind + ahead + 1)];
        Self { values, size, behind, ahead, first, next: first }
    }

    fn place(&self, frame: usize) -> Range<usize> {
        let slot = frame % (self.behind + self.ahead + 1);
        slot * self.size..(slot + 1) * self.size
    }

    /// Where the next frame is to be written; `commit` then counts it.
    pub fn slot(&mut self) -> &mut [f32] {
        let place = self.place(self.next);
        &mut self.values[place]
    }

    /// The first frame that can be made.
    pub fn first_ready(&self) -> usize {
        if self.first == 0 { 0 } else { self.first + self.behind }
    }

    /// Counts the frame that was written; the frame that is ready by it.
    pub fn commit(&mut self) -> Option<usize> {
        self.next += 1;
        let ready = (self.next - 1).checked_sub(self.ahead)?;
        (ready >= self.first_ready()).then_some(ready)
    }

    /// Ends the stream at the end of the clip: the frames that the border rule makes ready.
    pub fn end(&self) -> Range<usize> {
        self.next.saturating_sub(self.ahead).max(self.first_ready())..self.next
    }

    /// A frame of the window.
    pub fn frame(&self, frame: usize) -> &[f32] {
        &self.values[self.place(frame)]
    }

    /// The frame `offset` from `frame`, by the border rule where it lies outside the clip.
    pub fn near(&self, frame: usize, offset: isize, border: Border, radius: usize) -> Option<&[f32]> {
        // Before the end is known a window lies inside the clip or over its beginning, and has `ahead` frames more.
        let source = border.source(frame as isize + offset, self.next, radius)?;
        Some(self.frame(source))
    }
}

/// A kernel over time.
#[derive(Clone, Debug)]
pub(super) struct TimeBlur {
    pub ring: Ring,
    kernel: Kernel,
    border: Border,
    zeros: Vec<f32>,
}

impl TimeBlur {
    pub fn new(size: usize, kernel: Kernel, border: Border, first: usize) -> Self {
        let radius = kernel.radius();
        Self { ring: Ring::new(size, radius, radius, first), kernel, border, zeros: vec![0.0; size] }
    }

    /// Frame `t`, `length` values at a time: `take(start, values)`.
    pub fn run(&self, t: usize, length: usize, out: &mut [f32], mut take: impl FnMut(usize, &[f32])) {
        let radius = self.kernel.radius();
        let reach = radius as isize;
        let frame = |offset| self.ring.near(t, offset, self.border, radius).unwrap_or(&self.zeros);
        let frames: Vec<&[f32]> = (-reach..=reach).map(frame).collect();
        let mut rows: Vec<&[f32]> = Vec::with_capacity(frames.len());
        for start in (0..self.zeros.len()).step_by(length.max(1)) {
            rows.clear();
            rows.extend(frames.iter().map(|frame| &frame[start..start + length]));
            rows::along(&mut out[..length], &rows, self.kernel.weights());
            take(start, &out[..length]);
        }
    }

    /// Frame `t` into `out`.
    pub fn write(&self, t: usize, out: &mut [f32]) {
        let radius = self.kernel.radius();
        let reach = radius as isize;
        let frame = |offset| self.ring.near(t, offset, self.border, radius).unwrap_or(&self.zeros);
        let frames: Vec<&[f32]> = (-reach..=reach).map(frame).collect();
        rows::along(out, &frames, self.kernel.weights());
    }
}
