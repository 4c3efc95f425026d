//! Sixteen float32 at once: one block of channels, or sixteen neighbours of a plain row.
//!
//! A kernel is written once over the trait [`Lanes`] and compiled by [`dispatched!`] for AVX-512, for AVX2 with
//! fused multiply-add, and plainly (an array that the compiler vectorises as it can). The plain form rounds
//! after each product, so that its sums differ from the others' in the last bits. `maximum` and `minimum` give
//! their second operand where one is not a number, as the x86 instructions do.

use super::LANES;

/// One block as it lies in memory.
pub(crate) type Block = [f32; LANES];

/// Sixteen float32 in registers. The types that stand for instruction sets may be named only by functions that are
/// compiled for these instructions and called where the processor has them: by [`dispatched!`], and by the kernels of the
/// convolutions, which are chosen by [`crate::simd::Level`].
pub(crate) trait Lanes: Copy {
    /// A truth for each lane.
    type Mask: Copy;
    /// Sixteen float64, for sums.
    type Wide: Copy;

    fn splat(value: f32) -> Self;
    fn load(from: &Block) -> Self;
    fn store(self, to: &mut Block);
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    fn maximum(self, other: Self) -> Self;
    fn minimum(self, other: Self) -> Self;
    /// `self * factor + term`.
    fn times_plus(self, factor: Self, term: Self) -> Self;
    /// The nearest integer, ties to even.
    fn round(self) -> Self;
    /// 2 to the power of `self`, an integer in -126..=127.
    fn power_of_two(self) -> Self;
    fn greater(self, other: Self) -> Self::Mask;
    fn equal(self, other: Self) -> Self::Mask;
    fn is_nan(self) -> Self::Mask;
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask;
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;

    fn wide_zero() -> Self::Wide;
    fn widen(self) -> Self::Wide;
    fn wide_plus(a: Self::Wide, b: Self::Wide) -> Self::Wide;
    /// `a * b + c`.
    fn wide_times_plus(a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide;
    fn wide_store(wide: Self::Wide, to: &mut [f64; LANES]);

    #[inline(always)]
    fn zero() -> Self {
        Self::splat(0.0)
    }

    #[inline(always)]
    fn negated(self) -> Self {
        Self::zero().minus(self)
    }

    #[inline(always)]
    fn absolute(self) -> Self {
        self.maximum(self.negated())
    }

    /// The sum of the lanes, by halves.
    #[inline(always)]
    fn total(self) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(&mut lanes);
        let mut half = LANES / 2;
        while half > 0 {
            for i in 0..half {
                lanes[i] += lanes[i + half];
            }
            half /= 2;
        }
        lanes[0]
    }
}

/// Lanes as an array, for every processor.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }
}

