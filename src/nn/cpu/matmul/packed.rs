//! A matrix product of our own, for processors with AVX-512.
//!
//! As in BLIS (Van Zee and van de Geijn 2015): both matrices are copied into panels, A by up to fourteen rows, B by
//! thirty-two columns, each panel along the whole sum; a tile of the output is kept in registers over [`DEPTH`] terms, and
//! so added up in the same order whoever computes it. The panels of B stay in the first cache, those of A in the
//! second. A unit of work is a block of the output.

use super::super::LANES;
use super::super::lanes::{Block, Lanes, dispatched};
use super::{Before, Matrix, MatrixMut};
use crate::error::Result;
use crate::parallel::{self, Job};

/// Columns of a tile.
const WIDE: usize = 2 * LANES;
/// Terms that are summed in registers.
const DEPTH: usize = 256;
/// Tiles of a unit of work: down, and across.
const UNIT: [usize; 2] = [16, 4];
/// Rows under which packing costs more than it saves.
pub(super) const FEWEST: usize = 6;

/// The rows of a tile for as many rows of the output: few are wasted, and few tiles are needed.
fn tile_rows(rows: usize) -> usize {
    // A tile of R rows takes R steps a term, and about one more for what it reads.
    (FEWEST..=14).min_by_key(|&tile| (rows.div_ceil(tile) * (tile + 1), 14 - tile)).unwrap_or(14)
}

/// The output as units write it, each its own block.
struct Shared(*mut f32);

// SAFETY: units write blocks that do not overlap, and the output is borrowed alone until all are done.
unsafe impl Sync for Shared {}

/// `output = scale * a * b`, or that added to it; on the pool or on this thread alone. The sizes agree, and no side
/// is zero.
pub(super) fn product(
    a: Matrix,
    b: Matrix,
    scale: f32,
    before: Before,
    output: &mut MatrixMut,
    alone: bool,
) -> Result<()> {
    let (rows, columns, depth) = (a.rows, b.columns, a.columns);
    let tall = tile_rows(rows);
    // Slack behind the last panel: rows are stored sixteen at a time.
    let mut left = vec![0.0; rows.div_ceil(tall) * tall * depth + LANES];
    let mut right = vec![[[0.0; LANES]; 2]; columns.div_ceil(WIDE) * depth];
    let (down, across) = (rows.div_ceil(UNIT[0] * tall), columns.div_ceil(UNIT[1] * WIDE));
    pack_left(a, tall, &mut left, alone)?;
    let panel = |i: usize, out: &mut [[Block; 2]]| pack_columns(b.values, b.strides, [i * WIDE, columns], out);
    if alone {
        right.chunks_mut(depth).enumerate().for_each(|(i, out)| panel(i, out));
    } else {
        parallel::for_each_piece(&mut right, depth, panel)?;
    }
    let shared = Shared(output.values.as_mut_ptr());
    let shared = &shared;
    let of = Product {
        left: &left,
        right: &right,
        tall,
        sides: [rows, columns, depth],
        stride: output.stride,
        scale,
        add: before == Before::Added,
    };
    let unit = |i: usize| {
        // SAFETY: see `Shared`; the output holds all rows and columns, as was found when it was made.
        block(&of, [i / across, i % across], shared.0);
    };
    if alone {
        (0..down * across).for_each(unit);
    } else {
        parallel::map_blocks(down * across, 1, &Job::new(), |i, _| unit(i))?;
    }
    Ok(())
}

/// Packs A: panels of `tall` rows, in each of which a column follows the other.
fn pack_left(a: Matrix, tall: usize, left: &mut [f32], alone: bool) -> Result<()> {
    let depth = a.columns;
    let length = a.rows.div_ceil(tall) * tall * depth;
    let pack = |i: usize, out: &mut [f32]| pack_rows(a.values, a.strides, [i * tall, a.rows], tall, out);
    let out = &mut left[..length];
    if alone {
        out.chunks_mut(tall * depth).enumerate().for_each(|(i, out)| pack(i, out));
        return Ok(());
    }
    parallel::for_each_piece(out, tall * depth, pack)
}

dispatched! {
    /// One panel of A: rows from the first of `rows` on, to the second at most.
    fn pack_rows<V>(values: &[f32], strides: [usize; 2], rows: [usize; 2], tall: usize, out: &mut [f32]) {
        let [row_stride, column_stride] = strides;
        let (first, count) = (rows[0], tall.min(rows[1] - rows[0]));
        let depth = out.len() / tall;
        if row_stride == 1 {
            for (k, out) in out.chunks_exact_mut(tall).enumerate() {
                out[..count].copy_from_slice(&values[k * column_stride + first..][..count]);
            }
            return;
        }
        let mut k = 0;
        // Sixteen columns at a time, where rows are contiguous.
        while column_stride == 1 && k + LANES <= depth {
            let row = |i: usize| {
                let at = if i < count { (first + i) * row_stride + k } else { first * row_stride + k };
                values[at..].first_chunk().map_or(V::zero(), V::load)
            };
            let mut columns = [[0.0; LANES]; LANES];
            transpose::<V>(row, &mut columns);
            for (column, out) in columns.iter().zip(out[k * tall..].chunks_exact_mut(tall)) {
                out[..count].copy_from_slice(&column[..count]);
            }
            k += LANES;
        }
        for (k, out) in out.chunks_exact_mut(tall).enumerate().skip(k) {
            for (i, out) in out[..count].iter_mut().enumerate() {
                *out = values[(first + i) * row_stride + k * column_stride];
            }
        }
    }
}

