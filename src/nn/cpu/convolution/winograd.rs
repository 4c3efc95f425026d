//! The convolution of Winograd for taps of 3 x 3 without stride: F(2 x 2, 3 x 3).
//!
//! Four neighbouring outputs see 4 x 4 inputs. Transformed, these meet the transformed weights in 16 products instead
//! of 36, each of them a 1 x 1 convolution over a map a quarter as large, which [`super::tile`] computes; a last
//! transform gives the four outputs. All transforms are additions, and halves. In float32 the error of the result was
//! 0.8 to 1.4 times that of PyTorch's direct form on random maps. Along t the taps are as in the direct form.
//!
//! Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, equations 6 to 9.

use std::cell::RefCell;
use std::ops::Range;

use super::pass::{Shared, blocks_together, digits, even};
use super::source::{Source, View};
use super::tile::{Strip, Tap, kernel, longest};
use super::tiles::{Family, Tile, Tiles};
use super::weights::Order;
use crate::aligned::Aligned;
use crate::error::Result;
use crate::nn::cpu::lanes::{Block, Lanes, dispatched};
use crate::nn::cpu::{Activation, Epilogue, LANES};
use crate::parallel::{Job, map_blocks};
use crate::simd::Level;

/// Positions of a transformed square, and of the taps that it stands for.
const SQUARE: usize = 16;
const TAPS: usize = 9;
/// Squares of a unit times its input blocks and frames, and squares at least.
const VALUES: usize = 512;
const LEAST_SQUARES: usize = 14;
/// Products that are summed, about, before the sum is added to those before it.
const RUN: usize = 64;
/// How much a product of the transformed form costs, in tenths of one of the direct form: what goes on around it.
const COST: usize = 13;
/// Blocks of input and of output channels from which it pays; and input blocks times taps along t, beyond which the
/// weights of a tile and the squares that they meet are more than the second-level cache holds.
const LEAST_BLOCKS: usize = 2;
const DEEPEST: usize = 24;

#[derive(Clone, Debug)]
pub(super) struct Winograd {
    level: Level,
    source: Source,
    /// Blocks of the whole output.
    outputs: usize,
    tiles: Tiles,
    /// Squares of the map along h and w, and of a unit.
    squares: [usize; 2],
    unit: [usize; 2],
}

