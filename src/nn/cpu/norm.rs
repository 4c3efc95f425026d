//! Batch norm (Ioffe and Szegedy 2015) over blocked maps, with PyTorch's conventions.
//!
//! `y = activation((x - mean) / sqrt(variance + eps) * weight + bias + residual)`: in training with the batch's mean and
//! biased variance, in evaluation and where a norm is frozen with running ones, which training moves towards the
//! batch's mean and unbiased variance. Sums are taken in float64, in a fixed order. Training reads the map twice
//! forward and twice backward.

use super::lanes::{Block, dispatched};
use super::{Activation, LANES, MapShape, channels, check};
use crate::error::{Error, Result};
use crate::parallel;

/// The learnt parameters, one value a channel.
#[derive(Clone, Copy, Debug)]
pub struct Affine<'a> {
    pub weight: &'a [f32],
    pub bias: &'a [f32],
}

/// Mean and `1 / sqrt(variance + eps)` of each channel, as the backward pass needs them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    pub mean: Vec<f32>,
    pub inverse: Vec<f32>,
}

/// Running statistics, and the weight of the batch in them.
#[derive(Debug)]
pub struct Running<'a> {
    pub mean: &'a mut [f32],
    pub variance: &'a mut [f32],
    pub momentum: f64,
}

impl Moments {
    /// Of running statistics.
    pub fn running(mean: &[f32], variance: &[f32], eps: f64) -> Result<Self> {
        check::length("variance", variance.len(), mean.len())?;
        let inverse = variance.iter().map(|&value| (1.0 / (f64::from(value) + eps).sqrt()) as f32).collect();
        Ok(Self { mean: mean.to_vec(), inverse })
    }

    /// Of a batch; moves the running statistics, if there are any.
    pub fn batch(input: &[f32], shape: &MapShape, eps: f64, running: Option<Running>) -> Result<Self> {
        let input = check::blocks("input", input, shape.len())?;
        let count = (shape.batch * shape.positions()) as f64;
        if count < 2.0 {
            return Err(Error::argument("input", "must have more than one value a channel for a norm in training"));
        }
        // About the first value of each channel, so that the squares do not drown a small variance.
        let pivots: Vec<Block> = (0..shape.blocks()).map(|block| input[block * shape.positions()]).collect();
        let sums = channels::sums(shape, |block, range| spread(&input[range], &pivots[block]))?;
        let mut moments = Self::default();
        let mut variances = Vec::with_capacity(shape.channels);
        for channel in 0..shape.channels {
            let (block, lane) = (channel / LANES, channel % LANES);
            let (mean, square) = (sums[block][0][lane] / count, sums[block][1][lane] / count);
            let variance = (square - mean * mean).max(0.0);
            moments.mean.push((f64::from(pivots[block][lane]) + mean) as f32);
            moments.inverse.push((1.0 / (variance + eps).sqrt()) as f32);
            variances.push(variance);
        }
        if let Some(running) = running {
            check::length("running mean", running.mean.len(), shape.channels)?;
            check::length("running variance", running.variance.len(), shape.channels)?;
            let moved =
                |old: f32, new: f64| ((1.0 - running.momentum) * f64::from(old) + running.momentum * new) as f32;
            for (old, &new) in running.mean.iter_mut().zip(&moments.mean) {
                *old = moved(*old, f64::from(new));
            }
            for (old, &new) in running.variance.iter_mut().zip(&variances) {
                *old = moved(*old, new * count / (count - 1.0));
            }
        }
        Ok(moments)
    }

    fn check(&self, shape: &MapShape) -> Result<()> {
        check::length("mean", self.mean.len(), shape.channels)?;
        check::length("inverse", self.inverse.len(), shape.channels)
    }
}