impl Lanes for Plain {
    type Mask = [bool; LANES];
    type Wide = [f64; LANES];

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }
    #[inline(always)]
    fn load(from: &Block) -> Self {
        Self(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut Block) {
        *to = self.0;
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn minimum(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn times_plus(self, factor: Self, term: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * factor.0[i] + term.0[i]))
    }
    #[inline(always)]
    fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        Self(self.0.map(|n| f32::from_bits(((n as i32 + 127) as u32) << 23)))
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self::Mask {
        std::array::from_fn(|i| self.0[i] > other.0[i])
    }
    #[inline(always)]
    fn equal(self, other: Self) -> Self::Mask {
        std::array::from_fn(|i| self.0[i] == other.0[i])
    }
    #[inline(always)]
    fn is_nan(self) -> Self::Mask {
        self.0.map(f32::is_nan)
    }
    #[inline(always)]
    fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
        std::array::from_fn(|i| a[i] | b[i])
    }
    #[inline(always)]
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
        Self(std::array::from_fn(|i| if mask[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    fn wide_zero() -> Self::Wide {
        [0.0; LANES]
    }
    #[inline(always)]
    fn widen(self) -> Self::Wide {
        self.0.map(f64::from)
    }
    #[inline(always)]
    fn wide_plus(a: Self::Wide, b: Self::Wide) -> Self::Wide {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn wide_times_plus(a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    fn wide_store(wide: Self::Wide, to: &mut [f64; LANES]) {
        *to = wide;
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Block, LANES, Lanes};
    use std::arch::x86_64::*;

    /// The value of intrinsics.
    macro_rules! intrinsics {
        ($value:expr) => {{
            // SAFETY: these types are named only under the instructions that they need, see `Lanes`; loads and stores
            // are unaligned and go through references to whole blocks.
            unsafe { $value }
        }};
    }

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512(__m512);

    impl Lanes for Avx512 {
        type Mask = __mmask16;
        type Wide = (__m512d, __m512d);

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(intrinsics!(_mm512_set1_ps(value)))
        }
        #[inline(always)]
        fn load(from: &Block) -> Self {
            Self(intrinsics!(_mm512_loadu_ps(from.as_ptr())))
        }
        #[inline(always)]
        fn store(self, to: &mut Block) {
            intrinsics!(_mm512_storeu_ps(to.as_mut_ptr(), self.0));
        }
        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_add_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn minus(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_sub_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn times(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_mul_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn over(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_div_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn maximum(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_max_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn minimum(self, other: Self) -> Self {
            Self(intrinsics!(_mm512_min_ps(self.0, other.0)))
        }
        #[inline(always)]
        fn times_plus(self, factor: Self, term: Self) -> Self {
            Self(intrinsics!(_mm512_fmadd_ps(self.0, factor.0, term.0)))
        }
        #[inline(always)]
        fn round(self) -> Self {
            Self(intrinsics!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
        }
        #[inline(always)]
        fn power_of_two(self) -> Self {
            Self(intrinsics!(_mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_add_epi32(
                _mm512_cvtps_epi32(self.0),
                _mm512_set1_epi32(127)
            )))))
        }
        #[inline(always)]
        fn greater(self, other: Self) -> Self::Mask {
            intrinsics!(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> Self::Mask {
            intrinsics!(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0))
        }
        #[inline(always)]
        fn is_nan(self) -> Self::Mask {
            intrinsics!(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0))
        }
        #[inline(always)]
        fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
            a | b
        }
        #[inline(always)]
        fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
            Self(intrinsics!(_mm512_mask_blend_ps(mask, no.0, yes.0)))
        }
        #[inline(always)]
        fn wide_zero() -> Self::Wide {
            intrinsics!((_mm512_setzero_pd(), _mm512_setzero_pd()))
        }
        #[inline(always)]
        fn widen(self) -> Self::Wide {
            intrinsics!((
                _mm512_cvtps_pd(_mm512_castps512_ps256(self.0)),
                _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(self.0))
            ))
        }
        #[inline(always)]
        fn wide_plus(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            intrinsics!((_mm512_add_pd(a.0, b.0), _mm512_add_pd(a.1, b.1)))
        }
        #[inline(always)]
        fn wide_times_plus(a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
            intrinsics!((_mm512_fmadd_pd(a.0, b.0, c.0), _mm512_fmadd_pd(a.1, b.1, c.1)))
        }
        #[inline(always)]
        fn wide_store(wide: Self::Wide, to: &mut [f64; LANES]) {
            let (low, high) = to.split_at_mut(LANES / 2);
            intrinsics!({
                _mm512_storeu_pd(low.as_mut_ptr(), wide.0);
                _mm512_storeu_pd(high.as_mut_ptr(), wide.1);
            });
        }
    }

    /// Two registers of AVX2, with fused multiply-add.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2(__m256, __m256);

    macro_rules! halves {
        ($op:ident, $($part:expr),+) => {
            Self(intrinsics!($op($($part.0),+)), intrinsics!($op($($part.1),+)))
        };
    }

    impl Lanes for Avx2 {
        type Mask = (__m256, __m256);
        type Wide = [__m256d; 4];

        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(intrinsics!(_mm256_set1_ps(value)), intrinsics!(_mm256_set1_ps(value)))
        }
        #[inline(always)]
        fn load(from: &Block) -> Self {
            let (low, high) = from.split_at(LANES / 2);
            Self(intrinsics!(_mm256_loadu_ps(low.as_ptr())), intrinsics!(_mm256_loadu_ps(high.as_ptr())))
        }
        #[inline(always)]
        fn store(self, to: &mut Block) {
            let (low, high) = to.split_at_mut(LANES / 2);
            intrinsics!({
                _mm256_storeu_ps(low.as_mut_ptr(), self.0);
                _mm256_storeu_ps(high.as_mut_ptr(), self.1);
            });
        }
        #[inline(always)]
        fn plus(self, other: Self) -> Self {
            halves!(_mm256_add_ps, self, other)
        }
        #[inline(always)]
        fn minus(self, other: Self) -> Self {
            halves!(_mm256_sub_ps, self, other)
        }
        #[inline(always)]
        fn times(self, other: Self) -> Self {
            halves!(_mm256_mul_ps, self, other)
        }
        #[inline(always)]
        fn over(self, other: Self) -> Self {
            halves!(_mm256_div_ps, self, other)
        }
        #[inline(always)]
        fn maximum(self, other: Self) -> Self {
            halves!(_mm256_max_ps, self, other)
        }
        #[inline(always)]
        fn minimum(self, other: Self) -> Self {
            halves!(_mm256_min_ps, self, other)
        }
        #[inline(always)]
        fn times_plus(self, factor: Self, term: Self) -> Self {
            halves!(_mm256_fmadd_ps, self, factor, term)
        }
        #[inline(always)]
        fn round(self) -> Self {
            Self(
                intrinsics!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)),
                intrinsics!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.1)),
            )
        }
        #[inline(always)]
        fn power_of_two(self) -> Self {
            let half = |part: __m256| {
                intrinsics!(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(
                    _mm256_cvtps_epi32(part),
                    _mm256_set1_epi32(127)
                ))))
            };
            Self(half(self.0), half(self.1))
        }
        #[inline(always)]
        fn greater(self, other: Self) -> Self::Mask {
            intrinsics!((_mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, other.1)))
        }
        #[inline(always)]
        fn equal(self, other: Self) -> Self::Mask {
            intrinsics!((_mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0), _mm256_cmp_ps::<_CMP_EQ_OQ>(self.1, other.1)))
        }
        #[inline(always)]
        fn is_nan(self) -> Self::Mask {
            intrinsics!((_mm256_cmp_ps::<_CMP_UNORD_Q>(self.0, self.0), _mm256_cmp_ps::<_CMP_UNORD_Q>(self.1, self.1)))
        }
        #[inline(always)]
        fn either(a: Self::Mask, b: Self::Mask) -> Self::Mask {
            intrinsics!((_mm256_or_ps(a.0, b.0), _mm256_or_ps(a.1, b.1)))
        }
        #[inline(always)]
        fn select(mask: Self::Mask, yes: Self, no: Self) -> Self {
            Self(intrinsics!(_mm256_blendv_ps(no.0, yes.0, mask.0)), intrinsics!(_mm256_blendv_ps(no.1, yes.1, mask.1)))
        }
        #[inline(always)]
        fn wide_zero() -> Self::Wide {
            [intrinsics!(_mm256_setzero_pd()); 4]
        }
        #[inline(always)]
        fn widen(self) -> Self::Wide {
            intrinsics!([
                _mm256_cvtps_pd(_mm256_castps256_ps128(self.0)),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(self.0)),
                _mm256_cvtps_pd(_mm256_castps256_ps128(self.1)),
                _mm256_cvtps_pd(_mm256_extractf128_ps::<1>(self.1))
            ])
        }
        #[inline(always)]
        fn wide_plus(a: Self::Wide, b: Self::Wide) -> Self::Wide {
            std::array::from_fn(|i| intrinsics!(_mm256_add_pd(a[i], b[i])))
        }
        #[inline(always)]
        fn wide_times_plus(a: Self::Wide, b: Self::Wide, c: Self::Wide) -> Self::Wide {
            std::array::from_fn(|i| intrinsics!(_mm256_fmadd_pd(a[i], b[i], c[i])))
        }
        #[inline(always)]
        fn wide_store(wide: Self::Wide, to: &mut [f64; LANES]) {
            for (part, out) in wide.iter().zip(to.as_chunks_mut::<4>().0) {
                intrinsics!(_mm256_storeu_pd(out.as_mut_ptr(), *part));
            }
        }
    }
}

