//! What a unit of work reads of the input: rows in place, or copies of them without borders and strides.
//!
//! Where the taps of a row stay inside it and go on pixel by pixel (1 x 1 kernels, mostly), the kernels read the
//! input in place. Otherwise the rows are copied, with zeros around them and the columns sorted by their
//! remainder modulo the stride. Either way the pixels of a strip then lie side by side for every tap. Taps whose
//! frame or row is outside are left out.

use std::ops::Range;

use super::axis::Axis;
use super::tile::Tap;
use crate::aligned::Aligned;
use crate::nn::cpu::LANES;
use crate::simd::vectorised;

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
        Axis::merge(&mut h, &mut w);
        if h.count == 1 && h.input == 1 && h.output == 1 {
            Axis::merge(&mut t, &mut w);
        }
        let direct = w.step == 1 && w.least >= 0 && w.count + w.least.unsigned_abs() + w.span <= w.input;
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

    /// Rows of the input from one copied row to the next: where a point sees one row, the rows between are left out.
    fn row_step(&self) -> usize {
        if self.h.taps.len() == 1 { self.h.step } else { 1 }
    }

    fn copied_rows(&self, rows: usize) -> usize {
        (rows - 1) * self.h.step / self.row_step() + self.h.span + 1
    }

    /// Whether the points of copied rows lie behind each other, in the copy and in the output, so that strips may
    /// go on from row to row.
    pub fn joins(&self) -> bool {
        let plain = |axis: &Axis| axis.taps.len() == 1 && axis.pitch == 1 && axis.count == axis.output;
        let all = |axis: &Axis| axis.taps.iter().all(|tap| tap.points == (0..axis.count));
        !self.direct && plain(&self.h) && plain(&self.w) && all(&self.h)
    }

    /// Columns of one remainder.
    fn copied_columns(&self, columns: usize) -> usize {
        columns + self.w.span / self.w.step
    }

    fn copied_row(&self, columns: usize) -> usize {
        self.w.step.min(self.w.span + 1) * self.copied_columns(columns) * self.lanes
    }

    /// Values from one input block to the next, as `view` reads them.
    pub fn input_block(&self, view: &View) -> usize {
        if self.direct { self.block() } else { self.copied(view.rows.len(), view.columns.len()) }
    }

    /// Where the taps of `view` count from: the blocks from `first` on, of the input or of their copy.
    pub fn start(&self, view: &View, first: usize, input: &[f32], copies: &[f32]) -> *const f32 {
        if self.direct {
            input.as_ptr().wrapping_add((view.n * self.inputs + first) * self.block())
        } else {
            copies.as_ptr()
        }
    }

    /// The taps of each row of `view` that reach into the input, and their range for each row. The `channels` of
    /// a planar input are taps too, each with weights of its own.
    pub fn list_taps(&self, view: &View, channels: usize, taps: &mut Vec<Tap>, rows: &mut Vec<Range<usize>>) {
        let channels = if self.lanes == 1 { channels } else { 1 };
        let block = self.input_block(view);
        let columns: Vec<usize> = (0..self.w.taps.len()).map(|k| self.column_place(view, k)).collect();
        taps.clear();
        rows.clear();
        for row in view.rows.clone() {
            let start = taps.len();
            for channel in 0..channels {
                for (i, j) in (0..self.t.taps.len()).flat_map(|i| (0..self.h.taps.len()).map(move |j| (i, j))) {
                    let Some(place) = self.row_place(view, row, i, j) else { continue };
                    let (place, first) = (channel * block + place, channel * self.taps() + self.tap(i, j, 0));
                    let tap = |(k, column)| Tap { input: place + column, weights: first + k };
                    taps.extend(columns.iter().enumerate().map(tap));
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
        if !t.points.contains(&view.t) || !h.points.contains(&row) {
            return None;
        }
        if self.direct {
            let frame = (view.t * self.t.step).wrapping_add_signed(t.offset);
            let line = frame * self.h.input + (row * self.h.step).wrapping_add_signed(h.offset);
            return Some((line * self.w.input + view.columns.start) * self.lanes);
        }
        let ahead = (h.offset - self.h.least).unsigned_abs();
        let line =
            i * self.copied_rows(view.rows.len()) + (row - view.rows.start) * self.h.step / self.row_step() + ahead;
        Some(line * self.copied_row(view.columns.len()))
    }

    /// Where in its row the first column of `view` reads at the tap `k` along w.
    pub fn column_place(&self, view: &View, k: usize) -> usize {
        let Some(tap) = self.w.taps.get(k) else { return 0 };
        let place = if self.direct {
            tap.offset.unsigned_abs()
        } else {
            tap.remainder * self.copied_columns(view.columns.len()) + tap.steps
        };
        place * self.lanes
    }

    /// Copies the rows that `view` reads of the blocks (planar: channels) `inputs`.
    pub fn copy(&self, view: &View, inputs: Range<usize>, input: &[f32], copies: &mut Aligned) {
        let rows = self.copied_rows(view.rows.len());
        let row_values = self.copied_row(view.columns.len());
        copies.reach(inputs.len() * self.input_block(view));
        let mut copies = copies.chunks_exact_mut(row_values);
        for block in inputs {
            for tap in &self.t.taps {
                let inside = tap.points.contains(&view.t);
                let frame = (view.t * self.t.step).wrapping_add_signed(tap.offset);
                for row in 0..rows {
                    let Some(copy) = copies.next() else { return };
                    // No tap leads to it.
                    if !inside {
                        continue;
                    }
                    let line = (view.rows.start * self.h.step + row * self.row_step()).checked_add_signed(self.h.least);
                    let Some(line) = line.filter(|&line| line < self.h.input) else {
                        copy.fill(0.0);
                        continue;
                    };
                    let plane = (view.n * self.inputs + block) * self.t.input + frame;
                    let from = (plane * self.h.input + line) * self.w.input * self.lanes;
                    let Some(from) = input.get(from..from + self.w.input * self.lanes) else { return };
                    self.copy_row(from, copy, &view.columns);
                }
            }
        }
    }

    fn copy_row(&self, from: &[f32], to: &mut [f32], columns: &Range<usize>) {
        for (remainder, to) in to.chunks_exact_mut(self.copied_columns(columns.len()) * self.lanes).enumerate() {
            let first = (columns.start * self.w.step + remainder) as isize + self.w.least;
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
    } else if lanes == 1 && step == 2 {
        copy_every_second(from, to);
    } else if lanes == 1 {
        for (to, from) in to.iter_mut().zip(from.iter().step_by(step)) {
            *to = *from;
        }
    } else {
        let pixels = from.as_chunks::<LANES>().0.iter().step_by(step);
        for (to, from) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(pixels) {
            *to = *from;
        }
    }
}

vectorised! {
    /// The values 0, 2, 4, … of `from`.
    fn copy_every_second(from: &[f32], to: &mut [f32]) {
        for (to, [value, _]) in to.iter_mut().zip(from.as_chunks::<2>().0) {
            *to = *value;
        }
        // The last may have no neighbour.
        if let Some((last, _)) = to.split_last_mut().filter(|(_, before)| from.len() == 2 * before.len() + 1) {
            *last = from[from.len() - 1];
        }
    }
}
