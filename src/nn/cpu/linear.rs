//! A product with a matrix over the last axis, `y = activation(x W^T + b)`, forward and backward.
//!
//! Rows are plain, `(R, D)`; `(N, L, D)` has N L of them. The weight is `(O, D)`, as PyTorch's.

use super::lanes::dispatched;
use super::matmul::{Before, Matrix, MatrixMut, multiply};
use super::{Activation, LANES, check, few_rows};
use crate::error::Result;
use crate::parallel;

/// Values that one unit of work finishes, about.
const UNIT: usize = 1 << 14;

/// Rows, inputs and outputs of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// `output = activation(input weight^T + bias)`.
pub fn forward(
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    activation: Activation,
    sizes: Sizes,
    output: &mut [f32],
) -> Result<()> {
    let Sizes { rows, inputs, outputs } = sizes;
    check::length("input", input.len(), rows * inputs)?;
    check::length("weight", weight.len(), outputs * inputs)?;
    check::length("output", output.len(), rows * outputs)?;
    if (1..=few_rows::MOST).contains(&rows) && inputs > 0 && outputs > 0 {
        few_rows::product(input, weight, inputs, output)?;
    } else {
        let (a, b) = (Matrix::new(input, rows, inputs)?, Matrix::new(weight, outputs, inputs)?.transposed());
        multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(output, rows, outputs)?)?;
    }
    if bias.is_none() && activation == Activation::None {
        return Ok(());
    }
    let zeros;
    let bias = match bias {
        Some(bias) => bias,
        None => {
            zeros = vec![0.0; outputs];
            &zeros
        }
    };
    check::length("bias", bias.len(), outputs)?;
    let size = (UNIT / outputs.max(1)).max(1) * outputs;
    parallel::for_each_piece(output, size, |_, rows| finish(rows, bias, activation))
}

/// The gradient of the input.
pub fn backward_input(gradient: &[f32], weight: &[f32], sizes: Sizes, input_gradient: &mut [f32]) -> Result<()> {
    let Sizes { rows, inputs, outputs } = sizes;
    check::length("gradient", gradient.len(), rows * outputs)?;
    check::length("weight", weight.len(), outputs * inputs)?;
    check::length("input_gradient", input_gradient.len(), rows * inputs)?;
    let (a, b) = (Matrix::new(gradient, rows, outputs)?, Matrix::new(weight, outputs, inputs)?);
    multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(input_gradient, rows, inputs)?)
}

/// The gradient of the weight.
pub fn backward_weight(input: &[f32], gradient: &[f32], sizes: Sizes, weight_gradient: &mut [f32]) -> Result<()> {
    let Sizes { rows, inputs, outputs } = sizes;
    check::length("input", input.len(), rows * inputs)?;
    check::length("gradient", gradient.len(), rows * outputs)?;
    check::length("weight_gradient", weight_gradient.len(), outputs * inputs)?;
    let (a, b) = (Matrix::new(gradient, rows, outputs)?.transposed(), Matrix::new(input, rows, inputs)?);
    multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(weight_gradient, outputs, inputs)?)
}

/// The sum of each column, added up in float64: the gradient of a bias.
pub fn backward_bias(gradient: &[f32], outputs: usize, bias_gradient: &mut [f32]) -> Result<()> {
    check::length("bias_gradient", bias_gradient.len(), outputs)?;
    check::length("gradient", gradient.len(), gradient.len() / outputs.max(1) * outputs)?;
    parallel::for_each_piece(bias_gradient, 4 * LANES, |unit, out| {
        column_sums(gradient, outputs, unit * 4 * LANES, out);
    })
}

dispatched! {
    fn finish<V>(rows: &mut [f32], bias: &[f32], activation: Activation) {
        for row in rows.chunks_exact_mut(bias.len()) {
            let (blocks, rest) = row.as_chunks_mut::<LANES>();
            let (of_blocks, of_rest) = bias.as_chunks::<LANES>();
            for (value, bias) in blocks.iter_mut().zip(of_blocks) {
                activation.apply(V::load(value).plus(V::load(bias))).store(value);
            }
            if !rest.is_empty() {
                let sum = V::load(&check::channel_block(rest, 0)).plus(V::load(&check::channel_block(of_rest, 0)));
                let mut out = [0.0; LANES];
                activation.apply(sum).store(&mut out);
                rest.copy_from_slice(&out[..rest.len()]);
            }
        }
    }
}

dispatched! {
    fn column_sums<V>(values: &[f32], columns: usize, first: usize, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(LANES).enumerate() {
            let at = first + i * LANES;
            let mut sum = V::wide_zero();
            for row in values.chunks_exact(columns) {
                let part = &row[at..at + out.len()];
                let value = match part.first_chunk() {
                    Some(block) => V::load(block),
                    None => V::load(&check::channel_block(part, 0)),
                };
                sum = V::wide_plus(sum, value.widen());
            }
            let mut sums = [0.0; LANES];
            V::wide_store(sum, &mut sums);
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = sum as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads};

    #[test]
    fn forward_and_gradients_equal_plain_loops() {
        for (rows, inputs, outputs) in [(1, 1, 1), (1, 70, 33), (3, 5, 17), (65, 33, 130), (700, 16, 100)] {
            let sizes = Sizes { rows, inputs, outputs };
            let random = &mut Random(1);
            let (x, w) = (random.values(rows * inputs), random.values(outputs * inputs));
            let (b, g) = (random.values(outputs), random.values(rows * outputs));
            let (mut y, mut dx) = (vec![0.0; rows * outputs], vec![0.0; rows * inputs]);
            let (mut dw, mut db) = (vec![0.0; outputs * inputs], vec![0.0; outputs]);
            for r in 0..rows {
                for o in 0..outputs {
                    let gradient = f64::from(g[r * outputs + o]);
                    let sum: f64 =
                        (0..inputs).map(|i| f64::from(x[r * inputs + i]) * f64::from(w[o * inputs + i])).sum();
                    y[r * outputs + o] = (sum + f64::from(b[o])).clamp(0.0, 6.0);
                    db[o] += gradient;
                    for i in 0..inputs {
                        dx[r * inputs + i] += gradient * f64::from(w[o * inputs + i]);
                        dw[o * inputs + i] += gradient * f64::from(x[r * inputs + i]);
                    }
                }
            }
            let run = || {
                let mut got = [y.len(), dx.len(), dw.len(), db.len()].map(|length| vec![f32::NAN; length]);
                let [out, input, weight, bias] = &mut got;
                forward(&x, &w, Some(&b), Activation::Relu6, sizes, out).unwrap();
                backward_input(&g, &w, sizes, input).unwrap();
                backward_weight(&x, &g, sizes, weight).unwrap();
                backward_bias(&g, outputs, bias).unwrap();
                got
            };
            for (got, wanted) in run().iter().zip([&y, &dx, &dw, &db]) {
                assert_close(got, wanted, 2e-6);
            }
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn buffers_that_do_not_fit_are_refused() {
        let sizes = Sizes { rows: 2, inputs: 3, outputs: 4 };
        let (x, w, mut y) = ([0.0; 6], [0.0; 12], [0.0; 8]);
        assert!(forward(&x, &w, None, Activation::None, sizes, &mut y).is_ok());
        assert!(forward(&x, &w, Some(&[0.0; 3]), Activation::None, sizes, &mut y).is_err());
        assert!(forward(&x[1..], &w, None, Activation::None, sizes, &mut y).is_err());
        assert!(backward_bias(&y, 3, &mut [0.0; 3]).is_err());
    }
}
