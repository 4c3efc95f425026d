//! What kernels check of their buffers, once, before the loops.

use super::lanes::Block;
use crate::error::{Error, Result};

/// An error unless the buffer `name` has `wanted` values.
pub(crate) fn length(name: &'static str, got: usize, wanted: usize) -> Result<()> {
    if got == wanted { Ok(()) } else { Err(Error::argument(name, format!("must have {wanted} values, has {got}"))) }
}

/// The map `name` as blocks; an error unless it has `wanted` values.
pub(crate) fn blocks<'a>(name: &'static str, values: &'a [f32], wanted: usize) -> Result<&'a [Block]> {
    length(name, values.len(), wanted)?;
    Ok(values.as_chunks().0)
}

/// [`blocks`], to be written.
pub(crate) fn blocks_mut<'a>(name: &'static str, values: &'a mut [f32], wanted: usize) -> Result<&'a mut [Block]> {
    length(name, values.len(), wanted)?;
    Ok(values.as_chunks_mut().0)
}

/// Block `index` of a value for each channel, zero past the last.
pub(crate) fn channel_block(values: &[f32], index: usize) -> Block {
    std::array::from_fn(|lane| values.get(index * super::LANES + lane).copied().unwrap_or(0.0))
}
