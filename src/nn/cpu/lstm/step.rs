//! The steps of an LSTM for up to eight items, from the first to the last and back.
//!
//! Two registers of sixteen units each are summed for all items at once: forward two gates of one block of units,
//! backward two blocks. The weights are packed so that they are read one after another.

use super::super::lanes::{Block, Lanes, dispatched};
use super::super::{LANES, functions};
use super::{Place, Sizes};

/// Items of a unit of work.
pub(super) const AT_ONCE: usize = 8;

/// Blocks that are kept for each item, step and block of units: gates i f g o, cell, state.
pub(super) const RECORD: usize = 6;
const CELL: usize = 4;
const STATE: usize = 5;

/// One value of each item of a unit.
type Items = [f32; AT_ONCE];

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
    let unit = item / AT_ONCE;
    let items = (sizes.items - unit * AT_ONCE).min(AT_ONCE);
    let blocks = record[unit * AT_ONCE * sizes.record()..].as_chunks().0;
    &blocks[at(sizes, items, t, block, item % AT_ONCE) + STATE]
}

/// The sums of `weights * values` for R items.
#[inline(always)]
fn products<V: Lanes, const R: usize>(weights: &[[Block; 2]], values: &[Items], first: usize) -> [[V; 2]; R] {
    let mut sums = [[V::zero(); 2]; R];
    for (weights, values) in weights.iter().zip(values) {
        let weights = [V::load(&weights[0]), V::load(&weights[1])];
        let values: &[f32; R] = values[first..].first_chunk().unwrap_or(&[0.0; R]);
        for (sums, &value) in sums.iter_mut().zip(values) {
            let value = V::splat(value);
            *sums = [weights[0].times_plus(value, sums[0]), weights[1].times_plus(value, sums[1])];
        }
    }
    sums
}

/// [`products`] of up to eight items.
#[inline(always)]
fn all_products<V: Lanes>(weights: &[[Block; 2]], values: &[Items], items: usize) -> [[V; 2]; AT_ONCE] {
    let mut sums = [[V::zero(); 2]; AT_ONCE];
    match items {
        5.. => sums = products::<V, 8>(weights, values, 0),
        3..5 => sums[..4].copy_from_slice(&products::<V, 4>(weights, values, 0)),
        2 => sums[..2].copy_from_slice(&products::<V, 2>(weights, values, 0)),
        _ => sums[..1].copy_from_slice(&products::<V, 1>(weights, values, 0)),
    }
    sums
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
        let mut states = vec![[0.0; AT_ONCE]; units];
        for t in 0..steps {
            for block in 0..blocks {
                let weights = &packed.0[2 * block * units..][..2 * units];
                let mut low = [[V::zero(); 2]; AT_ONCE];
                let mut high = low;
                if t > 0 {
                    low = all_products(&weights[..units], &states, items);
                    high = all_products(&weights[units..], &states, items);
                }
                for item in 0..items {
                    let row = &gates[((first_item + item) * steps + sizes.row(place, t)) * 4 * units..][..4 * units];
                    let gate = |gate: usize| load::<V>(&row[gate * units..][..units], block * LANES);
                    let i = functions::sigmoid(low[item][0].plus(gate(0)));
                    let f = functions::sigmoid(low[item][1].plus(gate(1)));
                    let g = functions::tanh(high[item][0].plus(gate(2)));
                    let o = functions::sigmoid(high[item][1].plus(gate(3)));
                    let before = if t > 0 {
                        V::load(&record[at(sizes, items, t - 1, block, item) + CELL])
                    } else {
                        V::zero()
                    };
                    let cell = f.times_plus(before, i.times(g));
                    let state = o.times(functions::tanh(cell));
                    let start = at(sizes, items, t, block, item);
                    for (out, value) in record[start..start + RECORD].iter_mut().zip([i, f, g, o, cell, state]) {
                        value.store(out);
                    }
                }
            }
            for (unit, states) in states.iter_mut().enumerate() {
                for (item, value) in states.iter_mut().take(items).enumerate() {
                    let kept = mask.map_or(1.0, |mask| mask[(first_item + item) * units + unit]);
                    *value = kept * record[at(sizes, items, t, unit / LANES, item) + STATE][unit % LANES];
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
        let mut later = vec![[0.0; AT_ONCE]; 4 * units];
        let mut cells = vec![[[0.0; LANES]; AT_ONCE]; blocks];
        for t in (0..steps).rev() {
            let step = sizes.row(place, t);
            for pair in 0..blocks.div_ceil(2) {
                let mut sums = [[V::zero(); 2]; AT_ONCE];
                if t + 1 < steps {
                    sums = all_products(&packed.0[pair * 4 * units..][..4 * units], &later, items);
                }
                for (block, item) in (2 * pair..blocks.min(2 * pair + 2)).flat_map(|b| (0..items).map(move |i| (b, i))) {
                    let row = ((first_item + item) * steps + step) * place.width + place.first;
                    let mut h = sums[item][block % 2];
                    if let Some(mask) = mask {
                        h = h.times(load(&mask[(first_item + item) * units..][..units], block * LANES));
                    }
                    h = h.plus(load(&gradient[row..][..units], block * LANES));
                    let start = at(sizes, items, t, block, item);
                    let kept = |which: usize| V::load(&record[start + which]);
                    let [i, f, g, o] = [kept(0), kept(1), kept(2), kept(3)];
                    let bent = functions::tanh(kept(CELL));
                    let before = if t > 0 {
                        V::load(&record[at(sizes, items, t - 1, block, item) + CELL])
                    } else {
                        V::zero()
                    };
                    let one = V::splat(1.0);
                    let cell = &mut cells[block][item];
                    let c = h.times(o).times_plus(one.minus(bent.times(bent)), V::load(cell));
                    c.times(f).store(cell);
                    let logistic = |gate: V, slope: V| slope.times(gate.times(one.minus(gate)));
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
            for (gate, later) in later.iter_mut().enumerate() {
                for (item, value) in later.iter_mut().take(items).enumerate() {
                    *value = slopes[(item * steps + step) * 4 * units + gate];
                }
            }
        }
    }
}
