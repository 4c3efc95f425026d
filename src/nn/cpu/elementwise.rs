//! Functions of one value, forward and backward, sums, products, and dropout; maps or plain alike.
//!
//! A unit of work is a piece of fixed size. ReLU, ReLU6, GELU, SiLU and tanh map zero to zero and so keep the padding
//! lanes of maps; sigmoid does not ([`clear_padding`]).

use super::lanes::{Lanes, dispatched};
use super::{Activation, LANES, MapShape, channels, check, functions};
use crate::error::{Error, Result};
use crate::parallel;

/// Values in one unit of work.
const PIECE: usize = channels::PIECE * LANES;

/// Values of a sum in one unit, few enough to stay in the first cache between its passes.
const SUMMED: usize = 4096;

/// A function of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    Relu,
    Relu6,
    /// `x * Phi(x)`, by the error function.
    Gelu,
    /// By tanh.
    GeluTanh,
    Silu,
    Sigmoid,
    Tanh,
}

impl Function {
    /// Whether [`backward`] reads the function's output (otherwise its input).
    pub fn keeps_output(self) -> bool {
        !matches!(self, Self::Gelu | Self::GeluTanh | Self::Silu)
    }
}

/// `output = function(input)`.
pub fn forward(function: Function, input: &[f32], output: &mut [f32]) -> Result<()> {
    check::length("output", output.len(), input.len())?;
    parallel::for_each_piece(output, PIECE, |unit, out| apply(function, &input[unit * PIECE..][..out.len()], out))
}

/// The gradient of the input, from what [`Function::keeps_output`] says, and the gradient of the output.
pub fn backward(function: Function, kept: &[f32], gradient: &[f32], input_gradient: &mut [f32]) -> Result<()> {
    check::length("kept", kept.len(), input_gradient.len())?;
    check::length("gradient", gradient.len(), input_gradient.len())?;
    parallel::for_each_piece(input_gradient, PIECE, |unit, out| {
        let range = unit * PIECE..unit * PIECE + out.len();
        slope(function, &kept[range.clone()], &gradient[range], out);
    })
}

/// `output = activation(sum of inputs)`, added from the first to the last.
pub fn add(inputs: &[&[f32]], activation: Activation, output: &mut [f32]) -> Result<()> {
    let [first, rest @ ..] = inputs else {
        return Err(Error::argument("inputs", "must be at least one"));
    };
    for input in inputs {
        check::length("inputs", input.len(), output.len())?;
    }
    parallel::for_each_piece(output, SUMMED, |unit, out| {
        let part = unit * SUMMED..unit * SUMMED + out.len();
        match rest {
            [] => out.copy_from_slice(&first[part.clone()]),
            [second, ..] => sum(&first[part.clone()], &second[part.clone()], out),
        }
        for input in rest.iter().skip(1) {
            plus(&input[part.clone()], out);
        }
        if activation != Activation::None {
            activate(activation, out);
        }
    })
}

/// `into += from`: gradients that meet.
pub fn accumulate(into: &mut [f32], from: &[f32]) -> Result<()> {
    check::length("from", from.len(), into.len())?;
    parallel::for_each_piece(into, PIECE, |unit, out| plus(&from[unit * PIECE..][..out.len()], out))
}

/// The gradient before an activation that was fused, from the output: [`add`]'s for every input, a residual's.
pub fn gate(activation: Activation, output: &[f32], gradient: &[f32], input_gradient: &mut [f32]) -> Result<()> {
    match activation {
        Activation::Relu => backward(Function::Relu, output, gradient, input_gradient),
        Activation::Relu6 => backward(Function::Relu6, output, gradient, input_gradient),
        Activation::None => {
            check::length("gradient", gradient.len(), input_gradient.len())?;
            input_gradient.copy_from_slice(gradient);
            Ok(())
        }
    }
}

/// `output = a * b`: dropout forward and backward, with a mask.
pub fn multiply(a: &[f32], b: &[f32], output: &mut [f32]) -> Result<()> {
    check::length("a", a.len(), output.len())?;
    check::length("b", b.len(), output.len())?;
    parallel::for_each_piece(output, PIECE, |unit, out| {
        let range = unit * PIECE..unit * PIECE + out.len();
        product(&a[range.clone()], &b[range], out);
    })
}

/// Zeroes the lanes past the last channel.
pub fn clear_padding(map: &mut [f32], shape: &MapShape) -> Result<()> {
    let map = check::blocks_mut("map", map, shape.len())?;
    let used = shape.channels % LANES;
    if used == 0 {
        return Ok(());
    }
    let plane = shape.positions();
    parallel::for_each_piece(map, plane.max(1), |i, blocks| {
        if (i + 1).is_multiple_of(shape.blocks()) {
            for block in blocks {
                block[used..].fill(0.0);
            }
        }
    })
}

