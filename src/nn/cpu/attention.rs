//! Scaled dot-product self-attention with heads (Vaswani et al. 2017, equation 1), forward and backward.
//!
//! Queries, keys and values lie side by side, `(N, L, 3 D)`, as the one projection of PyTorch's `MultiheadAttention`
//! leaves them; head `h` of `H` has values `h D / H..(h + 1) D / H` of each. A unit of work is a head of an item for
//! the shares `softmax(q k^T / sqrt(D / H))`, and some steps of an item for what is made of them. The shares, `(N, H, L, L)`,
//! are kept for the backward pass.

use super::channels::runs;
use super::matmul::{Before, Matrix, MatrixMut, multiply_alone};
use super::{check, rows};
use crate::error::{Error, Result};
use crate::parallel::{self, Job};

/// Steps of a unit of work.
const STEPS: usize = 64;

/// Extents: N items of L steps of D values in H heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub items: usize,
    pub steps: usize,
    pub size: usize,
    pub heads: usize,
}

/// One of the three that lie side by side.
#[derive(Clone, Copy)]
enum Part {
    Query,
    Key,
    Value,
}

impl Sizes {
    /// Values of the shares.
    pub fn shares(&self) -> usize {
        self.items * self.heads * self.steps * self.steps
    }

    fn check(&self, projected: &[f32]) -> Result<()> {
        if self.steps == 0 || self.size == 0 || self.heads == 0 || !self.size.is_multiple_of(self.heads) {
            let message = format!("must have steps, and values that the heads divide, got {self:?}");
            return Err(Error::argument("sizes", message));
        }
        check::length("projected", projected.len(), self.items * self.steps * 3 * self.size)
    }

    /// Values of a head.
    fn head(&self) -> usize {
        self.size / self.heads
    }

    fn scale(&self) -> f32 {
        (1.0 / (self.head() as f64).sqrt()) as f32
    }

    /// Where a head of a part begins in a row of the projection.
    fn first(&self, part: Part, head: usize) -> usize {
        part as usize * self.size + head * self.head()
    }

    /// One head of a part, for all steps of an item: (L, D / H).
    fn part<'a>(&self, projected: &'a [f32], part: Part, item: usize, head: usize) -> Result<Matrix<'a>> {
        let row = 3 * self.size;
        let values = &projected[item * self.steps * row + self.first(part, head)..];
        Matrix::apart(values, self.steps, self.head(), row)
    }

    /// Some of the shares of a head of an item: rows of queries.
    fn square<'a>(&self, shares: &'a [f32], item: usize, head: usize) -> &'a [f32] {
        let square = self.steps * self.steps;
        &shares[(item * self.heads + head) * square..][..square]
    }
}

/// Writes the heads' mixtures of values, `(N, L, D)`, and the shares.
pub fn forward(projected: &[f32], sizes: &Sizes, shares: &mut [f32], output: &mut [f32]) -> Result<()> {
    sizes.check(projected)?;
    let Sizes { items, steps, size, heads } = *sizes;
    check::length("shares", shares.len(), sizes.shares())?;
    check::length("output", output.len(), items * steps * size)?;
    by_piece(shares, steps * steps, |unit, out| {
        let (item, head) = (unit / heads, unit % heads);
        let query = sizes.part(projected, Part::Query, item, head)?;
        let key = sizes.part(projected, Part::Key, item, head)?;
        let mut scores = vec![0.0; steps * steps];
        let mut matrix = MatrixMut::new(&mut scores, steps, steps)?;
        multiply_alone(query, key.transposed(), sizes.scale(), Before::Overwritten, &mut matrix)?;
        rows::softmax_rows(&scores, steps, out);
        Ok(())
    })?;
    let shares = &*shares;
    by_piece(output, STEPS * size, |unit, out| {
        for (item, run) in runs(unit * STEPS, out.len() / size, steps) {
            let (count, first) = (run.len(), unit * STEPS + run.start - item * steps);
            for head in 0..heads {
                let share = &sizes.square(shares, item, head)[first * steps..];
                let value = sizes.part(projected, Part::Value, item, head)?;
                let out = &mut out[run.start * size + head * sizes.head()..];
                let mut out = MatrixMut::apart(out, count, sizes.head(), size)?;
                multiply_alone(Matrix::new(share, count, steps)?, value, 1.0, Before::Overwritten, &mut out)?;
            }
        }
        Ok(())
    })
}

