//! What flows through the house: frames of bytes, contiguous, in order.

use crate::error::{Error, Result};

/// Height, width and channels of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl FrameShape {
    pub fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Values in a frame: height * width * channels.
    pub fn len(&self) -> usize {
        self.height * self.width * self.channels
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Frames of bytes: (T, H, W, C), contiguous. C is 3 (RGB) or 1 (grey).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clip {
    data: Vec<u8>,
    frames: usize,
    shape: FrameShape,
}

impl Clip {
    /// Wraps `data`, which must hold `frames` whole frames of `shape`.
    pub fn new(data: Vec<u8>, frames: usize, shape: FrameShape) -> Result<Self> {
        if data.len() != frames * shape.len() {
            return Err(Error::argument(
                "data",
                format!("has {} values where {frames} frames of {shape:?} need {}", data.len(), frames * shape.len()),
            ));
        }
        Ok(Self { data, frames, shape })
    }

    pub fn frames(&self) -> usize {
        self.frames
    }

    pub fn shape(&self) -> FrameShape {
        self.shape
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    pub fn into_data(self) -> Vec<u8> {
        self.data
    }
}
