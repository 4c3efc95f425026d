//! Values that begin with a line of the cache: vector loads of rows that are whole lines then never straddle two.

use std::ops::{Deref, DerefMut};

const LANES: usize = 16;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Some float32 values.
#[derive(Clone, Debug)]
pub(super) struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    pub fn zeros(length: usize) -> Self {
        Self { lines: vec![Line([0.0; LANES]); length.div_ceil(LANES)], length }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_begin_with_a_line_and_are_as_many_as_asked_for() {
        for length in [0, 1, 16, 17, 1000] {
            let mut values = Aligned::zeros(length);
            assert_eq!(values.as_ptr().addr() % 64, 0);
            values.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
            assert_eq!(values.to_vec(), (0..length).map(|i| i as f32).collect::<Vec<_>>());
        }
    }
}
