//! Which vector instructions this processor has, and one way to compile a plain loop for each.
//!
//! The plain loops hold no fused multiply-add and no reordered sum, so every level gives the same bytes; tests of
//! the rooms run operations at every level. The kernels of `nn` fuse on purpose, and say so: their last bits
//! may differ from level to level.

/// Instruction sets, each with all those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What the target always has.
    Plain,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
    /// AVX-512 with byte permutations over two registers.
    Vbmi,
}

/// The best level of this processor (detection is cached by the standard library).
pub(crate) fn level() -> Level {
    #[cfg(test)]
    return detected().min(tests::LIMIT.get());
    #[cfg(not(test))]
    detected()
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    use std::arch::is_x86_feature_detected as has;
    if !(has!("avx2") && has!("fma")) {
        Level::Plain
    } else if !(has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl")) {
        Level::Avx2
    } else if !has!("avx512vbmi") {
        Level::Avx512
    } else {
        Level::Vbmi
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Plain
}

/// Defines a function whose body is compiled once for each [`Level`] that the vectoriser can use, and
/// which calls the best one.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments, reason = "rows and their weights, each a slice of its own")]
        $vis fn $name($($arg: $ty),*) {
            #[inline(always)]
            fn plain($($arg: $ty),*) $body

            #[cfg(target_arch = "x86_64")]
            {
                use crate::simd::{Level, level};

                #[allow(clippy::too_many_arguments, reason = "as many as the function itself, which is judged")]
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                fn avx512($($arg: $ty),*) {
                    plain($($arg),*)
                }

                #[allow(clippy::too_many_arguments, reason = "as many as the function itself, which is judged")]
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) {
                    plain($($arg),*)
                }

                let level = level();
                if level >= Level::Avx512 {
                    // SAFETY: the level says that the processor has these instructions.
                    return unsafe { avx512($($arg),*) };
                }
                if level >= Level::Avx2 {
                    // SAFETY: as above.
                    return unsafe { avx2($($arg),*) };
                }
            }
            plain($($arg),*)
        }
    };
}
pub(crate) use vectorised;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// The best level that `level` may name on this thread.
        pub(crate) static LIMIT: Cell<Level> = const { Cell::new(Level::Vbmi) };
    }

    /// `work()` at every level of this processor; all results must be equal.
    pub(crate) fn same_at_every_level<R: PartialEq + std::fmt::Debug>(work: impl Fn() -> R) {
        LIMIT.set(Level::Plain);
        let plain = work();
        for limit in [Level::Avx2, Level::Avx512, Level::Vbmi] {
            LIMIT.set(limit);
            // No assert_eq: a clip of bytes would be printed whole.
            assert!(work() == plain, "{limit:?} differs from plain");
        }
    }
}
