//! The volume around a point, cut into cells, and what is summed there.

use std::ops::Range;

use super::integral::{BINS, Integral};
use crate::stip::Point;

/// Sums of a cell: bins, and how many pixels it has.
pub(super) type Sums = [u64; BINS + 1];

/// Where the cells of points lie, at one level of a pyramid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    /// Cells over columns, rows and time.
    pub cells: [usize; 3],
    /// Half the volume's size over sigma and over tau.
    pub factors: [f32; 2],
    pub level: u32,
    pub height: usize,
    pub width: usize,
}

/// First and last sample of each of `count` cells within `reach` of a centre. Neighbours share a sample.
///
/// Edges often fall on samples: the product comes before the quotient, so that these are met exactly.
fn cells(centre: f64, reach: f64, count: usize) -> Vec<[i64; 2]> {
    let edge = |i: usize| (centre + reach * (2.0 * i as f64 - count as f64) / count as f64).floor() as i64;
    (0..count).map(|i| [edge(i), edge(i + 1)]).collect()
}

/// The cells within an axis of `length`, from their first sample to behind their last.
fn within(cells: Vec<[i64; 2]>, length: usize) -> Vec<[usize; 2]> {
    let inside = |at: i64| at.clamp(0, length as i64) as usize;
    cells.into_iter().map(|[first, last]| [inside(first), inside(last + 1)]).collect()
}

/// The cells of one point.
#[derive(Clone, Debug)]
struct Support {
    columns: Vec<[usize; 2]>,
    rows: Vec<[usize; 2]>,
    periods: Vec<[i64; 2]>,
}

impl Support {
    fn new(geometry: &Geometry, point: &Point) -> Self {
        let Geometry { cells: [across, down, long], factors, level, height, width } = *geometry;
        let [space, time] = factors.map(f64::from);
        let scale = f64::from(1u32 << level);
        let deviation = |variance: f32| f64::from(variance).sqrt();
        let (reach, period) = (space * deviation(point.sigma2) / scale, time * deviation(point.tau2));
        Self {
            columns: within(cells(f64::from(point.x) / scale, reach, across), width),
            rows: within(cells(f64::from(point.y) / scale, reach, down), height),
            periods: cells(f64::from(point.t), period, long),
        }
    }

    fn frames(&self) -> Range<i64> {
        let (first, last) = (self.periods.first(), self.periods.last());
        first.map_or(0, |period| period[0])..last.map_or(0, |period| period[1] + 1)
    }
}

/// The sums of some points over a part of a clip.
#[derive(Clone, Debug)]
pub(super) struct Supports {
    /// By their first frame, with the number of the point in the channel.
    supports: Vec<(Range<i64>, usize, Support)>,
    /// Those that frames have reached and not yet left, and how many have been reached.
    active: Vec<usize>,
    reached: usize,
    /// Cells of a point.
    count: usize,
    /// The sums of the fields, one after the other: (fields, points, cells).
    sums: Vec<Sums>,
}

impl Supports {
    pub fn new(geometry: &Geometry, points: &[Point], fields: usize) -> Self {
        let make = |(number, point)| {
            let support = Support::new(geometry, point);
            (support.frames(), number, support)
        };
        let mut supports: Vec<_> = points.iter().enumerate().map(make).collect();
        supports.sort_by_key(|(frames, number, _)| (frames.start, *number));
        let count = geometry.cells.iter().product();
        let sums = vec![Sums::default(); fields * points.len() * count];
        Self { supports, active: Vec::new(), reached: 0, count, sums }
    }

    /// Whether frame `t`, later than those before, is in the volume of a point.
    pub fn reach(&mut self, t: usize) -> bool {
        let t = t as i64;
        while let Some((frames, ..)) = self.supports.get(self.reached)
            && frames.start <= t
        {
            self.active.push(self.reached);
            self.reached += 1;
        }
        self.active.retain(|&i| self.supports[i].0.end > t);
        !self.active.is_empty()
    }

    /// Adds a field of frame `t`, after `reach`.
    pub fn add(&mut self, t: usize, field: usize, integral: &Integral) {
        let t = t as i64;
        for &i in &self.active {
            let (_, number, support) = &self.supports[i];
            let start = (field * self.supports.len() + number) * self.count;
            let mut cells = self.sums[start..start + self.count].chunks_exact_mut(support.periods.len());
            for columns in &support.columns {
                for (rows, cells) in support.rows.iter().zip(&mut cells) {
                    let area = (rows[1] - rows[0]) * (columns[1] - columns[0]);
                    if area == 0 {
                        continue;
                    }
                    let sums = integral.sum(*rows, *columns);
                    for (cell, &[first, last]) in cells.iter_mut().zip(&support.periods) {
                        if (first..=last).contains(&t) {
                            cell.iter_mut().zip(sums).for_each(|(cell, sum)| *cell += u64::from(sum));
                            cell[BINS] += area as u64;
                        }
                    }
                }
            }
        }
    }

    pub fn into_sums(self) -> Vec<Sums> {
        self.sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_reach_from_edge_to_edge_and_share_one_sample() {
        // The counts that STIP 2.0's histograms have: 13 pixels, 7 and 6 frames; 18 pixels, 9 frames.
        assert_eq!(cells(50.0, 18.0, 3), [[32, 44], [44, 56], [56, 68]]);
        assert_eq!(cells(20.0, 4.0 * 2f64.sqrt(), 2), [[14, 20], [20, 25]]);
        let lengths = |cells: Vec<[i64; 2]>| cells.iter().map(|cell| cell[1] - cell[0] + 1).collect::<Vec<_>>();
        assert_eq!(lengths(cells(50.0, 9.0 * 8f64.sqrt(), 3)), [18, 18, 18]);
        assert_eq!(lengths(cells(20.0, 8.0, 2)), [9, 9]);
    }

    #[test]
    fn what_lies_outside_is_cut_off() {
        assert_eq!(within(cells(0.0, 18.0, 3), 5), [[0, 0], [0, 5], [5, 5]]);
    }
}
