//! Products of plain matrices.
//!
//! Where the processor has AVX-512 they are our own ([`packed`]); otherwise, and for very few rows or columns, those of
//! the crate `gemm` (0.19). A matrix is read row after row, or transposed; rows may lie apart, as the heads of attention
//! do. One product is spread over the pool; a batch of products is spread by its items. All give the same bytes on any
//! number of threads: the output is divided, never a sum (pinned by a test).

mod packed;

use crate::error::{Error, Result};
use crate::parallel;

/// Multiply-adds under which a product is not worth a second thread.
const ALONE: usize = 1 << 16;

/// A matrix to read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    /// From one value to the next along a column, and along a row.
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Rows one after another.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Result<Self> {
        Self::apart(values, rows, columns, columns)
    }

    /// Rows that begin `stride` values apart.
    pub fn apart(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Result<Self> {
        check(values.len(), rows, columns, stride)?;
        Ok(Self { values, rows, columns, strides: [stride, 1] })
    }

    /// The same values, read along columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// A matrix to write, row after row.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// Rows one after another.
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize) -> Result<Self> {
        Self::apart(values, rows, columns, columns)
    }

    /// Rows that begin `stride` values apart; what lies between is left alone.
    pub fn apart(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Result<Self> {
        check(values.len(), rows, columns, stride)?;
        Ok(Self { values, rows, columns, stride })
    }
}

fn check(length: usize, rows: usize, columns: usize, stride: usize) -> Result<()> {
    let wanted = if rows == 0 || columns == 0 { 0 } else { (rows - 1) * stride + columns };
    if stride < columns || length < wanted {
        let message = format!("must hold {rows} rows of {columns} values that begin {stride} apart, has {length}");
        return Err(Error::argument("matrix", message));
    }
    Ok(())
}

/// What the output held before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Overwritten,
    Added,
}

/// `output = scale * a * b`, or that added to it, on the whole pool.
pub fn multiply(a: Matrix, b: Matrix, scale: f32, before: Before, output: &mut MatrixMut) -> Result<()> {
    let work = a.rows * a.columns * b.columns;
    let threads = parallel::threads();
    if work <= ALONE || threads == 1 {
        return product(a, b, scale, before, output, gemm::Parallelism::None);
    }
    parallel::pool()?.install(|| product(a, b, scale, before, output, gemm::Parallelism::Rayon(threads)))
}

/// Whether to take our own product.
fn packs(a: &Matrix, b: &Matrix) -> bool {
    #[cfg(target_arch = "x86_64")]
    let wide = crate::simd::level() >= crate::simd::Level::Avx512;
    #[cfg(not(target_arch = "x86_64"))]
    let wide = false;
    wide && a.rows >= packed::FEWEST && b.columns >= super::LANES
}

/// The same on this thread alone: one of a batch.
pub fn multiply_alone(a: Matrix, b: Matrix, scale: f32, before: Before, output: &mut MatrixMut) -> Result<()> {
    product(a, b, scale, before, output, gemm::Parallelism::None)
}

