//! Convolution on the processor, 2-D and 3-D, dense and grouped: forward, and the gradients of input and weights.
//!
//! Maps are in the blocked layout of [`super`], or planar where a network begins. Every kernel is written over sixteen
//! values at a time ([`vector`]) and compiled for AVX-512, for AVX2, and for what the target always has. Sums
//! are float32, in an order that neither batch nor threads change; a fused multiply-add rounds once, so the last bits
//! may differ from processor to processor. A value that is not finite may reach the padding lanes of its map.
//!
//! * [`axis`], [`source`]: which input an output sees, along an axis and in memory
//! * [`tile`], [`pass`]: the forward kernel, and its walk over a map; the gradient of the input is such walks too
//! * [`slope`], [`gradient`]: the gradient of the weights
//!
//! Depthwise convolution, a group for each channel, has kernels of its own elsewhere, and is refused.

mod aligned;
mod axis;
mod gradient;
mod pass;
mod slope;
mod source;
mod tile;
mod tiles;
mod vector;
mod weights;

#[cfg(test)]
mod tests;

use self::axis::{Axis, Extent};
use self::gradient::{Gradient, sum_channels};
use self::pass::{End, Pass, check_length};
use self::source::Source;
use self::tiles::families;
use self::weights::{Order, Shape};
use super::{LANES, MapShape, Window};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;
use crate::simd::{Level, level};

/// What follows the sums before they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// A value for each output channel, filled up with zeros to whole blocks.
    pub bias: Option<&'a [f32]>,
    /// A map like the output, added before the activation.
    pub residual: Option<&'a [f32]>,
    pub activation: Activation,
}

/// The activations that a convolution can end with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    #[default]
    None,
    Relu,
    /// Bounded to 0..6.
    Relu6,
}

impl Activation {
    fn clamp(self) -> Option<[f32; 2]> {
        match self {
            Self::None => None,
            Self::Relu => Some([0.0, f32::INFINITY]),
            Self::Relu6 => Some([0.0, 6.0]),
        }
    }
}

/// The geometry of one convolution, and how it is computed on this processor.
#[derive(Clone, Debug)]
pub struct Convolution {
    input: MapShape,
    output: MapShape,
    planar: bool,
    weights: Shape,
    forward: Pass,
    /// Each writes its part of the gradient of the input.
    backward: Vec<Pass>,
    gradient: Gradient,
}

impl Convolution {
    /// `planar`: the input is (N, C, T, H, W) with few channels; otherwise it is blocked.
    ///
    /// # Errors
    /// An extent of 0, batches that differ, channels that `groups` does not divide; [`ErrorKind::Unsupported`] for
    /// a group for each channel, and for groups of a planar input.
    pub fn new(input: MapShape, output: MapShape, window: Window, groups: usize, planar: bool) -> Result<Self> {
        check(input, output, window, groups, planar)?;
        let weights = Shape { outputs: output.channels, inputs: input.channels, groups, kernel: window.kernel };
        let extent = |i: usize| Extent {
            input: input.sides()[i],
            output: output.sides()[i],
            kernel: window.kernel[i],
            stride: window.stride[i],
            dilation: window.dilation[i],
            before: window.before[i],
        };
        let extents = [0, 1, 2].map(extent);
        let level = level();
        let lanes = if planar { 1 } else { LANES };
        let source = Source::new(input.batch, planar, input.channels.div_ceil(lanes), extents.map(Axis::forward));
        let families = families(weights.inputs, weights.outputs, groups, lanes);
        let gradient = Gradient::new(level, source.clone(), output.blocks(), &families);
        let forward = Pass::new(level, source, output.blocks(), &families);
        let backward = backward_passes(level, input, output, extents, groups);
        Ok(Self { input, output, planar, weights, forward, backward, gradient })
    }

    /// Weights (O, I / groups, kt, kh, kw) in the order in which `forward` reads them.
    pub fn pack(&self, weights: &[f32]) -> Result<Vec<f32>> {
        check_length("weights", self.weights.values(), weights.len())?;
        let mut packed = vec![0.0; self.forward.tiles.packed];
        let order = Order::new(self.weights, &self.forward.source, &self.forward.tiles, false);
        order.pack(weights, &mut packed, &Job::new())?;
        Ok(packed)
    }

    /// The convolution and its epilogue; overwrites `output`, whose padding lanes become zero.
    pub fn forward(
        &self,
        input: &[f32],
        packed: &[f32],
        epilogue: &Epilogue,
        output: &mut [f32],
        job: &Job,
    ) -> Result<()> {
        let end = End { bias: epilogue.bias, residual: epilogue.residual, clamp: epilogue.activation.clamp() };
        self.forward.run(input, packed, end, output, job)
    }

    /// Weights (O, I / groups, kt, kh, kw) in the order in which `backward_input` reads them.
    pub fn pack_transposed(&self, weights: &[f32]) -> Result<Vec<f32>> {
        check_length("weights", self.weights.values(), weights.len())?;
        let mut packed = vec![0.0; self.backward.iter().map(|pass| pass.tiles.packed).sum()];
        let mut rest = packed.as_mut_slice();
        for pass in &self.backward {
            let (part, behind) = rest.split_at_mut(pass.tiles.packed);
            Order::new(self.weights, &pass.source, &pass.tiles, true).pack(weights, part, &Job::new())?;
            rest = behind;
        }
        Ok(packed)
    }

