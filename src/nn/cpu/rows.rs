//! Softmax, layer norm (Ba et al. 2016) and means over rows of plain vectors, forward and backward.
//!
//! A unit of work is a few rows. A row is summed in sixteen (softmax) or sixty-four (layer norm) lanes, which are added
//! by halves. Softmax subtracts the largest value of the row first.

use super::lanes::{Block, Lanes, dispatched};
use super::{LANES, check, functions};
use crate::error::{Error, Result};
use crate::parallel;

/// Values in one unit of work, about.
const UNIT: usize = 1 << 14;

/// Rows of a unit, and their values.
fn unit(columns: usize) -> (usize, usize) {
    let rows = (UNIT / columns.max(1)).max(1);
    (rows, rows * columns.max(1))
}

fn check_rows(values: usize, columns: usize) -> Result<()> {
    if columns == 0 || !values.is_multiple_of(columns) {
        return Err(Error::argument("input", format!("must be rows of {columns} values, has {values}")));
    }
    Ok(())
}

/// `exp(x) / sum(exp(x))` of each row.
pub fn softmax(input: &[f32], columns: usize, output: &mut [f32]) -> Result<()> {
    check_rows(input.len(), columns)?;
    check::length("output", output.len(), input.len())?;
    let (_, size) = unit(columns);
    parallel::for_each_piece(output, size, |i, out| softmax_rows(&input[i * size..][..out.len()], columns, out))
}

/// The gradient of the input of [`softmax`], from its output: `y (g - sum(g y))`.
pub fn softmax_backward(output: &[f32], gradient: &[f32], columns: usize, input_gradient: &mut [f32]) -> Result<()> {
    check_rows(output.len(), columns)?;
    check::length("gradient", gradient.len(), output.len())?;
    check::length("input_gradient", input_gradient.len(), output.len())?;
    let (_, size) = unit(columns);
    parallel::for_each_piece(input_gradient, size, |i, out| {
        let range = i * size..i * size + out.len();
        softmax_slopes(&output[range.clone()], &gradient[range], columns, out);
    })
}

/// The learnt parameters of a layer norm, one a column.
#[derive(Clone, Copy, Debug)]
pub struct LayerNorm<'a> {
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub eps: f64,
}

/// `(x - mean) / sqrt(variance + eps) * weight + bias` of each row, the variance biased.
pub fn layer_norm(input: &[f32], norm: &LayerNorm, output: &mut [f32]) -> Result<()> {
    let columns = norm.weight.len();
    check_rows(input.len(), columns)?;
    check::length("bias", norm.bias.len(), columns)?;
    check::length("output", output.len(), input.len())?;
    let (_, size) = unit(columns);
    parallel::for_each_piece(output, size, |i, out| {
        let rows = input[i * size..].chunks_exact(columns);
        for (out, row) in out.chunks_exact_mut(columns).zip(rows) {
            let [mean, inverse] = moments(row, norm.eps);
            normalised(row, mean, inverse, norm.weight, norm.bias, out);
        }
    })
}

/// The gradients of [`layer_norm`]: of its input, weight and bias, from its input.
pub fn layer_norm_backward(
    input: &[f32],
    norm: &LayerNorm,
    gradient: &[f32],
    input_gradient: &mut [f32],
    [weight_gradient, bias_gradient]: [&mut [f32]; 2],
) -> Result<()> {
    let columns = norm.weight.len();
    check_rows(input.len(), columns)?;
    check::length("gradient", gradient.len(), input.len())?;
    check::length("input_gradient", input_gradient.len(), input.len())?;
    check::length("weight_gradient", weight_gradient.len(), columns)?;
    check::length("bias_gradient", bias_gradient.len(), columns)?;
    let (_, size) = unit(columns);
    // For each unit the sums of its rows: of gradient times normalised value, and of gradient.
    let sums = parallel::map_pieces(input_gradient, size, |i, out| {
        let range = i * size..i * size + out.len();
        let mut sums = vec![[[0.0; LANES]; 2]; columns.div_ceil(LANES)];
        let rows = input[range.clone()].chunks_exact(columns).zip(gradient[range].chunks_exact(columns));
        for (out, (row, gradient)) in out.chunks_exact_mut(columns).zip(rows) {
            centred(row, gradient, norm.weight, moments(row, norm.eps), out, &mut sums);
        }
        sums
    })?;
    for (which, out) in [weight_gradient, bias_gradient].into_iter().enumerate() {
        for (column, out) in out.iter_mut().enumerate() {
            let of_unit = |unit: &Vec<[Block; 2]>| f64::from(unit[column / LANES][which][column % LANES]);
            *out = sums.iter().map(of_unit).sum::<f64>() as f32;
        }
    }
    Ok(())
}

