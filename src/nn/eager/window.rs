//! Windows over maps: the border around a map, and what one position of a window sees.

use candle_core::Tensor;

use crate::error::Result;
use crate::nn::cpu::Window;
use crate::nn::layers::Sliding;

/// A map with five axes, its window, and the extents of the output: pictures get one frame.
pub(super) fn as_clip(x: &Tensor, sliding: &Sliding) -> Result<(Tensor, Window, [usize; 3])> {
    let sides = &x.dims()[2..];
    let window = sliding.window(sides);
    let mut outputs = [1; 3];
    let found = sliding.outputs(sides)?;
    outputs[3 - found.len()..].copy_from_slice(&found);
    Ok((if found.len() == 2 { x.unsqueeze(2)? } else { x.clone() }, window, outputs))
}

/// The inverse of [`as_clip`] for its output.
pub(super) fn as_before(y: Tensor, sliding: &Sliding) -> Result<Tensor> {
    Ok(if sliding.axes() == 2 { y.squeeze(2)? } else { y })
}

/// One axis (0 to 2) of a window, and how many outputs there are along it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Of the tensor `(N, C, T, H, W)`.
    pub dim: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
    pub outputs: usize,
}

impl Axis {
    pub fn of(window: &Window, outputs: &[usize; 3], axis: usize) -> Self {
        Self {
            dim: axis + 2,
            kernel: window.kernel[axis],
            stride: window.stride[axis],
            dilation: window.dilation[axis],
            before: window.before[axis],
            outputs: outputs[axis],
        }
    }

    /// Positions from the first that a window sees to the last.
    pub fn extent(&self) -> usize {
        (self.outputs - 1) * self.stride + (self.kernel - 1) * self.dilation + 1
    }

    /// `x` with a border of `value`, cut to exactly what the windows reach.
    pub fn fitted(&self, x: &Tensor, value: f64) -> Result<Tensor> {
        let (side, extent) = (x.dim(self.dim)?, self.extent());
        let behind = extent.saturating_sub(self.before + side);
        let border = |length: usize| -> Result<Tensor> {
            let mut shape = x.dims().to_vec();
            shape[self.dim] = length;
            Ok(Tensor::full(value, shape, x.device())?.to_dtype(x.dtype())?)
        };
        let mut pieces = Vec::with_capacity(3);
        if self.before > 0 {
            pieces.push(border(self.before)?);
        }
        pieces.push(x.clone());
        if behind > 0 {
            pieces.push(border(behind)?);
        }
        let padded = if pieces.len() == 1 { x.clone() } else { Tensor::cat(&pieces, self.dim)? };
        Ok(if padded.dim(self.dim)? == extent { padded } else { padded.narrow(self.dim, 0, extent)? })
    }

    /// What position `tap` of the window sees in a map that [`Self::fitted`] gave: as long as the output.
    pub fn seen(&self, x: &Tensor, tap: usize) -> Result<Tensor> {
        let first = tap * self.dilation;
        if self.stride == 1 || self.outputs == 1 {
            return Ok(x.narrow(self.dim, first, self.outputs)?);
        }
        let positions: Vec<u32> = (0..self.outputs).map(|output| (first + output * self.stride) as u32).collect();
        let positions = Tensor::from_vec(positions, self.outputs, x.device())?;
        Ok(x.contiguous()?.index_select(&positions, self.dim)?)
    }
}
