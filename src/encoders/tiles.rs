//! Inner products of a tile of rows and a panel of centres: the loop that k-means, soft assignment and
//! mixtures have in common. Each product is fused and summed in the order of the columns, whatever the instructions.

use crate::simd::{Level, level};

/// float32 or float64.
pub trait Number: Copy {
    const ZERO: Self;
    /// `self * factor + sum`, rounded once.
    #[must_use]
    fn fused(self, factor: Self, sum: Self) -> Self;
}

impl Number for f32 {
    const ZERO: Self = 0.0;
    #[inline(always)]
    fn fused(self, factor: Self, sum: Self) -> Self {
        self.mul_add(factor, sum)
    }
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    #[inline(always)]
    fn fused(self, factor: Self, sum: Self) -> Self {
        self.mul_add(factor, sum)
    }
}

/// The best level whose kernels this processor can run: those with vectors use fused multiply-add.
pub fn fused_level() -> Level {
    #[cfg(target_arch = "x86_64")]
    if !std::arch::is_x86_feature_detected!("fma") {
        return Level::Plain;
    }
    level()
}

/// Products of `R` rows and `C` centres, both column after column.
///
/// The result stays in registers where the caller indexes it with constants only (loops over `0..R` and `0..C`).
#[inline(always)]
pub fn multiply<T: Number, const R: usize, const C: usize>(rows: &[T], centres: &[T]) -> [[T; C]; R] {
    let mut products = [[T::ZERO; C]; R];
    for (row_values, centre_values) in rows.as_chunks::<R>().0.iter().zip(centres.as_chunks::<C>().0) {
        for (products, &value) in products.iter_mut().zip(row_values) {
            for (product, &centre) in products.iter_mut().zip(centre_values) {
                *product = value.fused(centre, *product);
            }
        }
    }
    products
}

/// Compiles a method over tiles of rows and panels of centres for each level of `self.level`.
macro_rules! tiled {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),*) -> $result:ty =
        $generic:ident, plain $p:tt, avx2 $a:tt, avx512 $b:tt, $avx2:ident, $avx512:ident) => {
        $(#[$meta])*
        $vis fn $name(&self, $($arg: $ty),*) -> $result {
            #[cfg(target_arch = "x86_64")]
            {
                if self.level >= Level::Avx512 {
                    // SAFETY: the level says that the processor has these instructions.
                    return unsafe { self.$avx512($($arg),*) };
                }
                if self.level >= Level::Avx2 {
                    // SAFETY: as above; `fused_level` looked for FMA.
                    return unsafe { self.$avx2($($arg),*) };
                }
            }
            crate::encoders::tiles::sized!(self, $generic, $p, ($($arg),*))
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
        fn $avx512(&self, $($arg: $ty),*) -> $result {
            crate::encoders::tiles::sized!(self, $generic, $b, ($($arg),*))
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma")]
        fn $avx2(&self, $($arg: $ty),*) -> $result {
            crate::encoders::tiles::sized!(self, $generic, $a, ($($arg),*))
        }
    };
}
pub(super) use tiled;

/// A call with the sizes of tile and panel.
macro_rules! sized {
    ($self:ident, $generic:ident, ($r:literal, $c:literal), ($($arg:ident),*)) => {
        $self.$generic::<$r, $c>($($arg),*)
    };
}
pub(super) use sized;