/// Normalises with the given moments: evaluation, or training after [`Moments::batch`].
pub fn forward(
    input: &[f32],
    shape: &MapShape,
    moments: &Moments,
    affine: &Affine,
    residual: Option<&[f32]>,
    activation: Activation,
    output: &mut [f32],
) -> Result<()> {
    let input = check::blocks("input", input, shape.len())?;
    let residual = residual.map(|map| check::blocks("residual", map, shape.len())).transpose()?;
    let output = check::blocks_mut("output", output, shape.len())?;
    moments.check(shape)?;
    check::length("weight", affine.weight.len(), shape.channels)?;
    check::length("bias", affine.bias.len(), shape.channels)?;
    let scale: Vec<f32> = moments.inverse.iter().zip(affine.weight).map(|(inverse, weight)| inverse * weight).collect();
    parallel::for_each_piece(output, channels::PIECE, |unit, out| {
        let first = unit * channels::PIECE;
        for (plane, run) in channels::runs(first, out.len(), shape.positions()) {
            let block = plane % shape.blocks();
            let (from, of) = (first + run.start..first + run.end, |all| check::channel_block(all, block));
            let residual = residual.map(|map| &map[from.clone()]);
            let line = [of(&moments.mean), of(&scale), of(affine.bias)];
            normalise(&input[from], &line, residual, activation, &mut out[run]);
        }
    })
}

/// The gradients that a backward pass writes for the parameters.
#[derive(Debug)]
pub struct Gradients<'a> {
    pub weight: &'a mut [f32],
    pub bias: &'a mut [f32],
}

/// What the backward passes read.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    pub input: &'a [f32],
    /// Read only where there is an activation.
    pub output: &'a [f32],
    pub shape: MapShape,
    pub moments: &'a Moments,
    pub activation: Activation,
}

/// Backward through batch statistics. Where a residual was added, its gradient is the gated one: gate first
/// ([`super::elementwise::gate`]) and come without activation.
pub fn backward(
    saved: &Saved,
    gradient: &[f32],
    weight: &[f32],
    gradients: &mut Gradients,
    input_gradient: &mut [f32],
) -> Result<()> {
    let sums = parameter_gradients(saved, gradient, gradients)?;
    let count = (saved.shape.batch * saved.shape.positions()) as f64;
    let per_block = |block: usize, lane: usize, which: usize| {
        let inverse = saved.moments.inverse.get(block * LANES + lane).map_or(0.0, |&value| f64::from(value));
        let mean = sums[block][which][lane] / count;
        if which == 0 { mean as f32 } else { (mean * inverse * inverse) as f32 }
    };
    let means = |block: usize| [0, 1].map(|which| std::array::from_fn(|lane| per_block(block, lane, which)));
    input_gradients(saved, gradient, weight, means, input_gradient)
}

/// Backward through running statistics; parameters that are frozen too need no gradients.
pub fn backward_frozen(
    saved: &Saved,
    gradient: &[f32],
    weight: &[f32],
    gradients: Option<&mut Gradients>,
    input_gradient: &mut [f32],
) -> Result<()> {
    if let Some(gradients) = gradients {
        parameter_gradients(saved, gradient, gradients)?;
    }
    input_gradients(saved, gradient, weight, |_| [[0.0; LANES]; 2], input_gradient)
}

/// For each channel the sums of gradient, and of gradient times distance from the mean.
fn parameter_gradients(saved: &Saved, gradient: &[f32], gradients: &mut Gradients) -> Result<Vec<channels::Sums<2>>> {
    let shape = &saved.shape;
    saved.moments.check(shape)?;
    let input = check::blocks("input", saved.input, shape.len())?;
    let gradient = check::blocks("gradient", gradient, shape.len())?;
    let output = output_of(saved, shape)?;
    check::length("weight gradient", gradients.weight.len(), shape.channels)?;
    check::length("bias gradient", gradients.bias.len(), shape.channels)?;
    let sums = channels::sums(shape, |block, range| {
        let mean = check::channel_block(&saved.moments.mean, block);
        products(&input[range.clone()], &output[range.clone()], &gradient[range], &mean, saved.activation)
    })?;
    for channel in 0..shape.channels {
        let [sum, product] = &sums[channel / LANES];
        gradients.bias[channel] = sum[channel % LANES] as f32;
        gradients.weight[channel] = (product[channel % LANES] * f64::from(saved.moments.inverse[channel])) as f32;
    }
    Ok(sums)
}

/// The output, or something of its length where no activation asks for it.
fn output_of<'a>(saved: &Saved<'a>, shape: &MapShape) -> Result<&'a [Block]> {
    let needed = saved.activation != Activation::None;
    check::blocks("output", if needed { saved.output } else { saved.input }, shape.len())
}

