//! Kernels for the processor, on slices.
//!
//! Maps are float32 in blocks of sixteen channels, `[N][ceil(C / 16)][T][H][W][16]`, so that one vector register
//! holds the channels of a pixel; the lanes past the last channel are zero. A picture has T = 1. Network inputs, of
//! few channels, are planar, `[N][C][T][H][W]`. Vectors and sequences are plain, row after row.
//!
//! Work is cut into units that do not depend on the number of threads, and sums are taken in a fixed order, so results
//! do not depend on it either. Between processors they may: a fused multiply-add rounds once.

pub mod attention;
mod channels;
mod check;
pub mod convolution;
pub mod depthwise;
pub mod elementwise;
pub mod epilogue;
mod few_rows;
mod functions;
mod lanes;
pub mod layout;
pub mod linear;
pub mod lstm;
pub mod matmul;
pub mod norm;
pub mod pool;
#[cfg(test)]
mod reference;
pub mod rows;

pub use epilogue::{Activation, Epilogue};

/// Channels in a block.
pub const LANES: usize = 16;

/// The extents of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MapShape {
    pub batch: usize,
    pub channels: usize,
    pub frames: usize,
    pub height: usize,
    pub width: usize,
}

impl MapShape {
    /// Blocks of channels.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Positions in one channel of one item: T * H * W.
    pub fn positions(&self) -> usize {
        self.frames * self.height * self.width
    }

    /// Values in the blocked layout, padding lanes counted.
    pub fn len(&self) -> usize {
        self.batch * self.blocks() * self.positions() * LANES
    }

    /// Values in the planar layout.
    pub fn planar_len(&self) -> usize {
        self.batch * self.channels * self.positions()
    }

    pub fn is_empty(&self) -> bool {
        self.planar_len() == 0
    }

    /// Frames, height and width.
    pub fn sides(&self) -> [usize; 3] {
        [self.frames, self.height, self.width]
    }
}

/// A window that slides over a map, along frames, rows and columns. Output `o` sees the inputs
/// `o * stride + k * dilation - before` for `k` below `kernel`; the padding behind follows from the output's extents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub dilation: [usize; 3],
    pub before: [usize; 3],
}

impl Window {
    /// Positions in the window.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }
}
