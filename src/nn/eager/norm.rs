//! Batch norm and layer norm, in PyTorch's way.

use candle_core::{D, Tensor};

use super::product::per_channel;
use super::{Output, Scope};
use crate::error::{Error, Result};
use crate::nn::Mode;
use crate::nn::layers::{BatchNorm, LayerNorm};

/// With the batch's mean and biased variance in training, with running ones otherwise and where it is frozen. The
/// running variance takes the batch's unbiased one.
pub(super) fn batch_norm(scope: &Scope<'_>, layer: &BatchNorm, x: &Tensor) -> Result<Output> {
    let (items, channels) = (x.dim(0)?, layer.channels);
    let positions = x.elem_count() / (items * channels).max(1);
    let flat = x.reshape((items, channels, positions))?;
    let (weight, bias) = (scope.parameter("weight")?, scope.parameter("bias")?);
    let (mean, variance) = (scope.parameter("running_mean")?, scope.parameter("running_var")?);
    if scope.mode == Mode::Evaluation || scope.node.frozen {
        let scale = weight.div(&(variance + layer.eps)?.sqrt()?)?;
        let shift = bias.sub(&mean.mul(&scale)?)?;
        let y = flat.mul(&per_channel(&scale, items, positions)?)?.add(&per_channel(&shift, items, positions)?)?;
        return Ok(Output { value: y.reshape(x.shape())?, statistics: Vec::new() });
    }
    let count = items * positions;
    if count < 2 {
        let message = format!("of shape {:?} has one value a channel at {:?}: no variance", x.dims(), scope.node.name);
        return Err(Error::argument("input", message));
    }
    let over_batch = |values: &Tensor| -> Result<Tensor> { Ok((values.sum(2)?.sum(0)? / count as f64)?) };
    let batch_mean = over_batch(&flat)?;
    let centred = flat.sub(&per_channel(&batch_mean, items, positions)?)?;
    let batch_variance = over_batch(&centred.sqr()?)?;
    let scale = weight.div(&(&batch_variance + layer.eps)?.sqrt()?)?;
    let y = centred.mul(&per_channel(&scale, items, positions)?)?.add(&per_channel(bias, items, positions)?)?;
    let unbiased = (batch_variance.detach() * (count as f64 / (count - 1) as f64))?;
    let moved = |old: &Tensor, new: &Tensor| -> Result<Tensor> {
        Ok(((old * (1.0 - layer.momentum))? + (new * layer.momentum)?)?)
    };
    let statistics = vec![
        (scope.node.parameter("running_mean"), moved(mean, &batch_mean.detach())?),
        (scope.node.parameter("running_var"), moved(variance, &unbiased)?),
    ];
    Ok(Output { value: y.reshape(x.shape())?, statistics })
}

/// Over the last axis, with the biased variance.
pub(super) fn layer_norm(scope: &Scope<'_>, layer: &LayerNorm, x: &Tensor) -> Result<Tensor> {
    let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
    let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + layer.eps)?.sqrt()?;
    let normal = centred.broadcast_div(&deviation)?;
    Ok(normal.broadcast_mul(scope.parameter("weight")?)?.broadcast_add(scope.parameter("bias")?)?)
}
