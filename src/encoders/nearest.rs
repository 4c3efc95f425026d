//! The nearest centre of each row: argmin over j of |c_j|^2 - 2 x·c_j, which is that of the squared Euclidean
//! distance; ties to the lowest index. And distances to all centres.
//!
//! Products of a tile of rows and a panel of centres stay in registers, and the running minimum is taken
//! there too, so the (rows, centres) matrix never exists. Both sides are first shifted by the mean of the centres,
//! which keeps float32 from cancelling; the distance to the nearest is then computed from the differences.
//! Every product is fused and summed in the order of the columns, whatever the instructions: all processors
//! give the same bytes.

use std::ops::Range;

use super::tiles::{fused_level, multiply, tiled};
use super::{Rows, column_means};
use crate::error::Result;
use crate::parallel::{Job, map_blocks};
use crate::simd::Level;

/// Rows that one block takes through all panels: with 162 columns they fill a part of the L2 cache.
const BLOCK: usize = 240;

/// Squared distances below this part of the squared lengths are rounding: 16 units in the last place.
const ROUNDING: f32 = 1e-6;

/// Centres in panels, ready to be searched.
pub struct Centres<'a> {
    rows: Rows<'a>,
    /// For each panel, column after column, one value for each of its centres.
    panels: Vec<f32>,
    /// Squared length of each shifted centre; infinite where a panel has no centre.
    norms: Vec<f32>,
    shift: Vec<f32>,
    level: Level,
}

/// Centres of a panel.
const fn panel_width(level: Level) -> usize {
    match level {
        Level::Plain | Level::Avx2 => 16,
        Level::Avx512 | Level::Vbmi => 32,
    }
}

