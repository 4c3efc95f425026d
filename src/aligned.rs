//! Values that begin with a line of the cache: vector loads of whole lines then never straddle two.

use std::ops::{Deref, DerefMut};

const LANES: usize = 16;

/// Bytes from which memory is asked for in pages of 2 MiB: kernels that walk over it then seldom miss a translation.
const HUGE: usize = 4 << 20;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Some float32 values.
#[derive(Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    pub fn zeros(length: usize) -> Self {
        let mut values = Self::default();
        values.reach(length);
        values
    }

    /// Makes it `length` values, of which those that were there keep what they hold; others are zero, or were once
    /// there.
    pub fn reach(&mut self, length: usize) {
        let lines = length.div_ceil(LANES);
        if self.lines.capacity() < lines {
            self.lines.reserve_exact(lines - self.lines.len());
            ask_for_large_pages(&self.lines);
        }
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; LANES]));
        }
        self.length = length;
    }

    /// Takes all values away.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.length = 0;
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut values = Self::zeros(self.length);
        values.copy_from_slice(self);
        values
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a line is 16 values without padding, and the lines hold `length` values at least.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above; the lines are borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

/// Advises the system, which may decline, before the memory is touched.
#[cfg(target_os = "linux")]
fn ask_for_large_pages(lines: &Vec<Line>) {
    const PAGE: usize = 4096;
    let (start, bytes) = (lines.as_ptr().addr(), lines.capacity() * size_of::<Line>());
    if bytes >= HUGE {
        let first = start.next_multiple_of(PAGE);
        let whole = (start + bytes - first) / PAGE * PAGE;
        // SAFETY: whole pages inside the vector's own memory; the advice changes no value.
        unsafe { libc::madvise(lines.as_ptr().with_addr(first).cast_mut().cast(), whole, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_: &Vec<Line>) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_with_a_line_and_are_as_many_as_asked_for() {
        for length in [0, 1, 16, 17, 1000, HUGE] {
            let mut values = Aligned::zeros(length);
            assert_eq!(values.as_ptr().addr() % 64, 0);
            assert!(values.iter().all(|&value| value == 0.0));
            values.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
            assert!(values.clone().iter().enumerate().all(|(i, &value)| value == i as f32));
            values.reach(length + 5);
            assert_eq!(values.len(), length + 5);
            assert!(values[..length].iter().enumerate().all(|(i, &value)| value == i as f32));
            values.clear();
            values.reach(length);
            assert!(values.iter().all(|&value| value == 0.0));
        }
    }
}
