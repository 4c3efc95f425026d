//! Values that begin with a line of the cache: vector loads of whole blocks then never straddle two.

use std::ops::{Deref, DerefMut};

use crate::nn::cpu::LANES;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; LANES]);

/// Some float32 values.
#[derive(Clone, Debug, Default)]
pub struct Aligned {
    lines: Vec<Line>,
    length: usize,
}

impl Aligned {
    /// Makes it `length` values, of which those that were there keep what they hold.
    pub fn reach(&mut self, length: usize) {
        if self.lines.len() < length.div_ceil(LANES) {
            self.lines.resize(length.div_ceil(LANES), Line([0.0; LANES]));
        }
        self.length = length;
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
