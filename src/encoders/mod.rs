//! Many descriptors of a video to one vector.
//!
//! * `tiles`: the loop that all have in common
//! * [`nearest`]: the nearest centre of each row, and distances to all
//! * [`kmeans`]: vocabularies, seeded by [`seeding`], found by [`lloyd`] or [`minibatch`]
//! * [`bag`]: histograms of words, hard and soft
//! * [`mixture`], [`fisher`]: a diagonal Gaussian mixture by EM, and Fisher vectors (Perronnin et al. 2010)
//! * [`vlad`]: sums of residuals (Jégou et al. 2010)
//!
//! Sums over rows are taken block by block, in order, in float64: results do not depend on the threads.

pub mod bag;
pub mod fisher;
pub mod kmeans;
pub mod lloyd;
pub mod minibatch;
pub mod mixture;
pub mod nearest;
pub mod seeding;
mod tiles;
pub mod vlad;

use crate::error::{Error, Result};

/// Rows of float32, contiguous.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
}

impl<'a> Rows<'a> {
    /// Wraps `rows` times `columns` values; there is at least one column.
    pub fn new(values: &'a [f32], rows: usize, columns: usize) -> Result<Self> {
        if columns == 0 || values.len() != rows * columns {
            return Err(Error::argument(
                "X",
                format!("must have at least one column, got {} values for shape ({rows}, {columns})", values.len()),
            ));
        }
        Ok(Self { values, rows, columns })
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    pub fn row(&self, i: usize) -> &'a [f32] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    /// Rows `start` up to, not including, `stop`.
    pub fn slice(&self, start: usize, stop: usize) -> Rows<'a> {
        Rows {
            values: &self.values[start * self.columns..stop * self.columns],
            rows: stop - start,
            columns: self.columns,
        }
    }
}

/// Rows in the order of their labels: `starts[k]..starts[k + 1]` of the first are the rows with label k, ascending.
fn grouped(labels: &[u32], count: usize) -> (Vec<u32>, Vec<usize>) {
    let mut starts = vec![0usize; count + 1];
    for &label in labels {
        starts[label as usize + 1] += 1;
    }
    for k in 0..count {
        starts[k + 1] += starts[k];
    }
    let mut next = starts.clone();
    let mut order = vec![0u32; labels.len()];
    for (i, &label) in labels.iter().enumerate() {
        order[next[label as usize]] = i as u32;
        next[label as usize] += 1;
    }
    (order, starts)
}

/// The mean of each column; zeros where there is no row.
fn column_means(rows: Rows<'_>) -> Vec<f64> {
    let mut sums = vec![0f64; rows.columns()];
    for i in 0..rows.len() {
        for (sum, &value) in sums.iter_mut().zip(rows.row(i)) {
            *sum += f64::from(value);
        }
    }
    sums.iter().map(|sum| sum / rows.len().max(1) as f64).collect()
}

/// The variance of each column (of all rows, not a sample's).
fn column_variances(rows: Rows<'_>) -> Vec<f64> {
    let means = column_means(rows);
    let mut sums = vec![0f64; rows.columns()];
    for i in 0..rows.len() {
        for ((sum, mean), &value) in sums.iter_mut().zip(&means).zip(rows.row(i)) {
            *sum += (f64::from(value) - mean).powi(2);
        }
    }
    sums.iter().map(|sum| sum / rows.len().max(1) as f64).collect()
}
