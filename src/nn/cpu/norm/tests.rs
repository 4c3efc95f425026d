use super::*;
use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads, map, to_blocked, to_planar};

struct Case {
    shape: MapShape,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn cases() -> Vec<Case> {
    let of = |batch, channels, frames, height, width| MapShape { batch, channels, frames, height, width };
    [of(2, 1, 1, 1, 1), of(1, 3, 1, 5, 7), of(2, 17, 2, 3, 5), of(3, 33, 1, 9, 4), of(2, 16, 1, 61, 71)]
        .into_iter()
        .map(|shape| {
            let random = &mut Random(7);
            let input = random.values(shape.planar_len()).iter().map(|value| 3.0 * value + 5.0).collect();
            Case { shape, input, weight: random.values(shape.channels), bias: random.values(shape.channels) }
        })
        .collect()
}

const EPS: f64 = 1e-3;

/// Channel of a planar index.
fn channel(shape: &MapShape, i: usize) -> usize {
    i / shape.positions() % shape.channels
}

/// Mean and biased variance of each channel, in float64.
fn statistics(input: &[f64], shape: &MapShape) -> (Vec<f64>, Vec<f64>) {
    let count = (shape.batch * shape.positions()) as f64;
    let (mut mean, mut variance) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
    for (i, value) in input.iter().enumerate() {
        mean[channel(shape, i)] += value / count;
    }
    for (i, value) in input.iter().enumerate() {
        variance[channel(shape, i)] += (value - mean[channel(shape, i)]).powi(2) / count;
    }
    (mean, variance)
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// Training's output before residual and activation, in float64.
fn normalised(input: &[f64], weight: &[f64], bias: &[f64], shape: &MapShape) -> Vec<f64> {
    let (mean, variance) = statistics(input, shape);
    let at = |(i, value): (usize, &f64)| {
        let c = channel(shape, i);
        (value - mean[c]) / (variance[c] + EPS).sqrt() * weight[c] + bias[c]
    };
    input.iter().enumerate().map(at).collect()
}

#[test]
fn training_normalises_with_the_batch_and_moves_running_statistics_as_pytorch() {
    for case in cases() {
        let shape = &case.shape;
        let (mean, variance) = statistics(&wide(&case.input), shape);
        let residual = Random(9).values(shape.planar_len());
        let mut wanted = normalised(&wide(&case.input), &wide(&case.weight), &wide(&case.bias), shape);
        for (value, residual) in wanted.iter_mut().zip(&residual) {
            *value = (*value + f64::from(*residual)).max(0.0);
        }
        let (input, residual) = (to_blocked(&case.input, shape), to_blocked(&residual, shape));
        let run = || {
            let (mut running_mean, mut running_variance) = (vec![0.5; shape.channels], vec![2.0; shape.channels]);
            let running = Running { mean: &mut running_mean, variance: &mut running_variance, momentum: 0.1 };
            let moments = Moments::batch(&input, shape, EPS, Some(running)).unwrap();
            let affine = Affine { weight: &case.weight, bias: &case.bias };
            let mut output = vec![f32::NAN; shape.len()];
            forward(&input, shape, &moments, &affine, Some(&residual), Activation::Relu, &mut output).unwrap();
            (output, running_mean, running_variance)
        };
        let (output, running_mean, running_variance) = run();
        assert_close(&to_planar(&output, shape), &wanted, 1e-6);
        let count = (shape.batch * shape.positions()) as f64;
        let means: Vec<f64> = mean.iter().map(|mean| 0.9 * 0.5 + 0.1 * mean).collect();
        let variances: Vec<f64> =
            variance.iter().map(|variance| 0.9 * 2.0 + 0.1 * variance * count / (count - 1.0)).collect();
        assert_close(&running_mean, &means, 1e-6);
        assert_close(&running_variance, &variances, 1e-6);
        assert_same_on_any_threads(run);
    }
}

#[test]
fn a_small_spread_about_a_large_mean_keeps_its_variance() {
    let shape = MapShape { batch: 2, channels: 2, frames: 1, height: 8, width: 8 };
    let input: Vec<f32> = Random(3).values(shape.planar_len()).iter().map(|value| 4096.0 + value / 64.0).collect();
    let (_, variance) = statistics(&wide(&input), &shape);
    let moments = Moments::batch(&to_blocked(&input, &shape), &shape, 0.0, None).unwrap();
    let wanted: Vec<f64> = variance.iter().map(|variance| 1.0 / variance.sqrt()).collect();
    assert_close(&moments.inverse, &wanted, 1e-6);
}

#[test]
fn the_backward_pass_of_training_equals_finite_differences() {
    for case in cases().into_iter().take(4) {
        let shape = &case.shape;
        let gradient = Random(11).values(shape.planar_len());
        let loss = |input: &[f64], weight: &[f64], bias: &[f64]| -> f64 {
            let output = normalised(input, weight, bias, shape);
            output.iter().zip(&gradient).map(|(y, &g)| y.clamp(0.0, 6.0) * f64::from(g)).sum()
        };
        let arrays = [wide(&case.input), wide(&case.weight), wide(&case.bias)];
        let difference = |which: usize, at: usize| {
            let moved = |step: f64| {
                let mut arrays = arrays.clone();
                arrays[which][at] += step;
                loss(&arrays[0], &arrays[1], &arrays[2])
            };
            (moved(1e-6) - moved(-1e-6)) / 2e-6
        };
        let input = to_blocked(&case.input, shape);
        let moments = Moments::batch(&input, shape, EPS, None).unwrap();
        let affine = Affine { weight: &case.weight, bias: &case.bias };
        let mut output = vec![0.0; shape.len()];
        forward(&input, shape, &moments, &affine, None, Activation::Relu6, &mut output).unwrap();
        let blocked = to_blocked(&gradient, shape);
        let run = || {
            let saved = Saved {
                input: &input,
                output: &output,
                shape: *shape,
                moments: &moments,
                activation: Activation::Relu6,
            };
            let (mut weight, mut bias) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
            let mut input_gradient = vec![f32::NAN; shape.len()];
            let mut gradients = Gradients { weight: &mut weight, bias: &mut bias };
            backward(&saved, &blocked, &case.weight, &mut gradients, &mut input_gradient).unwrap();
            (input_gradient, weight, bias)
        };
        let (input_gradient, weight, bias) = run();
        for (which, got) in [to_planar(&input_gradient, shape), weight, bias].iter().enumerate() {
            let wanted: Vec<f64> = (0..got.len()).map(|at| difference(which, at)).collect();
            assert_close(got, &wanted, 2e-5);
        }
        assert_same_on_any_threads(run);
    }
}

#[test]
fn frozen_norms_scale_the_gradient_and_leave_the_statistics_alone() {
    let case = &cases()[2];
    let shape = &case.shape;
    let (mean, variance) = (vec![4.5; shape.channels], vec![2.5; shape.channels]);
    let moments = Moments::running(&mean, &variance, EPS).unwrap();
    let input = to_blocked(&case.input, shape);
    let affine = Affine { weight: &case.weight, bias: &case.bias };
    let mut output = vec![f32::NAN; shape.len()];
    forward(&input, shape, &moments, &affine, None, Activation::None, &mut output).unwrap();
    let inverse = 1.0 / (2.5 + EPS).sqrt();
    let of = |i: usize| (f64::from(case.input[i]) - 4.5) * inverse;
    let wanted: Vec<f64> = (0..case.input.len())
        .map(|i| of(i) * f64::from(case.weight[channel(shape, i)]) + f64::from(case.bias[channel(shape, i)]))
        .collect();
    assert_close(&to_planar(&output, shape), &wanted, 1e-6);

    let gradient = map(&mut Random(1), shape);
    let planar = to_planar(&gradient, shape);
    let saved = Saved { input: &input, output: &[], shape: *shape, moments: &moments, activation: Activation::None };
    let (mut weight, mut bias) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
    let mut input_gradient = vec![f32::NAN; shape.len()];
    let mut gradients = Gradients { weight: &mut weight, bias: &mut bias };
    backward_frozen(&saved, &gradient, &case.weight, Some(&mut gradients), &mut input_gradient).unwrap();
    let (mut weights, mut biases) = (vec![0.0; shape.channels], vec![0.0; shape.channels]);
    let wanted: Vec<f64> = planar
        .iter()
        .enumerate()
        .map(|(i, &g)| {
            weights[channel(shape, i)] += f64::from(g) * of(i);
            biases[channel(shape, i)] += f64::from(g);
            f64::from(g) * inverse * f64::from(case.weight[channel(shape, i)])
        })
        .collect();
    assert_close(&to_planar(&input_gradient, shape), &wanted, 1e-6);
    assert_close(&weight, &weights, 1e-6);
    assert_close(&bias, &biases, 1e-6);
}

#[test]
fn a_batch_of_one_value_a_channel_is_refused_in_training() {
    let shape = MapShape { batch: 1, channels: 3, frames: 1, height: 1, width: 1 };
    assert!(Moments::batch(&[0.0; 16], &shape, EPS, None).is_err());
}