/// The mean over the steps of each item: `(N, L, D)` to `(N, D)`.
pub fn sequence_mean(input: &[f32], steps: usize, columns: usize, output: &mut [f32]) -> Result<()> {
    check_rows(input.len(), steps * columns)?;
    check::length("output", output.len(), input.len() / steps)?;
    parallel::for_each_piece(output, columns, |item, out| {
        let mut sums = vec![0.0; columns];
        for step in input[item * steps * columns..][..steps * columns].chunks_exact(columns) {
            for (sum, &value) in sums.iter_mut().zip(step) {
                *sum += f64::from(value);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = (sum / steps as f64) as f32;
        }
    })
}

/// The gradient of the input of [`sequence_mean`].
pub fn sequence_mean_backward(
    gradient: &[f32],
    steps: usize,
    columns: usize,
    input_gradient: &mut [f32],
) -> Result<()> {
    check_rows(input_gradient.len(), steps * columns)?;
    check::length("gradient", gradient.len(), input_gradient.len() / steps)?;
    parallel::for_each_piece(input_gradient, steps * columns, |item, out| {
        let gradient = &gradient[item * columns..][..columns];
        for step in out.chunks_exact_mut(columns) {
            for (out, value) in step.iter_mut().zip(gradient) {
                *out = value / steps as f32;
            }
        }
    })
}

/// Up to sixteen values of a row, and `fill` past its end.
#[inline(always)]
fn load<V: Lanes>(values: &[f32], fill: f32) -> V {
    match values.first_chunk::<LANES>() {
        Some(block) => V::load(block),
        None => V::load(&std::array::from_fn(|i| values.get(i).copied().unwrap_or(fill))),
    }
}

/// Stores as many lanes as there is room for.
#[inline(always)]
fn store<V: Lanes>(value: V, out: &mut [f32]) {
    match out.first_chunk_mut::<LANES>() {
        Some(block) => value.store(block),
        None => {
            let mut block = [0.0; LANES];
            value.store(&mut block);
            out.copy_from_slice(&block[..out.len()]);
        }
    }
}

dispatched! {
    pub(super) fn softmax_rows<V>(input: &[f32], columns: usize, out: &mut [f32]) {
        for (row, out) in input.chunks_exact(columns).zip(out.chunks_exact_mut(columns)) {
            let mut most = V::splat(f32::NEG_INFINITY);
            for part in row.chunks(LANES) {
                most = most.maximum(load(part, f32::NEG_INFINITY));
            }
            let mut lanes = [0.0; LANES];
            most.store(&mut lanes);
            let most = V::splat(lanes.iter().fold(f32::NEG_INFINITY, |most, &value| most.max(value)));
            let mut sum = V::zero();
            for (part, out) in row.chunks(LANES).zip(out.chunks_mut(LANES)) {
                let value = functions::exp(load::<V>(part, f32::NEG_INFINITY).minus(most));
                sum = sum.plus(value);
                store(value, out);
            }
            let share = V::splat(1.0 / sum.total());
            for out in out.chunks_mut(LANES) {
                store(load::<V>(out, 0.0).times(share), out);
            }
        }
    }
}

dispatched! {
    pub(super) fn softmax_slopes<V>(output: &[f32], gradient: &[f32], columns: usize, out: &mut [f32]) {
        let rows = output.chunks_exact(columns).zip(gradient.chunks_exact(columns));
        for ((output, gradient), out) in rows.zip(out.chunks_exact_mut(columns)) {
            let mut sum = V::zero();
            for (output, gradient) in output.chunks(LANES).zip(gradient.chunks(LANES)) {
                sum = load::<V>(output, 0.0).times_plus(load(gradient, 0.0), sum);
            }
            let sum = V::splat(sum.total());
            let parts = output.chunks(LANES).zip(gradient.chunks(LANES));
            for ((output, gradient), out) in parts.zip(out.chunks_mut(LANES)) {
                store(load::<V>(gradient, 0.0).minus(sum).times(load(output, 0.0)), out);
            }
        }
    }
}

/// The sums of the lanes of four registers.
#[inline(always)]
fn total<V: Lanes>(sums: [V; 4]) -> f32 {
    sums[0].plus(sums[1]).plus(sums[2].plus(sums[3])).total()
}

dispatched! {
    /// Mean and `1 / sqrt(variance + eps)` of a row.
    fn moments<V>(row: &[f32], eps: f64) -> [f32; 2] {
        let count = row.len() as f32;
        let mut sums = [V::zero(); 4];
        for (i, part) in row.chunks(LANES).enumerate() {
            sums[i % 4] = sums[i % 4].plus(load(part, 0.0));
        }
        let mean = total(sums) / count;
        let (mut sums, mut squares) = ([V::zero(); 4], [V::zero(); 4]);
        for (i, part) in row.chunks(LANES).enumerate() {
            // Past the end: the mean, whose distance is zero.
            let distance = load::<V>(part, mean).minus(V::splat(mean));
            sums[i % 4] = sums[i % 4].plus(distance);
            squares[i % 4] = distance.times_plus(distance, squares[i % 4]);
        }
        // What the mean was rounded off.
        let off = f64::from(total(sums) / count);
        let variance = (f64::from(total(squares) / count) - off * off).max(0.0);
        [(f64::from(mean) + off) as f32, (1.0 / (variance + eps).sqrt()) as f32]
    }
}

dispatched! {
    fn normalised<V>(row: &[f32], mean: f32, inverse: f32, weight: &[f32], bias: &[f32], out: &mut [f32]) {
        let (mean, inverse) = (V::splat(mean), V::splat(inverse));
        let affine = weight.chunks(LANES).zip(bias.chunks(LANES));
        for ((part, out), (weight, bias)) in row.chunks(LANES).zip(out.chunks_mut(LANES)).zip(affine) {
            let value = load::<V>(part, 0.0).minus(mean).times(inverse);
            store(value.times_plus(load(weight, 0.0), load(bias, 0.0)), out);
        }
    }
}

dispatched! {
    /// `(g w - mean(g w) - xhat mean(g w xhat)) * inverse` of a row; adds `g xhat` and `g` to the sums of the columns.
    fn centred<V>(
        row: &[f32],
        gradient: &[f32],
        weight: &[f32],
        moments: [f32; 2],
        out: &mut [f32],
        column_sums: &mut [[Block; 2]],
    ) {
        let [mean, inverse] = [V::splat(moments[0]), V::splat(moments[1])];
        let count = row.len() as f32;
        let (mut sums, mut products) = ([V::zero(); 4], [V::zero(); 4]);
        let parts = row.chunks(LANES).zip(gradient.chunks(LANES)).zip(weight.chunks(LANES)).zip(column_sums);
        for (i, (((part, gradient), weight), column_sums)) in parts.enumerate() {
            let (gradient, value) = (load::<V>(gradient, 0.0), load::<V>(part, 0.0).minus(mean).times(inverse));
            gradient.times_plus(value, V::load(&column_sums[0])).store(&mut column_sums[0]);
            gradient.plus(V::load(&column_sums[1])).store(&mut column_sums[1]);
            let gradient = gradient.times(load(weight, 0.0));
            sums[i % 4] = sums[i % 4].plus(gradient);
            products[i % 4] = gradient.times_plus(value, products[i % 4]);
        }
        let (sum, product) = (V::splat(total(sums) / count), V::splat(total(products) / count));
        let parts = row.chunks(LANES).zip(gradient.chunks(LANES)).zip(weight.chunks(LANES));
        for (((part, gradient), weight), out) in parts.zip(out.chunks_mut(LANES)) {
            let gradient = load::<V>(gradient, 0.0).times(load(weight, 0.0)).minus(sum);
            let value = load::<V>(part, 0.0).minus(mean).times(inverse).negated();
            store(value.times_plus(product, gradient).times(inverse), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads};

    const SIZES: [(usize, usize); 6] = [(1, 1), (3, 5), (2, 16), (7, 33), (50, 197), (3, 40_000)];

    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|&value| f64::from(value)).collect()
    }

    fn softmax64(values: &[f64], columns: usize) -> Vec<f64> {
        let row = |row: &[f64]| {
            let exps: Vec<f64> = row.iter().map(|value| value.exp()).collect();
            let sum: f64 = exps.iter().sum();
            exps.into_iter().map(move |value| value / sum)
        };
        values.chunks(columns).flat_map(row).collect()
    }

    #[test]
    fn softmax_and_its_gradient_equal_float64() {
        for (rows, columns) in SIZES {
            let input: Vec<f32> = Random(1).values(rows * columns).iter().map(|value| 10.0 * value).collect();
            let gradient = Random(2).values(rows * columns);
            let wanted = softmax64(&wide(&input), columns);
            let mut slopes = Vec::new();
            for (y, g) in wanted.chunks(columns).zip(gradient.chunks(columns)) {
                let sum: f64 = y.iter().zip(g).map(|(y, &g)| y * f64::from(g)).sum();
                slopes.extend(y.iter().zip(g).map(|(y, &g)| y * (f64::from(g) - sum)));
            }
            let run = || {
                let (mut output, mut back) = (vec![f32::NAN; input.len()], vec![f32::NAN; input.len()]);
                softmax(&input, columns, &mut output).unwrap();
                softmax_backward(&output, &gradient, columns, &mut back).unwrap();
                [output, back]
            };
            let [output, back] = run();
            assert_close(&output, &wanted, 3e-6);
            assert_close(&back, &slopes, 3e-6);
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn softmax_of_large_values_does_not_overflow() {
        let mut output = [0.0; 3];
        softmax(&[1000.0, 999.0, -1000.0], 3, &mut output).unwrap();
        assert_close(&output, &[0.731_058_578_6, 0.268_941_421_4, 0.0], 1e-6);
    }

    fn layer_norm64(input: &[f64], weight: &[f64], bias: &[f64], eps: f64) -> Vec<f64> {
        let columns = weight.len();
        let row = |row: &[f64]| {
            let mean = row.iter().sum::<f64>() / columns as f64;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / columns as f64;
            let at = |(i, value): (usize, &f64)| (value - mean) / (variance + eps).sqrt() * weight[i] + bias[i];
            row.iter().enumerate().map(at).collect::<Vec<_>>()
        };
        input.chunks(columns).flat_map(row).collect()
    }

    #[test]
    fn layer_norm_equals_float64_and_its_gradients_finite_differences() {
        for (rows, columns) in [(1, 4), (3, 5), (2, 16), (7, 33), (600, 48)] {
            let input: Vec<f32> = Random(1).values(rows * columns).iter().map(|value| 2.0 * value + 3.0).collect();
            let (weight, bias) = (Random(2).values(columns), Random(3).values(columns));
            let gradient = Random(4).values(rows * columns);
            let norm = LayerNorm { weight: &weight, bias: &bias, eps: 1e-5 };
            let arrays = [wide(&input), wide(&weight), wide(&bias)];
            let run = || {
                let (mut output, mut back) = (vec![f32::NAN; input.len()], vec![f32::NAN; input.len()]);
                let (mut of_weight, mut of_bias) = (vec![f32::NAN; columns], vec![f32::NAN; columns]);
                layer_norm(&input, &norm, &mut output).unwrap();
                layer_norm_backward(&input, &norm, &gradient, &mut back, [&mut of_weight, &mut of_bias]).unwrap();
                [output, back, of_weight, of_bias]
            };
            let [output, back, of_weight, of_bias] = run();
            assert_close(&output, &layer_norm64(&arrays[0], &arrays[1], &arrays[2], 1e-5), 1e-6);
            for (which, got) in [back, of_weight, of_bias].iter().enumerate() {
                let step = (got.len() / 40).max(1);
                let at: Vec<usize> = (0..got.len()).step_by(step).collect();
                let wanted: Vec<f64> = at
                    .iter()
                    .map(|&at| {
                        let loss = |by: f64| -> f64 {
                            let mut arrays = arrays.clone();
                            arrays[which][at] += by;
                            let output = layer_norm64(&arrays[0], &arrays[1], &arrays[2], 1e-5);
                            output.iter().zip(&gradient).map(|(y, &g)| y * f64::from(g)).sum()
                        };
                        (loss(1e-5) - loss(-1e-5)) / 2e-5
                    })
                    .collect();
                let got: Vec<f32> = at.iter().map(|&at| got[at]).collect();
                assert_close(&got, &wanted, 2e-5);
            }
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn the_mean_over_steps_and_its_gradient() {
        let mut output = [0.0; 4];
        sequence_mean(&[1.0, 2.0, 3.0, 6.0, 0.0, 1.0, 1.0, 1.0], 2, 2, &mut output).unwrap();
        assert_eq!(output, [2.0, 4.0, 0.5, 1.0]);
        let mut back = [0.0; 8];
        sequence_mean_backward(&output, 2, 2, &mut back).unwrap();
        assert_eq!(back, [1.0, 2.0, 1.0, 2.0, 0.25, 0.5, 0.25, 0.5]);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        assert!(softmax(&[0.0; 5], 2, &mut [0.0; 5]).is_err());
        assert!(softmax(&[0.0; 4], 0, &mut [0.0; 4]).is_err());
        assert!(sequence_mean(&[0.0; 5], 2, 2, &mut [0.0; 2]).is_err());
    }
}
