//! A Gaussian over the rows and columns of frames of one or more fields.
//!
//! A frame of several fields is stored row by row, the fields' rows side by side: (H, fields, W). So passes down
//! the columns and over time see one long row.

use super::kernel::{Border, Kernel};
use super::rows::{self, TILE};
use crate::aligned::Aligned;

/// The passes across and down, and the memory between them.
#[derive(Clone, Debug)]
pub(super) struct SpaceBlur {
    kernel: Kernel,
    fields: usize,
    width: usize,
    height: usize,
    columns: Vec<Option<usize>>,
    lines: Vec<Option<usize>>,
    /// One row, each field with the radius more on both sides.
    padded: Vec<f32>,
    /// All rows after the pass across.
    crossed: Aligned,
    zeros: Aligned,
}

impl SpaceBlur {
    pub fn new(kernel: Kernel, border: Border, fields: usize, height: usize, width: usize) -> Self {
        let radius = kernel.radius();
        Self {
            fields,
            width,
            height,
            columns: border.table(width, radius),
            lines: border.table(height, radius),
            padded: vec![0.0; fields * (width + 2 * radius)],
            crossed: Aligned::zeros(height * fields * width),
            zeros: Aligned::zeros(fields * width),
            kernel,
        }
    }

    /// Blurs a frame into `out`; `fill(y, field, row)` writes its rows.
    pub fn run(&mut self, out: &mut [f32], mut fill: impl FnMut(usize, &mut [&mut [f32]])) {
        let radius = self.kernel.radius();
        let long = self.fields * self.width;
        for (y, crossed) in self.crossed.chunks_exact_mut(long).enumerate() {
            let padded = self.width + 2 * radius;
            let mut rows: Vec<&mut [f32]> =
                self.padded.chunks_exact_mut(padded).map(|row| &mut row[radius..radius + self.width]).collect();
            fill(y, &mut rows);
            for (row, crossed) in self.padded.chunks_exact_mut(padded).zip(crossed.chunks_exact_mut(self.width)) {
                pad(row, radius, &self.columns);
                rows::across(crossed, row, self.kernel.weights());
            }
        }
        let mut rows: Vec<&[f32]> = Vec::with_capacity(2 * radius + 1);
        for start in (0..long).step_by(TILE) {
            let end = long.min(start + TILE);
            for (y, out) in out.chunks_exact_mut(long).enumerate().take(self.height) {
                let row = |line: &Option<usize>| {
                    line.map_or(&self.zeros[start..end], |y| &self.crossed[y * long + start..y * long + end])
                };
                rows.clear();
                rows.extend(self.lines[y..=y + 2 * radius].iter().map(row));
                rows::along(&mut out[start..end], &rows, self.kernel.weights());
            }
        }
    }
}

/// Fills the `radius` values on both sides of a row; `columns` says from where.
pub(super) fn pad(row: &mut [f32], radius: usize, columns: &[Option<usize>]) {
    let width = row.len() - 2 * radius;
    for side in [0..radius, radius + width..row.len()] {
        for i in side {
            row[i] = columns[i].map_or(0.0, |column| row[radius + column]);
        }
    }
}
