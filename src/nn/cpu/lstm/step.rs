//! The steps of an LSTM for some items, from the first to the last and back.
//!
//! Two registers of sixteen units each are summed for eight items at once: forward two gates of one block of units,
//! backward two blocks. The weights are packed so that they are read one after another.

use super::super::lanes::{Block, Lanes, dispatched};
use super::super::{LANES, functions};
use super::{Place, Sizes};

/// Items that are summed at once.
pub(super) const TILE: usize = 8;

/// Blocks that are kept for each item, step and block of units: gates i f g o, cell, state.
pub(super) const RECORD: usize = 6;
const CELL: usize = 4;
const STATE: usize = 5;

/// One value of each item of a tile.
type Items = [f32; TILE];

/// Recurrent weights: a pair of registers for each value that is multiplied, pair after pair of targets.
pub(super) struct Packed(Vec<[Block; 2]>);

impl Packed {
    /// For each block of units and half of the gates the weights of each unit of the state.
    pub(super) fn forward(recurrent: &[f32], units: usize) -> Self {
        let of = |block: usize, half: usize, from: usize| {
            let gate = |gate: usize| {
                let at = |lane: usize| {
                    let unit = block * LANES + lane;
                    if unit < units { recurrent[(gate * units + unit) * units + from] } else { 0.0 }
                };
                std::array::from_fn(at)
            };
            [gate(2 * half), gate(2 * half + 1)]
        };
        let targets = (0..units.div_ceil(LANES)).flat_map(|block| [(block, 0), (block, 1)]);
        Self(targets.flat_map(|(block, half)| (0..units).map(move |from| of(block, half, from))).collect())
    }

    /// For each pair of blocks of units the weights of each gate, in the order of rows.
    pub(super) fn backward(recurrent: &[f32], units: usize) -> Self {
        let of = |pair: usize, gate: usize| {
            let block = |block: usize| {
                let at = |lane: usize| {
                    let unit = block * LANES + lane;
                    if unit < units { recurrent[gate * units + unit] } else { 0.0 }
                };
                std::array::from_fn(at)
            };
            [block(2 * pair), block(2 * pair + 1)]
        };
        let pairs = 0..units.div_ceil(2 * LANES);
        Self(pairs.flat_map(|pair| (0..4 * units).map(move |gate| of(pair, gate))).collect())
    }
}

/// Index of a block of the record within the unit of work.
fn at(sizes: &Sizes, items: usize, t: usize, block: usize, item: usize) -> usize {
    ((t * sizes.blocks() + block) * items + item) * RECORD
}

/// The state of one item, step and block of units.
pub(super) fn state<'a>(record: &'a [f32], sizes: &Sizes, item: usize, t: usize, block: usize) -> &'a Block {
    let first = item / sizes.at_once() * sizes.at_once();
    let items = (sizes.items - first).min(sizes.at_once());
    let blocks = record[first * sizes.record()..].as_chunks().0;
    &blocks[at(sizes, items, t, block, item - first) + STATE]
}

/// The sums of `weights * values` for R items.
#[inline(always)]
fn products<V: Lanes, const R: usize>(weights: &[[Block; 2]], values: &[Items]) -> [[V; 2]; R] {
    let mut sums = [[V::zero(); 2]; R];
    for (weights, values) in weights.iter().zip(values) {
        let weights = [V::load(&weights[0]), V::load(&weights[1])];
        for (sums, &value) in sums.iter_mut().zip(values) {
            let value = V::splat(value);
            *sums = [weights[0].times_plus(value, sums[0]), weights[1].times_plus(value, sums[1])];
        }
    }
    sums
}

/// [`products`] of the items of a tile, which may be fewer than eight.
#[inline(always)]
fn tile<V: Lanes>(weights: &[[Block; 2]], values: &[Items], items: usize) -> [[V; 2]; TILE] {
    let mut sums = [[V::zero(); 2]; TILE];
    match items {
        5.. => sums = products::<V, 8>(weights, values),
        3..5 => sums[..4].copy_from_slice(&products::<V, 4>(weights, values)),
        2 => sums[..2].copy_from_slice(&products::<V, 2>(weights, values)),
        _ => sums[..1].copy_from_slice(&products::<V, 1>(weights, values)),
    }
    sums
}

