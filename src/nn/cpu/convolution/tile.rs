//! The inner kernel of the forward pass: a strip of up to 14 pixels of one output row, times one to four blocks
//! of 16 output channels, held in registers over all taps and input channels.
//!
//! A value of the input is broadcast and multiplied with the weights of 16 output channels; a row of weights
//! that is loaded serves all pixels of the strip, a broadcast all blocks. On AVX-512, 14 pixels by two blocks
//! are 28 sums, which leaves four of the 32 registers for the operands.

#[cfg(target_arch = "x86_64")]
use crate::nn::cpu::lanes::{Avx2, Avx512};
use crate::nn::cpu::lanes::{Block, Lanes, Plain};
use crate::nn::cpu::{Activation, LANES};
use crate::simd::Level;

/// One tap of the kernel: where its input lies, in values from the strip's own, and the number of its weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    pub input: usize,
    pub weights: usize,
}

/// What one call of a kernel reads and writes.
pub(super) struct Strip<'a> {
    /// The first pixel of the strip in the first input block, at tap (0, 0, 0).
    pub input: *const f32,
    pub weights: *const f32,
    pub taps: &'a [Tap],
    /// Input blocks, and values from one to the next.
    pub blocks: usize,
    pub input_block: usize,
    pub weights_block: usize,
    /// The first pixel of the strip in the first output block.
    pub output: *mut f32,
    /// Values from pixel to pixel and from block to block.
    pub output_pixel: usize,
    pub output_block: usize,
    /// Input blocks after which the sums are laid down in the output and begun anew: a sum of short sums loses less
    /// than a long one. At least 1.
    pub run: usize,
    /// Whether to add to what the output holds, from earlier input blocks.
    pub resume: bool,
    /// What to do with the sums once they are whole.
    pub finish: Option<Finish>,
}

/// The end of a convolution, as [`crate::nn::cpu::Epilogue`] has it.
#[derive(Clone, Copy)]
pub(super) struct Finish {
    /// At the first block of the strip, or null.
    pub bias: *const f32,
    /// Beside the output, or null.
    pub residual: *const f32,
    pub activation: Activation,
}

/// A compiled kernel.
pub(super) type Kernel = unsafe fn(&Strip);

/// `R` pixels, `B` output blocks; `P` is the number of channels that lie side by side in the input, and so the
/// distance of its pixels: 16 where it is blocked, 1 where it is planar.
///
/// # Safety
/// The processor must have the instructions of `V`, and the pointers and distances of the strip must stay inside
/// their buffers.
#[inline(always)]
unsafe fn strip<V: Lanes, const R: usize, const B: usize, const P: usize>(s: &Strip) {
    // SAFETY: the caller's promises, handed on.
    unsafe {
        let mut sums = [[V::zero(); B]; R];
        let (mut input, mut weights) = (s.input, s.weights);
        let (mut left, mut resume) = (s.run, s.resume);
        for block in 1..=s.blocks {
            for tap in s.taps {
                let (mut x, mut w) = (input.add(tap.input), weights.add(tap.weights * P * B * LANES));
                if P == 1 {
                    channel::<V, R, B, P>(&mut sums, x, w);
                } else {
                    for _ in 0..P / 4 {
                        channel::<V, R, B, P>(&mut sums, x, w);
                        channel::<V, R, B, P>(&mut sums, x.add(1), w.add(B * LANES));
                        channel::<V, R, B, P>(&mut sums, x.add(2), w.add(2 * B * LANES));
                        channel::<V, R, B, P>(&mut sums, x.add(3), w.add(3 * B * LANES));
                        x = x.add(4);
                        w = w.add(4 * B * LANES);
                    }
                }
            }
            input = input.add(s.input_block);
            weights = weights.add(s.weights_block);
            left -= 1;
            if left == 0 && block < s.blocks {
                lay_down(s, &mut sums, resume);
                sums = [[V::zero(); B]; R];
                (left, resume) = (s.run, true);
            }
        }
        write(s, &mut sums, resume);
    }
}

#[inline(always)]
unsafe fn channel<V: Lanes, const R: usize, const B: usize, const P: usize>(
    sums: &mut [[V; B]; R],
    x: *const f32,
    w: *const f32,
) {
    // SAFETY: as for `strip`.
    unsafe {
        let mut rows = [V::zero(); B];
        for (b, row) in rows.iter_mut().enumerate() {
            *row = load(w.add(b * LANES));
            fetch(w.wrapping_add((AHEAD * B + b) * LANES));
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            let value = V::splat(*x.add(r * P));
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = value.times_plus(row, *sum);
            }
        }
    }
}

/// Channels whose weights are on their way to the first-level cache while others are multiplied.
const AHEAD: usize = 16;

