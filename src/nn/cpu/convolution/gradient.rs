//! The gradient of the weights: for each pair of an input and an output channel and each tap, the sum over all
//! pixels of the input times the output's gradient.
//!
//! The pixels are cut into steps that the first-level cache holds, and the steps into parts, whose number the shapes
//! fix. A unit of work sums the steps of one part for some tiles of output channels, in the packed order; then the
//! parts are added, one after the other, and laid into the plain order.

use std::cell::RefCell;
use std::ops::Range;

use super::pass::{Shared, digits, even};
use super::slope::{MOST, Rows, Slope, deepest, kernel, widest};
use super::source::{Source, View};
use super::tiles::{Family, Tile, Tiles};
use super::weights::{Order, Shape};
use crate::aligned::Aligned;
use crate::error::Result;
use crate::nn::cpu::LANES;
use crate::parallel::{Job, map_blocks};
use crate::simd::Level;

/// Pixels of a step, and values that it copies of an input block, at most.
const PIXELS: usize = 192;
const COPIED: usize = 8 << 10;
/// Units of work, if each then has this many pixels.
const UNITS: usize = 32;
const LEAST_PIXELS: usize = 512;

#[derive(Clone, Debug)]
pub(super) struct Gradient {
    level: Level,
    source: Source,
    /// Blocks of the whole output.
    outputs: usize,
    tiles: Tiles,
    /// Rows and columns of a step.
    rows: usize,
    columns: usize,
    parts: usize,
}

