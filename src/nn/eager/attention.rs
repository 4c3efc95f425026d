//! Multi-head self-attention: `softmax(Q K^T / sqrt(d)) V`, a head at a time, in batched products.

use candle_core::Tensor;

use super::Scope;
use super::activation::softmax;
use super::product::affine;
use crate::error::Result;
use crate::nn::layers::Attention;

pub(super) fn attention(scope: &Scope<'_>, layer: &Attention, x: &Tensor) -> Result<Tensor> {
    let (items, steps, size) = x.dims3()?;
    let (heads, width) = (layer.heads, size / layer.heads.max(1));
    let bias = scope.factor("in_proj_bias")?;
    let all = affine(&scope.rounded(x)?, &scope.factor("in_proj_weight")?.t()?, Some(&bias))?;
    let all = scope.rounded(&all)?.reshape((items, steps, 3, heads, width))?.permute((2, 0, 3, 1, 4))?.contiguous()?;
    let (queries, keys, values) = (all.get(0)?, all.get(1)?, all.get(2)?);
    let scores = (queries * (1.0 / (width as f64).sqrt()))?.matmul(&keys.t()?)?;
    let shares = scope.rounded(&softmax(&scope.rounded(&scores)?)?)?;
    let mixed = scope.rounded(&shares.matmul(&values)?)?;
    let joined = mixed.transpose(1, 2)?.reshape((items, steps, size))?;
    let bias = scope.factor("out_proj.bias")?;
    scope.rounded(&affine(&joined, &scope.factor("out_proj.weight")?.t()?, Some(&bias))?)
}