/// One value from two. A trait rather than a closure, so that it is always inlined, under the instructions of `V`.
trait Rule {
    fn of<V: Lanes>(&self, a: V, b: V) -> V;
}

macro_rules! rule {
    ($name:ident, |$a:ident, $b:ident| $value:expr) => {
        struct $name;
        impl Rule for $name {
            #[inline(always)]
            fn of<V: Lanes>(&self, $a: V, $b: V) -> V {
                $value
            }
        }
    };
}

rule!(Gelu, |x, _other| functions::gelu(x));
rule!(GeluTanh, |x, _other| functions::gelu_tanh(x));
rule!(Silu, |x, _other| functions::silu(x));
rule!(Sigmoid, |x, _other| functions::sigmoid(x));
rule!(Tanh, |x, _other| functions::tanh(x));
rule!(GeluSlope, |x, g| g.times(functions::gelu_slope(x)));
rule!(GeluTanhSlope, |x, g| g.times(functions::gelu_tanh_slope(x)));
rule!(SiluSlope, |x, g| g.times(functions::silu_slope(x)));
rule!(SigmoidSlope, |y, g| g.times(y.times(V::splat(1.0).minus(y))));
rule!(TanhSlope, |y, g| g.times(V::splat(1.0).minus(y.times(y))));
rule!(Product, |a, b| a.times(b));
rule!(Sum, |a, b| a.plus(b));

struct Apply(Activation);

impl Rule for Apply {
    #[inline(always)]
    fn of<V: Lanes>(&self, x: V, _: V) -> V {
        self.0.apply(x)
    }
}

struct Gate(Activation);

impl Rule for Gate {
    #[inline(always)]
    fn of<V: Lanes>(&self, output: V, gradient: V) -> V {
        self.0.gate(output, gradient)
    }
}

/// `out = rule(a, b)`; what is left over after whole blocks goes through blocks that zeros fill up.
#[inline(always)]
fn each<V: Lanes>(rule: &impl Rule, a: &[f32], b: &[f32], out: &mut [f32]) {
    let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    for ((out, a), b) in blocks.iter_mut().zip(a.0).zip(b.0) {
        rule.of(V::load(a), V::load(b)).store(out);
    }
    if !rest.is_empty() {
        let [a, b] = [a.1, b.1].map(|rest| V::load(&check::channel_block(rest, 0)));
        let mut block = [0.0; LANES];
        rule.of(a, b).store(&mut block);
        rest.copy_from_slice(&block[..rest.len()]);
    }
}

dispatched! {
    fn apply<V>(function: Function, x: &[f32], out: &mut [f32]) {
        match function {
            Function::Relu => each::<V>(&Apply(Activation::Relu), x, x, out),
            Function::Relu6 => each::<V>(&Apply(Activation::Relu6), x, x, out),
            Function::Gelu => each::<V>(&Gelu, x, x, out),
            Function::GeluTanh => each::<V>(&GeluTanh, x, x, out),
            Function::Silu => each::<V>(&Silu, x, x, out),
            Function::Sigmoid => each::<V>(&Sigmoid, x, x, out),
            Function::Tanh => each::<V>(&Tanh, x, x, out),
        }
    }
}

dispatched! {
    fn slope<V>(function: Function, kept: &[f32], gradient: &[f32], out: &mut [f32]) {
        match function {
            Function::Relu => each::<V>(&Gate(Activation::Relu), kept, gradient, out),
            Function::Relu6 => each::<V>(&Gate(Activation::Relu6), kept, gradient, out),
            Function::Gelu => each::<V>(&GeluSlope, kept, gradient, out),
            Function::GeluTanh => each::<V>(&GeluTanhSlope, kept, gradient, out),
            Function::Silu => each::<V>(&SiluSlope, kept, gradient, out),
            Function::Sigmoid => each::<V>(&SigmoidSlope, kept, gradient, out),
            Function::Tanh => each::<V>(&TanhSlope, kept, gradient, out),
        }
    }
}

dispatched! {
    fn product<V>(a: &[f32], b: &[f32], out: &mut [f32]) {
        each::<V>(&Product, a, b, out);
    }
}

dispatched! {
    fn sum<V>(a: &[f32], b: &[f32], out: &mut [f32]) {
        each::<V>(&Sum, a, b, out);
    }
}

