//! Dropout in training; inference has no step for it.

use crate::error::Result;
use crate::nn::cpu::{LANES, MapShape};
use crate::nn::dropout::{Mask, Part};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Mode, NodeId};
use crate::parallel;

/// Values of a piece of work.
const PIECE: usize = 1 << 14;

/// Multiplies values, or their gradients, with the layer's mask. The mask is drawn again for the gradient.
#[derive(Debug)]
struct Drop {
    layer: NodeId,
    p: f64,
    /// Of a blocked map.
    shape: Option<MapShape>,
    input: ValueId,
    output: ValueId,
}

impl Step for Drop {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.output]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input], [values]) = run.memory.open([self.input], [self.output])?;
        values.copy_from_slice(input);
        let Mode::Training { seed } = run.mode else { return Ok(()) };
        let mask = Mask::new(seed, self.layer, Part::Values, self.p)?;
        match &self.shape {
            None => parallel::for_each_piece(values, PIECE, |piece, values| {
                for (i, value) in values.iter_mut().enumerate() {
                    *value *= mask.factor(piece * PIECE + i);
                }
            }),
            Some(shape) => drop_blocks(values, shape, &mask),
        }
    }
}

/// The mask's positions are those of PyTorch's order.
fn drop_blocks(values: &mut [f32], shape: &MapShape, mask: &Mask) -> Result<()> {
    let plane = shape.positions();
    parallel::for_each_piece(values, (plane * LANES).max(1), |i, values| {
        let (item, block) = (i / shape.blocks(), i % shape.blocks());
        let lanes = (shape.channels - block * LANES).min(LANES);
        for (position, pixel) in values.chunks_exact_mut(LANES).enumerate() {
            for (lane, value) in pixel.iter_mut().take(lanes).enumerate() {
                let channel = item * shape.channels + block * LANES + lane;
                *value *= mask.factor(channel * plane + position);
            }
        }
    })
}

impl Forward<'_> {
    pub fn dropout(&mut self, unit: &Unit, p: f64) -> Result<()> {
        let input = self.compiler.usual(self.input(unit)?)?;
        let output = self.compiler.define(unit.output);
        let is_map = self.compiler.is_map(unit.head);
        let shape = is_map.then(|| self.compiler.map(unit.head));
        self.compiler.draft.push(Drop { layer: unit.head, p, shape, input, output });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn dropout(&mut self, unit: &Unit, p: f64, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let form = self.compiler.usual_form(unit.head);
        let output = self.like(gradient);
        let shape = (form == Form::Blocked).then(|| self.compiler.map(unit.head));
        self.compiler.draft.push(Drop { layer: unit.head, p, shape, input: gradient, output });
        self.contribute(from, output, form);
        Ok(())
    }
}