/// Buffers of a thread, kept from unit to unit.
#[derive(Default)]
struct Scratch {
    copies: Aligned,
    transformed: Aligned,
    products: Aligned,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Winograd {
    /// None where it does not apply, or does not pay.
    pub fn new(level: Level, source: &Source, outputs: usize, families: &[Family]) -> Option<Self> {
        let (h, w) = (&source.h, &source.w);
        let fits =
            [h, w].iter().all(|axis| axis.step == 1 && axis.pitch == 1 && axis.taps.len() == 3 && axis.span == 2);
        let squares = [h.count.div_ceil(2), w.count.div_ceil(2)];
        let pays = squares.iter().product::<usize>() * SQUARE * COST < 10 * TAPS * h.count * w.count
            && families.iter().all(|family| family.inputs.len().min(family.outputs.len()) >= LEAST_BLOCKS);
        let depth = families.iter().map(|family| family.inputs.len()).max()? * source.t.taps.len();
        if source.lanes == 1 || !fits || !pays || depth > DEEPEST {
            return None;
        }
        let most = (VALUES / depth).max(LEAST_SQUARES);
        let columns = even(squares[1], most);
        let rows = if columns == squares[1] { even(squares[0], most / columns) } else { 1 };
        let blocks = blocks_together(level, LANES, rows * columns, families);
        let tiles = Tiles::new(families, blocks, SQUARE * LANES * source.t.taps.len());
        Some(Self {
            level,
            source: Source { direct: false, ..source.clone() },
            outputs,
            tiles,
            squares,
            unit: [rows, columns],
        })
    }

    /// Values of the packed weights.
    pub fn packed(&self) -> usize {
        self.tiles.packed
    }

    /// The transformed weights, tile after tile, in each by position in the square, input block, tap along t, input
    /// channel and output channel.
    pub fn pack(&self, order: &Order, weights: &[f32], packed: &mut [f32], job: &Job) -> Result<()> {
        let packed = Shared(packed.as_mut_ptr());
        let packed = &packed;
        let work = |i: usize, _: usize| {
            let Some(tile) = self.tiles.all.get(i) else { return };
            let length = order.values(tile) / TAPS * SQUARE;
            // SAFETY: tiles lie behind each other in the packed weights, which are as long as all of them.
            let to = unsafe { std::slice::from_raw_parts_mut(packed.0.add(tile.weights), length) };
            let row = LANES * tile.outputs.len();
            SCRATCH.with_borrow_mut(|scratch| {
                let plain = &mut scratch.products;
                plain.reach(order.values(tile));
                plain.fill(0.0);
                order.pack_tile(tile, weights, plain);
                transform_weights(plain.as_chunks().0, to.as_chunks_mut().0, row, self.places());
            });
        };
        map_blocks(self.tiles.all.len(), 1, job, work)?;
        Ok(())
    }

    /// For each place in a 3 x 3 square, the number of its tap along h and w.
    fn places(&self) -> [usize; TAPS] {
        let mut places = [0; TAPS];
        for (i, h) in self.source.h.taps.iter().enumerate() {
            for (j, w) in self.source.w.taps.iter().enumerate() {
                let place = (h.offset - self.source.h.least) * 3 + w.offset - self.source.w.least;
                if let Some(place) = places.get_mut(place.unsigned_abs()) {
                    *place = i * 3 + j;
                }
            }
        }
        places
    }

    /// As [`super::pass::Pass::run`], which has checked the lengths; `bias` is filled up to whole blocks.
    pub fn run(
        &self,
        input: &[f32],
        packed: &[f32],
        bias: Option<&[f32]>,
        epilogue: &Epilogue,
        output: &mut [f32],
        job: &Job,
    ) -> Result<()> {
        let bands = self.squares[0].div_ceil(self.unit[0]);
        let parts = self.squares[1].div_ceil(self.unit[1]);
        let counts = [self.tiles.splits.len(), self.source.batch, self.source.t.count, bands, parts];
        let output = Shared(output.as_mut_ptr());
        let output = &output;
        let work = |unit: usize, _: usize| {
            let [split, n, t, band, part] = digits(unit, counts);
            let range = |axis: usize, i: usize| {
                let start = i * self.unit[axis];
                start..(start + self.unit[axis]).min(self.squares[axis])
            };
            let squares = [range(0, band), range(1, part)];
            let [rows, columns] = squares.clone().map(|range| 2 * range.start..2 * range.end);
            let view = View { n, t, rows, columns };
            let unit = Unit { winograd: self, squares, view, packed, bias, epilogue, output: output.0 };
            SCRATCH.with_borrow_mut(|scratch| unit.run(self.tiles.of(split), input, scratch));
        };
        map_blocks(counts.iter().product(), 1, job, work)?;
        Ok(())
    }
}

struct Unit<'a> {
    winograd: &'a Winograd,
    squares: [Range<usize>; 2],
    view: View,
    packed: &'a [f32],
    bias: Option<&'a [f32]>,
    epilogue: &'a Epilogue<'a>,
    output: *mut f32,
}