impl<'a> Centres<'a> {
    /// Packs the centres.
    pub fn new(rows: Rows<'a>) -> Self {
        let shift: Vec<f32> = column_means(rows).iter().map(|&mean| mean as f32).collect();
        let (columns, level) = (rows.columns(), fused_level());
        let width = panel_width(level);
        let padded = rows.len().next_multiple_of(width);
        let mut panels = vec![0f32; padded * columns];
        let mut norms = vec![f32::INFINITY; padded];
        for (i, norm) in norms.iter_mut().enumerate().take(rows.len()) {
            let panel = &mut panels[i / width * width * columns..];
            let mut sum = 0f64;
            for (column, (&value, &shift)) in rows.row(i).iter().zip(&shift).enumerate() {
                let shifted = value - shift;
                panel[column * width + i % width] = shifted;
                sum += f64::from(shifted) * f64::from(shifted);
            }
            *norm = sum as f32;
        }
        Self { rows, panels, norms, shift, level }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Centres of a panel; a range of panels is what [`Self::distances`] takes.
    pub fn width(&self) -> usize {
        panel_width(self.level)
    }

    pub fn panels(&self) -> usize {
        self.norms.len() / self.width()
    }

    /// For each row the index of the nearest centre and the squared distance to it, on the pool.
    pub fn assign(&self, rows: Rows<'_>, job: &Job) -> Result<(Vec<u32>, Vec<f32>)> {
        let blocks = map_blocks(rows.len(), BLOCK, job, |start, stop| {
            let rows = rows.slice(start, stop);
            let labels = self.nearest(rows);
            let distance = |(i, &label): (usize, &u32)| squared_distance(rows.row(i), self.rows.row(label as usize));
            let distances: Vec<f32> = labels.iter().enumerate().map(distance).collect();
            (labels, distances)
        })?;
        let mut labels = Vec::with_capacity(rows.len());
        let mut distances = Vec::with_capacity(rows.len());
        for (some_labels, some_distances) in blocks {
            labels.extend(some_labels);
            distances.extend(some_distances);
        }
        Ok((labels, distances))
    }

    /// Squared distances (rows x centres), on the pool.
    pub fn all_distances(&self, rows: Rows<'_>, job: &Job) -> Result<Vec<f32>> {
        let stride = self.panels() * self.width();
        let blocks = map_blocks(rows.len(), BLOCK, job, |start, stop| {
            let distances = self.distances(rows.slice(start, stop), &(0..self.panels()));
            distances.chunks_exact(stride).flat_map(|row| &row[..self.len()]).copied().collect::<Vec<f32>>()
        })?;
        Ok(blocks.concat())
    }

    tiled! {
        /// The nearest centre of each row.
        fn nearest(rows: Rows<'_>) -> Vec<u32> = nearest_with, plain (4, 16), avx2 (6, 16), avx512 (12, 32),
            nearest_avx2, nearest_avx512
    }

    tiled! {
        /// Squared distances of each row to each centre of the panels, row after row; the last panel is full, of
        /// infinities. What lies within the rounding of 0 is 0.
        pub fn distances(rows: Rows<'_>, panels: &Range<usize>) -> Vec<f32> = distances_with,
            plain (4, 16), avx2 (6, 16), avx512 (12, 32), distances_avx2, distances_avx512
    }

    /// Tiles of R shifted rows, column after column; missing rows are zeros.
    #[inline(always)]
    fn tiles<const R: usize>(&self, rows: Rows<'_>) -> Vec<f32> {
        let columns = rows.columns();
        let mut packed = vec![0f32; rows.len().next_multiple_of(R) * columns];
        for i in 0..rows.len() {
            let tile = &mut packed[i / R * R * columns..];
            for (column, (&value, &shift)) in rows.row(i).iter().zip(&self.shift).enumerate() {
                tile[column * R + i % R] = value - shift;
            }
        }
        packed
    }

    #[inline(always)]
    fn nearest_with<const R: usize, const C: usize>(&self, rows: Rows<'_>) -> Vec<u32> {
        let columns = rows.columns();
        let packed = self.tiles::<R>(rows);
        let padded = packed.len() / columns;
        // The best so far in each lane of a row, and the panel it came from.
        let mut best = vec![[f32::INFINITY; C]; padded];
        let mut origins = vec![[0u32; C]; padded];
        let panels = self.panels.chunks_exact(C * columns).zip(self.norms.as_chunks::<C>().0);
        for (number, (panel, lengths)) in panels.enumerate() {
            let places = best.as_chunks_mut::<R>().0.iter_mut().zip(origins.as_chunks_mut::<R>().0);
            for (tile, (best, origins)) in packed.chunks_exact(R * columns).zip(places) {
                let products = multiply::<f32, R, C>(tile, panel);
                for r in 0..R {
                    for lane in 0..C {
                        let distance = products[r][lane].mul_add(-2.0, lengths[lane]);
                        let nearer = distance < best[r][lane];
                        best[r][lane] = if nearer { distance } else { best[r][lane] };
                        origins[r][lane] = if nearer { number as u32 } else { origins[r][lane] };
                    }
                }
            }
        }
        let winner = |(best, origins): (&[f32; C], &[u32; C])| {
            let (mut label, mut least) = (0, f32::INFINITY);
            for (lane, (&distance, &origin)) in best.iter().zip(origins).enumerate() {
                let index = origin * C as u32 + lane as u32;
                if distance < least || (distance == least && index < label) {
                    (label, least) = (index, distance);
                }
            }
            label
        };
        best.iter().zip(&origins).take(rows.len()).map(winner).collect()
    }

    #[inline(always)]
    fn distances_with<const R: usize, const C: usize>(&self, rows: Rows<'_>, panels: &Range<usize>) -> Vec<f32> {
        let columns = rows.columns();
        let width = C * panels.len();
        let packed = self.tiles::<R>(rows);
        let mut out = vec![0f32; packed.len() / columns * width];
        let chosen = panels.start * C..panels.end * C;
        let lengths = self.norms[chosen.clone()].as_chunks::<C>().0;
        let panels = self.panels[chosen.start * columns..chosen.end * columns].chunks_exact(C * columns);
        for (number, (panel, lengths)) in panels.zip(lengths).enumerate() {
            for (tile, out) in packed.chunks_exact(R * columns).zip(out.chunks_exact_mut(R * width)) {
                let products = multiply::<f32, R, C>(tile, panel);
                for r in 0..R {
                    let out = &mut out[r * width + number * C..][..C];
                    for lane in 0..C {
                        out[lane] = products[r][lane].mul_add(-2.0, lengths[lane]);
                    }
                }
            }
        }
        out.truncate(rows.len() * width);
        for (i, out) in out.chunks_exact_mut(width).enumerate() {
            let values = rows.row(i).iter().zip(&self.shift).map(|(value, shift)| f64::from(value - shift));
            let norm = values.map(|value| value * value).sum::<f64>() as f32;
            for (distance, length) in out.iter_mut().zip(lengths.as_flattened()) {
                let sum = *distance + norm;
                *distance = if sum > ROUNDING * (norm + length) || length.is_infinite() { sum } else { 0.0 };
            }
        }
        out
    }
}

/// |a - b|^2 in float32, in sixteen sums.
fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 16];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += (a - b) * (a - b);
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += (a - b) * (a - b);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::simd::tests::same_at_every_level;

    fn random(count: usize) -> Vec<f32> {
        let mut stream = Stream::keyed(count as u64, &[]);
        (0..count).map(|_| stream.uniform() as f32 + 5.0).collect()
    }

    #[test]
    fn the_nearest_is_that_of_a_plain_search_at_every_level() {
        for (n, k, columns) in [(1, 1, 1), (61, 33, 7), (7, 100, 162)] {
            let (values, centres) = (random(n * columns), random(k * columns + 1));
            let rows = Rows::new(&values, n, columns).unwrap();
            let centres = Rows::new(&centres[1..], k, columns).unwrap();
            let distance = |i: usize, j: usize| -> f64 {
                rows.row(i).iter().zip(centres.row(j)).map(|(a, b)| f64::from(a - b).powi(2)).sum()
            };
            let expected: Vec<u32> = (0..n)
                .map(|i| (0..k).min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b))).unwrap() as u32)
                .collect();
            same_at_every_level(|| {
                let prepared = Centres::new(centres);
                let (labels, distances) = prepared.assign(rows, &Job::new()).unwrap();
                assert_eq!(labels, expected);
                let matrix = prepared.distances(rows, &(0..prepared.panels()));
                let stride = prepared.panels() * prepared.width();
                for (i, &distance) in distances.iter().enumerate() {
                    assert!((matrix[i * stride + labels[i] as usize] - distance).abs() <= 1e-4 * (1.0 + distance));
                }
                (labels, distances)
            });
        }
    }

    #[test]
    fn ties_go_to_the_lowest_index() {
        let centres = [3.0, 1.0, 1.0, 3.0].repeat(20);
        let centres = Rows::new(&centres, 80, 1).unwrap();
        let rows = Rows::new(&[1.0, 3.0], 2, 1).unwrap();
        same_at_every_level(|| {
            let (labels, distances) = Centres::new(centres).assign(rows, &Job::new()).unwrap();
            assert_eq!((labels.as_slice(), distances.as_slice()), ([1, 0].as_slice(), [0.0, 0.0].as_slice()));
        });
    }
}
