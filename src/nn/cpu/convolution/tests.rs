//! Every kernel against loops over the definition in float64, over shapes that are awkward, at every level.

use super::*;
use crate::nn::cpu::Activation;
use crate::parallel::set_threads;
use crate::simd::tests::LIMIT;

/// A convolution and its operands, channels plain.
struct Case {
    input: MapShape,
    output: MapShape,
    window: Window,
    groups: usize,
    planar: bool,
}

const LEVELS: [Level; 3] = [Level::Plain, Level::Avx2, Level::Vbmi];

fn map(batch: usize, channels: usize, [frames, height, width]: [usize; 3]) -> MapShape {
    MapShape { batch, channels, frames, height, width }
}

impl Case {
    /// An output of the size that padding alike on both sides gives.
    fn new(
        batch: usize,
        [inputs, outputs, groups]: [usize; 3],
        sides: [usize; 3],
        kernel: [usize; 3],
        stride: [usize; 3],
        dilation: [usize; 3],
        before: [usize; 3],
    ) -> Self {
        let side = |i: usize| (sides[i] + 2 * before[i] - (kernel[i] - 1) * dilation[i] - 1) / stride[i] + 1;
        let window = Window { kernel, stride, dilation, before };
        let output = map(batch, outputs, [0, 1, 2].map(side));
        Self { input: map(batch, inputs, sides), output, window, groups, planar: false }
    }

    fn planar(mut self) -> Self {
        self.planar = true;
        self
    }

    /// With rows and columns behind that only padding makes.
    fn longer(mut self, by: [usize; 3]) -> Self {
        self.output.frames += by[0];
        self.output.height += by[1];
        self.output.width += by[2];
        self
    }

    fn convolution(&self) -> Convolution {
        Convolution::new(self.input, self.output, self.window, self.groups, self.planar).unwrap()
    }

    fn weights(&self) -> usize {
        self.output.channels * self.input.channels / self.groups * self.window.taps()
    }

    /// Calls `visit(input index, weight index, output index)` for each product of the definition.
    fn products(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let (i, o, w) = (self.input, self.output, self.window);
        let (per_in, per_out) = (i.channels / self.groups, o.channels / self.groups);
        let inside = |o: usize, k: usize, axis: usize| {
            (o * w.stride[axis] + k * w.dilation[axis]).checked_sub(w.before[axis]).filter(|&x| x < i.sides()[axis])
        };
        for n in 0..i.batch {
            for (co, ci) in (0..o.channels).flat_map(|co| (0..per_in).map(move |ci| (co, ci))) {
                for (p, k) in (0..o.positions()).flat_map(|p| (0..w.taps()).map(move |k| (p, k))) {
                    let [ot, oh, ow] = [p / o.width / o.height, p / o.width % o.height, p % o.width];
                    let [kt, kh, kw] = [k / w.kernel[2] / w.kernel[1], k / w.kernel[2] % w.kernel[1], k % w.kernel[2]];
                    let (Some(t), Some(h), Some(x)) = (inside(ot, kt, 0), inside(oh, kh, 1), inside(ow, kw, 2)) else {
                        continue;
                    };
                    let channel = n * i.channels + co / per_out * per_in + ci;
                    let input = ((channel * i.frames + t) * i.height + h) * i.width + x;
                    visit(input, (co * per_in + ci) * w.taps() + k, (n * o.channels + co) * o.positions() + p);
                }
            }
        }
    }
}

