//! A mixture of Gaussians with diagonal covariances, fitted by expectation and maximisation (Dempster et al. 1977;
//! Bishop 2006, section 9.2), in float64.
//!
//! Rows come as float32. Statistics are taken around the present means, so variances do not cancel; posteriors below
//! 1e-12 are left out. Memory is at most 64 blocks of statistics, 2 K D float64 each. A pass costs n K D.

use super::tiles::{fused_level, multiply, tiled};
use super::{Rows, column_means, column_variances};
use crate::error::{Error, Result};
use crate::parallel::{Job, map_blocks};
use crate::simd::{Level, vectorised};

/// Blocks that the rows are cut into at most, and rows of a block at least.
const BLOCKS: usize = 64;
const LEAST_ROWS: usize = 512;
/// Posteriors below this are zero.
const NEGLIGIBLE: f64 = 1e-12;
/// No variance is smaller, whatever the data.
const LEAST_VARIANCE: f64 = 1e-12;
/// A component whose share of all rows is smaller keeps its mean and variance.
const LEAST_WEIGHT: f64 = 1e-10;

/// Weights (K), means and variances (K x D).
#[derive(Clone, Debug)]
pub struct Mixture {
    weights: Vec<f64>,
    means: Vec<f64>,
    variances: Vec<f64>,
    columns: usize,
}

/// Sums over rows for each component: posteriors; posteriors times the difference to the mean, and to its square.
#[derive(Clone, Debug)]
pub struct Statistics {
    pub shares: Vec<f64>,
    pub first: Vec<f64>,
    pub second: Vec<f64>,
    /// The sum of log densities.
    pub log_likelihood: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub max_iterations: usize,
    /// Ends when the mean log-likelihood changes by less.
    pub tolerance: f64,
    /// The least variance, as a part of the variance of the whole column.
    pub floor: f64,
}

#[derive(Clone, Debug)]
pub struct Fit {
    pub mixture: Mixture,
    /// The mean log-likelihood of the last pass.
    pub log_likelihood: f64,
    pub iterations: usize,
    pub converged: bool,
}

impl Mixture {
    pub fn new(weights: Vec<f64>, means: Vec<f64>, variances: Vec<f64>) -> Result<Self> {
        let columns = means.len().checked_div(weights.len()).unwrap_or(0);
        let is_whole = columns > 0 && means.len() == columns * weights.len() && variances.len() == means.len();
        let is_valid = weights.iter().chain(&variances).all(|&value| value > 0.0 && value.is_finite());
        if !(is_whole && is_valid) {
            let message = "must have positive weights (K,), means (K, D) and positive variances (K, D)";
            return Err(Error::argument("mixture", message));
        }
        Ok(Self { weights, means, variances, columns })
    }

    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub fn means(&self) -> &[f64] {
        &self.means
    }

    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Posteriors (n x K) and the log density of each row.
    pub fn posteriors(&self, rows: Rows<'_>, job: &Job) -> Result<(Vec<f64>, Vec<f64>)> {
        let panels = Panels::new(self);
        let blocks = map_blocks(rows.len(), LEAST_ROWS, job, |start, stop| panels.posteriors(rows.slice(start, stop)))?;
        let (posteriors, densities): (Vec<_>, Vec<_>) = blocks.into_iter().unzip();
        Ok((posteriors.concat(), densities.concat()))
    }

    /// Sums over the rows, block by block.
    pub fn statistics(&self, rows: Rows<'_>, job: &Job) -> Result<Statistics> {
        let panels = Panels::new(self);
        let size = rows.len().div_ceil(BLOCKS).max(LEAST_ROWS);
        let blocks = map_blocks(rows.len(), size, job, |start, stop| {
            let mut sums = Statistics::zero(self);
            for first in (start..stop).step_by(LEAST_ROWS) {
                let some = rows.slice(first, stop.min(first + LEAST_ROWS));
                let (posteriors, densities) = panels.posteriors(some);
                sums.take(self, some, &posteriors, &densities);
            }
            sums
        })?;
        let mut sums = Statistics::zero(self);
        for block in &blocks {
            sums.add(block);
        }
        Ok(sums)
    }

    /// The mixture that the statistics ask for.
    fn maximised(&self, sums: &Statistics, floor: &[f64]) -> Self {
        let total: f64 = sums.shares.iter().sum();
        let mut next = self.clone();
        for (k, &share) in sums.shares.iter().enumerate() {
            next.weights[k] = (share / total).max(LEAST_WEIGHT);
            if share / total < LEAST_WEIGHT {
                continue;
            }
            let span = k * self.columns..(k + 1) * self.columns;
            for (column, i) in span.enumerate() {
                let moved = sums.first[i] / share;
                next.means[i] += moved;
                next.variances[i] = (sums.second[i] / share - moved * moved).max(floor[column]);
            }
        }
        let sum: f64 = next.weights.iter().sum();
        next.weights.iter_mut().for_each(|weight| *weight /= sum);
        next
    }
}

