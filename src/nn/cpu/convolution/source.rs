//! What a unit of work reads of the input: rows in place, or copies of them without borders and strides.
//!
//! Where the taps of a row stay inside it and go on pixel by pixel (1 x 1 kernels, mostly), the kernels read the
//! input in place. Otherwise the rows are copied, with zeros around them and the columns sorted by their
//! remainder modulo the stride. Either way the pixels of a strip then lie side by side for every tap. Taps whose
//! frame or row is outside are left out.

use std::ops::Range;

use super::aligned::Aligned;
use super::axis::Axis;
use super::tile::Tap;
use crate::nn::cpu::LANES;

/// The input of a grid of points.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub batch: usize,
    /// Channels that lie side by side: 16, or 1 where the input is planar.
    pub lanes: usize,
    /// Blocks (channels, where planar) of the whole input.
    pub inputs: usize,
    pub t: Axis,
    pub h: Axis,
    pub w: Axis,
    /// Whether the input is read in place.
    pub direct: bool,
}

/// Points of one frame of one clip.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub n: usize,
    pub t: usize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Source {
    pub fn new(batch: usize, planar: bool, inputs: usize, [mut t, mut h, mut w]: [Axis; 3]) -> Self {
        Axis::merged(&mut h, &mut w);
        if h.count == 1 && h.input == 1 && h.output == 1 {
            Axis::merged(&mut t, &mut w);
        }
        let (least, most) = w.reach();
        let direct = w.step == 1 && least >= 0 && w.count + most.unsigned_abs() <= w.input;
        Self { batch, lanes: if planar { 1 } else { LANES }, inputs, t, h, w, direct }
    }

    /// Values of the whole input.
    pub fn values(&self) -> usize {
        self.batch * self.inputs * self.block()
    }

    /// Values of one block of a clip.
    fn block(&self) -> usize {
        self.t.input * self.h.input * self.w.input * self.lanes
    }

    /// Points of the grid in one clip.
    pub fn points(&self) -> usize {
        self.t.count * self.h.count * self.w.count
    }

    pub fn taps(&self) -> usize {
        self.t.taps.len() * self.h.taps.len() * self.w.taps.len()
    }

    /// Values that are copied of one input block.
    pub fn copied(&self, rows: usize, columns: usize) -> usize {
        self.t.taps.len() * self.copied_rows(rows) * self.copied_row(columns)
    }

    fn copied_rows(&self, rows: usize) -> usize {
        let (least, most) = self.h.reach();
        (rows - 1) * self.h.step + (most - least).unsigned_abs() + 1
    }

    /// Columns of one remainder.
    fn copied_columns(&self, columns: usize) -> usize {
        let (least, most) = self.w.reach();
        columns + (most - least).unsigned_abs() / self.w.step
    }

    fn copied_row(&self, columns: usize) -> usize {
        let (least, most) = self.w.reach();
        let remainders = self.w.step.min((most - least).unsigned_abs() + 1);
        remainders * self.copied_columns(columns) * self.lanes
    }

    /// Values from one input block to the next, as `view` reads them.
    pub fn input_block(&self, window: &View) -> usize {
        if self.direct { self.block() } else { self.copied(window.rows.len(), window.columns.len()) }
    }

    /// Where the taps of `view` count from: the blocks from `first` on, of the input or of their copy.
    pub fn start(&self, window: &View, first: usize, input: &[f32], copies: &[f32]) -> *const f32 {
        if self.direct {
            input.as_ptr().wrapping_add((window.n * self.inputs + first) * self.block())
        } else {
            copies.as_ptr()
        }
    }

    /// The taps of each row of `view` that reach into the input, and their range for each row. The `channels` of
    /// a planar input are taps too, each with weights of its own.
    pub fn list_taps(&self, view: &View, channels: usize, taps: &mut Vec<Tap>, rows: &mut Vec<Range<usize>>) {
        let channels = if self.lanes == 1 { channels } else { 1 };
        let block = self.input_block(view);
        taps.clear();
        rows.clear();
        for row in view.rows.clone() {
            let start = taps.len();
            for (channel, i) in (0..channels).flat_map(|channel| (0..self.t.taps.len()).map(move |i| (channel, i))) {
                for j in 0..self.h.taps.len() {
                    let Some(place) = self.row_place(view, row, i, j) else { continue };
                    let first = channel * self.taps() + self.tap(i, j, 0);
                    let tap =
                        |k| Tap { input: channel * block + place + self.column_place(view, k), weights: first + k };
                    taps.extend((0..self.w.taps.len()).map(tap));
                }
            }
            rows.push(start..taps.len());
        }
    }

    /// The number of a tap.
    pub fn tap(&self, i: usize, j: usize, k: usize) -> usize {
        (i * self.h.taps.len() + j) * self.w.taps.len() + k
    }

    /// Where the row begins that points of `row` read at the taps `i` along t and `j` along h.
    pub fn row_place(&self, view: &View, row: usize, i: usize, j: usize) -> Option<usize> {
        let (t, h) = (self.t.taps.get(i)?, self.h.taps.get(j)?);
        if !self.t.points(t.offset).contains(&view.t) || !self.h.points(h.offset).contains(&row) {
            return None;
        }
        if self.direct {
            let frame = (view.t * self.t.step).wrapping_add_signed(t.offset);
            let line = frame * self.h.input + (row * self.h.step).wrapping_add_signed(h.offset);
            return Some((line * self.w.input + view.columns.start) * self.lanes);
        }
        let ahead = (h.offset - self.h.reach().0).unsigned_abs();
        let line = i * self.copied_rows(view.rows.len()) + (row - view.rows.start) * self.h.step + ahead;
        Some(line * self.copied_row(view.columns.len()))
    }

    /// Where in its row the first column of `view` reads at the tap `k` along w.
    pub fn column_place(&self, view: &View, k: usize) -> usize {
        let ahead = self.w.taps.get(k).map_or(0, |tap| (tap.offset - self.w.reach().0).unsigned_abs());
        let place = if self.direct {
            self.w.reach().0.unsigned_abs() + ahead
        } else {
            ahead % self.w.step * self.copied_columns(view.columns.len()) + ahead / self.w.step
        };
        place * self.lanes
    }

    /// Copies the rows that `view` reads of the blocks (planar: channels) `inputs`.
    pub fn copy(&self, window: &View, inputs: Range<usize>, input: &[f32], copies: &mut Aligned) {
        let (least_row, _) = self.h.reach();
        let rows = self.copied_rows(window.rows.len());
        let row_values = self.copied_row(window.columns.len());
        copies.reach(inputs.len() * self.input_block(window));
        let mut copies = copies.chunks_exact_mut(row_values);
        for block in inputs {
            for tap in &self.t.taps {
                let inside = self.t.points(tap.offset).contains(&window.t);
                let frame = (window.t * self.t.step).wrapping_add_signed(tap.offset);
                for row in 0..rows {
                    let Some(copy) = copies.next() else { return };
                    let line = (window.rows.start * self.h.step + row).checked_add_signed(least_row);
                    let Some(line) = line.filter(|&line| inside && line < self.h.input) else { continue };
                    let plane = (window.n * self.inputs + block) * self.t.input + frame;
                    let from = (plane * self.h.input + line) * self.w.input * self.lanes;
                    let Some(from) = input.get(from..from + self.w.input * self.lanes) else { return };
                    self.copy_row(from, copy, &window.columns);
                }
            }
        }
    }

    fn copy_row(&self, from: &[f32], to: &mut [f32], columns: &Range<usize>) {
        let (least, _) = self.w.reach();
        for (remainder, to) in to.chunks_exact_mut(self.copied_columns(columns.len()) * self.lanes).enumerate() {
            let first = (columns.start * self.w.step + remainder) as isize + least;
            copy_columns(from, to, first, self.w.step, self.lanes);
        }
    }
}

/// Pixels `first`, `first + step`, … of the row `from`; zeros where they are outside.
fn copy_columns(from: &[f32], to: &mut [f32], first: isize, step: usize, lanes: usize) {
    let (width, count) = (from.len() / lanes, to.len() / lanes);
    let start = (-first).max(0).unsigned_abs().div_ceil(step).min(count);
    let last = (width as isize - first).max(0).unsigned_abs().div_ceil(step).min(count).max(start);
    to[..start * lanes].fill(0.0);
    to[last * lanes..].fill(0.0);
    if start == last {
        return;
    }
    let from = &from[(first + (start * step) as isize).unsigned_abs() * lanes..];
    let to = &mut to[start * lanes..last * lanes];
    if step == 1 {
        to.copy_from_slice(&from[..to.len()]);
    } else if lanes == 1 {
        for (to, from) in to.iter_mut().zip(from.iter().step_by(step)) {
            *to = *from;
        }
    } else {
        for (to, from) in to.chunks_exact_mut(lanes).zip(from.chunks(step * lanes)) {
            to.copy_from_slice(&from[..lanes]);
        }
    }
}