impl Unit<'_> {
    fn count(&self) -> usize {
        self.squares[0].len() * self.squares[1].len()
    }

    fn run(&self, tiles: &[Tile], input: &[f32], scratch: &mut Scratch) {
        let (Some(first), source) = (tiles.first(), &self.winograd.source) else { return };
        // The taps along t that reach into the clip, and where their frames lie in the transformed input.
        let frames = source.t.taps.iter().enumerate().filter(|(_, tap)| tap.points.contains(&self.view.t));
        let place = |(slot, (i, _))| Tap { input: slot * self.count() * LANES, weights: i };
        let taps: Vec<Tap> = frames.enumerate().map(place).collect();
        source.copy(&self.view, first.inputs.clone(), input, &mut scratch.copies);
        // A line more from one position to the next, so that sixteen of them do not meet in one set of the cache.
        let pitch = first.inputs.len() * taps.len() * self.count() + 1;
        scratch.transformed.reach(SQUARE * pitch * LANES);
        self.transform(&taps, first.inputs.len(), &scratch.copies, pitch, &mut scratch.transformed);
        for tile in tiles {
            self.tile(tile, &taps, pitch, scratch);
        }
    }

    fn transform(&self, taps: &[Tap], inputs: usize, copies: &[f32], pitch: usize, to: &mut [f32]) {
        let source = &self.winograd.source;
        let row = copies.len() / LANES / (inputs * source.t.taps.len() * (self.view.rows.len() + 2));
        let (copies, to) = (copies.as_chunks::<LANES>().0, to.as_chunks_mut::<LANES>().0);
        let frame = row * (self.view.rows.len() + 2);
        for input in 0..inputs {
            for (slot, tap) in taps.iter().enumerate() {
                for square in 0..self.squares[0].len() {
                    let from = (input * source.t.taps.len() + tap.weights) * frame + 2 * square * row;
                    let place = (input * taps.len() + slot) * self.count() + square * self.squares[1].len();
                    let (Some(from), Some(to)) = (copies.get(from..from + 4 * row), to.get_mut(place..)) else {
                        return;
                    };
                    transform_rows(from, row, to, pitch, self.squares[1].len());
                }
            }
        }
    }

    fn tile(&self, tile: &Tile, taps: &[Tap], pitch: usize, scratch: &mut Scratch) {
        let (winograd, source, count) = (self.winograd, &self.winograd.source, self.count());
        let blocks = tile.outputs.len();
        let weights_block = source.t.taps.len() * LANES * tile.width();
        let square_weights = tile.inputs.len() * weights_block;
        let products = blocks * count + 1;
        scratch.products.reach(SQUARE * products * LANES);
        let strips = count.div_ceil(longest(winograd.level, blocks).max(1));
        for position in 0..SQUARE {
            let weights = self.packed.as_ptr().wrapping_add(tile.weights + position * square_weights);
            for strip in 0..strips {
                let (start, stop) = (strip * count / strips, (strip + 1) * count / strips);
                let Some(kernel) = kernel(winograd.level, stop - start, blocks, false) else { return };
                let input = scratch.transformed.as_ptr().wrapping_add((position * pitch + start) * LANES);
                let output = scratch.products.as_mut_ptr().wrapping_add((position * products + start) * LANES);
                let strip = Strip {
                    input,
                    weights,
                    taps,
                    blocks: tile.inputs.len(),
                    input_block: taps.len() * count * LANES,
                    weights_block,
                    output,
                    output_pixel: LANES,
                    output_block: count * LANES,
                    run: (RUN / (LANES * source.t.taps.len())).max(1),
                    resume: false,
                    finish: None,
                };
                // SAFETY: the level is this processor's; the buffers reach as far as the counts of blocks, taps and
                // squares say, and the packed weights were checked against the tiles.
                unsafe { kernel(&strip) };
            }
        }
        for b in 0..blocks {
            self.write(tile.outputs.start + b, &scratch.products, products, b * count);
        }
    }

    /// Transforms the products of one output block, which begin at `first` in each position, and ends the convolution.
    fn write(&self, block: usize, products: &[f32], pitch: usize, first: usize) {
        let source = &self.winograd.source;
        let (t, h, w) = (&source.t, &source.h, &source.w);
        let bias = self.bias.and_then(|bias| bias.as_chunks().0.get(block)).copied().unwrap_or([0.0; LANES]);
        let products = products.as_chunks::<LANES>().0;
        let plane = (self.view.n * self.winograd.outputs + block) * t.output + t.start + self.view.t * t.pitch;
        let columns = self.view.columns.start..self.view.columns.end.min(w.count);
        for (i, square) in self.squares[0].clone().enumerate() {
            let Some(products) = products.get(first + i * self.squares[1].len()..) else { return };
            let rows = (2 * square..(2 * square + 2).min(h.count)).map(|row| {
                let place = ((plane * h.output + row) * w.output + columns.start) * LANES;
                let residual = self.epilogue.residual.and_then(|map| map.get(place..place + columns.len() * LANES));
                // SAFETY: the output has the length of its map, this row is inside, and no other unit writes it.
                let row = unsafe { std::slice::from_raw_parts_mut(self.output.add(place), columns.len() * LANES) };
                (row.as_chunks_mut().0, residual.map(|residual| residual.as_chunks().0))
            });
            for (i, (row, residual)) in rows.enumerate() {
                write_row(products, pitch, i, &bias, residual, self.epilogue.activation, row);
            }
        }
    }
}

