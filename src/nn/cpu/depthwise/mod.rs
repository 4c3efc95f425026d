//! Depthwise convolution over two or three axes: each channel has a kernel of its own (groups = channels).
//!
//! Maps are blocked; weights are packed by [`pack`] to `[ceil(C / 16)][kt][kh][kw][16]`. The forward pass and the
//! gradient of the input are one sliding sum ([`slide`]); the gradient of the weights is in [`weights`]. A unit of work
//! is a few rows of the output (of the input for its gradient), or of the sum; 2 * taps floating-point operations a value.

mod slide;
mod weights;

pub use weights::backward_weights;

use self::slide::{Geometry, slide};
use super::{Epilogue, LANES, MapShape, Window, check};
use crate::aligned::Aligned;
use crate::error::{Error, Result};

/// Weights `(C, 1, kt, kh, kw)` as the kernels read them.
pub fn pack(weights: &[f32], channels: usize, taps: usize) -> Result<Aligned> {
    check::length("weights", weights.len(), channels * taps)?;
    let mut packed = Aligned::zeros(channels.div_ceil(LANES) * taps * LANES);
    for (i, &value) in weights.iter().enumerate() {
        packed[packed_index(i / taps, i % taps, taps)] = value;
    }
    Ok(packed)
}

/// Index of a weight in the packed layout.
fn packed_index(channel: usize, tap: usize, taps: usize) -> usize {
    (channel / LANES * taps + tap) * LANES + channel % LANES
}

/// `output = epilogue(input * weights)`.
pub fn forward(
    input: &[f32],
    input_shape: &MapShape,
    weights: &[f32],
    window: &Window,
    epilogue: &Epilogue,
    output: &mut [f32],
    output_shape: &MapShape,
) -> Result<()> {
    check_shapes(input_shape, window, output_shape)?;
    let input = check::blocks("input", input, input_shape.len())?;
    let weights = check::blocks("weights", weights, output_shape.blocks() * window.taps() * LANES)?;
    let output = check::blocks_mut("output", output, output_shape.len())?;
    epilogue.check(output_shape)?;
    slide(input, weights, &Geometry::forward(input_shape, window, output_shape), epilogue, output)
}

/// The gradient of the input from that of the output (before the epilogue).
pub fn backward_input(
    gradient: &[f32],
    output_shape: &MapShape,
    weights: &[f32],
    window: &Window,
    input_gradient: &mut [f32],
    input_shape: &MapShape,
) -> Result<()> {
    check_shapes(input_shape, window, output_shape)?;
    let gradient = check::blocks("gradient", gradient, output_shape.len())?;
    let weights = check::blocks("weights", weights, output_shape.blocks() * window.taps() * LANES)?;
    let input_gradient = check::blocks_mut("input_gradient", input_gradient, input_shape.len())?;
    let geometry = Geometry::backward(input_shape, window, output_shape);
    slide(gradient, weights, &geometry, &Epilogue::default(), input_gradient)
}

