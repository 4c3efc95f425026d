//! Weights in the order in which the kernels read them.
//!
//! Plain weights are (O, I / groups, kt, kh, kw), as in PyTorch. Packed, they stand tile after tile, and in each by
//! input block, tap, input channel, and at last all output channels of the tile; channels that are not there, and
//! pairs of different groups, are zeros.

use super::pass::Shared;
use super::source::Source;
use super::tiles::{Tile, Tiles};
use crate::error::Result;
use crate::nn::cpu::LANES;
use crate::parallel::{Job, map_blocks};

/// The plain weights' shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub outputs: usize,
    pub inputs: usize,
    pub groups: usize,
    pub kernel: [usize; 3],
}

impl Shape {
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    pub fn values(&self) -> usize {
        self.outputs * self.inputs / self.groups * self.taps()
    }

    /// Where the weights of output channel `o` and input channel `i` begin, if they are of one group.
    fn place(&self, o: usize, i: usize) -> Option<usize> {
        let inputs = self.inputs / self.groups;
        let group = o / (self.outputs / self.groups);
        (o < self.outputs && i / inputs == group).then(|| (o * inputs + i % inputs) * self.taps())
    }
}

/// How a tile's packed weights lie in the plain ones.
pub(super) struct Order<'a> {
    pub shape: Shape,
    /// Input channels to a block.
    pub lanes: usize,
    /// The kernel index of each tap.
    pub taps: Vec<usize>,
    /// Whether the tile's outputs are the convolution's inputs.
    pub transposed: bool,
    pub tiles: &'a Tiles,
}

impl<'a> Order<'a> {
    pub fn new(shape: Shape, source: &Source, tiles: &'a Tiles, transposed: bool) -> Self {
        let mut taps = Vec::with_capacity(source.taps());
        for t in &source.t.taps {
            for h in &source.h.taps {
                let row = (t.kernel * shape.kernel[1] + h.kernel) * shape.kernel[2];
                taps.extend(source.w.taps.iter().map(|w| row + w.kernel));
            }
        }
        Self { shape, lanes: source.lanes, taps, transposed, tiles }
    }

    /// Values of a tile.
    pub fn values(&self, tile: &Tile) -> usize {
        tile.width() * tile.inputs.len() * self.lanes * self.taps.len()
    }

    /// `visit(place in the plain weights, place in the tile)` for each weight of `tile`, nearly in the plain order.
    #[inline(always)]
    pub fn each(&self, tile: &Tile, mut visit: impl FnMut(usize, usize)) {
        let width = tile.width();
        let mut pair = |block: usize, lane: usize, column: usize| {
            let (outer, inner) = (tile.outputs.start * LANES + column, block * self.lanes + lane);
            let (o, i) = if self.transposed { (inner, outer) } else { (outer, inner) };
            let Some(place) = self.shape.place(o, i) else { return };
            let first = ((block - tile.inputs.start) * self.taps.len() * self.lanes + lane) * width + column;
            for (tap, index) in self.taps.iter().enumerate() {
                visit(place + index, first + tap * self.lanes * width);
            }
        };
        for block in tile.inputs.clone() {
            if self.transposed {
                for lane in 0..self.lanes {
                    (0..width).for_each(|column| pair(block, lane, column));
                }
            } else {
                for column in 0..width {
                    (0..self.lanes).for_each(|lane| pair(block, lane, column));
                }
            }
        }
    }

    /// The packed weights.
    pub fn pack(&self, weights: &[f32], packed: &mut [f32], job: &Job) -> Result<()> {
        let packed = Shared(packed.as_mut_ptr());
        let packed = &packed;
        let work = |i: usize, _: usize| {
            let Some(tile) = self.tiles.all.get(i) else { return };
            // SAFETY: tiles lie behind each other in the packed weights, which are as long as all of them.
            let to = unsafe { std::slice::from_raw_parts_mut(packed.0.add(tile.weights), self.values(tile)) };
            self.each(tile, |plain, place| {
                if let (Some(to), Some(from)) = (to.get_mut(place), weights.get(plain)) {
                    *to = *from;
                }
            });
        };
        map_blocks(self.tiles.all.len(), 1, job, work)?;
        Ok(())
    }
}
