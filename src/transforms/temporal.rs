//! Temporal transforms: which frame stands where. They move no pixels and may stand anywhere in a list.
//!
//! Source of the upsampling: PyTorch `interpolate(mode="nearest")`, `aten/src/ATen/native/UpSample.h`,
//! `nearest_neighbor_compute_source_index`: min(floor(i * scale), n - 1) with scale = n / frames in float32.

use super::Transform;
use crate::error::{Error, Result};

/// For each frame of the result, the frame of a clip of `n_frames` that it shows.
pub fn frame_indices(list: &[Transform], n_frames: usize) -> Result<Vec<usize>> {
    let mut indices: Vec<usize> = (0..n_frames).collect();
    for transform in list {
        if let Transform::TemporalUpsample(frames) = transform {
            indices = nearest(indices.len(), *frames)?.into_iter().map(|i| indices[i]).collect();
        }
    }
    Ok(indices)
}

/// The nearest frames of a clip of `n` for a clip of `frames`.
fn nearest(n: usize, frames: usize) -> Result<Vec<usize>> {
    if n == 0 {
        return Err(Error::argument("clip", "has no frames to make more of"));
    }
    if n == frames {
        return Ok((0..n).collect());
    }
    if frames == 2 * n {
        return Ok((0..frames).map(|i| i / 2).collect());
    }
    let scale = n as f32 / frames as f32;
    Ok((0..frames).map(|i| ((i as f32 * scale) as usize).min(n - 1)).collect())
}
