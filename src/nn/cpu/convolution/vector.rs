//! Sixteen float32 values, in whatever registers the processor has for them: the one type that the kernels
//! are written over.
//!
//! [`Avx512`] is one register, [`Avx2`] two, [`Plain`] an array that the compiler lays into what the target
//! always has. With AVX2 and AVX-512 a multiplication and its addition are fused (rounded once), so results may
//! differ in the last bits from those of [`Plain`], but never with the number of threads.

use crate::nn::cpu::LANES;

/// Sixteen values and the arithmetic of the kernels.
///
/// All methods are unsafe: the processor must have the instructions, and a pointer must be good for as many
/// values as the method reads or writes (unaligned is fine).
pub(super) trait Vector: Copy {
    /// Sixteen times the value at `from`.
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn zero() -> Self;
    unsafe fn add(self, other: Self) -> Self;
    /// `self + a * b`.
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self;
    /// The larger of each pair; `self` where it is NaN.
    unsafe fn at_least(self, low: Self) -> Self;
    /// The smaller of each pair; `self` where it is NaN.
    unsafe fn at_most(self, high: Self) -> Self;
}

#[derive(Clone, Copy)]
pub(super) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        let mut values = self.0;
        for (value, other) in values.iter_mut().zip(other.0) {
            *value = f(*value, other);
        }
        Self(values)
    }
}

impl Vector for Plain {
    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller says that a value can be read.
        Self([unsafe { *from }; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller says that sixteen values can be read.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller says that sixteen values can be written.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; LANES])
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
        self.zip(a.zip(b, |a, b| a * b), |sum, product| sum + product)
    }

    #[inline(always)]
    unsafe fn at_least(self, low: Self) -> Self {
        self.zip(low, |value, low| if value < low { low } else { value })
    }

    #[inline(always)]
    unsafe fn at_most(self, high: Self) -> Self {
        self.zip(high, |value, high| if value > high { high } else { value })
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(__m512);

    // SAFETY of all blocks below: the caller of each method says that the processor has the instructions
    // (AVX-512 F for `Avx512`, AVX and FMA for `Avx2`) and that the pointers are good.
    impl Vector for Avx512 {
        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_set1_ps(*from) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
        }

        // The instructions give their second operand where one is NaN.
        #[inline(always)]
        unsafe fn at_least(self, low: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_max_ps(low.0, self.0) })
        }

        #[inline(always)]
        unsafe fn at_most(self, high: Self) -> Self {
            // SAFETY: see above.
            Self(unsafe { _mm512_min_ps(high.0, self.0) })
        }
    }

    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(__m256, __m256);

    impl Vector for Avx2 {
        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see above.
            let value = unsafe { _mm256_set1_ps(*from) };
            Self(value, value)
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see above.
            unsafe {
                _mm256_storeu_ps(to, self.0);
                _mm256_storeu_ps(to.add(8), self.1);
            }
        }

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0), _mm256_fmadd_ps(a.1, b.1, self.1)) }
        }

        #[inline(always)]
        unsafe fn at_least(self, low: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_max_ps(low.0, self.0), _mm256_max_ps(low.1, self.1)) }
        }

        #[inline(always)]
        unsafe fn at_most(self, high: Self) -> Self {
            // SAFETY: see above.
            unsafe { Self(_mm256_min_ps(high.0, self.0), _mm256_min_ps(high.1, self.1)) }
        }
    }
}