/// Fits a mixture, beginning with the clusters of `labels` (0 to `count` - 1).
pub fn fit(rows: Rows<'_>, labels: &[u32], count: usize, settings: Settings, job: &Job) -> Result<Fit> {
    if labels.len() != rows.len() || rows.is_empty() || labels.iter().any(|&label| label as usize >= count) {
        let message = format!("must be one label below {count} for each of {} rows", rows.len());
        return Err(Error::argument("labels", message));
    }
    let variances: Vec<f64> = column_variances(rows).iter().map(|variance| variance.max(LEAST_VARIANCE)).collect();
    let floor: Vec<f64> = variances.iter().map(|variance| (variance * settings.floor).max(LEAST_VARIANCE)).collect();
    let mut mixture = from_labels(rows, labels, count, &variances, &floor);
    let (mut known, mut converged, mut iterations) = (f64::NEG_INFINITY, false, 0);
    while iterations < settings.max_iterations && !converged {
        iterations += 1;
        let sums = mixture.statistics(rows, job)?;
        let now = sums.log_likelihood / rows.len() as f64;
        mixture = mixture.maximised(&sums, &floor);
        converged = (now - known).abs() < settings.tolerance;
        known = now;
    }
    Ok(Fit { mixture, log_likelihood: known, iterations, converged })
}

/// Means and variances of clusters; an empty one gets those of all rows.
fn from_labels(rows: Rows<'_>, labels: &[u32], count: usize, variances: &[f64], floor: &[f64]) -> Mixture {
    let columns = rows.columns();
    let start = |variances: Vec<f64>, means: Vec<f64>| Mixture {
        weights: vec![1.0 / count as f64; count],
        means,
        variances,
        columns,
    };
    let hard = |mixture: &Mixture| {
        let mut sums = Statistics::zero(mixture);
        for (i, &label) in labels.iter().enumerate() {
            sums.take_row(mixture, rows.row(i), label as usize, 1.0);
        }
        sums
    };
    // Two passes: the variances are taken around the means.
    let origin = start(variances.repeat(count), column_means(rows).repeat(count));
    let centred = start(variances.repeat(count), origin.maximised(&hard(&origin), floor).means);
    centred.maximised(&hard(&centred), floor)
}

impl Statistics {
    fn zero(mixture: &Mixture) -> Self {
        let size = mixture.means.len();
        Self {
            shares: vec![0.0; mixture.weights.len()],
            first: vec![0.0; size],
            second: vec![0.0; size],
            log_likelihood: 0.0,
        }
    }

    fn take(&mut self, mixture: &Mixture, rows: Rows<'_>, posteriors: &[f64], densities: &[f64]) {
        self.log_likelihood += densities.iter().sum::<f64>();
        add_rows(&mut self.shares, &mut self.first, &mut self.second, rows.values(), &mixture.means, posteriors);
    }

    fn take_row(&mut self, mixture: &Mixture, row: &[f32], k: usize, posterior: f64) {
        let span = k * mixture.columns..(k + 1) * mixture.columns;
        self.shares[k] += posterior;
        let means = &mixture.means[span.clone()];
        add_row(&mut self.first[span.clone()], &mut self.second[span], row, means, posterior);
    }

    fn add(&mut self, other: &Self) {
        self.log_likelihood += other.log_likelihood;
        let pairs =
            [(&mut self.shares, &other.shares), (&mut self.first, &other.first), (&mut self.second, &other.second)];
        for (sums, values) in pairs {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value;
            }
        }
    }
}

vectorised! {
    /// Adds what rows give to each component, by their posteriors (rows x K).
    fn add_rows(
        shares: &mut [f64],
        first: &mut [f64],
        second: &mut [f64],
        rows: &[f32],
        means: &[f64],
        posteriors: &[f64],
    ) {
        let count = shares.len();
        let columns = means.len() / count;
        for (row, posteriors) in rows.chunks_exact(columns).zip(posteriors.chunks_exact(count)) {
            for (k, &posterior) in posteriors.iter().enumerate() {
                if posterior >= NEGLIGIBLE {
                    let span = k * columns..(k + 1) * columns;
                    shares[k] += posterior;
                    add_row(&mut first[span.clone()], &mut second[span.clone()], row, &means[span], posterior);
                }
            }
        }
    }
}

/// Adds what one row gives to one component.
#[inline(always)]
fn add_row(first: &mut [f64], second: &mut [f64], row: &[f32], means: &[f64], posterior: f64) {
    for ((&value, &mean), (first, second)) in row.iter().zip(means).zip(first.iter_mut().zip(second)) {
        let difference = f64::from(value) - mean;
        *first += posterior * difference;
        *second += posterior * difference * difference;
    }
}

/// Components in panels. With x shifted by the mean of the means, -log q = h·x² - 2 (h mu)·x + h·mu² - ..., h half the
/// inverse variances: the first two terms are products with rows of x² and x.
struct Panels {
    panels: Vec<f64>,
    /// Everything that does not depend on x.
    constants: Vec<f64>,
    shift: Vec<f64>,
    count: usize,
    level: Level,
}

/// Components of a panel.
const fn panel_width(level: Level) -> usize {
    match level {
        Level::Plain | Level::Avx2 => 8,
        Level::Avx512 | Level::Vbmi => 16,
    }
}