/// The gradient of the projection, from that of [`forward`]'s output.
pub fn backward(
    projected: &[f32],
    sizes: &Sizes,
    shares: &[f32],
    gradient: &[f32],
    projected_gradient: &mut [f32],
) -> Result<()> {
    sizes.check(projected)?;
    let Sizes { items, steps, size, heads } = *sizes;
    check::length("shares", shares.len(), sizes.shares())?;
    check::length("gradient", gradient.len(), items * steps * size)?;
    check::length("projected_gradient", projected_gradient.len(), projected.len())?;
    // The gradient of a head of the output, for all steps of an item.
    let of_output = |item: usize, head: usize| {
        Matrix::apart(&gradient[item * steps * size + head * sizes.head()..], steps, sizes.head(), size)
    };
    let mut scores = vec![0.0; sizes.shares()];
    by_piece(&mut scores, steps * steps, |unit, out| {
        let (item, head) = (unit / heads, unit % heads);
        let value = sizes.part(projected, Part::Value, item, head)?;
        let mut of_shares = vec![0.0; steps * steps];
        let mut matrix = MatrixMut::new(&mut of_shares, steps, steps)?;
        multiply_alone(of_output(item, head)?, value.transposed(), 1.0, Before::Overwritten, &mut matrix)?;
        rows::softmax_slopes(sizes.square(shares, item, head), &of_shares, steps, out);
        Ok(())
    })?;
    let row = 3 * size;
    by_piece(projected_gradient, STEPS * row, |unit, out| {
        for (item, run) in runs(unit * STEPS, out.len() / row, steps) {
            let (count, first) = (run.len(), unit * STEPS + run.start - item * steps);
            for head in 0..heads {
                let [scores, shares] = [&scores, shares].map(|all| sizes.square(all, item, head));
                let by_query = Matrix::new(&scores[first * steps..], count, steps)?;
                let by_key = Matrix::apart(&scores[first..], steps, count, steps)?.transposed();
                let by_value = Matrix::apart(&shares[first..], steps, count, steps)?.transposed();
                let of = |part| sizes.part(projected, part, item, head);
                for (part, left, right, scale) in [
                    (Part::Query, by_query, of(Part::Key)?, sizes.scale()),
                    (Part::Key, by_key, of(Part::Query)?, sizes.scale()),
                    (Part::Value, by_value, of_output(item, head)?, 1.0),
                ] {
                    let out = &mut out[run.start * row + sizes.first(part, head)..];
                    let mut out = MatrixMut::apart(out, count, sizes.head(), row)?;
                    multiply_alone(left, right, scale, Before::Overwritten, &mut out)?;
                }
            }
        }
        Ok(())
    })
}

/// `work(i, piece)` for consecutive pieces of `size` values on the pool; the first error.
fn by_piece(values: &mut [f32], size: usize, work: impl Fn(usize, &mut [f32]) -> Result<()> + Sync) -> Result<()> {
    let mut pieces: Vec<&mut [f32]> = values.chunks_mut(size).collect();
    let job = Job::new();
    parallel::for_each_chunk(&mut pieces, 1, &job, |i, piece, (): &mut ()| work(i, piece[0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads};

    const SIZES: [Sizes; 4] = [
        Sizes { items: 1, steps: 1, size: 1, heads: 1 },
        Sizes { items: 2, steps: 5, size: 6, heads: 3 },
        Sizes { items: 3, steps: 70, size: 34, heads: 2 },
        Sizes { items: 1, steps: 131, size: 16, heads: 1 },
    ];

    /// The equation in float64.
    fn reference(projected: &[f64], sizes: &Sizes) -> Vec<f64> {
        let Sizes { items, steps, size, heads } = *sizes;
        let width = size / heads;
        let mut output = vec![0.0; items * steps * size];
        for (item, head, l) in (0..items * heads * steps).map(|i| (i / (heads * steps), i / steps % heads, i % steps)) {
            let at = |part: usize, step: usize, i: usize| {
                projected[(item * steps + step) * 3 * size + part * size + head * width + i]
            };
            let scores: Vec<f64> = (0..steps)
                .map(|s| (0..width).map(|i| at(0, l, i) * at(1, s, i)).sum::<f64>() / (width as f64).sqrt())
                .map(f64::exp)
                .collect();
            let total: f64 = scores.iter().sum();
            for i in 0..width {
                output[(item * steps + l) * size + head * width + i] =
                    scores.iter().enumerate().map(|(s, score)| score / total * at(2, s, i)).sum();
            }
        }
        output
    }

    #[test]
    fn mixtures_equal_the_equation_and_gradients_finite_differences() {
        for sizes in SIZES {
            let count = sizes.items * sizes.steps * sizes.size;
            let projected: Vec<f32> = Random(1).values(3 * count).iter().map(|value| 2.0 * value).collect();
            let gradient = Random(2).values(count);
            let wide: Vec<f64> = projected.iter().map(|&value| f64::from(value)).collect();
            let run = || {
                let (mut shares, mut output) = (vec![f32::NAN; sizes.shares()], vec![f32::NAN; count]);
                let mut back = vec![f32::NAN; 3 * count];
                forward(&projected, &sizes, &mut shares, &mut output).unwrap();
                backward(&projected, &sizes, &shares, &gradient, &mut back).unwrap();
                [output, back]
            };
            let [output, back] = run();
            assert_close(&output, &reference(&wide, &sizes), 2e-6);
            let places: Vec<usize> = (0..back.len()).step_by((back.len() / 12).max(1)).collect();
            let slope = |&at: &usize| {
                let loss = |by: f64| -> f64 {
                    let mut moved = wide.clone();
                    moved[at] += by;
                    reference(&moved, &sizes).iter().zip(&gradient).map(|(y, &g)| y * f64::from(g)).sum()
                };
                (loss(1e-5) - loss(-1e-5)) / 2e-5
            };
            let wanted: Vec<f64> = places.iter().map(slope).collect();
            let got: Vec<f32> = places.iter().map(|&at| back[at]).collect();
            assert_close(&got, &wanted, 1e-5);
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn heads_that_do_not_divide_and_buffers_that_do_not_fit_are_refused() {
        let sizes = Sizes { items: 1, steps: 2, size: 3, heads: 2 };
        assert!(forward(&[0.0; 18], &sizes, &mut [0.0; 8], &mut [0.0; 6]).is_err());
        let sizes = Sizes { heads: 3, ..sizes };
        assert!(forward(&[0.0; 18], &sizes, &mut [0.0; 12], &mut [0.0; 6]).is_ok());
        assert!(forward(&[0.0; 17], &sizes, &mut [0.0; 12], &mut [0.0; 6]).is_err());
        assert!(forward(&[0.0; 18], &sizes, &mut [0.0; 11], &mut [0.0; 6]).is_err());
    }
}
