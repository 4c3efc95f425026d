//! A convolution as a walk over a grid of output points: the forward pass, and each part of the gradient of the
//! input.
//!
//! The grid is cut into units that run in parallel: a range of rows (or of pixels, where rows join into one), one
//! frame, one clip, and as many output blocks as have their weights in the second-level cache. A sum runs over input
//! blocks, then taps, then channels, in this order and in runs of one length, whatever the units are.

use std::cell::RefCell;
use std::ops::Range;

use super::source::{Source, View};
use super::tile::{Finish, Strip, Tap, kernel, longest};
use super::tiles::{Family, Tile, Tiles, WEIGHTS};
use super::weights::{Order, Shape};
use super::winograd::Winograd;
use crate::aligned::Aligned;
use crate::error::Result;
use crate::nn::cpu::{Epilogue, LANES, check};
use crate::parallel::{Job, map_blocks};
use crate::simd::Level;

/// Values of the second-level cache that the copied rows may take.
const COPIED: usize = 128 << 10;
/// Multiplications of a unit, at least and at most; and units of a pass, if these allow.
const LEAST_WORK: usize = 1 << 19;
const MOST_WORK: usize = 1 << 24;
const UNITS: usize = 64;
/// Products that are summed, about, before the sum is added to those before it.
const RUN: usize = 256;

#[derive(Clone, Debug)]
pub(super) struct Pass {
    level: Level,
    source: Source,
    /// Blocks of the whole output.
    outputs: usize,
    tiles: Tiles,
    /// Rows and columns of a unit, and input blocks that it reads at a time.
    rows: usize,
    columns: usize,
    chunk: usize,
    /// The faster form, where it applies.
    winograd: Option<Winograd>,
}

