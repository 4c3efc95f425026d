//! A linear layer over a handful of rows: what takes time is to read the weight, so it is read once, as it lies.
//!
//! Each output is a dot product, summed in sixteen lanes that are added by halves at the end: the same order on
//! any number of threads, and for any number of rows.

use super::LANES;
use super::lanes::{Block, Lanes, dispatched};
use crate::error::Result;
use crate::parallel::{self, Job};

/// More rows than this are a matrix product.
pub(super) const MOST: usize = 8;
/// Rows and outputs that are summed at once: sixteen sums in registers.
const TILE: usize = 4;
/// Values of the weight in a unit of work, about.
const UNIT: usize = 1 << 18;

/// `output = input weight^T`: `(R, inputs)` and `(outputs, inputs)` to `(R, outputs)`. Lengths agree; no side is zero.
pub(super) fn product(input: &[f32], weight: &[f32], inputs: usize, output: &mut [f32]) -> Result<()> {
    let (rows, outputs) = (input.len() / inputs, weight.len() / inputs);
    let each = (UNIT / inputs).next_multiple_of(TILE).max(TILE);
    let parts = parallel::map_blocks(outputs, each, &Job::new(), |start, stop| {
        let mut part = vec![0.0; (stop - start) * rows];
        dots(input, &weight[start * inputs..stop * inputs], inputs, &mut part);
        part
    })?;
    for (i, part) in parts.iter().enumerate() {
        for (column, values) in part.chunks_exact(rows).enumerate() {
            for (row, &value) in values.iter().enumerate() {
                output[row * outputs + i * each + column] = value;
            }
        }
    }
    Ok(())
}

dispatched! {
    /// Products of all rows with all weights, those of one weight side by side.
    fn dots<V>(input: &[f32], weight: &[f32], inputs: usize, out: &mut [f32]) {
        let rows = input.len() / inputs;
        let mut sums = [[0.0; TILE]; TILE];
        for (weights, out) in weight.chunks(TILE * inputs).zip(out.chunks_mut(TILE * rows)) {
            for first in (0..rows).step_by(TILE) {
                let some = &input[first * inputs..(first + TILE).min(rows) * inputs];
                tile::<V>(some, weights, inputs, &mut sums);
                for (out, sums) in out.chunks_mut(rows).zip(&sums) {
                    for (out, &sum) in out[first..].iter_mut().zip(sums) {
                        *out = sum;
                    }
                }
            }
        }
    }
}

/// Up to [`TILE`] rows and weights.
#[inline(always)]
fn tile<V: Lanes>(rows: &[f32], weights: &[f32], inputs: usize, sums: &mut [[f32; TILE]; TILE]) {
    match (rows.len() / inputs, weights.len() / inputs) {
        (1, 4) => full::<V, 1, 4>(rows, weights, inputs, sums),
        (2, 4) => full::<V, 2, 4>(rows, weights, inputs, sums),
        (3, 4) => full::<V, 3, 4>(rows, weights, inputs, sums),
        (4, 4) => full::<V, 4, 4>(rows, weights, inputs, sums),
        _ => {
            for (r, row) in rows.chunks_exact(inputs).enumerate() {
                for (w, weight) in weights.chunks_exact(inputs).enumerate() {
                    let mut one = [[0.0; TILE]; TILE];
                    full::<V, 1, 1>(row, weight, inputs, &mut one);
                    sums[w][r] = one[0][0];
                }
            }
        }
    }
}

#[inline(always)]
fn full<V: Lanes, const R: usize, const W: usize>(
    rows: &[f32],
    weights: &[f32],
    inputs: usize,
    sums: &mut [[f32; TILE]; TILE],
) {
    let rows: [(&[Block], Block); R] = std::array::from_fn(|r| parted(&rows[r * inputs..][..inputs]));
    let weights: [(&[Block], Block); W] = std::array::from_fn(|w| parted(&weights[w * inputs..][..inputs]));
    let mut lanes = [[V::zero(); R]; W];
    for i in 0..inputs / LANES {
        let values: [V; R] = std::array::from_fn(|r| V::load(&rows[r].0[i]));
        for (lanes, weight) in lanes.iter_mut().zip(&weights) {
            let weight = V::load(&weight.0[i]);
            for (sum, &value) in lanes.iter_mut().zip(&values) {
                *sum = value.times_plus(weight, *sum);
            }
        }
    }
    for (w, lanes) in lanes.iter().enumerate() {
        for (r, sum) in lanes.iter().enumerate() {
            sums[w][r] = V::load(&rows[r].1).times_plus(V::load(&weights[w].1), *sum).total();
        }
    }
}

/// Whole blocks, and what is behind them, filled up with zeros.
#[inline(always)]
fn parted(row: &[f32]) -> (&[Block], Block) {
    let (whole, rest) = row.as_chunks::<LANES>();
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    (whole, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_equal_sums_of_float64_for_any_rows_and_tails() {
        let value = |i: usize| ((i * 2_654_435_761) % 1009) as f32 / 1009.0 - 0.5;
        for rows in 1..=MOST {
            for (inputs, outputs) in [(1, 1), (15, 3), (16, 4), (33, 5), (100, 130), (1000, 9)] {
                let input: Vec<f32> = (0..rows * inputs).map(value).collect();
                let weight: Vec<f32> = (0..outputs * inputs).map(|i| value(i + 7)).collect();
                let mut output = vec![f32::NAN; rows * outputs];
                product(&input, &weight, inputs, &mut output).unwrap();
                for (at, &got) in output.iter().enumerate() {
                    let row = &input[at / outputs * inputs..][..inputs];
                    let column = &weight[at % outputs * inputs..][..inputs];
                    let exact: f64 = row.iter().zip(column).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                    assert!(
                        (f64::from(got) - exact).abs() < 2e-6 * (inputs as f64).sqrt(),
                        "{rows} {inputs} {outputs}"
                    );
                }
            }
        }
    }
}
