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
}

/// How a tile's packed weights lie in the plain ones.
pub(super) struct Order {
    pub shape: Shape,
    /// Input channels to a block.
    pub lanes: usize,
    /// The kernel index of each tap.
    pub taps: Vec<usize>,
    /// Whether the tile's outputs are the convolution's inputs.
    pub transposed: bool,
}

impl Order {
    pub fn new(shape: Shape, source: &Source, transposed: bool) -> Self {
        let mut taps = Vec::with_capacity(source.taps());
        for t in &source.t.taps {
            for h in &source.h.taps {
                let row = (t.kernel * shape.kernel[1] + h.kernel) * shape.kernel[2];
                taps.extend(source.w.taps.iter().map(|w| row + w.kernel));
            }
        }
        Self { shape, lanes: source.lanes, taps, transposed }
    }

    /// Values of a tile.
    pub fn values(&self, tile: &Tile) -> usize {
        tile.width() * tile.inputs.len() * self.lanes * self.taps.len()
    }

    /// `visit(place in the plain weights, place in the tile)` for each weight of `tile`; from one input block to the
    /// next, in the plain order.
    #[inline(always)]
    pub fn each(&self, tile: &Tile, mut visit: impl FnMut(usize, usize)) {
        let (width, taps, plain_taps) = (tile.width(), self.taps.len(), self.shape.taps());
        let inputs = self.shape.inputs / self.shape.groups;
        let columns = tile.outputs.start * LANES..tile.outputs.end * LANES;
        for block in tile.inputs.clone() {
            let lanes = block * self.lanes..(block + 1) * self.lanes;
            let first = (block - tile.inputs.start) * taps * self.lanes * width;
            let (os, is) = if self.transposed { (&lanes, &columns) } else { (&columns, &lanes) };
            let (o_step, i_step) = if self.transposed { (width, 1) } else { (1, width) };
            for o in os.start..os.end.min(self.shape.outputs) {
                let start = o / (self.shape.outputs / self.shape.groups) * inputs;
                for i in is.start.max(start)..is.end.min(start + inputs) {
                    let place = (o * inputs + i - start) * plain_taps;
                    let first = first + (o - os.start) * o_step + (i - is.start) * i_step;
                    for (tap, index) in self.taps.iter().enumerate() {
                        visit(place + index, first + tap * self.lanes * width);
                    }
                }
            }
        }
    }

    /// The packed weights of all tiles.
    pub fn pack(&self, tiles: &Tiles, weights: &[f32], packed: &mut [f32], job: &Job) -> Result<()> {
        let packed = Shared(packed.as_mut_ptr());
        let packed = &packed;
        let work = |i: usize, _: usize| {
            let Some(tile) = tiles.all.get(i) else { return };
            // SAFETY: tiles lie behind each other in the packed weights, which are as long as all of them.
            let to = unsafe { std::slice::from_raw_parts_mut(packed.0.add(tile.weights), self.values(tile)) };
            self.pack_tile(tile, weights, to);
        };
        map_blocks(tiles.all.len(), 1, job, work)?;
        Ok(())
    }

    /// The packed weights of one; what is always zero is left as it is.
    pub fn pack_tile(&self, tile: &Tile, weights: &[f32], to: &mut [f32]) {
        self.each(tile, |plain, place| {
            if let (Some(to), Some(from)) = (to.get_mut(place), weights.get(plain)) {
                *to = *from;
            }
        });
    }
}