fn product(
    a: Matrix,
    b: Matrix,
    scale: f32,
    before: Before,
    output: &mut MatrixMut,
    parallelism: gemm::Parallelism,
) -> Result<()> {
    if a.columns != b.rows || output.rows != a.rows || output.columns != b.columns {
        let sizes = [a.rows, a.columns, b.rows, b.columns, output.rows, output.columns];
        return Err(Error::argument("output", format!("must be a product, got sizes {sizes:?}")));
    }
    let add = before == Before::Added;
    if output.rows == 0 || output.columns == 0 {
        return Ok(());
    }
    if a.columns == 0 {
        if !add {
            output.values.chunks_mut(output.stride).for_each(|row| row[..output.columns].fill(0.0));
        }
        return Ok(());
    }
    if packs(&a, &b) {
        let alone = matches!(parallelism, gemm::Parallelism::None);
        return packed::product(a, b, scale, before, output, alone);
    }
    let [a_row, a_column] = a.strides.map(|stride| stride as isize);
    let [b_row, b_column] = b.strides.map(|stride| stride as isize);
    // SAFETY: the sizes agree, each matrix was found to lie within its slice when it was made, and the output is
    // borrowed alone.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            output.values.as_mut_ptr(),
            1,
            output.stride as isize,
            add,
            a.values.as_ptr(),
            a_column,
            a_row,
            b.values.as_ptr(),
            b_column,
            b_row,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads};

    const SIZES: [[usize; 3]; 12] = [
        [1, 1, 1],
        [1, 33, 70],
        [65, 1, 17],
        [5, 7, 1],
        [16, 16, 16],
        [17, 33, 65],
        [63, 100, 130],
        [2, 1000, 513],
        [300, 129, 257],
        [129, 300, 1025],
        [4, 4, 5000],
        [500, 3, 200],
    ];

    /// `a * b` in float64; a is (m, k), b is (k, n).
    fn reference(a: &[f32], b: &[f32], [m, n, k]: [usize; 3]) -> Vec<f64> {
        let at = |i: usize, j: usize| (0..k).map(|l| f64::from(a[i * k + l]) * f64::from(b[l * n + j])).sum();
        (0..m * n).map(|i| at(i / n, i % n)).collect()
    }

    fn transpose(values: &[f32], columns: usize) -> Vec<f32> {
        (0..values.len())
            .map(|i| values[i % (values.len() / columns) * columns + i / (values.len() / columns)])
            .collect()
    }

    #[test]
    fn products_equal_a_plain_loop_for_every_orientation_on_any_threads() {
        for [m, n, k] in SIZES {
            let (a, b) = (Random(1).values(m * k), Random(2).values(k * n));
            let wanted = reference(&a, &b, [m, n, k]);
            let (at, bt) = (transpose(&a, k), transpose(&b, n));
            for (flip_a, flip_b) in [(false, false), (true, false), (false, true), (true, true)] {
                let run = || {
                    let left = if flip_a {
                        Matrix::new(&at, k, m).unwrap().transposed()
                    } else {
                        Matrix::new(&a, m, k).unwrap()
                    };
                    let right = if flip_b {
                        Matrix::new(&bt, n, k).unwrap().transposed()
                    } else {
                        Matrix::new(&b, k, n).unwrap()
                    };
                    let mut out = vec![f32::NAN; m * n];
                    let mut matrix = MatrixMut::new(&mut out, m, n).unwrap();
                    multiply(left, right, 1.0, Before::Overwritten, &mut matrix).unwrap();
                    out
                };
                assert_close(&run(), &wanted, 2e-6);
                assert_same_on_any_threads(run);
            }
        }
    }

    #[test]
    fn rows_may_lie_apart_and_products_may_be_scaled_and_added() {
        let (m, n, k) = (5, 6, 7);
        let (a, b) = (Random(3).values(m * 10), Random(4).values(k * 9));
        let mut out = vec![1.0; m * 8];
        let (left, right) = (Matrix::apart(&a[2..], m, k, 10).unwrap(), Matrix::apart(&b[1..], k, n, 9).unwrap());
        let mut matrix = MatrixMut::apart(&mut out[1..], m, n, 8).unwrap();
        multiply(left, right, 0.5, Before::Added, &mut matrix).unwrap();
        for i in 0..m {
            for j in 0..8 {
                let sum: f32 = (0..k).map(|l| a[2 + i * 10 + l] * b[1 + l * 9 + j.max(1) - 1]).sum();
                let wanted = if (1..7).contains(&j) { 1.0 + 0.5 * sum } else { 1.0 };
                assert!((out[i * 8 + j] - wanted).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn an_empty_sum_is_zero_and_sizes_that_disagree_are_refused() {
        let mut out = vec![f32::NAN; 6];
        let (a, b) = (Matrix::new(&[], 2, 0).unwrap(), Matrix::new(&[], 0, 3).unwrap());
        multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(&mut out, 2, 3).unwrap()).unwrap();
        assert_eq!(out, [0.0; 6]);
        let one = [0.0; 6];
        let (a, b) = (Matrix::new(&one, 2, 3).unwrap(), Matrix::new(&one, 2, 3).unwrap());
        assert!(multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(&mut out, 2, 3).unwrap()).is_err());
        assert!(Matrix::new(&one, 2, 4).is_err());
        assert!(Matrix::apart(&one, 2, 3, 2).is_err());
    }
}
