//! Pooling over windows, and into bins, an axis at a time: columns, rows, frames.
//!
//! A maximum is a chain of choices, "the later value where it is greater": its gradient goes to the first maximum
//! in the order of rows, as PyTorch's does, and nowhere else.

use candle_core::Tensor;

use super::window::{Axis, as_before, as_clip};
use crate::error::{Error, Result};
use crate::nn::layers::{AdaptivePool, PoolKind, Sliding};

/// The greatest value that each window sees; the border never wins.
pub(super) fn max(sliding: &Sliding, x: &Tensor) -> Result<Tensor> {
    let (mut x, window, outputs) = as_clip(x, sliding)?;
    for axis in (0..3).rev().map(|axis| Axis::of(&window, &outputs, axis)) {
        let fitted = axis.fitted(&x, f64::NEG_INFINITY)?;
        let seen: Vec<Tensor> = (0..axis.kernel).map(|tap| axis.seen(&fitted, tap)).collect::<Result<_>>()?;
        x = greatest(&seen)?;
    }
    as_before(x, sliding)
}

/// The mean of what each window sees; `count_padding` says whether the padding counts, as zeros. What hangs over the
/// padding never counts.
pub(super) fn average(sliding: &Sliding, count_padding: bool, x: &Tensor) -> Result<Tensor> {
    let (mut x, window, outputs) = as_clip(x, sliding)?;
    for axis in (0..3).rev().map(|axis| Axis::of(&window, &outputs, axis)) {
        let side = x.dim(axis.dim)?;
        let fitted = axis.fitted(&x, 0.0)?;
        let mut sum = axis.seen(&fitted, 0)?;
        for tap in 1..axis.kernel {
            sum = sum.add(&axis.seen(&fitted, tap)?)?;
        }
        let counts: Vec<f64> = (0..axis.outputs).map(|output| counted(&axis, side, count_padding, output)).collect();
        let mut shape = [1; 5];
        shape[axis.dim] = axis.outputs;
        let counts = Tensor::from_vec(counts, &shape, x.device())?.to_dtype(x.dtype())?;
        x = sum.broadcast_div(&counts)?;
    }
    as_before(x, sliding)
}

/// Positions of the window of one output, along one axis, that count.
fn counted(axis: &Axis, side: usize, count_padding: bool, output: usize) -> f64 {
    let (low, high) = if count_padding { (0, side + 2 * axis.before) } else { (axis.before, axis.before + side) };
    let seen = |tap: &usize| (low..high).contains(&(output * axis.stride + tap * axis.dilation));
    (0..axis.kernel).filter(seen).count().max(1) as f64
}

/// Bins `floor(i s / n)..ceil((i + 1) s / n)` along each axis.
pub(super) fn adaptive(layer: &AdaptivePool, x: &Tensor) -> Result<Tensor> {
    let mut x = x.clone();
    for (axis, &bins) in layer.output.iter().enumerate().rev() {
        let dim = axis + 2;
        let side = x.dim(dim)?;
        let of_bin = |bin: usize| -> Result<Tensor> {
            let (first, end) = (bin * side / bins, ((bin + 1) * side).div_ceil(bins));
            match layer.of {
                PoolKind::Average { .. } => Ok(x.narrow(dim, first, end - first)?.mean_keepdim(dim)?),
                PoolKind::Max => {
                    let seen: Vec<Tensor> = (first..end).map(|at| Ok(x.narrow(dim, at, 1)?)).collect::<Result<_>>()?;
                    greatest(&seen)
                }
            }
        };
        let pieces: Vec<Tensor> = (0..bins).map(of_bin).collect::<Result<_>>()?;
        x = if pieces.len() == 1 { pieces[0].clone() } else { Tensor::cat(&pieces, dim)? };
    }
    Ok(x)
}

/// The greatest of equal positions, the first where several are; NaN wins.
fn greatest(values: &[Tensor]) -> Result<Tensor> {
    let [first, rest @ ..] = values else {
        return Err(Error::argument("graph", "has a window without positions"));
    };
    let mut best = first.contiguous()?;
    for value in rest {
        let value = value.contiguous()?;
        let wins = value.gt(&best)?.add(&value.ne(&value)?)?;
        best = wins.where_cond(&value, &best)?;
    }
    Ok(best)
}