/// Columns of sixteen rows.
#[inline(always)]
fn transpose<V: Lanes>(row: impl Fn(usize) -> V, columns: &mut [Block; LANES]) {
    let mut rows = [V::zero(); LANES];
    for (i, out) in rows.iter_mut().enumerate() {
        *out = row(i);
    }
    for (column, out) in V::transposed(rows).into_iter().zip(columns) {
        column.store(out);
    }
}

dispatched! {
    /// One panel of B: columns from the first of `columns` on, to the second at most.
    fn pack_columns<V>(values: &[f32], strides: [usize; 2], columns: [usize; 2], out: &mut [[Block; 2]]) {
        let [row_stride, column_stride] = strides;
        let (first, count) = (columns[0], WIDE.min(columns[1] - columns[0]));
        if column_stride == 1 && count == WIDE {
            for (k, out) in out.iter_mut().enumerate() {
                out.as_flattened_mut().copy_from_slice(&values[k * row_stride + first..][..WIDE]);
            }
            return;
        }
        let mut k = 0;
        while row_stride == 1 && count == WIDE && k + LANES <= out.len() {
            for half in 0..2 {
                let row = |i: usize| {
                    let at = (first + half * LANES + i) * column_stride + k;
                    values[at..].first_chunk().map_or(V::zero(), V::load)
                };
                let mut columns = [[0.0; LANES]; LANES];
                transpose::<V>(row, &mut columns);
                for (column, out) in columns.iter().zip(&mut out[k..]) {
                    out[half] = *column;
                }
            }
            k += LANES;
        }
        for (k, out) in out.iter_mut().enumerate().skip(k) {
            for (i, out) in out.as_flattened_mut()[..count].iter_mut().enumerate() {
                *out = values[k * row_stride + (first + i) * column_stride];
            }
        }
    }
}

/// A product whose matrices are packed.
struct Product<'a> {
    left: &'a [f32],
    right: &'a [[Block; 2]],
    tall: usize,
    /// Rows, columns, terms.
    sides: [usize; 3],
    stride: usize,
    scale: f32,
    add: bool,
}

dispatched! {
    /// One unit of the output, `at` down and across.
    fn block<V>(product: &Product, at: [usize; 2], out: *mut f32) {
        match product.tall {
            6 => product.tiles::<V, 6>(at, out),
            7 => product.tiles::<V, 7>(at, out),
            8 => product.tiles::<V, 8>(at, out),
            9 => product.tiles::<V, 9>(at, out),
            10 => product.tiles::<V, 10>(at, out),
            11 => product.tiles::<V, 11>(at, out),
            12 => product.tiles::<V, 12>(at, out),
            13 => product.tiles::<V, 13>(at, out),
            _ => product.tiles::<V, 14>(at, out),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn tiles<V: Lanes, const R: usize>(&self, at: [usize; 2], out: *mut f32) {
        let [rows, columns, depth] = self.sides;
        let down = at[0] * UNIT[0]..rows.div_ceil(R).min((at[0] + 1) * UNIT[0]);
        let across = at[1] * UNIT[1]..columns.div_ceil(WIDE).min((at[1] + 1) * UNIT[1]);
        let left = self.left.as_chunks::<R>().0;
        for first in (0..depth).step_by(DEPTH) {
            let last = depth.min(first + DEPTH);
            let add = self.add || first > 0;
            for column in across.clone() {
                let right = &self.right[column * depth..][first..last];
                for row in down.clone() {
                    let sums = tile::<V, R>(&left[row * depth..][first..last], right);
                    let size = [R.min(rows - row * R), WIDE.min(columns - column * WIDE)];
                    // SAFETY: the tile lies in the output, and in this unit's block of it.
                    unsafe { self.store(&sums, size, add, out.add(row * R * self.stride + column * WIDE)) };
                }
            }
        }
    }

    /// Writes the first rows and columns of a tile.
    ///
    /// # Safety
    /// `out` must point to rows `stride` apart, of as many values as the size says, that no one else uses.
    #[inline(always)]
    unsafe fn store<V: Lanes, const R: usize>(&self, sums: &[[V; 2]; R], size: [usize; 2], add: bool, out: *mut f32) {
        let scale = V::splat(self.scale);
        for (i, sums) in sums.iter().enumerate().take(size[0]) {
            // SAFETY: the caller says so.
            let row = unsafe { std::slice::from_raw_parts_mut(out.add(i * self.stride), size[1]) };
            let (blocks, rest) = row.as_chunks_mut::<LANES>();
            for (block, &sum) in blocks.iter_mut().zip(sums) {
                let before = if add { V::load(block) } else { V::zero() };
                sum.times_plus(scale, before).store(block);
            }
            if !rest.is_empty() {
                let mut block = super::super::check::channel_block(rest, 0);
                let before = if add { V::load(&block) } else { V::zero() };
                sums[blocks.len()].times_plus(scale, before).store(&mut block);
                rest.copy_from_slice(&block[..rest.len()]);
            }
        }
    }
}

/// The sums of a tile over some terms.
#[inline(always)]
fn tile<V: Lanes, const R: usize>(left: &[[f32; R]], right: &[[Block; 2]]) -> [[V; 2]; R] {
    let mut sums = [[V::zero(); 2]; R];
    for (left, right) in left.iter().zip(right) {
        let right = [V::load(&right[0]), V::load(&right[1])];
        for (sums, &value) in sums.iter_mut().zip(left) {
            let value = V::splat(value);
            *sums = [right[0].times_plus(value, sums[0]), right[1].times_plus(value, sums[1])];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fit_the_rows_that_there_are() {
        for (rows, wanted) in [(6, 6), (14, 14), (28, 14), (32, 11), (64, 13), (7, 7)] {
            assert_eq!(tile_rows(rows), wanted);
        }
        assert!((1..3000).all(|rows| (FEWEST..=14).contains(&tile_rows(rows))));
    }
}
