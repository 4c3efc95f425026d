//! Shapes of layers that only move values.

use super::{Layer, refused};
use crate::error::Result;

/// Channels one after another; everything else must be equal.
pub(super) fn concatenated(layer: &Layer, inputs: &[&[usize]]) -> Result<Vec<usize>> {
    let [first, rest @ ..] = inputs else { return Err(refused(layer, inputs, "an input")) };
    let mut shape = first.to_vec();
    for input in rest {
        let fits = input.len() == shape.len()
            && shape.len() >= 2
            && input.iter().zip(&shape).enumerate().all(|(axis, (a, b))| axis == 1 || a == b);
        if !fits {
            return Err(refused(layer, inputs, "maps or vectors that differ in channels only"));
        }
        shape[1] += input[1];
    }
    Ok(shape)
}
