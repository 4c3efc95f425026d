//! Sums over batch and positions for each channel of blocked maps, and walks over planes.

use std::ops::Range;

use super::{LANES, MapShape};
use crate::error::Result;
use crate::parallel::{self, Job};

/// Blocks of a map that one unit of work takes, at most.
pub(crate) const PIECE: usize = 2048;

/// `K` sums for each lane.
pub(crate) type Sums<const K: usize> = [[f64; LANES]; K];

/// For each block of channels the sum of `unit(block, range)` over pieces of all its planes, `range` in blocks of the
/// map; added in order.
pub(crate) fn sums<const K: usize>(
    shape: &MapShape,
    unit: impl Fn(usize, Range<usize>) -> Sums<K> + Sync,
) -> Result<Vec<Sums<K>>> {
    let (plane, blocks) = (shape.positions(), shape.blocks());
    let pieces = plane.div_ceil(PIECE);
    // Units go through the batch within a block of channels, so that a block's sums lie side by side.
    let of_block = shape.batch * pieces;
    let parts = parallel::map_blocks(blocks * of_block, 1, &Job::new(), |i, _| {
        let (block, item, piece) = (i / of_block, i / pieces % shape.batch, i % pieces);
        let start = (item * blocks + block) * plane;
        unit(block, start + piece * PIECE..start + plane.min((piece + 1) * PIECE))
    })?;
    let add = |mut sum: Sums<K>, part: &Sums<K>| {
        for (sum, part) in sum.as_flattened_mut().iter_mut().zip(part.as_flattened()) {
            *sum += part;
        }
        sum
    };
    let of = |block: usize| parts.iter().skip(block * of_block).take(of_block).fold([[0.0; LANES]; K], add);
    Ok((0..blocks).map(of).collect())
}

/// The parts of `length` blocks from block `first` on that lie in one plane each: the plane, and the range from `first`.
pub(crate) fn runs(first: usize, length: usize, plane: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < length).then(|| {
            let (index, start) = ((first + at) / plane, at);
            at = length.min((index + 1) * plane - first);
            (index, start..at)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_end_where_planes_end() {
        let all: Vec<_> = runs(3, 9, 5).collect();
        assert_eq!(all, [(0, 0..2), (1, 2..7), (2, 7..9)]);
        assert_eq!(runs(0, 0, 5).count(), 0);
    }

    #[test]
    fn sums_meet_every_block_of_the_map_once() {
        let shape = MapShape { batch: 3, channels: 33, frames: 1, height: 70, width: 71 };
        let got = sums(&shape, |block, range| [[range.len() as f64; LANES], [block as f64; LANES]]).unwrap();
        assert_eq!(got.len(), 3);
        for (block, [count, number]) in got.iter().enumerate() {
            assert_eq!(count[0], 3.0 * 4970.0);
            assert_eq!(number[5], (block * 3 * 3) as f64);
        }
    }
}