/// A column of the taps, or a row, transformed: four values for three.
#[inline(always)]
fn spread_taps<V: Lanes>([a, b, c]: [V; 3]) -> [V; 4] {
    let half = V::splat(0.5);
    let (ends, middle) = (a.plus(c).times(half), b.times(half));
    [a, ends.plus(middle), ends.minus(middle), c]
}

/// A column of a square, or a row, transformed.
#[inline(always)]
fn spread<V: Lanes>(a: V, b: V, c: V, d: V) -> [V; 4] {
    [a.minus(c), b.plus(c), c.minus(b), b.minus(d)]
}

dispatched! {
    /// Transforms 3 x 3 taps: `plain` by (input block, tap along t), place, row of weights; `to` by position and the
    /// like. A row is `row` blocks; place `i` is number `places[i]`.
    fn transform_weights<V>(plain: &[Block], to: &mut [Block], row: usize, places: [usize; TAPS]) {
        let squares = plain.len() / (TAPS * row);
        for square in 0..squares {
            for i in 0..row {
                let mut columns = [[V::zero(); 4]; 3];
                for (j, column) in columns.iter_mut().enumerate() {
                    let mut taps = [V::zero(); 3];
                    for (k, tap) in taps.iter_mut().enumerate() {
                        *tap = V::load(&plain[(square * TAPS + places[3 * k + j]) * row + i]);
                    }
                    *column = spread_taps(taps);
                }
                for y in 0..4 {
                    let values = spread_taps([columns[0][y], columns[1][y], columns[2][y]]);
                    for (x, value) in values.iter().enumerate() {
                        value.store(&mut to[((y * 4 + x) * squares + square) * row + i]);
                    }
                }
            }
        }
    }
}

dispatched! {
    /// Transforms `count` squares that begin every second pixel of four rows, each `row` blocks long; the value at a
    /// position of a square goes `pitch` blocks behind that before.
    fn transform_rows<V>(rows: &[Block], row: usize, to: &mut [Block], pitch: usize, count: usize) {
        for square in 0..count {
            let mut columns = [[V::zero(); 4]; 4];
            for (x, column) in columns.iter_mut().enumerate() {
                let at = 2 * square + x;
                let (a, b) = (V::load(&rows[at]), V::load(&rows[at + row]));
                *column = spread(a, b, V::load(&rows[at + 2 * row]), V::load(&rows[at + 3 * row]));
            }
            for y in 0..4 {
                let values = spread(columns[0][y], columns[1][y], columns[2][y], columns[3][y]);
                for (x, value) in values.iter().enumerate() {
                    value.store(&mut to[(y * 4 + x) * pitch + square]);
                }
            }
        }
    }
}

dispatched! {
    /// The outputs of row `y` (0 or 1) of a row of squares, from `products` (a position `pitch` blocks behind that before).
    fn write_row<V>(
        products: &[Block],
        pitch: usize,
        y: usize,
        bias: &Block,
        residual: Option<&[Block]>,
        activation: Activation,
        output: &mut [Block],
    ) {
        let bias = V::load(bias);
        for square in 0..output.len().div_ceil(2) {
            let mut sums = [V::zero(); 4];
            for (x, sum) in sums.iter_mut().enumerate() {
                let at = (4 * y + x) * pitch + square;
                let (a, b, c) = (&products[at], &products[at + 4 * pitch], &products[at + 8 * pitch]);
                let (a, b, c) = (V::load(a), V::load(b), V::load(c));
                *sum = if y == 0 { a.plus(b).plus(c) } else { a.minus(b).minus(c) };
            }
            let pair = [sums[0].plus(sums[1]).plus(sums[2]), sums[1].minus(sums[2]).minus(sums[3])];
            for (i, sum) in pair.iter().enumerate().take(output.len() - 2 * square) {
                let mut sum = sum.plus(bias);
                if let Some(residual) = residual {
                    sum = sum.plus(V::load(&residual[2 * square + i]));
                }
                activation.apply(sum).store(&mut output[2 * square + i]);
            }
        }
    }
}