fn check_shapes(input: &MapShape, window: &Window, output: &MapShape) -> Result<()> {
    if (input.batch, input.channels) != (output.batch, output.channels) {
        let wanted = format!("must have {} items of {} channels, as the input", input.batch, input.channels);
        return Err(Error::argument("output_shape", wanted));
    }
    if window.taps() == 0 || window.stride.contains(&0) || window.dilation.contains(&0) {
        return Err(Error::argument("window", "must have a kernel, stride and dilation of at least 1 along each axis"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::Activation;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads, map, to_blocked, to_planar};

    pub(super) struct Case {
        pub input: MapShape,
        pub output: MapShape,
        pub window: Window,
    }

    /// Odd sides, strides, dilations, windows over the border, channels around the block's size.
    pub(super) fn cases() -> Vec<Case> {
        let one = |batch, channels, sides: [usize; 3], window: Window, extra: usize| {
            let side = |axis: usize| {
                let span = (window.kernel[axis] - 1) * window.dilation[axis] + 1;
                let padded = sides[axis] + 2 * window.before[axis] + if axis == 0 { 0 } else { extra };
                (padded - span) / window.stride[axis] + 1
            };
            let of = |[frames, height, width]: [usize; 3]| MapShape { batch, channels, frames, height, width };
            Case { input: of(sides), output: of([side(0), side(1), side(2)]), window }
        };
        let window = |kernel, stride, dilation, before| Window { kernel, stride, dilation, before };
        let same3 = window([3, 3, 3], [1; 3], [1; 3], [1; 3]);
        vec![
            one(1, 1, [1, 1, 1], window([1; 3], [1; 3], [1; 3], [0; 3]), 0),
            one(1, 3, [1, 5, 7], window([1, 3, 3], [1; 3], [1; 3], [0, 1, 1]), 0),
            one(2, 17, [5, 9, 15], same3, 0),
            one(1, 33, [4, 14, 28], same3, 0),
            one(2, 16, [1, 11, 30], window([1, 5, 5], [1, 2, 2], [1; 3], [0, 2, 2]), 0),
            one(1, 16, [1, 8, 8], window([1, 3, 3], [1, 2, 2], [1; 3], [0, 0, 0]), 1),
            one(1, 20, [7, 9, 13], window([3, 3, 3], [2, 2, 3], [1, 2, 2], [1, 2, 1]), 0),
            one(1, 5, [3, 6, 17], window([3, 1, 7], [1, 1, 1], [1, 1, 3], [1, 0, 9]), 0),
            one(1, 4, [2, 3, 2], window([2, 3, 5], [1, 1, 1], [1, 1, 1], [0, 1, 4]), 3),
        ]
    }

    /// Calls `visit(target, source, tap)` for every product of one channel.
    pub(super) fn products(case: &Case, mut visit: impl FnMut(usize, usize, usize)) {
        let (sides, outputs) = (case.input.sides(), case.output.sides());
        let Window { kernel, stride, dilation, before } = case.window;
        for target in 0..case.output.positions() {
            let at = [target / (outputs[1] * outputs[2]), target / outputs[2] % outputs[1], target % outputs[2]];
            for tap in 0..case.window.taps() {
                let k = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
                let from = [0, 1, 2].map(|i| (at[i] * stride[i] + k[i] * dilation[i]).checked_sub(before[i]));
                if let [Some(t), Some(h), Some(w)] = from
                    && t < sides[0]
                    && h < sides[1]
                    && w < sides[2]
                {
                    visit(target, (t * sides[1] + h) * sides[2] + w, tap);
                }
            }
        }
    }

    #[test]
    fn forward_equals_a_plain_loop_with_bias_residual_and_activation() {
        for case in cases() {
            let (random, taps) = (&mut Random(1), case.window.taps());
            let (planes, inputs, outputs) =
                (case.input.batch * case.input.channels, case.input.positions(), case.output.positions());
            let input = random.values(case.input.planar_len());
            let weights = random.values(case.input.channels * taps);
            let bias = random.values(case.input.channels);
            let residual = random.values(case.output.planar_len());
            let mut wanted: Vec<f64> = residual.iter().map(|&value| f64::from(value)).collect();
            for plane in 0..planes {
                let channel = plane % case.input.channels;
                for value in &mut wanted[plane * outputs..][..outputs] {
                    *value += f64::from(bias[channel]);
                }
                products(&case, |target, source, tap| {
                    wanted[plane * outputs + target] +=
                        f64::from(input[plane * inputs + source]) * f64::from(weights[channel * taps + tap]);
                });
            }
            let wanted: Vec<f64> = wanted.iter().map(|&value| value.max(0.0)).collect();
            let blocked = to_blocked(&input, &case.input);
            let residual = to_blocked(&residual, &case.output);
            let packed = pack(&weights, case.input.channels, taps).unwrap();
            let epilogue = Epilogue { bias: Some(&bias), residual: Some(&residual), activation: Activation::Relu };
            let run = || {
                let mut output = vec![f32::NAN; case.output.len()];
                forward(&blocked, &case.input, &packed, &case.window, &epilogue, &mut output, &case.output).unwrap();
                output
            };
            assert_close(&to_planar(&run(), &case.output), &wanted, 1e-6);
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn the_gradient_of_the_input_equals_a_plain_loop() {
        for case in cases() {
            let (random, taps) = (&mut Random(2), case.window.taps());
            let (planes, inputs, outputs) =
                (case.input.batch * case.input.channels, case.input.positions(), case.output.positions());
            let gradient = map(random, &case.output);
            let planar = to_planar(&gradient, &case.output);
            let weights = random.values(case.input.channels * taps);
            let mut wanted = vec![0.0; case.input.planar_len()];
            for plane in 0..planes {
                products(&case, |target, source, tap| {
                    wanted[plane * inputs + source] += f64::from(planar[plane * outputs + target])
                        * f64::from(weights[plane % case.input.channels * taps + tap]);
                });
            }
            let packed = pack(&weights, case.input.channels, taps).unwrap();
            let run = || {
                let mut input = vec![f32::NAN; case.input.len()];
                backward_input(&gradient, &case.output, &packed, &case.window, &mut input, &case.input).unwrap();
                input
            };
            assert_close(&to_planar(&run(), &case.input), &wanted, 1e-6);
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn every_instruction_set_gives_the_sums_within_rounding() {
        use crate::simd::{Level, tests::LIMIT};
        let case = &cases()[2];
        let input = map(&mut Random(5), &case.input);
        let weights = pack(&Random(6).values(17 * 27), 17, 27).unwrap();
        let run = |level| {
            LIMIT.set(level);
            let mut output = vec![0.0; case.output.len()];
            let (none, geometry) = (Epilogue::default(), Geometry::forward(&case.input, &case.window, &case.output));
            // On this thread, for the limit is the thread's.
            slide::rows(input.as_chunks().0, weights.as_chunks().0, &geometry, &none, 0, output.as_chunks_mut().0);
            LIMIT.set(Level::Vbmi);
            output
        };
        let wanted: Vec<f64> = run(Level::Plain).iter().map(|&value| f64::from(value)).collect();
        for level in [Level::Avx2, Level::Avx512] {
            assert_close(&run(level), &wanted, 1e-6);
        }
    }

    #[test]
    fn buffers_and_shapes_that_do_not_fit_are_refused() {
        let case = &cases()[1];
        let (input, weights) = (vec![0.0; case.input.len()], vec![0.0; 9 * LANES]);
        let mut output = vec![0.0; case.output.len()];
        let none = Epilogue::default();
        let mut run = |input: &[f32], weights: &[f32], window: &Window, shape: &MapShape| {
            forward(input, &case.input, weights, window, &none, &mut output, shape).is_err()
        };
        assert!(!run(&input, &weights, &case.window, &case.output));
        assert!(run(&input[1..], &weights, &case.window, &case.output));
        assert!(run(&input, &weights[1..], &case.window, &case.output));
        assert!(run(&input, &weights, &Window { stride: [0; 3], ..case.window }, &case.output));
        assert!(run(&input, &weights, &case.window, &MapShape { channels: 4, ..case.output }));
        assert!(pack(&[0.0; 5], 2, 3).is_err());
    }
}