/// Asks for the line at an address, which may be anywhere.
#[inline(always)]
fn fetch(from: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; no address faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Writes the sums, added to what the output holds if `resume` says so.
#[inline(always)]
unsafe fn lay_down<V: Lanes, const R: usize, const B: usize>(s: &Strip, sums: &mut [[V; B]; R], resume: bool) {
    // SAFETY: as for `strip`.
    unsafe {
        let place = |r: usize, b: usize| r * s.output_pixel + b * s.output_block;
        if resume {
            each(sums, |r, b, sum| sum.plus(load(s.output.add(place(r, b)))));
        }
        each(sums, |r, b, sum| {
            store(sum, s.output.add(place(r, b)));
            sum
        });
    }
}

#[inline(always)]
unsafe fn write<V: Lanes, const R: usize, const B: usize>(s: &Strip, sums: &mut [[V; B]; R], resume: bool) {
    // SAFETY: as for `strip`.
    unsafe {
        let place = |r: usize, b: usize| r * s.output_pixel + b * s.output_block;
        if resume {
            each(sums, |r, b, sum| sum.plus(load(s.output.add(place(r, b)))));
        }
        if let Some(finish) = s.finish {
            if !finish.bias.is_null() {
                each(sums, |_, b, sum| sum.plus(load(finish.bias.add(b * LANES))));
            }
            if !finish.residual.is_null() {
                each(sums, |r, b, sum| sum.plus(load(finish.residual.add(place(r, b)))));
            }
            match finish.activation {
                Activation::None => {}
                Activation::Relu => each(sums, |_, _, sum| Activation::Relu.apply(sum)),
                Activation::Relu6 => each(sums, |_, _, sum| Activation::Relu6.apply(sum)),
            }
        }
        lay_down(s, sums, false);
    }
}

#[inline(always)]
fn each<V: Lanes, const R: usize, const B: usize>(sums: &mut [[V; B]; R], f: impl Fn(usize, usize, V) -> V) {
    for (r, row) in sums.iter_mut().enumerate() {
        for (b, sum) in row.iter_mut().enumerate() {
            *sum = f(r, b, *sum);
        }
    }
}

/// The sixteen values at `from`, which may lie anywhere.
///
/// # Safety
/// They must be readable, and the processor must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn load<V: Lanes>(from: *const f32) -> V {
    // SAFETY: a block is sixteen values without any alignment of its own.
    V::load(unsafe { &*from.cast::<Block>() })
}

/// Writes sixteen values.
///
/// # Safety
/// As for [`load`], and nobody else may read or write them.
#[inline(always)]
pub(super) unsafe fn store<V: Lanes>(values: V, to: *mut f32) {
    // SAFETY: as above.
    values.store(unsafe { &mut *to.cast::<Block>() });
}

unsafe fn plain<const R: usize, const B: usize, const P: usize>(s: &Strip) {
    // SAFETY: as for `strip`; every processor has these instructions.
    unsafe { strip::<Plain, R, B, P>(s) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<const R: usize, const B: usize, const P: usize>(s: &Strip) {
    // SAFETY: as for `strip`.
    unsafe { strip::<Avx2, R, B, P>(s) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn avx512<const R: usize, const B: usize, const P: usize>(s: &Strip) {
    // SAFETY: as for `strip`.
    unsafe { strip::<Avx512, R, B, P>(s) }
}

/// The most pixels of a strip of `blocks` output blocks; 0 where there is no such kernel.
pub(super) fn longest(level: Level, blocks: usize) -> usize {
    match (level, blocks) {
        (Level::Avx512 | Level::Vbmi, 1 | 2) => 14,
        (Level::Avx512 | Level::Vbmi, 3) => 8,
        (Level::Avx512 | Level::Vbmi, 4) => 6,
        (Level::Avx2, 1) => 6,
        (Level::Plain, 1) => 4,
        _ => 0,
    }
}

/// The kernel of `pixels` (1 up to [`longest`]) by `blocks`, for an input that is blocked or planar.
pub(super) fn kernel(level: Level, pixels: usize, blocks: usize, planar: bool) -> Option<Kernel> {
    macro_rules! choose {
        ($function:ident: $($blocks:literal => $($pixels:literal)*),*) => {
            match (blocks, pixels, planar) {
                $($(($blocks, $pixels, false) => Some($function::<$pixels, $blocks, LANES> as Kernel),)*)*
                $($(($blocks, $pixels, true) => Some($function::<$pixels, $blocks, 1> as Kernel),)*)*
                _ => None,
            }
        };
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Vbmi => choose!(avx512:
            1 => 1 2 3 4 5 6 7 8 9 10 11 12 13 14,
            2 => 1 2 3 4 5 6 7 8 9 10 11 12 13 14,
            3 => 1 2 3 4 5 6 7 8,
            4 => 1 2 3 4 5 6
        ),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => choose!(avx2: 1 => 1 2 3 4 5 6),
        _ => choose!(plain: 1 => 1 2 3 4),
    }
}
