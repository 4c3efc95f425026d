//! Weights in the order in which the kernels read them.
//!
//! Shape weights are (O, I / groups, kt, kh, kw), as in PyTorch. A pass reads, tile after tile, the values of
//! each input block, tap and input channel for all output channels of the tile; channels that are not there, and
//! pairs of different groups, are zeros.

use super::pass::{Pass, Shared, Tile};
use super::source::Source;
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
    pub fn place(&self, o: usize, i: usize) -> Option<usize> {
        let inputs = self.inputs / self.groups;
        let group = o / (self.outputs / self.groups);
        (o < self.outputs && i / inputs == group).then(|| (o * inputs + i % inputs) * self.taps())
    }
}

/// The kernel indices of the taps of a grid, in its order.
pub(super) fn kernel_indices(source: &Source, kernel: [usize; 3]) -> Vec<usize> {
    let mut indices = Vec::with_capacity(source.taps());
    for t in &source.t.taps {
        for h in &source.h.taps {
            indices.extend(source.w.taps.iter().map(|w| (t.kernel * kernel[1] + h.kernel) * kernel[2] + w.kernel));
        }
    }
    indices
}

/// Writes the packed weights of `pass` at the head of `packed`; `transposed` for the gradient of the input, whose
/// outputs are the convolution's inputs.
pub(super) fn pack(
    pass: &Pass,
    shape: Shape,
    weights: &[f32],
    transposed: bool,
    packed: &mut [f32],
    job: &Job,
) -> Result<()> {
    let taps = kernel_indices(&pass.source, shape.kernel);
    let packed = Shared(packed.as_mut_ptr());
    let packed = &packed;
    let work = |i: usize, _: usize| {
        let tile = &pass.tiles[i];
        let length = tile.width() * tile.inputs.len() * pass.source.lanes * taps.len();
        // SAFETY: tiles lie behind each other in the packed weights, which the caller made long enough.
        let to = unsafe { std::slice::from_raw_parts_mut(packed.0.add(tile.weights), length) };
        pack_tile(tile, pass.source.lanes, &taps, shape, weights, transposed, to);
    };
    map_blocks(pass.tiles.len(), 1, job, work)?;
    Ok(())
}

fn pack_tile(
    tile: &Tile,
    lanes: usize,
    taps: &[usize],
    shape: Shape,
    weights: &[f32],
    transposed: bool,
    to: &mut [f32],
) {
    to.fill(0.0);
    let width = tile.width();
    for (b, input) in tile.inputs.clone().enumerate() {
        let block = b * taps.len() * lanes * width;
        for lane in 0..lanes {
            for column in 0..width {
                let (outer, inner) = (tile.outputs.start * LANES + column, input * lanes + lane);
                let (o, i) = if transposed { (inner, outer) } else { (outer, inner) };
                let Some(from) = shape.place(o, i) else { continue };
                for (tap, &index) in taps.iter().enumerate() {
                    to[block + (tap * lanes + lane) * width + column] = weights[from + index];
                }
            }
        }
    }
}