dispatched! {
    fn activate<V>(activation: Activation, values: &mut [f32]) {
        let (blocks, rest) = values.as_chunks_mut::<LANES>();
        for block in blocks {
            activation.apply(V::load(block)).store(block);
        }
        if !rest.is_empty() {
            let mut block = check::channel_block(rest, 0);
            activation.apply(V::load(&block)).store(&mut block);
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }
}

dispatched! {
    fn plus<V>(from: &[f32], into: &mut [f32]) {
        let (blocks, rest) = into.as_chunks_mut::<LANES>();
        let from = from.as_chunks::<LANES>();
        for (into, from) in blocks.iter_mut().zip(from.0) {
            V::load(into).plus(V::load(from)).store(into);
        }
        for (into, from) in rest.iter_mut().zip(from.1) {
            *into += from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads, map};

    const ALL: [Function; 7] = [
        Function::Relu,
        Function::Relu6,
        Function::Gelu,
        Function::GeluTanh,
        Function::Silu,
        Function::Sigmoid,
        Function::Tanh,
    ];

    fn run(function: Function, input: &[f32]) -> Vec<f32> {
        let mut output = vec![f32::NAN; input.len()];
        forward(function, input, &mut output).unwrap();
        output
    }

    #[test]
    fn functions_have_pytorchs_values() {
        // torch 2.9.1, float64: torch.nn.functional.NAME(torch.tensor([-2.5, -0.3, 0.0, 0.7, 7.0])).
        let input = [-2.5, -0.3, 0.0, 0.7, 7.0];
        let wanted = [
            [0.0, 0.0, 0.0, 0.7, 7.0],
            [0.0, 0.0, 0.0, 0.7, 6.0],
            [-0.015_524_163_31, -0.114_626_573_34, 0.0, 0.530_625_443_44, 6.999_999_999_99],
            [-0.015_084_266_09, -0.114_629_076_46, 0.0, 0.530_570_134_71, 7.0],
            [-0.189_645_450_05, -0.127_667_244_96, 0.0, 0.467_731_440_52, 6.993_622_641_64],
            [0.075_858_180_02, 0.425_557_483_19, 0.5, 0.668_187_772_17, 0.999_088_948_81],
            [-0.986_614_298_15, -0.291_312_612_45, 0.0, 0.604_367_777_12, 0.999_998_336_94],
        ];
        for (function, wanted) in ALL.into_iter().zip(wanted) {
            assert_close(&run(function, &input), &wanted, 1e-6);
        }
    }

    #[test]
    fn slopes_equal_finite_differences_and_lengths_need_not_be_whole_blocks() {
        for function in ALL {
            for length in [1, 15, 16, 33, 40_001] {
                let input: Vec<f32> = Random(5).values(length).iter().map(|value| 8.0 * value).collect();
                let gradient = Random(6).values(length);
                let output = run(function, &input);
                let kept = if function.keeps_output() { &output } else { &input };
                let slopes = || {
                    let mut out = vec![f32::NAN; length];
                    backward(function, kept, &gradient, &mut out).unwrap();
                    out
                };
                let step = 1.0 / 128.0;
                let moved = |by: f32| run(function, &input.iter().map(|value| value + by).collect::<Vec<_>>());
                let (up, down) = (moved(step), moved(-step));
                let slope = |at: usize| f64::from(up[at] - down[at]) / f64::from(2.0 * step) * f64::from(gradient[at]);
                let bends = |at: usize| [0.0, 6.0].iter().any(|bend| (input[at] - bend).abs() < 2.0 * step);
                for (at, &got) in slopes().iter().enumerate().filter(|(at, _)| !bends(*at)) {
                    assert!((f64::from(got) - slope(at)).abs() < 1e-4, "{function:?} at {}", input[at]);
                }
                assert_same_on_any_threads(slopes);
            }
        }
    }

    #[test]
    fn sums_products_and_gates_are_those_of_their_values() {
        let (a, b, c) = (Random(1).values(50_001), Random(2).values(50_001), Random(3).values(50_001));
        let mut out = vec![f32::NAN; a.len()];
        add(&[&a, &b, &c], Activation::Relu, &mut out).unwrap();
        assert!((0..a.len()).all(|i| out[i] == (a[i] + b[i] + c[i]).max(0.0)));
        let mut gated = vec![f32::NAN; a.len()];
        gate(Activation::Relu, &out, &a, &mut gated).unwrap();
        assert!((0..a.len()).all(|i| gated[i] == if out[i] > 0.0 { a[i] } else { 0.0 }));
        multiply(&a, &b, &mut out).unwrap();
        assert!((0..a.len()).all(|i| out[i] == a[i] * b[i]));
        accumulate(&mut out, &c).unwrap();
        assert!((0..a.len()).all(|i| out[i] == a[i] * b[i] + c[i]));
        assert!(multiply(&a, &b[1..], &mut out).is_err());
        assert!(add(&[], Activation::None, &mut out).is_err());
    }

    #[test]
    fn padding_is_cleared_and_nothing_else() {
        let shape = MapShape { batch: 2, channels: 19, frames: 1, height: 3, width: 5 };
        let wanted = map(&mut Random(1), &shape);
        let mut got = wanted.clone();
        for block in got.chunks_mut(15 * LANES).skip(1).step_by(2).flat_map(|plane| plane.chunks_mut(LANES)) {
            block[3..].fill(0.5);
        }
        clear_padding(&mut got, &shape).unwrap();
        assert_eq!(got, wanted);
    }
}