/// Whether the processor has what [`Avx2`] needs beside AVX2.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_fused() -> bool {
    std::arch::is_x86_feature_detected!("fma")
}

/// Defines a function over `V: Lanes` that is compiled for each instruction set and calls the best.
macro_rules! dispatched {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$v:ident>($($arg:ident: $ty:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "buffers and their extents, each a slice or number of its own")]
        $vis fn $name($($arg: $ty),*) $(-> $result)? {
            #[allow(clippy::too_many_arguments, reason = "as many as the function itself, which is judged")]
            #[inline(always)]
            fn generic<$v: $crate::nn::cpu::lanes::Lanes>($($arg: $ty),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            {
                use $crate::nn::cpu::lanes::{Avx2, Avx512, has_fused};
                use $crate::simd::{Level, level};

                #[allow(clippy::too_many_arguments, reason = "as many as the function itself, which is judged")]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) $(-> $result)? {
                    generic::<Avx512>($($arg),*)
                }

                #[allow(clippy::too_many_arguments, reason = "as many as the function itself, which is judged")]
                #[target_feature(enable = "avx2,fma")]
                fn avx2($($arg: $ty),*) $(-> $result)? {
                    generic::<Avx2>($($arg),*)
                }

                let level = level();
                if level >= Level::Avx512 {
                    // SAFETY: the level says that the processor has these instructions.
                    return unsafe { avx512($($arg),*) };
                }
                if level >= Level::Avx2 && has_fused() {
                    // SAFETY: as above, and fused multiply-add was asked for.
                    return unsafe { avx2($($arg),*) };
                }
            }
            generic::<$crate::nn::cpu::lanes::Plain>($($arg),*)
        }
    };
}
pub(crate) use dispatched;
