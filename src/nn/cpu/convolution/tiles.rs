//! Output blocks in the groups in which kernels and units of work take them.

use std::ops::Range;

use crate::nn::cpu::LANES;

/// Values of packed weights, or of their gradient, that a unit may hold in the second-level cache.
pub(super) const WEIGHTS: usize = 192 << 10;

/// Output blocks that read the same input blocks.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub inputs: Range<usize>,
    pub outputs: Range<usize>,
}

/// Runs of blocks of output channels that read the same blocks of input channels; a block of the input has `lanes`.
pub(super) fn families(inputs: usize, outputs: usize, groups: usize, lanes: usize) -> Vec<Family> {
    let (inputs, per_group) = (inputs / groups, outputs / groups);
    let mut families: Vec<Family> = Vec::new();
    for block in 0..outputs.div_ceil(LANES) {
        let (first, last) = (block * LANES, ((block + 1) * LANES).min(outputs) - 1);
        let reads = first / per_group * inputs / lanes..((last / per_group + 1) * inputs).div_ceil(lanes);
        match families.last_mut() {
            Some(family) if family.inputs == reads => family.outputs.end = block + 1,
            _ => families.push(Family { inputs: reads, outputs: block..block + 1 }),
        }
    }
    families
}

/// Output blocks that a kernel computes together, and where their packed weights begin.
#[derive(Clone, Debug)]
pub(super) struct Tile {
    pub inputs: Range<usize>,
    pub outputs: Range<usize>,
    pub weights: usize,
}

impl Tile {
    /// Output channels, with those of padding.
    pub fn width(&self) -> usize {
        self.outputs.len() * LANES
    }
}

/// All tiles of a convolution.
#[derive(Clone, Debug)]
pub(super) struct Tiles {
    pub all: Vec<Tile>,
    /// Values of all packed weights.
    pub packed: usize,
    /// Runs of tiles of one family, whose weights a unit can hold.
    pub splits: Vec<Range<usize>>,
}

impl Tiles {
    /// Tiles of at most `blocks`; `depth` weights for each output channel and input block.
    pub fn new(families: &[Family], blocks: usize, depth: usize) -> Self {
        let mut tiles = Self { all: Vec::new(), packed: 0, splits: Vec::new() };
        for family in families {
            let (length, depth) = (family.outputs.len(), depth * family.inputs.len());
            let count = length.div_ceil(blocks);
            let first = tiles.all.len();
            for i in 0..count {
                let start = family.outputs.start;
                let outputs = start + i * length / count..start + (i + 1) * length / count;
                let tile = Tile { inputs: family.inputs.clone(), outputs, weights: tiles.packed };
                tiles.packed += tile.width() * depth;
                tiles.all.push(tile);
            }
            let parts = (length * LANES * depth).div_ceil(WEIGHTS).max(1);
            let (together, stop) = (count.div_ceil(parts), tiles.all.len());
            tiles.splits.extend((first..stop).step_by(together).map(|start| start..(start + together).min(stop)));
        }
        tiles
    }

    /// The tiles of a split.
    pub fn of(&self, split: usize) -> &[Tile] {
        self.splits.get(split).and_then(|tiles| self.all.get(tiles.clone())).unwrap_or_default()
    }
}