impl Panels {
    fn new(mixture: &Mixture) -> Self {
        let (columns, count, level) = (mixture.columns, mixture.weights.len(), fused_level());
        let width = panel_width(level);
        let mut shift = vec![0f64; columns];
        for means in mixture.means.chunks_exact(columns) {
            for (shift, mean) in shift.iter_mut().zip(means) {
                *shift += mean / count as f64;
            }
        }
        let mut panels = vec![0f64; count.next_multiple_of(width) * 2 * columns];
        let mut constants = Vec::with_capacity(count);
        for k in 0..count {
            let panel = &mut panels[k / width * width * 2 * columns..];
            let mut constant = mixture.weights[k].ln();
            for column in 0..columns {
                let variance = mixture.variances[k * columns + column];
                let (mean, half) = (mixture.means[k * columns + column] - shift[column], 0.5 / variance);
                panel[2 * column * width + k % width] = half;
                panel[(2 * column + 1) * width + k % width] = -2.0 * half * mean;
                constant -= 0.5 * (std::f64::consts::TAU * variance).ln() + half * mean * mean;
            }
            constants.push(constant);
        }
        Self { panels, constants, shift, count, level }
    }

    /// Posteriors of the rows, and their log densities.
    fn posteriors(&self, rows: Rows<'_>) -> (Vec<f64>, Vec<f64>) {
        let mut posteriors = self.exponents(rows);
        let mut densities = Vec::with_capacity(rows.len());
        for row in posteriors.chunks_exact_mut(self.count) {
            for (value, constant) in row.iter_mut().zip(&self.constants) {
                *value = constant - *value;
            }
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0f64;
            for value in row.iter_mut() {
                *value = (*value - largest).exp();
                sum += *value;
            }
            row.iter_mut().for_each(|value| *value /= sum);
            densities.push(largest + sum.ln());
        }
        (posteriors, densities)
    }

    tiled! {
        /// The terms that depend on x, rows x components.
        fn exponents(rows: Rows<'_>) -> Vec<f64> = exponents_with, plain (4, 8), avx2 (6, 8), avx512 (12, 16),
            exponents_avx2, exponents_avx512
    }

    #[inline(always)]
    fn exponents_with<const R: usize, const C: usize>(&self, rows: Rows<'_>) -> Vec<f64> {
        let size = 2 * rows.columns();
        let width = self.count.next_multiple_of(C);
        let mut tile = vec![0f64; R * size];
        let mut products = vec![0f64; R * width];
        let mut out = Vec::with_capacity(rows.len() * self.count);
        for first in (0..rows.len()).step_by(R) {
            let here = R.min(rows.len() - first);
            for r in 0..here {
                for (column, (&value, shift)) in rows.row(first + r).iter().zip(&self.shift).enumerate() {
                    let value = f64::from(value) - shift;
                    tile[2 * column * R + r] = value * value;
                    tile[(2 * column + 1) * R + r] = value;
                }
            }
            for (number, panel) in self.panels.chunks_exact(C * size).enumerate() {
                let found = multiply::<f64, R, C>(&tile, panel);
                for r in 0..R {
                    products[r * width + number * C..][..C].copy_from_slice(&found[r]);
                }
            }
            for row in products.chunks_exact(width).take(here) {
                out.extend_from_slice(&row[..self.count]);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::simd::tests::same_at_every_level;

    #[test]
    fn posteriors_are_those_of_the_formula_at_every_level() {
        let (n, count, columns) = (29, 19, 5);
        let mut stream = Stream::keyed(1, &[]);
        let mut some = |length: usize, low: f64| (0..length).map(|_| stream.uniform() + low).collect::<Vec<f64>>();
        let values: Vec<f32> = some(n * columns, 7.0).into_iter().map(|value| value as f32).collect();
        let rows = Rows::new(&values, n, columns).unwrap();
        let weights: Vec<f64> = some(count, 0.1);
        let sum: f64 = weights.iter().sum();
        let weights = weights.into_iter().map(|weight| weight / sum).collect();
        let mixture = Mixture::new(weights, some(count * columns, 7.0), some(count * columns, 0.1)).unwrap();
        let density = |i: usize, k: usize| -> f64 {
            let term = |(column, &value): (usize, &f32)| {
                let at = k * columns + column;
                let (mean, variance) = (mixture.means()[at], mixture.variances()[at]);
                (f64::from(value) - mean).powi(2) / variance + (std::f64::consts::TAU * variance).ln()
            };
            mixture.weights()[k] * (-0.5 * rows.row(i).iter().enumerate().map(term).sum::<f64>()).exp()
        };
        same_at_every_level(|| {
            let (posteriors, densities) = mixture.posteriors(rows, &Job::new()).unwrap();
            for i in 0..n {
                let sum: f64 = (0..count).map(|k| density(i, k)).sum();
                assert!((densities[i] - sum.ln()).abs() < 1e-11);
                for k in 0..count {
                    assert!((posteriors[i * count + k] - density(i, k) / sum).abs() < 1e-11);
                }
            }
            (posteriors, densities)
        });
    }
}
