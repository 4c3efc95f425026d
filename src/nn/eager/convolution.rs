//! Convolution over pictures and clips, of any stride, padding, dilation and groups.
//!
//! The map is padded and cut to exactly what the windows reach, so that candle's `conv2d` runs without padding of its
//! own and its gradient's output padding is zero (it is wrong where height and width would need different ones).
//! Frames are unrolled: each of the kernel's frames is a `conv2d` over the frames that it sees, folded into the
//! batch. Where stride or dilation differ along rows and columns, which `conv2d` cannot do, all of the window is
//! unrolled. A filter a channel is a sum of slices times weights: candle's grouped convolution runs a convolution a
//! group.

use candle_core::Tensor;

use super::Scope;
use super::product::per_channel;
use super::window::{Axis, as_before, as_clip};
use crate::error::Result;
use crate::nn::layers::Convolution;

pub(super) fn convolution(scope: &Scope<'_>, layer: &Convolution, x: &Tensor) -> Result<Tensor> {
    let (mut x, window, outputs) = as_clip(&scope.rounded(x)?, &layer.sliding)?;
    let axes: [Axis; 3] = std::array::from_fn(|axis| Axis::of(&window, &outputs, axis));
    for axis in axes {
        x = axis.fitted(&x, 0.0)?;
    }
    let weight = scope.factor("weight")?;
    let weight = if layer.sliding.axes() == 2 { weight.unsqueeze(2)? } else { weight };
    let y =
        if layer.is_depthwise() { depthwise(&x, &weight, &axes)? } else { dense(&x, &weight, &axes, layer.groups)? };
    let y = if layer.bias {
        let (items, channels, _, _, _) = y.dims5()?;
        let flat = y.flatten_from(2)?;
        let bias = per_channel(&scope.factor("bias")?, items, flat.dim(2)?)?;
        flat.add(&bias)?.reshape((items, channels, outputs[0], outputs[1], outputs[2]))?
    } else {
        y
    };
    as_before(scope.rounded(&y)?, &layer.sliding)
}

/// The sum over the window of slices times weights, a channel at a time.
fn depthwise(x: &Tensor, weight: &Tensor, axes: &[Axis; 3]) -> Result<Tensor> {
    let (items, channels, _, _, _) = x.dims5()?;
    let [frames, rows, columns] = axes;
    let positions = frames.outputs * rows.outputs * columns.outputs;
    let weight = weight.flatten_from(1)?.t()?.contiguous()?;
    let mut sum: Option<Tensor> = None;
    let mut tap = 0;
    for t in 0..frames.kernel {
        let x = frames.seen(x, t)?;
        for h in 0..rows.kernel {
            let x = rows.seen(&x, h)?;
            for w in 0..columns.kernel {
                let x = columns.seen(&x, w)?.reshape((items, channels, positions))?;
                let factor = per_channel(&weight.get(tap)?, items, positions)?;
                let term = x.mul(&factor)?;
                sum = Some(match sum {
                    Some(sum) => sum.add(&term)?,
                    None => term,
                });
                tap += 1;
            }
        }
    }
    let sum = sum.ok_or_else(|| crate::error::Error::argument("graph", "has a window without positions"))?;
    Ok(sum.reshape((items, channels, frames.outputs, rows.outputs, columns.outputs))?)
}

/// Frames unrolled, and rows and columns too where `conv2d` cannot take them.
fn dense(x: &Tensor, weight: &Tensor, axes: &[Axis; 3], groups: usize) -> Result<Tensor> {
    let (items, _, _, _, _) = x.dims5()?;
    let [frames, rows, columns] = axes;
    let outputs = weight.dim(0)?;
    let clip = frames.outputs > 1 || frames.kernel > 1;
    // Frames before channels, so that frames fold into the batch.
    let x = if clip { x.transpose(1, 2)?.contiguous()? } else { x.transpose(1, 2)? };
    let frames_now = Axis { dim: 1, ..*frames };
    let mut sum: Option<Tensor> = None;
    for t in 0..frames.kernel {
        let seen = frames_now.seen(&x, t)?.flatten(0, 1)?.contiguous()?;
        let kernel = weight.narrow(2, t, 1)?.squeeze(2)?;
        let term = picture(&seen, &kernel, rows, columns, groups)?;
        sum = Some(match sum {
            Some(sum) => sum.add(&term)?,
            None => term,
        });
    }
    let sum = sum.ok_or_else(|| crate::error::Error::argument("graph", "has a window without positions"))?;
    let y = sum.reshape((items, frames.outputs, outputs, rows.outputs, columns.outputs))?;
    Ok(if clip { y.transpose(1, 2)?.contiguous()? } else { y.transpose(1, 2)? })
}

/// Convolution of pictures `(N, C, H, W)` that are fitted to the window.
fn picture(x: &Tensor, kernel: &Tensor, rows: &Axis, columns: &Axis, groups: usize) -> Result<Tensor> {
    // A setting along an axis with one output, or one position of the window, is free.
    let agreed = |of: fn(&Axis) -> usize, free: fn(&Axis) -> bool| match (free(rows), free(columns)) {
        (true, _) => Some(of(columns)),
        (_, true) => Some(of(rows)),
        _ => (of(rows) == of(columns)).then(|| of(rows)),
    };
    let stride = agreed(|axis| axis.stride, |axis| axis.outputs == 1);
    let dilation = agreed(|axis| axis.dilation, |axis| axis.kernel == 1);
    if let (Some(stride), Some(dilation)) = (stride, dilation) {
        return Ok(x.conv2d(&kernel.contiguous()?, 0, stride, dilation, groups)?);
    }
    let (rows, columns) = (Axis { dim: 2, ..*rows }, Axis { dim: 3, ..*columns });
    let mut sum: Option<Tensor> = None;
    for h in 0..rows.kernel {
        let x = rows.seen(x, h)?;
        for w in 0..columns.kernel {
            let x = columns.seen(&x, w)?.contiguous()?;
            let kernel = kernel.narrow(2, h, 1)?.narrow(3, w, 1)?.contiguous()?;
            let term = x.conv2d(&kernel, 0, 1, 1, groups)?;
            sum = Some(match sum {
                Some(sum) => sum.add(&term)?,
                None => term,
            });
        }
    }
    sum.ok_or_else(|| crate::error::Error::argument("graph", "has a window without positions"))
}