fn input_gradients(
    saved: &Saved,
    gradient: &[f32],
    weight: &[f32],
    means: impl Fn(usize) -> [Block; 2] + Sync,
    input_gradient: &mut [f32],
) -> Result<()> {
    let shape = &saved.shape;
    saved.moments.check(shape)?;
    let input = check::blocks("input", saved.input, shape.len())?;
    let gradient = check::blocks("gradient", gradient, shape.len())?;
    let output = output_of(saved, shape)?;
    check::length("weight", weight.len(), shape.channels)?;
    let input_gradient = check::blocks_mut("input_gradient", input_gradient, shape.len())?;
    let scale: Vec<f32> = saved.moments.inverse.iter().zip(weight).map(|(inverse, weight)| inverse * weight).collect();
    parallel::for_each_piece(input_gradient, channels::PIECE, |unit, out| {
        let first = unit * channels::PIECE;
        for (plane, run) in channels::runs(first, out.len(), shape.positions()) {
            let block = plane % shape.blocks();
            let from = first + run.start..first + run.end;
            let [sum, product] = means(block);
            let line =
                [check::channel_block(&saved.moments.mean, block), check::channel_block(&scale, block), sum, product];
            let maps = [&input[from.clone()], &output[from.clone()], &gradient[from]];
            centred(maps, &line, saved.activation, &mut out[run]);
        }
    })
}

dispatched! {
    /// Sums of distances from the pivot and of their squares.
    fn spread<V>(values: &[Block], pivot: &Block) -> channels::Sums<2> {
        let pivot = V::load(pivot).widen();
        let minus_one = V::splat(-1.0).widen();
        let (mut sum, mut square) = (V::wide_zero(), V::wide_zero());
        for value in values {
            let distance = V::wide_times_plus(pivot, minus_one, V::load(value).widen());
            sum = V::wide_plus(sum, distance);
            square = V::wide_times_plus(distance, distance, square);
        }
        let mut out = [[0.0; LANES]; 2];
        V::wide_store(sum, &mut out[0]);
        V::wide_store(square, &mut out[1]);
        out
    }
}

dispatched! {
    /// Sums of gated gradients, and of their products with distances from the mean.
    fn products<V>(
        input: &[Block],
        output: &[Block],
        gradient: &[Block],
        mean: &Block,
        activation: Activation,
    ) -> channels::Sums<2> {
        let mean = V::load(mean);
        let (mut sum, mut product) = (V::wide_zero(), V::wide_zero());
        for ((input, output), gradient) in input.iter().zip(output).zip(gradient) {
            let gradient = activation.gate(V::load(output), V::load(gradient)).widen();
            let distance = V::load(input).minus(mean).widen();
            sum = V::wide_plus(sum, gradient);
            product = V::wide_times_plus(gradient, distance, product);
        }
        let mut out = [[0.0; LANES]; 2];
        V::wide_store(sum, &mut out[0]);
        V::wide_store(product, &mut out[1]);
        out
    }
}

dispatched! {
    /// `activation((x - mean) * scale + bias + residual)`; the line is mean, scale, bias.
    fn normalise<V>(
        input: &[Block],
        line: &[Block; 3],
        residual: Option<&[Block]>,
        activation: Activation,
        out: &mut [Block],
    ) {
        let [mean, scale, bias] = [V::load(&line[0]), V::load(&line[1]), V::load(&line[2])];
        let affine = |value: &Block| V::load(value).minus(mean).times_plus(scale, bias);
        match residual {
            Some(residual) => {
                for ((out, value), residual) in out.iter_mut().zip(input).zip(residual) {
                    activation.apply(affine(value).plus(V::load(residual))).store(out);
                }
            }
            None => {
                for (out, value) in out.iter_mut().zip(input) {
                    activation.apply(affine(value)).store(out);
                }
            }
        }
    }
}

dispatched! {
    /// `(gated gradient - sum - (x - mean) * product) * scale`; maps are input, output, gradient, the line is mean,
    /// scale, sum, product.
    fn centred<V>(maps: [&[Block]; 3], line: &[Block; 4], activation: Activation, out: &mut [Block]) {
        let [mean, scale, sum, product] =
            [V::load(&line[0]), V::load(&line[1]), V::load(&line[2]), V::load(&line[3])];
        let [input, output, gradient] = maps;
        for (((out, input), output), gradient) in out.iter_mut().zip(input).zip(output).zip(gradient) {
            let gradient = activation.gate(V::load(output), V::load(gradient));
            let distance = V::load(input).minus(mean).negated();
            distance.times_plus(product, gradient.minus(sum)).times(scale).store(out);
        }
    }
}

#[cfg(test)]
mod tests;
