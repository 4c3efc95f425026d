//! Gaussian surrounds of a plane that is mirrored at its borders (half-sample symmetric: c b a | a b c),
//! as a sum of cosines.
//!
//! The functions `cos(pi k (i + 1/2) / n)` of the DCT-II are eigenvectors of every symmetric filter on a
//! mirrored line, with eigenvalue `g(k) = sum_m K(m) cos(pi k m / n)`. The Gaussian's eigenvalues fall off so fast that
//! a wide surround needs few of them; those below [`NEGLIGIBLE`] are left out. One forward transform serves all
//! scales. The cost of a scale falls as the surround grows: about `7.5 (H + W) / c` multiplications a pixel.

use super::scratch::sized;
use crate::simd::vectorised;

/// Of a sum of bytes this is a ten-thousandth of a grey level.
const NEGLIGIBLE: f64 = 4e-7;

/// The kernel is cut where it has fallen to exp(-25).
const REACH: f64 = 5.0;

/// Cosines along one side, and the eigenvalues of each scale.
#[derive(Debug)]
struct Side {
    len: usize,
    /// Most cosines that any scale needs.
    order: usize,
    /// `order x len` and its transpose.
    cosines: Vec<f32>,
    transposed: Vec<f32>,
    /// For each scale, the factor of each cosine; as many as the scale needs.
    factors: Vec<Vec<f32>>,
}

impl Side {
    fn new(len: usize, scales: &[f64]) -> Self {
        let factors: Vec<_> = scales.iter().map(|&scale| factors(len, scale)).collect();
        let order = factors.iter().map(Vec::len).max().unwrap_or(1);
        let cosine = |k: usize, i: usize| {
            // Whole turns are taken off in integers: the argument stays exact.
            let phase = (k * (2 * i + 1)) % (4 * len);
            (std::f64::consts::PI * phase as f64 / (2 * len) as f64).cos() as f32
        };
        let cosines = (0..order * len).map(|j| cosine(j / len, j % len)).collect();
        let transposed = (0..order * len).map(|j| cosine(j % order, j / order)).collect();
        Self { len, order, cosines, transposed, factors }
    }
}

/// Eigenvalues of the surround `exp(-r^2 / scale^2)`, times the square norm of the transform.
fn factors(len: usize, scale: f64) -> Vec<f32> {
    let reach = (REACH * scale).ceil() as usize;
    let kernel: Vec<f64> = (0..=reach).map(|m| (-(m as f64 / scale).powi(2)).exp()).collect();
    let total = 2.0 * kernel.iter().sum::<f64>() - 1.0;
    let eigenvalue = |k: usize| {
        let turn = |m: usize| (std::f64::consts::PI * ((k * m) % (2 * len)) as f64 / len as f64).cos();
        let sum: f64 = kernel.iter().enumerate().skip(1).map(|(m, weight)| weight * turn(m)).sum();
        (1.0 + 2.0 * sum) / total
    };
    let norm = |k: usize| if k == 0 { 1.0 } else { 2.0 } / len as f64;
    (0..len)
        .map(|k| (k, eigenvalue(k)))
        .take_while(|&(_, value)| value > NEGLIGIBLE)
        .map(|(k, value)| (value * norm(k)) as f32)
        .collect()
}

/// The surrounds of one shape of plane, for several scales.
#[derive(Debug)]
pub(super) struct Surrounds {
    scales: Vec<f64>,
    down: Side,
    across: Side,
    half: Vec<f32>,
    spectrum: Vec<f32>,
    scaled: Vec<f32>,
}

impl Surrounds {
    pub(super) fn new(height: usize, width: usize, scales: &[f64]) -> Self {
        Self {
            scales: scales.to_vec(),
            down: Side::new(height, scales),
            across: Side::new(width, scales),
            half: Vec::new(),
            spectrum: Vec::new(),
            scaled: Vec::new(),
        }
    }

    pub(super) fn fits(&self, height: usize, width: usize, scales: &[f64]) -> bool {
        (self.down.len, self.across.len) == (height, width) && self.scales == scales
    }

    /// Takes the transform of `plane` (H, W), from which [`Self::surround`] makes each scale.
    pub(super) fn transform(&mut self, plane: &[f32]) {
        let (down, across) = (&self.down, &self.across);
        let half = sized(&mut self.half, down.order * across.len);
        multiply(&down.cosines, down.len, plane, across.len, half);
        let spectrum = sized(&mut self.spectrum, down.order * across.order);
        multiply(half, across.len, &across.transposed, across.order, spectrum);
    }

    /// The surround of one scale, to `plane` (H, W).
    pub(super) fn surround(&mut self, scale: usize, plane: &mut [f32]) {
        let (down, across) = (&self.down, &self.across);
        let (rows, columns) = (&down.factors[scale], &across.factors[scale]);
        let scaled = sized(&mut self.scaled, rows.len() * columns.len());
        let spectrum = self.spectrum.chunks_exact(across.order);
        for ((scaled, spectrum), row) in scaled.chunks_exact_mut(columns.len()).zip(spectrum).zip(rows) {
            for ((scaled, value), column) in scaled.iter_mut().zip(spectrum).zip(columns) {
                *scaled = value * row * column;
            }
        }
        let half = sized(&mut self.half, rows.len() * across.len);
        multiply(scaled, columns.len(), &across.cosines[..columns.len() * across.len], across.len, half);
        // The first cosines of each line of (H, order).
        let lines = sized(&mut self.scaled, down.len * rows.len());
        for (line, all) in lines.chunks_exact_mut(rows.len()).zip(down.transposed.chunks_exact(down.order)) {
            line.copy_from_slice(&all[..rows.len()]);
        }
        multiply(lines, rows.len(), half, across.len, plane);
    }
}

/// Rows and columns of the product that are summed in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 32;

vectorised! {
    /// `product = left right`, row by row: (M, K) times (K, N).
    fn multiply(left: &[f32], inner: usize, right: &[f32], columns: usize, product: &mut [f32]) {
        for (left, product) in left.chunks(ROWS * inner).zip(product.chunks_mut(ROWS * columns)) {
            let rows = left.len() / inner;
            for start in (0..columns).step_by(COLUMNS) {
                let width = COLUMNS.min(columns - start);
                if rows == ROWS && width == COLUMNS {
                    let mut sums = [[0.0f32; COLUMNS]; ROWS];
                    for (k, right) in right.chunks_exact(columns).enumerate() {
                        let right = &right[start..start + COLUMNS];
                        for (row, sums) in sums.iter_mut().enumerate() {
                            let factor = left[row * inner + k];
                            for (sum, value) in sums.iter_mut().zip(right) {
                                *sum += factor * value;
                            }
                        }
                    }
                    for (sums, product) in sums.iter().zip(product.chunks_exact_mut(columns)) {
                        product[start..start + COLUMNS].copy_from_slice(sums);
                    }
                } else {
                    for (left, product) in left.chunks_exact(inner).zip(product.chunks_exact_mut(columns)) {
                        let mut sums = [0.0f32; COLUMNS];
                        for (&factor, right) in left.iter().zip(right.chunks_exact(columns)) {
                            for (sum, value) in sums.iter_mut().zip(&right[start..start + width]) {
                                *sum += factor * value;
                            }
                        }
                        product[start..start + width].copy_from_slice(&sums[..width]);
                    }
                }
            }
        }
    }
}