/// Buffers of a thread, kept from unit to unit.
#[derive(Default)]
struct Scratch {
    sums: Aligned,
    copies: Aligned,
    /// For each tap along t and h, the rows that meet.
    rows: Vec<Vec<Rows>>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Gradient {
    pub fn new(level: Level, source: Source, outputs: usize, families: &[Family]) -> Self {
        let tiles = Tiles::new(families, widest(level), source.lanes * source.taps());
        let columns = even(source.w.count, PIXELS);
        let mut rows = even(source.h.count, PIXELS / columns);
        while rows > 1 && !source.direct && source.copied(rows, columns) > COPIED {
            rows -= 1;
        }
        let mut gradient = Self { level, source, outputs, tiles, rows, columns, parts: 1 };
        let source = &gradient.source;
        let wanted = UNITS.div_ceil(gradient.tiles.splits.len()).min(source.batch * source.points() / LEAST_PIXELS);
        gradient.parts = wanted.clamp(1, gradient.steps().iter().product());
        gradient
    }

    /// Steps along batch, t, h and w.
    fn steps(&self) -> [usize; 4] {
        let source = &self.source;
        let (bands, strips) = (source.h.count.div_ceil(self.rows), source.w.count.div_ceil(self.columns));
        [source.batch, source.t.count, bands, strips]
    }

    fn view(&self, step: usize) -> View {
        let [n, t, band, strip] = digits(step, self.steps());
        let (row, column) = (band * self.rows, strip * self.columns);
        let rows = row..(row + self.rows).min(self.source.h.count);
        let columns = column..(column + self.columns).min(self.source.w.count);
        View { n, t, rows, columns }
    }

    /// Values that `run` reads of input and output's gradient.
    pub fn lengths(&self) -> [usize; 2] {
        let source = &self.source;
        [source.values(), source.batch * self.outputs * source.points() * LANES]
    }

    /// Overwrites `grad_weights`, in the plain order of `shape`. The slices have the lengths that `lengths` and `shape` say.
    pub fn run(&self, shape: Shape, input: &[f32], grad: &[f32], grad_weights: &mut [f32], job: &Job) -> Result<()> {
        grad_weights.fill(0.0);
        let order = Order::new(shape, &self.source, false);
        let mut partial = vec![0.0; if self.parts > 1 { self.parts * self.tiles.packed } else { 0 }];
        let (partials, weights) = (Shared(partial.as_mut_ptr()), Shared(grad_weights.as_mut_ptr()));
        let (partials, weights) = (&partials, &weights);
        let steps: usize = self.steps().iter().product();
        let work = |unit: usize, _: usize| {
            let [split, part] = digits(unit, [self.tiles.splits.len(), self.parts]);
            let steps = part * steps / self.parts..(part + 1) * steps / self.parts;
            let tiles = self.tiles.of(split);
            SCRATCH.with_borrow_mut(|scratch| {
                self.sum(tiles, steps, input, grad, scratch);
                let Some(first) = tiles.first().map(|tile| tile.weights) else { return };
                for tile in tiles {
                    let sums = &scratch.sums[tile.weights - first..][..order.values(tile)];
                    if self.parts == 1 {
                        // SAFETY: each tile has weights of its own, and `each` names places inside.
                        order.each(tile, |place, i| unsafe { *weights.0.add(place) = sums[i] });
                    } else {
                        let place = part * self.tiles.packed + tile.weights;
                        // SAFETY: each part has room for all tiles, in which each tile has a place of its own.
                        unsafe { partials.0.add(place).copy_from_nonoverlapping(sums.as_ptr(), sums.len()) };
                    }
                }
            });
        };
        map_blocks(self.tiles.splits.len() * self.parts, 1, job, work)?;
        if self.parts > 1 {
            let add = |i: usize, _: usize| {
                let Some(tile) = self.tiles.all.get(i) else { return };
                let range = tile.weights..tile.weights + order.values(tile);
                let mut parts = partial.chunks_exact(self.tiles.packed).filter_map(|part| part.get(range.clone()));
                let mut sums = parts.next().unwrap_or_default().to_vec();
                for part in parts {
                    sums.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
                }
                // SAFETY: as above.
                order.each(tile, |place, i| unsafe { *weights.0.add(place) = sums[i] });
            };
            map_blocks(self.tiles.all.len(), 1, job, add)?;
        }
        Ok(())
    }

    /// Sums `steps` for `tiles`, from zero.
    fn sum(&self, tiles: &[Tile], steps: Range<usize>, input: &[f32], grad: &[f32], scratch: &mut Scratch) {
        let (Some(first), Some(last)) = (tiles.first(), tiles.last()) else { return };
        let source = &self.source;
        let depth = first.inputs.len() * source.lanes * source.taps();
        scratch.sums.reach(last.weights + last.width() * depth - first.weights);
        scratch.sums.fill(0.0);
        for step in steps {
            let view = self.view(step);
            if !source.direct {
                source.copy(&view, first.inputs.clone(), input, &mut scratch.copies);
            }
            self.list_rows(&view, &mut scratch.rows);
            for tile in tiles {
                self.sum_tile(tile, first, &view, input, grad, scratch);
            }
        }
    }

    /// The rows of `view` that meet a row of the input, for each tap along t and h.
    fn list_rows(&self, view: &View, lists: &mut Vec<Vec<Rows>>) {
        let (source, width) = (&self.source, self.source.w.count);
        let [t_taps, h_taps] = [&source.t, &source.h].map(|axis| axis.taps.len());
        lists.resize_with(t_taps * h_taps, Vec::new);
        for (tap, list) in lists.iter_mut().enumerate() {
            list.clear();
            list.extend(view.rows.clone().filter_map(|row| {
                let input = source.row_place(view, row, tap / h_taps, tap % h_taps)?;
                let grad = ((view.t * source.h.count + row) * width + view.columns.start) * LANES;
                Some(Rows { input, grad })
            }));
        }
    }

    fn sum_tile(&self, tile: &Tile, first: &Tile, view: &View, input: &[f32], grad: &[f32], scratch: &mut Scratch) {
        let source = &self.source;
        let (lanes, width, planar) = (source.lanes, tile.width(), source.lanes == 1);
        let grad_block = source.points() * LANES;
        let grad = grad.as_ptr().wrapping_add((view.n * self.outputs + tile.outputs.start) * grad_block);
        let deepest = deepest(self.level, tile.outputs.len(), planar);
        let start = source.start(view, tile.inputs.start, input, &scratch.copies);
        let sums = scratch.sums.as_mut_ptr().wrapping_add(tile.weights - first.weights);
        // A call takes channels of one tap, or, in a planar input, taps of one row.
        let w_taps = source.w.taps.len();
        let (calls, length) = if planar { (1, w_taps) } else { (w_taps, lanes) };
        for block in 0..tile.inputs.len() {
            for (row_tap, rows) in scratch.rows.iter().enumerate() {
                for call in (0..calls).filter(|_| !rows.is_empty()) {
                    let tap = block * source.taps() + row_tap * w_taps + call;
                    let runs = length.div_ceil(deepest);
                    for run in 0..runs {
                        let run = run * length / runs..(run + 1) * length / runs;
                        let Some(kernel) = kernel(self.level, run.len(), tile.outputs.len(), planar) else { return };
                        let mut channels = [0; MOST];
                        let mut place = block * source.input_block(view);
                        if planar {
                            channels.iter_mut().zip(run.clone()).for_each(|(c, k)| *c = source.column_place(view, k));
                        } else {
                            place += source.column_place(view, call) + run.start;
                        }
                        let slope = Slope {
                            rows,
                            length: view.columns.len(),
                            input: start.wrapping_add(place),
                            channels,
                            grad,
                            grad_block,
                            sums: sums.wrapping_add((tap * lanes + run.start) * width),
                        };
                        // SAFETY: the level is this processor's; the caller has checked the lengths of all slices
                        // against the shapes, and the places follow from points of the grid that are inside.
                        unsafe { kernel(&slope) };
                    }
                }
            }
        }
    }
}
