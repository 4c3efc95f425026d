//! A window of frames that slides over time, and the edges of a clip.
//!
//! Frames come in one after the other; a frame is ready when all that its kernel reaches have come. A stream
//! begins at frame 0, where the border rule holds, or in the middle of a clip (a piece with its halo), where the
//! first frames only serve those that follow. So a piece gives the very values that the whole clip gives.

use std::ops::Range;

use super::kernel::{Border, Kernel};
use super::rows::{self, TILE};
use crate::aligned::Aligned;

/// The last frames of a stream, each of `size` values.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    values: Aligned,
    size: usize,
    slots: usize,
    ahead: usize,
    /// So many frames are made ready at once.
    batch: usize,
    /// The frame that is made ready next, and the one that comes next.
    ready: usize,
    next: usize,
}

impl Ring {
    /// Room for what reaches `behind` frames back and `ahead` frames on, in a stream that begins at `first`.
    pub fn new(size: usize, behind: usize, ahead: usize, first: usize) -> Self {
        Self::in_batches(size, behind, ahead, first, 1)
    }

    /// The same, for whoever takes `batch` frames at a time.
    pub fn in_batches(size: usize, behind: usize, ahead: usize, first: usize, batch: usize) -> Self {
        let slots = behind + ahead + batch;
        let ready = if first == 0 { 0 } else { first + behind };
        Self { values: Aligned::zeros(size * slots), size, slots, ahead, batch, ready, next: first }
    }

    fn place(&self, frame: usize) -> Range<usize> {
        let slot = frame % self.slots;
        slot * self.size..(slot + 1) * self.size
    }

    /// Where the next frame is to be written; `commit` then counts it.
    pub fn slot(&mut self) -> &mut [f32] {
        let place = self.place(self.next);
        &mut self.values[place]
    }

    /// The frame that is made ready next.
    pub fn ready(&self) -> usize {
        self.ready
    }

    /// Counts the frame that was written; the frames that are ready by it.
    pub fn commit(&mut self) -> Range<usize> {
        self.next += 1;
        let waiting = self.next.saturating_sub(self.ahead).saturating_sub(self.ready);
        if waiting < self.batch { self.ready..self.ready } else { self.rest() }
    }

    /// The frames that wait for a batch to be full.
    pub fn rest(&mut self) -> Range<usize> {
        let end = self.next.saturating_sub(self.ahead).max(self.ready);
        std::mem::replace(&mut self.ready, end)..end
    }

    /// Ends the stream at the end of the clip: the frames that the border rule makes ready.
    pub fn end(&mut self) -> Range<usize> {
        let end = self.next.max(self.ready);
        std::mem::replace(&mut self.ready, end)..end
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
    zeros: Aligned,
}

impl TimeBlur {
    /// For frames of `size` values, the first of which is number `first`, made ready `batch` at a time.
    pub fn new(size: usize, kernel: Kernel, border: Border, first: usize, batch: usize) -> Self {
        let radius = kernel.radius();
        Self { ring: Ring::in_batches(size, radius, radius, first, batch), kernel, border, zeros: Aligned::zeros(size) }
    }

    /// The frames around `t` that the kernel reaches, in order.
    fn around(&self, t: usize) -> Vec<&[f32]> {
        let radius = self.kernel.radius();
        let reach = radius as isize;
        let frame = |offset| self.ring.near(t, offset, self.border, radius).unwrap_or(&self.zeros);
        (-reach..=reach).map(frame).collect()
    }

    /// Frame `t` into `out`.
    pub fn write(&self, t: usize, out: &mut [f32]) {
        rows::along(out, &self.around(t), self.kernel.weights());
    }

    /// Frames `ready`, a row of `length` values of each at a time: `take(frame, start, row)`, where `frame` counts from
    /// the first of them. The values that all of them share are read while they are in the cache. `out` holds a row
    /// of each.
    pub fn run(&self, ready: Range<usize>, length: usize, out: &mut [f32], mut take: impl FnMut(usize, usize, &[f32])) {
        let frames: Vec<Vec<&[f32]>> = ready.map(|t| self.around(t)).collect();
        let mut rows: Vec<&[f32]> = Vec::new();
        for row in (0..self.zeros.len()).step_by(length.max(1)) {
            for start in (0..length).step_by(TILE) {
                let end = length.min(start + TILE);
                for (around, out) in frames.iter().zip(out.chunks_exact_mut(length)) {
                    rows.clear();
                    rows.extend(around.iter().map(|frame| &frame[row + start..row + end]));
                    rows::along(&mut out[start..end], &rows, self.kernel.weights());
                }
            }
            for (i, out) in (0..frames.len()).zip(out.chunks_exact(length)) {
                take(i, row, out);
            }
        }
    }
}
