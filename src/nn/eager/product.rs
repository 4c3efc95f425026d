//! Products with matrices, and values a channel spread over a map.

use candle_core::Tensor;

use super::Scope;
use crate::error::Result;
use crate::nn::layers::Linear;

/// `(C,)` as `(N, C, P)`. In two steps, so that the gradient sums positions first, which are contiguous, and items
/// then.
pub(super) fn per_channel(values: &Tensor, items: usize, positions: usize) -> Result<Tensor> {
    let channels = values.elem_count();
    let spread = values.reshape((1, channels, 1))?.broadcast_as((items, channels, 1))?;
    Ok(spread.broadcast_as((items, channels, positions))?)
}

/// `x W^T + b` over the last axis.
pub(super) fn linear(scope: &Scope<'_>, layer: &Linear, x: &Tensor) -> Result<Tensor> {
    let bias = layer.bias.then(|| scope.factor("bias")).transpose()?;
    scope.rounded(&affine(&scope.rounded(x)?, &scope.factor("weight")?.t()?, bias.as_ref())?)
}

/// `x M + b` over the last axis; `M` is `(inputs, outputs)`.
pub(super) fn affine(x: &Tensor, matrix: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let (inputs, outputs) = matrix.dims2()?;
    let rows = x.elem_count() / inputs.max(1);
    let y = x.reshape((rows, inputs))?.matmul(matrix)?;
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    let mut shape = x.dims().to_vec();
    shape.pop();
    shape.push(outputs);
    Ok(y.reshape(shape)?)
}