/// The values that the next step multiplies: for each tile of the items, `count` of [`Items`].
struct Carried {
    values: Vec<Items>,
    count: usize,
}

impl Carried {
    fn new(items: usize, count: usize) -> Self {
        Self { values: vec![[0.0; TILE]; items.div_ceil(TILE) * count], count }
    }

    fn tile(&self, tile: usize) -> &[Items] {
        &self.values[tile * self.count..][..self.count]
    }

    fn set(&mut self, item: usize, at: usize, value: f32) {
        self.values[item / TILE * self.count + at][item % TILE] = value;
    }
}

/// `slope * gate * (1 - gate)`: back through a logistic function.
#[inline(always)]
fn logistic<V: Lanes>(gate: V, slope: V) -> V {
    slope.times(gate.times(V::splat(1.0).minus(gate)))
}

/// A block of a gate in a row `(4 U,)`.
#[inline(always)]
fn gate<V: Lanes>(row: &[f32], gate: usize, block: usize) -> V {
    let units = row.len() / 4;
    load(&row[gate * units..][..units], block * LANES)
}

/// Up to sixteen values of a row from `first` on, zeros past its end.
#[inline(always)]
fn load<V: Lanes>(row: &[f32], first: usize) -> V {
    let part = &row[first..];
    match part.first_chunk::<LANES>() {
        Some(block) => V::load(block),
        None => V::load(&std::array::from_fn(|i| part.get(i).copied().unwrap_or(0.0))),
    }
}

/// Stores what of sixteen values fits into a row from `first` on.
#[inline(always)]
fn store<V: Lanes>(value: V, row: &mut [f32], first: usize) {
    let part = &mut row[first..];
    match part.first_chunk_mut::<LANES>() {
        Some(block) => value.store(block),
        None => {
            let mut block = [0.0; LANES];
            value.store(&mut block);
            part.copy_from_slice(&block[..part.len()]);
        }
    }
}

dispatched! {
    /// All steps of the items from `first_item` on; fills their record from the inputs' part of the gates.
    pub(super) fn forward<V>(
        gates: &[f32],
        packed: &Packed,
        mask: Option<&[f32]>,
        sizes: &Sizes,
        place: &Place,
        first_item: usize,
        record: &mut [f32],
    ) {
        let (units, steps, blocks) = (sizes.units, sizes.steps, sizes.blocks());
        let items = record.len() / sizes.record();
        let record = record.as_chunks_mut::<LANES>().0;
        let mut states = Carried::new(items, units);
        for t in 0..steps {
            for (block, first) in (0..blocks).flat_map(|block| (0..items).step_by(TILE).map(move |first| (block, first))) {
                let in_tile = TILE.min(items - first);
                let mut sums = [[[V::zero(); 2]; TILE]; 2];
                if t > 0 {
                    let weights = &packed.0[2 * block * units..][..2 * units];
                    for (half, sums) in sums.iter_mut().enumerate() {
                        *sums = tile(&weights[half * units..][..units], states.tile(first / TILE), in_tile);
                    }
                }
                for item in first..first + in_tile {
                    let row = &gates[((first_item + item) * steps + sizes.row(place, t)) * 4 * units..][..4 * units];
                    let [low, high] = [sums[0][item - first], sums[1][item - first]];
                    let i = functions::sigmoid(low[0].plus(gate(row, 0, block)));
                    let f = functions::sigmoid(low[1].plus(gate(row, 1, block)));
                    let g = functions::tanh(high[0].plus(gate(row, 2, block)));
                    let o = functions::sigmoid(high[1].plus(gate(row, 3, block)));
                    let mut before = V::zero();
                    if t > 0 {
                        before = V::load(&record[at(sizes, items, t - 1, block, item) + CELL]);
                    }
                    let cell = f.times_plus(before, i.times(g));
                    let state = o.times(functions::tanh(cell));
                    let start = at(sizes, items, t, block, item);
                    for (out, value) in record[start..start + RECORD].iter_mut().zip([i, f, g, o, cell, state]) {
                        value.store(out);
                    }
                }
            }
            for item in 0..items {
                for unit in 0..units {
                    let kept = mask.map_or(1.0, |mask| mask[(first_item + item) * units + unit]);
                    let state = record[at(sizes, items, t, unit / LANES, item) + STATE][unit % LANES];
                    states.set(item, unit, kept * state);
                }
            }
        }
    }
}

