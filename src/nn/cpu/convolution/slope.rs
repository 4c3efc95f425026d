//! The inner kernel of the gradient of the weights: a few input channels times one to three blocks of output
//! channels, summed in registers over the pixels of some rows.
//!
//! A pixel of the output's gradient is loaded once for all input channels, a value of the input is broadcast for all
//! blocks. On AVX-512, 8 channels by three blocks are 24 sums.

use super::tile::{load, store};
use crate::nn::cpu::LANES;
#[cfg(target_arch = "x86_64")]
use crate::nn::cpu::lanes::{Avx2, Avx512};
use crate::nn::cpu::lanes::{Lanes, Plain};
use crate::simd::Level;

/// The most channels of one call.
pub(super) const MOST: usize = 16;

/// Where a row of the input and the row of the output's gradient that meets it begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub input: usize,
    pub grad: usize,
}

/// What one call of a kernel reads and writes.
pub(super) struct Slope<'a> {
    pub rows: &'a [Rows],
    /// Pixels of a row.
    pub length: usize,
    pub input: *const f32,
    /// Where the channels lie, from `input`, in a planar input; in a blocked one they lie side by side.
    pub channels: [usize; MOST],
    pub grad: *const f32,
    /// Values from one block of the output's gradient to the next.
    pub grad_block: usize,
    /// The sums of the first channel, which are added to; those of the next lie behind them.
    pub sums: *mut f32,
}

/// A compiled kernel.
pub(super) type Kernel = unsafe fn(&Slope);

/// `C` channels, `B` blocks of output channels; `P` as in [`super::tile`].
///
/// # Safety
/// The processor must have the instructions of `V`, and pointers and distances must stay inside their buffers.
#[inline(always)]
unsafe fn slope<V: Lanes, const C: usize, const B: usize, const P: usize>(s: &Slope) {
    // SAFETY: the caller's promises, handed on.
    unsafe {
        let mut sums = [[V::zero(); B]; C];
        for (c, sums) in sums.iter_mut().enumerate() {
            for (b, sum) in sums.iter_mut().enumerate() {
                *sum = load(s.sums.add((c * B + b) * LANES));
            }
        }
        for row in s.rows {
            let (mut x, mut y) = (s.input.add(row.input), s.grad.add(row.grad));
            for _ in 0..s.length {
                let mut grads = [V::zero(); B];
                for (b, grad) in grads.iter_mut().enumerate() {
                    *grad = load(y.add(b * s.grad_block));
                }
                for (c, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(*x.add(if P == 1 { s.channels[c] } else { c }));
                    for (sum, grad) in sums.iter_mut().zip(grads) {
                        *sum = value.times_plus(grad, *sum);
                    }
                }
                x = x.add(P);
                y = y.add(LANES);
            }
        }
        for (c, sums) in sums.iter().enumerate() {
            for (b, sum) in sums.iter().enumerate() {
                store(*sum, s.sums.add((c * B + b) * LANES));
            }
        }
    }
}

unsafe fn plain<const C: usize, const B: usize, const P: usize>(s: &Slope) {
    // SAFETY: as for `slope`; every processor has these instructions.
    unsafe { slope::<Plain, C, B, P>(s) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const C: usize, const B: usize, const P: usize>(s: &Slope) {
    // SAFETY: as for `slope`.
    unsafe { slope::<Avx2, C, B, P>(s) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512<const C: usize, const B: usize, const P: usize>(s: &Slope) {
    // SAFETY: as for `slope`.
    unsafe { slope::<Avx512, C, B, P>(s) }
}

/// The most blocks of output channels of a kernel.
pub(super) fn widest(level: Level) -> usize {
    if level >= Level::Avx512 { 3 } else { 1 }
}

/// The most channels of a kernel over `blocks`; a divisor of 16 where the input is blocked.
pub(super) fn deepest(level: Level, blocks: usize, planar: bool) -> usize {
    match level {
        Level::Avx512 | Level::Vbmi if blocks == 1 && !planar => 16,
        Level::Avx512 | Level::Vbmi => 8,
        Level::Avx2 => 4,
        Level::Plain => 2,
    }
}

/// The kernel of `channels` (for a planar input 1 up to [`deepest`], else just that) by `blocks`.
pub(super) fn kernel(level: Level, channels: usize, blocks: usize, planar: bool) -> Option<Kernel> {
    macro_rules! choose {
        ($function:ident, $lanes:ident: $($blocks:literal => $($channels:literal)*),*) => {
            match (blocks, channels) {
                $($(($blocks, $channels) => Some($function::<$channels, $blocks, $lanes> as Kernel),)*)*
                _ => None,
            }
        };
    }
    const ONE: usize = 1;
    match (level, planar) {
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512 | Level::Vbmi, false) => choose!(avx512, LANES: 1 => 16, 2 => 8, 3 => 8),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512 | Level::Vbmi, true) => {
            choose!(avx512, ONE: 1 => 1 2 3 4 5 6 7 8, 2 => 1 2 3 4 5 6 7 8, 3 => 1 2 3 4 5 6 7 8)
        }
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, false) => choose!(avx2, LANES: 1 => 4),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, true) => choose!(avx2, ONE: 1 => 1 2 3 4),
        (_, false) => choose!(plain, LANES: 1 => 2),
        (_, true) => choose!(plain, ONE: 1 => 1 2),
    }
}
