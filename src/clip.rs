//! What flows through the house: frames of bytes, contiguous, in order.

use std::alloc::Layout;

use crate::error::{Error, Result};

/// From here on memory is worth asking for in huge pages; NumPy's limit.
const LARGE: usize = 4 << 20;

/// Values that are zero where all their bytes are.
///
/// # Safety
/// All-zero bytes must be a valid value.
pub unsafe trait Zeroed: Copy {}

// SAFETY: zero, in both.
unsafe impl Zeroed for u8 {}
// SAFETY: see above.
unsafe impl Zeroed for f32 {}

/// `length` zeros, or `None` where there is no memory for them. Large memory is asked of Linux in huge
/// pages, as NumPy does: got in pages of 4 KiB, a video's RGB frames can cost more in page faults than in
/// decoding.
pub fn zeros<T: Zeroed>(length: usize) -> Option<Vec<T>> {
    let layout = Layout::array::<T>(length).ok()?;
    if length == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout is not empty; a null result is handled; what comes is `length` zeros of the allocator
    // that `Vec` uses.
    let zeros = unsafe {
        let start = std::alloc::alloc_zeroed(layout).cast::<T>();
        (!start.is_null()).then(|| Vec::from_raw_parts(start, length, length))
    }?;
    #[cfg(target_os = "linux")]
    advise_huge_pages(zeros.as_ptr().cast(), layout.size());
    Some(zeros)
}

#[cfg(target_os = "linux")]
fn advise_huge_pages(start: *const u8, bytes: usize) {
    if bytes < LARGE {
        return;
    }
    // Whole pages inside the memory.
    let page = 4096;
    let skipped = start.addr().next_multiple_of(page) - start.addr();
    // SAFETY: the range lies in memory that the caller owns; the advice changes no contents, and may be refused.
    unsafe {
        libc::madvise(start.add(skipped).cast_mut().cast(), (bytes - skipped) / page * page, libc::MADV_HUGEPAGE);
    }
}

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
