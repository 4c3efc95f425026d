//! Exponential, hyperbolic tangent, logistic and error function of sixteen values, and what is made of them.
//!
//! Minimax polynomials in the manner of Juffa's single-precision functions; errors against float64 are pinned by the tests: at
//! most 2 units in the last place for the exponential and the error function, 3 for tanh and sigmoid where a
//! multiply-add is fused.

use super::lanes::Lanes;

/// `c[0] + x * (c[1] + x * ...)`.
#[inline(always)]
fn polynomial<V: Lanes, const K: usize>(x: V, coefficients: [f32; K]) -> V {
    coefficients.iter().rev().fold(V::zero(), |sum, &c| sum.times_plus(x, V::splat(c)))
}

/// The value with the sign of `of`.
#[inline(always)]
fn with_sign<V: Lanes>(value: V, of: V) -> V {
    V::select(V::zero().greater(of), value.negated(), value)
}

/// e to the power of x; 0 below -104, infinite above 88.73.
#[inline(always)]
pub(crate) fn exp<V: Lanes>(x: V) -> V {
    let x = V::splat(89.0).minimum(V::splat(-104.0).maximum(x));
    let n = x.times(V::splat(std::f32::consts::LOG2_E)).round();
    // ln 2 in two parts, the first with zeros at its end.
    let r = n.times_plus(V::splat(-0.693_145_75), x);
    let r = n.times_plus(V::splat(-1.428_606_8e-6), r);
    let p = polynomial(r, [1.0, 1.0, 0.499_999_85, 0.166_664_72, 0.041_669_536, 0.008_373_124_5, 0.001_378_059_4]);
    // In two steps, for 2 to the power of n alone may not be a number of full precision.
    let half = n.times(V::splat(0.5)).round();
    p.times(half.power_of_two()).times(n.minus(half).power_of_two())
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<V: Lanes>(x: V) -> V {
    V::splat(1.0).over(V::splat(1.0).plus(exp(x.negated())))
}

#[inline(always)]
pub(crate) fn tanh<V: Lanes>(x: V) -> V {
    let size = x.absolute();
    let square = x.times(x);
    let p = polynomial(square, [-0.333_333_16, 0.133_324_98, -0.053_842_16, 0.021_026_712, -0.006_206_689]);
    let small = p.times(square).times_plus(x, x);
    let one = V::splat(1.0);
    let large = one.minus(V::splat(2.0).over(exp(size.plus(size)).plus(one)));
    V::select(size.greater(V::splat(0.55)), with_sign(large, x), small)
}

/// The error function.
#[inline(always)]
pub(crate) fn erf<V: Lanes>(x: V) -> V {
    let size = x.absolute();
    let square = x.times(x);
    let p = polynomial(
        square,
        [0.128_379_15, -0.376_124_8, 0.112_816_826, -0.026_761_713, 0.004_985_912_7, -0.000_595_354_3],
    );
    let small = p.times_plus(x, x);
    let q = polynomial(
        size,
        [-0.128_717_51, -0.634_846_87, -0.106_777_88, 0.024_254_622, -0.003_883_964_4, 3.831_979_7e-4, -1.728_534_7e-5],
    );
    let large = V::splat(1.0).minus(exp(q.times_plus(size, size.negated())));
    V::select(size.greater(V::splat(0.927_734_4)), with_sign(large, x), small)
}

/// `x * Phi(x)`.
#[inline(always)]
pub(crate) fn gelu<V: Lanes>(x: V) -> V {
    x.times(normal_below(x))
}

/// The derivative of [`gelu`].
#[inline(always)]
pub(crate) fn gelu_slope<V: Lanes>(x: V) -> V {
    // 1 / sqrt(2 pi).
    let density = exp(x.times(x).times(V::splat(-0.5))).times(V::splat(0.398_942_3));
    x.times_plus(density, normal_below(x))
}

/// The share of a normal distribution below x.
#[inline(always)]
fn normal_below<V: Lanes>(x: V) -> V {
    let half = V::splat(0.5);
    erf(x.times(V::splat(std::f32::consts::FRAC_1_SQRT_2))).times_plus(half, half)
}

/// sqrt(2 / pi), and the weight of the cube.
const GELU_TANH: [f32; 2] = [0.797_884_6, 0.044_715];

/// `x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))`.
#[inline(always)]
pub(crate) fn gelu_tanh<V: Lanes>(x: V) -> V {
    let half = V::splat(0.5);
    x.times(gelu_bend(x).times_plus(half, half))
}

#[inline(always)]
fn gelu_bend<V: Lanes>(x: V) -> V {
    let [scale, cube] = GELU_TANH.map(V::splat);
    tanh(x.times(x).times(x).times_plus(cube, x).times(scale))
}

/// The derivative of [`gelu_tanh`].
#[inline(always)]
pub(crate) fn gelu_tanh_slope<V: Lanes>(x: V) -> V {
    let [scale, cube] = GELU_TANH.map(V::splat);
    let (half, one) = (V::splat(0.5), V::splat(1.0));
    let bend = gelu_bend(x);
    let inner = x.times(x).times(V::splat(3.0)).times_plus(cube, one).times(scale);
    let slope = one.minus(bend.times(bend)).times(inner);
    half.times(x).times_plus(slope, bend.times_plus(half, half))
}

/// `x * sigmoid(x)`.
#[inline(always)]
pub(crate) fn silu<V: Lanes>(x: V) -> V {
    x.over(V::splat(1.0).plus(exp(x.negated())))
}

/// The derivative of [`silu`].
#[inline(always)]
pub(crate) fn silu_slope<V: Lanes>(x: V) -> V {
    let one = V::splat(1.0);
    // 1 - sigmoid as a product, which keeps its places; the limit keeps it from 0 times infinity.
    let e = exp(V::splat(80.0).minimum(x.negated()));
    let s = one.over(one.plus(e));
    s.times(x.times_plus(e.times(s), one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::LANES;
    use crate::nn::cpu::lanes::dispatched;

    dispatched! {
        fn apply<V>(which: usize, x: &[f32; LANES], out: &mut [f32; LANES]) {
            let x = V::load(x);
            [exp(x), sigmoid(x), tanh(x), erf(x), gelu(x), gelu_tanh(x), silu(x), gelu_slope(x), gelu_tanh_slope(x), silu_slope(x)]
                [which]
                .store(out);
        }
    }

    /// The error function in float64: its series (Abramowitz and Stegun 7.1.6), or 1 far out.
    fn erf64(x: f64) -> f64 {
        if x.abs() > 6.0 {
            return x.signum();
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..300 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
    }

    fn exact(which: usize, x: f64) -> f64 {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        let phi = 0.5 * (1.0 + erf64(x / std::f64::consts::SQRT_2));
        let density = (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let scale = (2.0 / std::f64::consts::PI).sqrt();
        let bend = (scale * (x + 0.044_715 * x.powi(3))).tanh();
        match which {
            0 => x.exp(),
            1 => sigmoid,
            2 => x.tanh(),
            3 => erf64(x),
            4 => x * phi,
            5 => 0.5 * x * (1.0 + bend),
            6 => x * sigmoid,
            7 => phi + x * density,
            8 => 0.5 * (1.0 + bend) + 0.5 * x * (1.0 - bend * bend) * scale * (1.0 + 3.0 * 0.044_715 * x * x),
            _ => sigmoid * (1.0 + x * (1.0 - sigmoid)),
        }
    }

    /// The largest error over a grid of -reach..reach, in float32 units in the last place of the exact value, or of
    /// `floor` where that is larger.
    fn worst(which: usize, reach: f32, floor: f64) -> f64 {
        let (mut worst, count): (f64, i32) = (0.0, 20_000);
        for first in (-count..count).step_by(LANES) {
            let x: [f32; LANES] = std::array::from_fn(|i| (first + i as i32) as f32 / count as f32 * reach);
            let mut got = [0.0; LANES];
            apply(which, &x, &mut got);
            for (x, got) in x.iter().zip(got) {
                let wanted = exact(which, f64::from(*x));
                let unit = (wanted.abs().max(floor).log2().floor() - 23.0).exp2();
                worst = worst.max((f64::from(got) - wanted).abs() / unit);
            }
        }
        worst
    }

    #[test]
    fn errors_are_a_few_units_in_the_last_place() {
        for (which, reach, floor, most) in [
            (0, 87.0, 0.0, 2.0),
            (1, 80.0, 1e-30, 3.0),
            (2, 10.0, 0.0, 3.0),
            (3, 5.0, 0.0, 2.0),
            // 1 + erf and 1 + tanh lose their last places below zero, as PyTorch's do.
            (4, 8.0, 0.5, 3.0),
            (5, 8.0, 0.5, 3.0),
            (6, 80.0, 1e-30, 3.0),
            (7, 8.0, 0.5, 3.0),
            // 1 - tanh^2 loses more of them.
            (8, 8.0, 0.5, 12.0),
            (9, 20.0, 0.5, 4.0),
        ] {
            let worst = worst(which, reach, floor);
            assert!(worst <= most, "function {which}: {worst} units");
        }
    }

    #[test]
    fn limits_are_reached_and_what_is_no_number_stays_so() {
        let mut out = [0.0; LANES];
        for (which, x, wanted) in [
            (0, f32::NEG_INFINITY, 0.0),
            (0, f32::INFINITY, f32::INFINITY),
            (1, -1000.0, 0.0),
            (1, 1000.0, 1.0),
            (2, 1000.0, 1.0),
            (2, -1000.0, -1.0),
            (3, -1000.0, -1.0),
            (4, 0.0, 0.0),
            (5, 0.0, 0.0),
            (6, 0.0, 0.0),
            (4, 50.0, 50.0),
            (6, -200.0, 0.0),
        ] {
            apply(which, &[x; LANES], &mut out);
            assert_eq!(out[0], wanted, "function {which} of {x}");
        }
        for which in 0..10 {
            apply(which, &[f32::NAN; LANES], &mut out);
            assert!(out[0].is_nan(), "function {which}");
        }
    }
}
