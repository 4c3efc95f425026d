//! Convolution on the processor, 2-D and 3-D, dense and grouped: forward, and the gradients of input and weights.
//!
//! Maps are in the blocked layout of [`super`], or planar where a network begins. Every kernel is written over sixteen
//! values at a time ([`super::lanes`]) and compiled for AVX-512, for AVX2, and for what the target always has. Sums
//! are float32, in an order that neither batch nor threads change; a fused multiply-add rounds once, so the last bits
//! may differ from processor to processor. A value that is not finite may reach the padding lanes of its map.
//!
//! * [`axis`], [`source`]: which input an output sees, along an axis and in memory
//! * [`tile`], [`pass`]: the forward kernel, and its walk over a map; the gradient of the input is such walks too
//! * [`winograd`]: the same walk for 3 x 3 kernels, with 16 products in the place of 36
//! * [`slope`], [`gradient`]: the gradient of the weights
//!
//! Depthwise convolution, a group for each channel, has kernels of its own elsewhere, and is refused.

mod axis;
mod gradient;
mod pass;
mod slope;
mod source;
mod tile;
mod tiles;
mod weights;
mod winograd;

#[cfg(test)]
mod tests;

use self::axis::{Axis, Extent};
use self::gradient::Gradient;
use self::pass::Pass;
use self::source::Source;
use self::tiles::families;
use self::weights::Shape;
use super::epilogue::bias_backward;
use super::{Epilogue, LANES, MapShape, Window, check};
use crate::aligned::Aligned;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;
use crate::simd::{Level, level};

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
        check_shapes(input, output, window, groups, planar)?;
        let [input, output] =
            if is_pointwise(input, output, window) { [input, output].map(in_one_row) } else { [input, output] };
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
    pub fn pack(&self, weights: &[f32]) -> Result<Aligned> {
        let mut packed = Aligned::default();
        self.pack_into(weights, &mut packed, &Job::new())?;
        Ok(packed)
    }

    /// As `pack`, into what an earlier call for this convolution left, or nothing.
    pub fn pack_into(&self, weights: &[f32], packed: &mut Aligned, job: &Job) -> Result<()> {
        pack_passes(std::slice::from_ref(&self.forward), self.weights, weights, false, packed, job)
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
        epilogue.check(&self.output)?;
        self.forward.run(input, packed, epilogue, output, job)
    }

    /// Weights (O, I / groups, kt, kh, kw) in the order in which `backward_input` reads them.
    pub fn pack_transposed(&self, weights: &[f32]) -> Result<Aligned> {
        let mut packed = Aligned::default();
        self.pack_transposed_into(weights, &mut packed, &Job::new())?;
        Ok(packed)
    }

    /// As `pack_transposed`, into what an earlier call for this convolution left, or nothing.
    pub fn pack_transposed_into(&self, weights: &[f32], packed: &mut Aligned, job: &Job) -> Result<()> {
        pack_passes(&self.backward, self.weights, weights, true, packed, job)
    }

    /// The gradient of the input; overwrites `grad_input`, whose padding lanes become zero.
    pub fn backward_input(
        &self,
        grad_output: &[f32],
        packed_transposed: &[f32],
        grad_input: &mut [f32],
        job: &Job,
    ) -> Result<()> {
        let expected = self.backward.iter().map(Pass::packed).sum();
        check::length("packed_transposed", packed_transposed.len(), expected)?;
        if !self.planar {
            return self.run_backward(grad_output, packed_transposed, grad_input, job);
        }
        check::length("grad_input", grad_input.len(), self.input.planar_len())?;
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
            let (part, rest) = packed.split_at(pass.packed());
            pass.run(grad_output, part, &Epilogue::default(), grad_input, job)?;
            packed = rest;
        }
        Ok(())
    }

    /// The gradients of the weights, in the order (O, I / groups, kt, kh, kw), and of the bias, a value for each output
    /// channel; overwrites both.
    pub fn backward_weights(
        &self,
        input: &[f32],
        grad_output: &[f32],
        grad_weights: &mut [f32],
        grad_bias: Option<&mut [f32]>,
        job: &Job,
    ) -> Result<()> {
        let [inputs, outputs] = self.gradient.lengths();
        check::length("input", input.len(), inputs)?;
        check::length("grad_output", grad_output.len(), outputs)?;
        check::length("grad_weights", grad_weights.len(), self.weights.values())?;
        self.gradient.run(self.weights, input, grad_output, grad_weights, job)?;
        grad_bias.map_or(Ok(()), |grad_bias| bias_backward(grad_output, &self.output, grad_bias))
    }

    /// Floating-point operations of the forward pass: a multiplication and an addition for each weight and output,
    /// those with padding counted.
    pub fn flops(&self) -> u64 {
        let weights = self.weights.inputs / self.weights.groups * self.weights.taps();
        2 * (self.output.planar_len() * weights) as u64
    }
}

/// Whether every output sees the input at its own place and no other.
fn is_pointwise(input: MapShape, output: MapShape, window: Window) -> bool {
    window.kernel == [1; 3] && window.stride == [1; 3] && window.before == [0; 3] && input.sides() == output.sides()
}

/// The same memory as one long row: strips of pixels are then whole, however small frames are.
fn in_one_row(shape: MapShape) -> MapShape {
    MapShape { frames: 1, height: 1, width: shape.positions(), ..shape }
}

/// Packs `weights` for one pass after the other. What is zero in one packing is in the next: it is written once.
fn pack_passes(
    passes: &[Pass],
    shape: Shape,
    weights: &[f32],
    transposed: bool,
    packed: &mut Aligned,
    job: &Job,
) -> Result<()> {
    check::length("weights", weights.len(), shape.values())?;
    packed.reach(passes.iter().map(Pass::packed).sum());
    let mut rest = &mut packed[..];
    for pass in passes {
        let (part, behind) = rest.split_at_mut(pass.packed());
        pass.pack(shape, transposed, weights, part, job)?;
        rest = behind;
    }
    Ok(())
}

fn check_shapes(input: MapShape, output: MapShape, window: Window, groups: usize, planar: bool) -> Result<()> {
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
