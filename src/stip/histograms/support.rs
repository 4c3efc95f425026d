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
fn cells(centre: f32, reach: f32, count: usize) -> Vec<[i64; 2]> {
    let edge = |i: usize| (centre + reach * (2.0 * i as f32 / count as f32 - 1.0)).floor() as i64;
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
        let Geometry { cells: [across, down, long], factors: [space, time], level, height, width } = *geometry;
        let scale = (1u32 << level) as f32;
        let (reach, period) = (space * point.sigma2.sqrt() / scale, time * point.tau2.sqrt());
        Self {
            columns: within(cells(point.x as f32 / scale, reach, across), width),
            rows: within(cells(point.y as f32 / scale, reach, down), height),
            periods: cells(point.t as f32, period, long),
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
