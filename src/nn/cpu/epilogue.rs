//! What a convolution does to its sums before it stores them: bias, residual, activation, in this order.
//!
//! All three map zero to zero where bias and residual are zero, so padding lanes stay zero.

use super::lanes::{Block, Lanes, dispatched};
use super::{LANES, MapShape, channels, check};
use crate::error::Result;

/// The functions that every kernel can fuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    #[default]
    None,
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Activation {
    /// The function; what is not a number stays so.
    #[inline(always)]
    pub(crate) fn apply<V: Lanes>(self, value: V) -> V {
        match self {
            Self::None => value,
            Self::Relu => V::zero().maximum(value),
            Self::Relu6 => V::splat(6.0).minimum(V::zero().maximum(value)),
        }
    }

    /// The gradient of the argument, from the output and its gradient: PyTorch's, zero at both bends.
    #[inline(always)]
    pub(crate) fn gate<V: Lanes>(self, output: V, gradient: V) -> V {
        match self {
            Self::None => gradient,
            Self::Relu => V::select(output.greater(V::zero()), gradient, V::zero()),
            Self::Relu6 => {
                let below = V::select(V::splat(6.0).greater(output), gradient, V::zero());
                V::select(output.greater(V::zero()), below, V::zero())
            }
        }
    }
}

/// `activation(sum + bias + residual)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Epilogue<'a> {
    /// One value a channel; zeros may fill up the last block.
    pub bias: Option<&'a [f32]>,
    /// A map of the output's shape and layout.
    pub residual: Option<&'a [f32]>,
    pub activation: Activation,
}

impl Epilogue<'_> {
    /// An error unless bias and residual fit an output of this shape in the blocked layout.
    pub fn check(&self, output: &MapShape) -> Result<()> {
        if let Some(bias) = self.bias {
            let wanted = if bias.len() > output.channels { output.blocks() * LANES } else { output.channels };
            check::length("bias", bias.len(), wanted)?;
        }
        self.residual.map_or(Ok(()), |residual| check::length("residual", residual.len(), output.len()))
    }

    /// The bias of one block of channels; zero where there is none.
    pub(crate) fn bias_block(&self, block: usize) -> Block {
        self.bias.map_or([0.0; LANES], |bias| check::channel_block(bias, block))
    }
}

/// The sum of each channel of a blocked map over batch and positions, added up in float64: the gradient of a bias.
pub fn bias_backward(gradient: &[f32], shape: &MapShape, bias_gradient: &mut [f32]) -> Result<()> {
    let gradient = check::blocks("gradient", gradient, shape.len())?;
    check::length("bias_gradient", bias_gradient.len(), shape.channels)?;
    let sums = channels::sums(shape, |_, range| [sum(&gradient[range])])?;
    for (out, [sums]) in bias_gradient.chunks_mut(LANES).zip(&sums) {
        for (out, &sum) in out.iter_mut().zip(sums) {
            *out = sum as f32;
        }
    }
    Ok(())
}

dispatched! {
    /// The sum of each lane.
    pub(super) fn sum<V>(values: &[Block]) -> [f64; LANES] {
        let mut sum = [V::wide_zero(); 2];
        let mut pairs = values.chunks_exact(2);
        for pair in &mut pairs {
            for (sum, value) in sum.iter_mut().zip(pair) {
                *sum = V::wide_plus(*sum, V::load(value).widen());
            }
        }
        for value in pairs.remainder() {
            sum[0] = V::wide_plus(sum[0], V::load(value).widen());
        }
        let mut out = [0.0; LANES];
        V::wide_store(V::wide_plus(sum[0], sum[1]), &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::lanes::Plain;
    use crate::nn::cpu::reference::{Random, map, to_planar};

    fn lanes(apply: impl Fn(Plain) -> Plain, value: f32) -> f32 {
        let mut out = [0.0; LANES];
        apply(Plain::splat(value)).store(&mut out);
        out[0]
    }

    #[test]
    fn activations_bend_where_pytorchs_do_and_keep_what_is_no_number() {
        for (value, relu, relu6) in
            [(-1.0, 0.0, 0.0), (0.0, 0.0, 0.0), (2.5, 2.5, 2.5), (6.0, 6.0, 6.0), (7.0, 7.0, 6.0)]
        {
            assert_eq!(lanes(|v| Activation::Relu.apply(v), value), relu);
            assert_eq!(lanes(|v| Activation::Relu6.apply(v), value), relu6);
            assert_eq!(lanes(|v| Activation::None.apply(v), value), value);
        }
        assert!(lanes(|v| Activation::Relu.apply(v), f32::NAN).is_nan());
        assert!(lanes(|v| Activation::Relu6.apply(v), f32::NAN).is_nan());
        for (output, relu, relu6) in [(0.0, 0.0, 0.0), (3.0, 1.5, 1.5), (6.0, 1.5, 0.0)] {
            assert_eq!(lanes(|v| Activation::Relu.gate(v, Plain::splat(1.5)), output), relu);
            assert_eq!(lanes(|v| Activation::Relu6.gate(v, Plain::splat(1.5)), output), relu6);
        }
    }

    #[test]
    fn the_gradient_of_a_bias_is_the_sum_of_its_channel() {
        for (batch, channels, sides) in [(1, 1, [1, 1, 1]), (3, 17, [2, 5, 7]), (2, 33, [1, 63, 70])] {
            let shape = MapShape { batch, channels, frames: sides[0], height: sides[1], width: sides[2] };
            let gradient = map(&mut Random(3), &shape);
            let planar = to_planar(&gradient, &shape);
            let mut bias = vec![0.0; channels];
            bias_backward(&gradient, &shape, &mut bias).unwrap();
            for (channel, &got) in bias.iter().enumerate() {
                let plane =
                    |item: usize| &planar[(item * channels + channel) * shape.positions()..][..shape.positions()];
                let wanted: f64 = (0..batch).flat_map(plane).map(|&value| f64::from(value)).sum();
                assert!((f64::from(got) - wanted).abs() <= 1e-6 * wanted.abs().max(1.0));
            }
        }
    }

    #[test]
    fn a_bias_or_residual_of_another_length_is_refused() {
        let shape = MapShape { batch: 1, channels: 3, frames: 1, height: 2, width: 2 };
        let wrong = [0.0; 5];
        assert!(Epilogue { bias: Some(&wrong), ..Epilogue::default() }.check(&shape).is_err());
        assert!(Epilogue { residual: Some(&wrong), ..Epilogue::default() }.check(&shape).is_err());
        assert!(bias_backward(&wrong, &shape, &mut [0.0; 3]).is_err());
    }
}
