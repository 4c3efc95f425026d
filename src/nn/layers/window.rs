//! Windows that slide over a map: how far, and over which border.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nn::cpu::Window;

/// What lies around a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// As much on both sides of each axis.
    Sides(Vec<usize>),
    /// TensorFlow's: outputs number `ceil(side / stride)`, and where the padding is odd there is one more behind.
    Same,
}

/// Kernel, stride, padding and dilation, each along (H, W) or (T, H, W).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sliding {
    pub kernel: Vec<usize>,
    pub stride: Vec<usize>,
    pub padding: Padding,
    pub dilation: Vec<usize>,
    /// A last window that begins inside the map or its padding in front, but hangs over the end, counts
    /// (PyTorch's `ceil_mode`).
    pub ceil: bool,
}

impl Sliding {
    /// Stride 1, no padding, no dilation.
    pub fn new(kernel: &[usize]) -> Self {
        let ones = vec![1; kernel.len()];
        Self {
            kernel: kernel.to_vec(),
            stride: ones.clone(),
            padding: Padding::Sides(vec![0; kernel.len()]),
            dilation: ones,
            ceil: false,
        }
    }

    /// Axes that it slides along: 2 or 3.
    pub fn axes(&self) -> usize {
        self.kernel.len()
    }

    /// Whether all settings have as many values as there are axes, and make sense.
    pub fn check(&self) -> Result<()> {
        let axes = self.axes();
        let sides = match &self.padding {
            Padding::Sides(sides) => sides.len(),
            Padding::Same => axes,
        };
        let lengths = [self.stride.len(), self.dilation.len(), sides];
        let positive = [&self.kernel, &self.stride, &self.dilation];
        if !(axes == 2 || axes == 3)
            || lengths.iter().any(|&length| length != axes)
            || positive.iter().any(|values| values.contains(&0))
        {
            return Err(Error::argument("graph", format!("has a window that makes no sense: {self:?}")));
        }
        Ok(())
    }

    /// Extents of the output over sides of these lengths.
    pub fn outputs(&self, sides: &[usize]) -> Result<Vec<usize>> {
        self.check()?;
        if sides.len() != self.axes() {
            return Err(self.refused(sides));
        }
        (0..self.axes()).map(|axis| self.output(axis, sides[axis]).ok_or_else(|| self.refused(sides))).collect()
    }

    fn refused(&self, sides: &[usize]) -> Error {
        let Self { kernel, padding, .. } = self;
        Error::argument(
            "input",
            format!("of sides {sides:?} is too small for a window of {kernel:?}, padding {padding:?}"),
        )
    }

    fn output(&self, axis: usize, side: usize) -> Option<usize> {
        let (kernel, stride) = (self.kernel[axis], self.stride[axis]);
        let reach = (kernel - 1) * self.dilation[axis] + 1;
        if side == 0 {
            return None;
        }
        let padding = match &self.padding {
            Padding::Same => return Some(side.div_ceil(stride)),
            Padding::Sides(sides) => sides[axis],
        };
        let room = (side + 2 * padding).checked_sub(reach)?;
        let outputs = if self.ceil { room.div_ceil(stride) + 1 } else { room / stride + 1 };
        // The last window must begin inside the map or its padding in front.
        let hangs = self.ceil && (outputs - 1) * stride >= side + padding;
        Some(outputs - usize::from(hangs))
    }

    /// The window of the kernels, over a map of these sides; pictures get one frame.
    pub fn window(&self, sides: &[usize]) -> Window {
        let axes = self.axes();
        let spread = |values: &dyn Fn(usize) -> usize, fill: usize| -> [usize; 3] {
            std::array::from_fn(|axis| if axis + axes < 3 { fill } else { values(axis + axes - 3) })
        };
        let before = |axis: usize| match &self.padding {
            Padding::Sides(sides) => sides[axis],
            Padding::Same => {
                let reach = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
                let outputs = sides[axis].div_ceil(self.stride[axis]);
                ((outputs - 1) * self.stride[axis] + reach).saturating_sub(sides[axis]) / 2
            }
        };
        Window {
            kernel: spread(&|axis| self.kernel[axis], 1),
            stride: spread(&|axis| self.stride[axis], 1),
            dilation: spread(&|axis| self.dilation[axis], 1),
            before: spread(&before, 0),
        }
    }
}