    /// The gradient of the input; overwrites `grad_input`, whose padding lanes become zero.
    pub fn backward_input(
        &self,
        grad_output: &[f32],
        packed_transposed: &[f32],
        grad_input: &mut [f32],
        job: &Job,
    ) -> Result<()> {
        let expected = self.backward.iter().map(|pass| pass.tiles.packed).sum();
        check_length("packed weights", expected, packed_transposed.len())?;
        if !self.planar {
            return self.run_backward(grad_output, packed_transposed, grad_input, job);
        }
        check_length("gradient of the input", self.input.planar_len(), grad_input.len())?;
        let mut blocked = vec![0.0; self.input.len()];
        self.run_backward(grad_output, packed_transposed, &mut blocked, job)?;
        let positions = self.input.positions();
        let items = blocked.chunks_exact(self.input.blocks() * positions * LANES);
        for (item, planes) in items.zip(grad_input.chunks_exact_mut(self.input.channels * positions)) {
            for (channel, plane) in planes.chunks_exact_mut(positions).enumerate() {
                let block = item.chunks_exact(positions * LANES).nth(channel / LANES).unwrap_or_default();
                for (value, pixel) in plane.iter_mut().zip(block.chunks_exact(LANES)) {
                    *value = pixel[channel % LANES];
                }
            }
        }
        Ok(())
    }

    fn run_backward(&self, grad_output: &[f32], mut packed: &[f32], grad_input: &mut [f32], job: &Job) -> Result<()> {
        for pass in &self.backward {
            let (part, rest) = packed.split_at(pass.tiles.packed);
            pass.run(grad_output, part, End::default(), grad_input, job)?;
            packed = rest;
        }
        Ok(())
    }

    /// The gradients of the weights, in the order (O, I / groups, kt, kh, kw), and of the bias, a value for each output
    /// channel (a longer slice, of whole blocks, gets zeros behind); overwrites both.
    pub fn backward_weights(
        &self,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
        grad_bias: Option<&mut [f32]>,
        job: &Job,
    ) -> Result<()> {
        let [inputs, outputs] = self.gradient.lengths();
        check_length("input", inputs, input.len())?;
        check_length("gradient of the output", outputs, grad_output.len())?;
        check_length("gradient of the weights", self.weights.values(), grad_weights.len())?;
        self.gradient.run(self.weights, input, grad_output, grad_weights, job)?;
        let Some(grad_bias) = grad_bias else { return Ok(()) };
        if grad_bias.len() != self.output.blocks() * LANES {
            check_length("gradient of the bias", self.output.channels, grad_bias.len())?;
        }
        sum_channels(grad_output, self.output.batch, self.output.blocks(), grad_bias, job)
    }

    /// Floating-point operations of the forward pass: a multiplication and an addition for each weight and output,
    /// those with padding counted.
    pub fn flops(&self) -> u64 {
        let weights = self.weights.inputs / self.weights.groups * self.weights.taps();
        2 * (self.output.planar_len() * weights) as u64
    }
}

fn check(input: MapShape, output: MapShape, window: Window, groups: usize, planar: bool) -> Result<()> {
    if input.is_empty() || output.is_empty() {
        return Err(Error::argument("input", format!("must not be empty, got {input:?} and {output:?}")));
    }
    if input.batch != output.batch {
        let message = format!("must have the batch of the output, got {} and {}", input.batch, output.batch);
        return Err(Error::argument("input", message));
    }
    let numbers = [window.kernel, window.stride, window.dilation];
    if numbers.iter().flatten().any(|&number| number == 0) {
        return Err(Error::argument("window", format!("must have positive extents, got {window:?}")));
    }
    if groups == 0 || !input.channels.is_multiple_of(groups) || !output.channels.is_multiple_of(groups) {
        let channels = format!("{} and {} channels", input.channels, output.channels);
        return Err(Error::argument("groups", format!("must divide {channels}, got {groups}")));
    }
    if groups > 1 && groups == input.channels && groups == output.channels {
        let message = format!("convolution: depthwise over {groups} channels has kernels of its own");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if planar && groups > 1 {
        let message = format!("convolution: {groups} groups of a planar input");
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    Ok(())
}

/// The gradient of the input: for each remainder of an input index modulo the stride, along each axis, a walk over the
/// gradient of the output.
fn backward_passes(level: Level, input: MapShape, output: MapShape, extents: [Extent; 3], groups: usize) -> Vec<Pass> {
    let families = families(output.channels, input.channels, groups, LANES);
    let [t, h, w] = extents.map(Axis::backward);
    let mut passes = Vec::with_capacity(t.len() * h.len() * w.len());
    for t in &t {
        for h in &h {
            for w in &w {
                let axes = [t.clone(), h.clone(), w.clone()];
                let source = Source::new(input.batch, false, output.blocks(), axes);
                passes.push(Pass::new(level, source, input.blocks(), &families));
            }
        }
    }
    passes
}