/// Buffers of a thread, kept from unit to unit.
#[derive(Default)]
struct Scratch {
    copies: Aligned,
    taps: Vec<Tap>,
    rows: Vec<Range<usize>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Pass {
    /// `outputs` counts the blocks of the output.
    pub fn new(level: Level, source: Source, outputs: usize, families: &[Family]) -> Self {
        let depth = source.lanes * source.taps();
        let width = if source.joins() { source.h.count * source.w.count } else { source.w.count };
        let tiles = Tiles::new(families, blocks_together(level, source.lanes, width, families), depth);
        let winograd = Winograd::new(level, &source, outputs, families);
        let mut pass = Self { level, source, outputs, tiles, rows: 1, columns: 1, chunk: 1, winograd };
        pass.cut();
        pass
    }

    /// Values of the packed weights.
    pub fn packed(&self) -> usize {
        self.winograd.as_ref().map_or(self.tiles.packed, Winograd::packed)
    }

    /// Packs plain weights; `transposed` where the outputs are the convolution's inputs.
    pub fn pack(&self, shape: Shape, transposed: bool, weights: &[f32], packed: &mut [f32], job: &Job) -> Result<()> {
        let order = Order::new(shape, &self.source, transposed);
        match &self.winograd {
            Some(winograd) => winograd.pack(&order, weights, packed, job),
            None => order.pack(&self.tiles, weights, packed, job),
        }
    }

    /// Input blocks that are summed before the sum is added to those before it.
    fn run_length(&self) -> usize {
        (RUN / (LANES * self.source.taps().max(1))).max(1)
    }

    /// Chooses rows, columns and input blocks of a unit.
    fn cut(&mut self) {
        let source = &self.source;
        let target = (self.tiles.packed * source.points() * source.batch / UNITS).clamp(LEAST_WORK, MOST_WORK);
        let pixels = target / (self.tiles.packed / self.tiles.splits.len().max(1)).max(1);
        self.columns = source.w.count;
        self.rows = 1;
        if source.h.count > 1 {
            // Copied rows that the next unit copies again should be few.
            let least = if source.direct || source.h.taps.len() == 1 { 1 } else { 4 };
            self.rows = even(source.h.count, (pixels / self.columns).max(least));
        } else if pixels < source.w.count {
            let strip = longest(self.level, 1);
            self.columns = even(source.w.count, pixels).next_multiple_of(strip).min(source.w.count);
        }
        let inputs = self.tiles.all.iter().map(|tile| tile.inputs.len()).max().unwrap_or(1);
        self.chunk = inputs;
        // A planar input is never cut: its channels are few.
        if source.lanes == 1 || source.taps() == 0 {
            return;
        }
        if !source.direct {
            while self.rows > 4 && source.copied(self.rows, self.columns) * inputs > COPIED {
                self.rows = self.rows.div_ceil(2);
            }
            self.chunk = even(inputs, COPIED / source.copied(self.rows, self.columns));
        }
        // The weights of one tile may be beyond the cache even so.
        let block = self.tiles.all.iter().map(|tile| tile.width() * source.lanes * source.taps()).max().unwrap_or(1);
        self.chunk = self.chunk.min(even(inputs, 2 * WEIGHTS / block));
        // Runs are whole, so that sums do not depend on where a chunk ends.
        self.chunk = self.chunk.next_multiple_of(self.run_length());
    }

    fn output_values(&self) -> usize {
        let [t, h, w] = [&self.source.t, &self.source.h, &self.source.w].map(|axis| axis.output);
        self.source.batch * self.outputs * LANES * t * h * w
    }

    /// Writes every point of the grid.
    pub fn run(&self, input: &[f32], packed: &[f32], epilogue: &Epilogue, output: &mut [f32], job: &Job) -> Result<()> {
        check::length("input", input.len(), self.source.values())?;
        check::length("packed", packed.len(), self.packed())?;
        check::length("output", output.len(), self.output_values())?;
        if let Some(residual) = epilogue.residual {
            check::length("residual", residual.len(), output.len())?;
        }
        let bias = epilogue.bias.map(|bias| {
            let mut whole = bias.to_vec();
            whole.resize(self.outputs * LANES, 0.0);
            whole
        });
        if let Some(winograd) = &self.winograd {
            return winograd.run(input, packed, bias.as_deref(), epilogue, output, job);
        }
        let source = &self.source;
        let (bands, parts) = (source.h.count.div_ceil(self.rows), source.w.count.div_ceil(self.columns));
        let counts = [self.tiles.splits.len(), source.batch, source.t.count, bands, parts];
        let output = Shared(output.as_mut_ptr());
        let output = &output;
        let work = |unit: usize, _: usize| {
            let [split, n, t, band, part] = digits(unit, counts);
            let (row, column) = (band * self.rows, part * self.columns);
            let rows = row..(row + self.rows).min(source.h.count);
            let columns = column..(column + self.columns).min(source.w.count);
            let view = View { n, t, rows, columns };
            let unit = Unit {
                pass: self,
                tiles: self.tiles.of(split),
                view,
                input,
                packed,
                epilogue,
                bias: bias.as_deref(),
                output: output.0,
            };
            SCRATCH.with_borrow_mut(|scratch| unit.run(scratch));
        };
        map_blocks(counts.iter().product(), 1, job, work)?;
        Ok(())
    }
}

/// Output blocks to a tile: the fewest cycles, by a model of two multiplications and two loads a cycle, four cycles
/// of latency, and some overhead. Rows are `width` pixels long.
pub(super) fn blocks_together(level: Level, lanes: usize, width: usize, families: &[Family]) -> usize {
    let cycles = |blocks: usize| {
        let longest = longest(level, blocks);
        if longest == 0 || (lanes == 1 && blocks > 2) {
            return usize::MAX;
        }
        let strips = width.div_ceil(longest);
        let pixels = width.div_ceil(strips);
        let strip =
            |blocks: usize| if blocks == 0 { 0 } else { (pixels * blocks).max(pixels + blocks).max(8) * 10 + 4 };
        let family = |family: &Family| {
            let outputs = family.outputs.len();
            outputs / blocks * strip(blocks) + strip(outputs % blocks)
        };
        families.iter().map(family).sum::<usize>() * strips
    };
    (1..=4).min_by_key(|&blocks| cycles(blocks)).unwrap_or(1)
}

/// The length of parts that are as even as they can be, none longer than `most` (but at least 1).
pub(super) fn even(length: usize, most: usize) -> usize {
    length.div_ceil(length.div_ceil(most.max(1)).max(1)).max(1)
}

/// `index` in the mixed base `counts`, most significant digit first.
pub(super) fn digits<const N: usize>(mut index: usize, counts: [usize; N]) -> [usize; N] {
    let mut digits = [0; N];
    for (digit, count) in digits.iter_mut().zip(counts).rev() {
        *digit = index % count;
        index /= count;
    }
    digits
}

/// Memory that units write in disjoint parts.
pub(super) struct Shared(pub *mut f32);

// SAFETY: whoever shares it lets each unit write what no other reads or writes.
unsafe impl Sync for Shared {}

struct Unit<'a> {
    pass: &'a Pass,
    tiles: &'a [Tile],
    view: View,
    input: &'a [f32],
    packed: &'a [f32],
    epilogue: &'a Epilogue<'a>,
    /// Filled up to whole blocks.
    bias: Option<&'a [f32]>,
    output: *mut f32,
}

