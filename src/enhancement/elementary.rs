//! Logarithm and power of two in single precision, as plain arithmetic, so that loops over them vectorise
//! and give the same bits everywhere. Polynomials of the Cephes library (Moshier, `logf.c`, `exp2f.c`);
//! relative error below 2e-7.

/// The mantissa is taken from [sqrt(1/2), sqrt(2)).
const SQRT_HALF_BITS: u32 = 0x3F35_04F3;
/// ln 2 in two parts, the first exact in few bits.
const LN_2_HIGH: f32 = 0.693_359_4;
const LN_2_LOW: f32 = -2.121_944_4e-4;
/// Adding it rounds a small number to an integer.
const ROUNDER: f32 = 12_582_912.0;

/// Natural logarithm of a positive normal number.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits().wrapping_sub(SQRT_HALF_BITS);
    let exponent = ((bits as i32) >> 23) as f32;
    let f = f32::from_bits((bits & 0x007F_FFFF) + SQRT_HALF_BITS) - 1.0;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -1.151_461e-1,
        1.167_699_9e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_5e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * f + coefficient;
    }
    let square = f * f;
    f + (p * f * square + exponent * LN_2_LOW - 0.5 * square) + exponent * LN_2_HIGH
}

/// Two to a power of at most 127; powers below -126 give the smallest normal number.
#[inline(always)]
pub(super) fn exp2(x: f32) -> f32 {
    let x = x.max(-126.0);
    let rounded = x + ROUNDER;
    let power = rounded.to_bits().wrapping_sub(ROUNDER.to_bits());
    let f = x - (rounded - ROUNDER);
    let mut p = 1.535_336_2e-4;
    for coefficient in [1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 2.402_264_8e-1, 6.931_472e-1, 1.0] {
        p = p * f + coefficient;
    }
    f32::from_bits(p.to_bits().wrapping_add(power << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_and_exp2_are_those_of_the_standard_library_to_2e_7() {
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(exp2(0.0), 1.0);
        let close = |ours: f32, exact: f64| (f64::from(ours) - exact).abs() <= 2e-7 * exact.abs().max(1e-2);
        for i in 1..200_000 {
            let x = i as f32 * 3e-4;
            assert!(close(ln(x), f64::from(x).ln()), "ln {x}");
            assert!(close(exp2(-x), f64::from(-x).exp2()), "exp2 {x}");
        }
    }
}
