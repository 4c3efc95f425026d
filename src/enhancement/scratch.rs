//! Buffers that are kept from frame to frame, so that no frame allocates.

use super::{clahe, denoise, lime, retinex};

/// Working memory of the room: one for each thread, for any steps and shapes.
#[derive(Debug, Default)]
pub struct Scratch {
    plane: Vec<u8>,
    pub(super) clahe: clahe::Buffers,
    pub(super) retinex: retinex::Buffers,
    pub(super) lime: lime::Buffers,
    pub(super) denoise: denoise::Buffers,
}

impl Scratch {
    /// A plane of `values` bytes, of any content.
    pub(super) fn plane(&mut self, values: usize) -> &mut [u8] {
        sized(&mut self.plane, values)
    }
}

/// The first `len` values of a buffer that grows where it must; of any content.
pub(super) fn sized<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}