dispatched! {
    /// All steps back: the gradients of the gates before their functions, rows `(N, L, 4 U)` of the items from
    /// `first_item` on.
    pub(super) fn backward<V>(
        record: &[f32],
        packed: &Packed,
        mask: Option<&[f32]>,
        sizes: &Sizes,
        place: &Place,
        gradient: &[f32],
        first_item: usize,
        slopes: &mut [f32],
    ) {
        let (units, steps, blocks) = (sizes.units, sizes.steps, sizes.blocks());
        let items = slopes.len() / (steps * 4 * units);
        let record = record[first_item * sizes.record()..].as_chunks::<LANES>().0;
        let mut later = Carried::new(items, 4 * units);
        let mut cells = vec![[0.0; LANES]; blocks * items];
        let one = V::splat(1.0);
        for t in (0..steps).rev() {
            let step = sizes.row(place, t);
            let pairs = blocks.div_ceil(2);
            for (pair, first) in (0..pairs).flat_map(|pair| (0..items).step_by(TILE).map(move |first| (pair, first))) {
                let in_tile = TILE.min(items - first);
                let mut sums = [[V::zero(); 2]; TILE];
                if t + 1 < steps {
                    sums = tile(&packed.0[pair * 4 * units..][..4 * units], later.tile(first / TILE), in_tile);
                }
                let of_pair = 2 * pair..blocks.min(2 * pair + 2);
                for (block, item) in of_pair.flat_map(|b| (first..first + in_tile).map(move |item| (b, item))) {
                    let row = ((first_item + item) * steps + step) * place.width + place.first;
                    let mut h = sums[item - first][block % 2];
                    if let Some(mask) = mask {
                        h = h.times(load(&mask[(first_item + item) * units..][..units], block * LANES));
                    }
                    h = h.plus(load(&gradient[row..][..units], block * LANES));
                    let start = at(sizes, items, t, block, item);
                    let kept = &record[start..start + RECORD];
                    let [i, f, g, o] = [V::load(&kept[0]), V::load(&kept[1]), V::load(&kept[2]), V::load(&kept[3])];
                    let bent = functions::tanh(V::load(&kept[CELL]));
                    let mut before = V::zero();
                    if t > 0 {
                        before = V::load(&record[at(sizes, items, t - 1, block, item) + CELL]);
                    }
                    let cell = &mut cells[block * items + item];
                    let c = h.times(o).times_plus(one.minus(bent.times(bent)), V::load(cell));
                    c.times(f).store(cell);
                    let gates = [
                        logistic(i, c.times(g)),
                        logistic(f, c.times(before)),
                        c.times(i).times(one.minus(g.times(g))),
                        logistic(o, h.times(bent)),
                    ];
                    let row = &mut slopes[(item * steps + step) * 4 * units..][..4 * units];
                    for (gate, value) in gates.into_iter().enumerate() {
                        store(value, &mut row[gate * units..][..units], block * LANES);
                    }
                }
            }
            for item in 0..items {
                let row = &slopes[(item * steps + step) * 4 * units..][..4 * units];
                for (at, &value) in row.iter().enumerate() {
                    later.set(item, at, value);
                }
            }
        }
    }
}