/// Values between -1 and 1 that look like chance.
fn values(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Planar values in blocks.
fn blocked(planar: &[f32], shape: MapShape) -> Vec<f32> {
    let mut to = vec![0.0; shape.len()];
    for (i, &value) in planar.iter().enumerate() {
        let (plane, position) = (i / shape.positions(), i % shape.positions());
        let (n, c) = (plane / shape.channels, plane % shape.channels);
        to[((n * shape.blocks() + c / LANES) * shape.positions() + position) * LANES + c % LANES] = value;
    }
    to
}

/// The reference, its scale (the sum of magnitudes, for the bound on rounding), and what a kernel gave.
fn assert_near(found: &[f32], reference: &[f64], scale: &[f64], what: &str) {
    assert_eq!(found.len(), reference.len());
    for (i, ((&found, &reference), &scale)) in found.iter().zip(reference).zip(scale).enumerate() {
        // Rounding of a sum of products is bounded by its length times the magnitudes; the root is the usual.
        let bound = 4e-6 * scale + 1e-7;
        assert!((f64::from(found) - reference).abs() <= bound, "{what}[{i}]: {found} for {reference}");
    }
}

fn cases() -> Vec<Case> {
    let one = [1, 1, 1];
    vec![
        // Strips of all lengths, odd and even sides, channels that fill no block.
        Case::new(1, [16, 16, 1], [1, 1, 1], one, one, one, [0, 0, 0]),
        Case::new(2, [5, 7, 1], [1, 6, 5], one, one, one, [0, 0, 0]),
        Case::new(1, [40, 72, 1], [1, 9, 31], [1, 3, 3], one, one, [0, 1, 1]),
        Case::new(2, [17, 50, 1], [1, 7, 7], [1, 3, 3], one, one, [0, 1, 1]),
        Case::new(3, [64, 96, 1], [1, 2, 5], [1, 3, 3], one, one, [0, 1, 1]),
        Case::new(1, [32, 33, 1], [1, 4, 15], [1, 1, 5], one, one, [0, 0, 2]),
        Case::new(1, [32, 64, 1], [1, 8, 70], one, one, one, [0, 0, 0]),
        // Strides, with and without gaps between the windows.
        Case::new(2, [20, 35, 1], [1, 9, 12], [1, 3, 3], [1, 2, 2], one, [0, 1, 1]),
        Case::new(1, [33, 16, 1], [1, 10, 9], one, [1, 2, 2], one, [0, 0, 0]),
        Case::new(1, [16, 20, 1], [1, 11, 13], [1, 2, 2], [1, 3, 4], one, [0, 0, 1]),
        Case::new(1, [16, 32, 1], [1, 8, 8], [1, 4, 4], [1, 4, 4], one, [0, 0, 0]),
        Case::new(1, [16, 16, 1], [1, 9, 8], [1, 5, 3], [1, 3, 2], one, [0, 2, 0]),
        // Dilation, unequal padding, outputs that see padding alone, kernels larger than the input.
        Case::new(1, [18, 16, 1], [1, 10, 11], [1, 3, 3], one, [1, 2, 3], [0, 2, 3]),
        Case::new(1, [16, 19, 1], [1, 7, 9], [1, 3, 2], [1, 2, 1], [1, 1, 2], [0, 0, 2]).longer([0, 1, 2]),
        Case::new(1, [16, 16, 1], [1, 2, 3], [1, 7, 7], one, one, [0, 3, 3]),
        Case::new(1, [16, 16, 1], [1, 1, 1], [1, 5, 5], [1, 2, 2], one, [0, 4, 4]),
        Case::new(1, [16, 16, 1], [2, 3, 3], one, one, one, [0, 0, 0]).longer([1, 1, 2]),
        // Taps of 3 x 3 in squares: odd sides, no padding, much padding, groups.
        Case::new(1, [32, 48, 1], [1, 9, 8], [1, 3, 3], one, one, [0, 0, 0]),
        Case::new(1, [33, 32, 1], [1, 7, 30], [1, 3, 3], one, one, [0, 2, 2]),
        Case::new(1, [32, 32, 1], [3, 6, 5], [3, 3, 3], [2, 1, 1], one, [1, 1, 0]),
        Case::new(1, [64, 64, 2], [1, 5, 8], [1, 3, 3], one, one, [0, 0, 1]),
        // Time.
        Case::new(2, [24, 40, 1], [4, 5, 6], [3, 3, 3], one, one, [1, 1, 1]),
        Case::new(1, [16, 36, 1], [5, 6, 7], [3, 1, 1], one, one, [1, 0, 0]),
        Case::new(1, [36, 16, 1], [5, 6, 7], [1, 3, 3], [1, 2, 2], one, [0, 1, 1]),
        Case::new(1, [16, 32, 1], [5, 7, 6], [3, 3, 3], [2, 2, 2], one, [1, 1, 1]),
        Case::new(1, [32, 16, 1], [1, 4, 4], [3, 3, 3], one, one, [1, 1, 1]),
        Case::new(1, [16, 16, 1], [6, 3, 4], [3, 2, 1], [3, 1, 2], [2, 1, 1], [2, 1, 0]),
        Case::new(2, [32, 48, 1], [3, 4, 5], one, one, one, [0, 0, 0]),
        // Groups of whole blocks, of parts of one, and across two.
        Case::new(1, [64, 96, 2], [1, 6, 7], [1, 3, 3], one, one, [0, 1, 1]),
        Case::new(2, [32, 64, 8], [1, 5, 6], [1, 3, 3], [1, 2, 2], one, [0, 1, 1]),
        Case::new(1, [36, 60, 3], [2, 4, 5], [3, 3, 3], one, one, [1, 1, 1]),
        Case::new(1, [6, 12, 6], [1, 5, 5], [1, 3, 3], one, one, [0, 1, 1]),
        // Planar inputs.
        Case::new(2, [3, 24, 1], [1, 13, 16], [1, 7, 7], [1, 2, 2], one, [0, 3, 3]).planar(),
        Case::new(1, [3, 16, 1], [4, 9, 11], [3, 7, 7], [1, 2, 2], one, [1, 3, 3]).planar(),
        Case::new(1, [1, 40, 1], [1, 6, 40], [1, 3, 3], one, one, [0, 1, 1]).planar(),
        Case::new(2, [4, 16, 1], [1, 8, 8], [1, 4, 4], [1, 4, 4], one, [0, 0, 0]).planar(),
        Case::new(1, [3, 16, 1], [2, 5, 7], one, one, one, [0, 0, 0]).planar(),
        Case::new(1, [17, 5, 1], [1, 5, 7], [1, 2, 3], [1, 1, 3], [1, 2, 1], [0, 1, 2]).planar(),
    ]
}

/// `check(case, convolution, input, weights, name)` for every case at every level of this processor.
fn for_each(check: impl Fn(&Case, &Convolution, &[f32], &[f32], &str)) {
    for (i, case) in cases().iter().enumerate() {
        let (input, weights) = (values(case.input.planar_len(), 1), values(case.weights(), 2));
        for level in LEVELS {
            LIMIT.set(level);
            check(case, &case.convolution(), &input, &weights, &format!("case {i}, {level:?}"));
        }
    }
}

fn laid(case: &Case, input: &[f32]) -> Vec<f32> {
    if case.planar { input.to_vec() } else { blocked(input, case.input) }
}

#[test]
fn forward_equals_the_definition_and_its_padding_lanes_are_zero() {
    for_each(|case, convolution, input, weights, name| {
        let shape = case.output;
        let bias = values(shape.channels, 3);
        let residual = values(shape.planar_len(), 4);
        let channel = |i: usize| i / shape.positions() % shape.channels;
        let mut sums: Vec<f64> = (0..shape.planar_len()).map(|i| f64::from(bias[channel(i)])).collect();
        let mut scale = vec![1.0; shape.planar_len()];
        case.products(|i, k, o| {
            let product = f64::from(input[i]) * f64::from(weights[k]);
            sums[o] += product;
            scale[o] += product.abs();
        });
        let packed = convolution.pack(weights).unwrap();
        let laid = laid(case, input);
        let lanes = blocked(&vec![1.0; shape.planar_len()], shape);
        for (activation, with_residual) in
            [(Activation::None, false), (Activation::None, true), (Activation::Relu, true), (Activation::Relu6, false)]
        {
            let residual_map = with_residual.then(|| blocked(&residual, shape));
            let epilogue = Epilogue { bias: Some(&bias), residual: residual_map.as_deref(), activation };
            let mut output = vec![f32::NAN; shape.len()];
            convolution.forward(&laid, &packed, &epilogue, &mut output, &Job::new()).unwrap();
            let (low, high) = match activation {
                Activation::None => (f64::NEG_INFINITY, f64::INFINITY),
                Activation::Relu => (0.0, f64::INFINITY),
                Activation::Relu6 => (0.0, 6.0),
            };
            let expected = sums
                .iter()
                .zip(&residual)
                .map(|(sum, residual)| (sum + if with_residual { f64::from(*residual) } else { 0.0 }).clamp(low, high));
            let found: Vec<f32> = plain(&output, shape);
            assert_near(&found, &expected.collect::<Vec<_>>(), &scale, name);
            let padding = output.iter().zip(&lanes).filter(|(_, lane)| **lane == 0.0);
            assert!(padding.into_iter().all(|(value, _)| *value == 0.0), "{name}: padding lanes");
        }
    });
}

/// A map in blocks as planar values.
fn plain(map: &[f32], shape: MapShape) -> Vec<f32> {
    let place = |i: usize| {
        let (plane, position) = (i / shape.positions(), i % shape.positions());
        let (n, c) = (plane / shape.channels, plane % shape.channels);
        ((n * shape.blocks() + c / LANES) * shape.positions() + position) * LANES + c % LANES
    };
    (0..shape.planar_len()).map(|i| map[place(i)]).collect()
}

#[test]
fn the_gradient_of_the_input_equals_the_definition() {
    for_each(|case, convolution, _, weights, name| {
        let grad_output = values(case.output.planar_len(), 5);
        let mut sums = vec![0.0; case.input.planar_len()];
        let mut scale = sums.clone();
        case.products(|i, k, o| {
            let product = f64::from(grad_output[o]) * f64::from(weights[k]);
            sums[i] += product;
            scale[i] += product.abs();
        });
        let packed = convolution.pack_transposed(weights).unwrap();
        let length = if case.planar { case.input.planar_len() } else { case.input.len() };
        let mut grad_input = vec![f32::NAN; length];
        let laid = blocked(&grad_output, case.output);
        convolution.backward_input(&laid, &packed, &mut grad_input, &Job::new()).unwrap();
        let found = if case.planar { grad_input.clone() } else { plain(&grad_input, case.input) };
        assert_near(&found, &sums, &scale, name);
        if !case.planar {
            assert_eq!(grad_input, blocked(&found, case.input), "{name}: padding lanes");
        }
    });
}

#[test]
fn the_gradients_of_weights_and_bias_equal_the_definition() {
    for_each(|case, convolution, input, weights, name| {
        let shape = case.output;
        let grad_output = values(shape.planar_len(), 6);
        let mut sums = vec![0.0; weights.len()];
        let mut scale = sums.clone();
        case.products(|i, k, o| {
            let product = f64::from(grad_output[o]) * f64::from(input[i]);
            sums[k] += product;
            scale[k] += product.abs();
        });
        let mut bias_sums = vec![0.0; shape.channels];
        let mut bias_scale = bias_sums.clone();
        for (i, &value) in grad_output.iter().enumerate() {
            bias_sums[i / shape.positions() % shape.channels] += f64::from(value);
            bias_scale[i / shape.positions() % shape.channels] += f64::from(value).abs();
        }
        let laid = laid(case, input);
        let (mut grad_weights, mut grad_bias) = (vec![f32::NAN; weights.len()], vec![f32::NAN; shape.channels]);
        let grad_output = blocked(&grad_output, shape);
        let bias = Some(grad_bias.as_mut_slice());
        convolution.backward_weights(&laid, &grad_output, &mut grad_weights, bias, &Job::new()).unwrap();
        assert_near(&grad_weights, &sums, &scale, name);
        assert_near(&grad_bias, &bias_sums, &bias_scale, name);
    });
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for case in [
        Case::new(2, [40, 72, 1], [1, 30, 31], [1, 3, 3], [1, 1, 1], [1, 1, 1], [0, 1, 1]),
        Case::new(1, [64, 64, 1], [4, 14, 14], [3, 3, 3], [2, 2, 2], [1, 1, 1], [1, 1, 1]),
        Case::new(1, [3, 64, 1], [2, 40, 40], [1, 7, 7], [1, 2, 2], [1, 1, 1], [0, 3, 3]).planar(),
        Case::new(2, [64, 200, 1], [1, 20, 20], [1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 0, 0]),
    ] {
        let convolution = case.convolution();
        let input = laid(&case, &values(case.input.planar_len(), 1));
        let weights = values(case.weights(), 2);
        let grad_output = blocked(&values(case.output.planar_len(), 3), case.output);
        let work = || {
            let job = Job::new();
            let packed = convolution.pack(&weights).unwrap();
            let mut output = vec![0.0; case.output.len()];
            convolution.forward(&input, &packed, &Epilogue::default(), &mut output, &job).unwrap();
            let packed = convolution.pack_transposed(&weights).unwrap();
            let mut grad_input = vec![0.0; input.len()];
            convolution.backward_input(&grad_output, &packed, &mut grad_input, &job).unwrap();
            let (mut grad_weights, mut grad_bias) = (vec![0.0; weights.len()], vec![0.0; case.output.channels]);
            let bias = Some(grad_bias.as_mut_slice());
            convolution.backward_weights(&input, &grad_output, &mut grad_weights, bias, &job).unwrap();
            (output, grad_input, grad_weights, grad_bias)
        };
        set_threads(1);
        let alone = work();
        for threads in [2, 3] {
            set_threads(threads);
            assert!(work() == alone, "{threads} threads differ from one");
        }
        set_threads(0);
    }
}

#[test]
fn long_sums_lose_no_more_than_short_ones() {
    let one = [1, 1, 1];
    for case in [
        // One sum of 4096 products would be off by 8e-7, relative to the outputs' size.
        Case::new(1, [4096, 16, 1], [1, 4, 4], one, one, one, [0, 0, 0]),
        Case::new(1, [272, 32, 1], [1, 6, 6], [1, 3, 3], one, one, [0, 1, 1]),
    ] {
        let (input, weights) = (values(case.input.planar_len(), 1), values(case.weights(), 2));
        let mut sums = vec![0.0; case.output.planar_len()];
        case.products(|i, k, o| sums[o] += f64::from(input[i]) * f64::from(weights[k]));
        let convolution = case.convolution();
        let packed = convolution.pack(&weights).unwrap();
        let mut output = vec![0.0; case.output.len()];
        let input = laid(&case, &input);
        convolution.forward(&input, &packed, &Epilogue::default(), &mut output, &Job::new()).unwrap();
        let errors = plain(&output, case.output).into_iter().zip(&sums).map(|(a, b)| (f64::from(a) - b).powi(2));
        let error = (errors.sum::<f64>() / sums.iter().map(|sum| sum * sum).sum::<f64>()).sqrt();
        assert!(error < 4e-7, "{error}");
    }
}

#[test]
fn weights_packed_over_older_ones_are_as_if_packed_anew() {
    let case = Case::new(1, [20, 36, 1], [1, 9, 8], [1, 3, 3], [1, 2, 2], [1, 1, 1], [0, 1, 1]);
    let convolution = case.convolution();
    let (old, new) = (values(case.weights(), 1), values(case.weights(), 2));
    let (mut packed, mut transposed) = (convolution.pack(&old).unwrap(), convolution.pack_transposed(&old).unwrap());
    convolution.pack_into(&new, &mut packed, &Job::new()).unwrap();
    convolution.pack_transposed_into(&new, &mut transposed, &Job::new()).unwrap();
    assert_eq!(packed[..], convolution.pack(&new).unwrap()[..]);
    assert_eq!(transposed[..], convolution.pack_transposed(&new).unwrap()[..]);
}

#[test]
fn what_it_cannot_do_is_an_error_that_says_so() {
    let kind = |case: &Case| {
        Convolution::new(case.input, case.output, case.window, case.groups, case.planar).err().map(|e| e.kind())
    };
    let one = [1, 1, 1];
    let case = |channels| Case::new(1, channels, [1, 4, 4], [1, 3, 3], one, one, [0, 1, 1]);
    assert_eq!(kind(&case([32, 32, 32])), Some(ErrorKind::Unsupported));
    assert_eq!(kind(&case([4, 8, 2]).planar()), Some(ErrorKind::Unsupported));
    assert_eq!(kind(&case([32, 48, 5])), Some(ErrorKind::Argument));
    assert_eq!(kind(&Case { output: map(2, 32, [1, 4, 4]), ..case([32, 32, 1]) }), Some(ErrorKind::Argument));
    assert_eq!(kind(&Case { input: map(1, 0, [1, 4, 4]), ..case([32, 32, 1]) }), Some(ErrorKind::Argument));
    let good = case([16, 16, 1]);
    let convolution = good.convolution();
    let mut output = vec![0.0; good.output.len()];
    let short = convolution.forward(&[0.0; 5], &[0.0; 5], &Epilogue::default(), &mut output, &Job::new());
    assert_eq!(short.unwrap_err().kind(), ErrorKind::Argument);
    assert_eq!(convolution.pack(&[0.0; 3]).unwrap_err().kind(), ErrorKind::Argument);
}
