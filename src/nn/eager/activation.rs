//! Activations, with PyTorch's gradients where a function bends: 0 for ReLU at 0, and for ReLU6 at 0 and 6.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use candle_core::{D, Tensor};

use crate::error::Result;
use crate::nn::layers::Activation;

pub(super) fn activation(function: Activation, x: &Tensor) -> Result<Tensor> {
    match function {
        Activation::Relu => relu(x),
        Activation::Relu6 => {
            let low = relu(x)?;
            let sixes = (low.zeros_like()? + 6.0)?;
            Ok(x.ge(6.0)?.where_cond(&sixes, &low)?)
        }
        // candle's own have six digits in their gradients.
        Activation::Gelu => {
            let twice = ((x * FRAC_1_SQRT_2)?.erf()? + 1.0)?;
            Ok((x.mul(&twice)? * 0.5)?)
        }
        Activation::GeluTanh => {
            let cube = x.mul(&x.sqr()?)?;
            let inner = ((x + (cube * 0.044_715)?)? * (FRAC_2_SQRT_PI * FRAC_1_SQRT_2))?;
            Ok((x.mul(&(inner.tanh()? + 1.0)?)? * 0.5)?)
        }
        Activation::Silu => Ok(x.mul(&candle_nn::ops::sigmoid(x)?)?),
        Activation::Sigmoid => Ok(candle_nn::ops::sigmoid(x)?),
        Activation::Tanh => Ok(x.tanh()?),
        Activation::Softmax => softmax(x),
    }
}

/// NaN stays NaN.
fn relu(x: &Tensor) -> Result<Tensor> {
    Ok(x.le(0.0)?.where_cond(&x.zeros_like()?, x)?)
}

/// Over the last axis. The maximum is subtracted as a constant: softmax does not change with it.
pub(super) fn softmax(x: &Tensor) -> Result<Tensor> {
    let maximum = x.detach().max_keepdim(D::Minus1)?;
    let powers = x.broadcast_sub(&maximum)?.exp()?;
    let sum = powers.sum_keepdim(D::Minus1)?;
    Ok(powers.broadcast_div(&sum)?)
}