impl Unit<'_> {
    fn run(&self, scratch: &mut Scratch) {
        let Some(first) = self.tiles.first() else { return };
        let (pass, source) = (self.pass, &self.pass.source);
        let planar = source.lanes == 1;
        source.list_taps(&self.view, first.inputs.len(), &mut scratch.taps, &mut scratch.rows);
        for start in first.inputs.clone().step_by(pass.chunk) {
            let chunk = start..(start + pass.chunk).min(first.inputs.end);
            if !source.direct && source.taps() > 0 {
                source.copy(&self.view, chunk.clone(), self.input, &mut scratch.copies);
            }
            // The channels of a planar input are taps: they are one block.
            let blocks = if planar { 1 } else { chunk.len() };
            for tile in self.tiles {
                let done = start - first.inputs.start;
                self.tile(tile, &chunk, blocks, done, scratch);
            }
        }
    }

    fn tile(&self, tile: &Tile, chunk: &Range<usize>, blocks: usize, done: usize, scratch: &Scratch) {
        let (pass, source, view) = (self.pass, &self.pass.source, &self.view);
        let (t, h, w) = (&source.t, &source.h, &source.w);
        let output_block = t.output * h.output * w.output * LANES;
        let weights_block = tile.width() * source.lanes * source.taps();
        let input = source.start(view, chunk.start, self.input, &scratch.copies);
        let weights = self.packed.as_ptr().wrapping_add(tile.weights + done * weights_block);
        let joined = if source.joins() { view.rows.len() } else { 1 };
        let length = joined * view.columns.len();
        let strips = length.div_ceil(longest(pass.level, tile.outputs.len()).max(1));
        let bias = beside(self.bias, tile.outputs.start * LANES);
        for (row, taps) in view.rows.clone().zip(&scratch.rows).step_by(joined) {
            let Some(taps) = scratch.taps.get(taps.clone()) else { return };
            let line = (t.start + view.t * t.pitch) * h.output + h.start + row * h.pitch;
            for strip in 0..strips {
                let (start, stop) = (strip * length / strips, (strip + 1) * length / strips);
                let column = w.start + (view.columns.start + start) * w.pitch;
                let place =
                    (view.n * pass.outputs + tile.outputs.start) * output_block + (line * w.output + column) * LANES;
                let planar = source.lanes == 1;
                let Some(kernel) = kernel(pass.level, stop - start, tile.outputs.len(), planar) else { return };
                let finish = Finish {
                    bias,
                    residual: beside(self.epilogue.residual, place),
                    activation: self.epilogue.activation,
                };
                let strip = Strip {
                    input: input.wrapping_add(start * source.lanes),
                    weights,
                    taps,
                    blocks,
                    input_block: source.input_block(view),
                    weights_block,
                    output: self.output.wrapping_add(place),
                    output_pixel: w.pitch * LANES,
                    output_block,
                    run: self.pass.run_length(),
                    resume: done > 0,
                    finish: (chunk.end == tile.inputs.end).then_some(finish),
                };
                // SAFETY: the level is this processor's; `Pass::run` has checked the lengths of all slices against
                // the shapes, and the places follow from points of the grid that are inside.
                unsafe { kernel(&strip) };
            }
        }
    }
}

/// The address of `values[place..]`, or null.
fn beside(values: Option<&[f32]>, place: usize) -> *const f32 {
    values.map_or(std::ptr::null(), |values| values.as_ptr().wrapping_add(place))
}
