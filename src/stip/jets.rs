//! Jets: the derivatives of the scale space at a point, each multiplied by sigma and tau once for each order.
//!
//! Sources: the 6 terms of the report (first and second order, none mixed), and the 34 terms to order 4 of Schuldt,
//! Laptev and Caputo 2004. Derivatives are differences composed per axis: (-1/2, 0, 1/2), (1, -2, 1),
//! (-1/2, 1, 0, -1, 1/2), (1, -4, 6, -4, 1).

use super::chain::{ScaleSpace, with_halo};
use super::frames::Frames;
use super::kernel::Border;
use super::ring::Ring;
use super::settings::{Scale, Smoothing};
use crate::error::{Error, Result};
use crate::parallel::{Job, for_each_chunk, map_ordered, threads};
use crate::stip::Point;

/// How far the longest difference reaches, and its length.
const REACH: usize = 2;
const SIDE: usize = 2 * REACH + 1;
/// Differences of order 0 to 4.
const STENCILS: [[f32; SIDE]; 5] = [
    [0.0, 0.0, 1.0, 0.0, 0.0],
    [0.0, -0.5, 0.0, 0.5, 0.0],
    [0.0, 1.0, -2.0, 1.0, 0.0],
    [-0.5, 1.0, 0.0, -1.0, 0.5],
    [1.0, -4.0, 6.0, -4.0, 1.0],
];
/// A piece of a clip is not cut shorter than so many frames.
const SHORTEST_PIECE: usize = 64;

/// Which derivatives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jet {
    /// x y t xx yy tt, first order as L\[+1\] - L\[-1\], not halved: the report's.
    SixUnhalved,
    /// x y t xx yy tt.
    Six,
    /// All of order 1 to 4: by order, then by that over time, then by that over rows (x y t xx xy yy xt yt tt ...).
    ThirtyFour,
}

impl Jet {
    /// Values a point.
    pub fn len(self) -> usize {
        match self {
            Self::SixUnhalved | Self::Six => 6,
            Self::ThirtyFour => 34,
        }
    }

    pub fn is_empty(self) -> bool {
        false
    }
}

/// Orders over x, y, t of the 34 terms.
fn orders() -> impl Iterator<Item = [usize; 3]> {
    (1..=4usize).flat_map(|order| (0..=order).flat_map(move |k| (0..=order - k).map(move |n| [order - k - n, n, k])))
}

/// The values around a point: [t][y][x].
type Patch = [[[f32; SIDE]; SIDE]; SIDE];

/// Windows of the scale space at one scale, and the points there.
#[derive(Debug)]
struct Worker {
    jet: Jet,
    border: Border,
    scale: Scale,
    space: ScaleSpace,
    window: Ring,
    height: usize,
    width: usize,
    /// (frame, row, column, number), by frame; the first `done` have their jets.
    points: Vec<(usize, usize, usize, usize)>,
    done: usize,
    values: Vec<f32>,
}

impl Worker {
    fn new(
        (jet, smoothing, scale): (Jet, Smoothing, Scale),
        (height, width): (usize, usize),
        first: usize,
        points: Vec<(usize, usize, usize, usize)>,
    ) -> Self {
        let space = ScaleSpace::new(smoothing, scale, height, width, first);
        let window = Ring::new(height * width, REACH, REACH, space.time.ring.ready());
        let values = Vec::with_capacity(points.len() * jet.len());
        Self { jet, border: smoothing.border, scale, space, window, height, width, points, done: 0, values }
    }

    fn push(&mut self, frames: &Frames<'_>, index: usize) {
        for t in self.space.push(frames, index) {
            self.smoothed(t);
        }
    }

    fn end(&mut self) {
        for t in self.space.time.ring.end() {
            self.smoothed(t);
        }
        for t in self.window.end() {
            self.describe(t);
        }
    }

    fn smoothed(&mut self, t: usize) {
        self.space.time.write(t, self.window.slot());
        for t in self.window.commit() {
            self.describe(t);
        }
    }

    /// The jets of the points of frame `t`.
    fn describe(&mut self, t: usize) {
        while let Some(&(frame, y, x, _)) = self.points.get(self.done)
            && frame == t
        {
            let patch = self.patch(t, y, x);
            match self.jet {
                Jet::SixUnhalved => self.six(&patch, 1.0),
                Jet::Six => self.six(&patch, 0.5),
                Jet::ThirtyFour => self.all(&patch),
            }
            self.done += 1;
        }
    }

    fn patch(&self, t: usize, y: usize, x: usize) -> Patch {
        let mut patch = Patch::default();
        let offset = |i: usize| i as isize - REACH as isize;
        for (dt, plane) in patch.iter_mut().enumerate() {
            let Some(frame) = self.window.near(t, offset(dt), self.border, REACH) else { continue };
            for (dy, line) in plane.iter_mut().enumerate() {
                let Some(y) = self.border.source(y as isize + offset(dy), self.height, REACH) else { continue };
                let row = &frame[y * self.width..(y + 1) * self.width];
                for (dx, value) in line.iter_mut().enumerate() {
                    let column = self.border.source(x as isize + offset(dx), self.width, REACH);
                    *value = column.map_or(0.0, |x| row[x]);
                }
            }
        }
        patch
    }

    /// In the report's order of operations: (next - 2 here) + previous, then the factor.
    fn six(&mut self, patch: &Patch, half: f32) {
        let Scale { sigma2, tau2, .. } = self.scale;
        let [sigma, tau] = [sigma2.sqrt(), tau2.sqrt()];
        let here = patch[REACH][REACH][REACH];
        let (before, after) = (REACH - 1, REACH + 1);
        let x = [patch[REACH][REACH][before], patch[REACH][REACH][after]];
        let y = [patch[REACH][before][REACH], patch[REACH][after][REACH]];
        let t = [patch[before][REACH][REACH], patch[after][REACH][REACH]];
        let first = |[before, after]: [f32; 2], unit: f32| half * unit * (after - before);
        let second = |[before, after]: [f32; 2], unit: f32| unit * ((after - 2.0 * here) + before);
        self.values.extend([first(x, sigma), first(y, sigma), first(t, tau)]);
        self.values.extend([second(x, sigma2), second(y, sigma2), second(t, tau2)]);
    }

    fn all(&mut self, patch: &Patch) {
        let dot = |stencil: &[f32; SIDE], values: [f32; SIDE]| -> f32 {
            stencil.iter().zip(values).map(|(weight, value)| weight * value).sum()
        };
        // Over x: [m][t][y]; then over y: [m][n][t]; then over t.
        let over_x = STENCILS.map(|stencil| patch.map(|plane| plane.map(|line| dot(&stencil, line))));
        let over_y = over_x.map(|planes| STENCILS.map(|stencil| planes.map(|column| dot(&stencil, column))));
        let Scale { sigma2, tau2, .. } = self.scale;
        for [m, n, k] in orders() {
            let unit = sigma2.sqrt().powi((m + n) as i32) * tau2.sqrt().powi(k as i32);
            self.values.push(unit * dot(&STENCILS[k], over_y[m][n]));
        }
    }

    /// Puts the values into the rows of their points.
    fn put(&self, out: &mut [f32]) {
        let length = self.jet.len();
        for (&(_, _, _, number), values) in self.points.iter().zip(self.values.chunks_exact(length)) {
            out[number * length..(number + 1) * length].copy_from_slice(values);
        }
    }
}

/// Points by scale, in the order in which scales appear; each by frame.
#[derive(Clone, Debug)]
struct Group {
    scale: Scale,
    points: Vec<(usize, usize, usize, usize)>,
}

fn groups(points: &[Point], (height, width): (usize, usize), smoothing: Smoothing) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (number, point) in points.iter().enumerate() {
        let scale = Scale::new(point.sigma2, point.tau2);
        let place = [(point.t, usize::MAX), (point.y, height), (point.x, width)]
            .map(|(at, length)| usize::try_from(at).ok().filter(|&at| at < length));
        let [Some(t), Some(y), Some(x)] = place else { return Err(outside(number, point)) };
        let known = groups.iter().position(|group| group.scale == scale);
        let group = match known {
            Some(group) => group,
            None => {
                smoothing.check(scale, 1.0)?;
                groups.push(Group { scale, points: Vec::new() });
                groups.len() - 1
            }
        };
        groups[group].points.push((t, y, x, number));
    }
    groups.iter_mut().for_each(|group| group.points.sort_by_key(|&(t, ..)| t));
    Ok(groups)
}

pub(super) fn outside(number: usize, point: &Point) -> Error {
    let Point { t, y, x, .. } = point;
    Error::argument("points", format!("must lie in the clip, number {number} is at (t, y, x) = ({t}, {y}, {x})"))
}

/// The error of the first point after the end of a clip of `total` frames.
pub(super) fn check_frames(points: &[Point], total: usize) -> Result<()> {
    let late = points.iter().enumerate().find(|(_, point)| point.t as usize >= total);
    late.map_or(Ok(()), |(number, point)| Err(outside(number, point)))
}

/// The jets of points of a clip that is in memory, (points, [`Jet::len`]) row by row.
pub fn describe(frames: &Frames<'_>, points: &[Point], jet: Jet, smoothing: Smoothing, job: &Job) -> Result<Vec<f32>> {
    frames.check_values(0)?;
    let groups = groups(points, frames.shape(), smoothing)?;
    check_frames(points, frames.count())?;
    let total = frames.count();
    let count = threads().div_ceil(groups.len().max(1)).min(total / SHORTEST_PIECE).max(1);
    let mut tasks = Vec::new();
    for group in &groups {
        for i in 0..count {
            let (start, end) = (i * total / count, (i + 1) * total / count);
            let inside: Vec<_> = group.points.iter().copied().filter(|&(t, ..)| (start..end).contains(&t)).collect();
            if !inside.is_empty() {
                tasks.push((group.scale, start..end, inside));
            }
        }
    }
    let workers = map_ordered(&tasks, job, |_, (scale, piece, inside)| {
        let reach = smoothing.radius[1].of(scale.tau2) + REACH;
        let needed = with_halo(piece.clone(), reach, total);
        let mut worker = Worker::new((jet, smoothing, *scale), frames.shape(), needed.start, inside.clone());
        let at_the_end = needed.end == total;
        for index in needed {
            job.check()?;
            worker.push(frames, index);
        }
        if at_the_end {
            worker.end();
        }
        Ok(worker)
    })?;
    let mut out = vec![0.0; points.len() * jet.len()];
    for worker in workers {
        worker?.put(&mut out);
    }
    Ok(out)
}

/// Jets of a clip that comes in pieces.
#[derive(Debug)]
pub struct Describer {
    jet: Jet,
    smoothing: Smoothing,
    points: Vec<Point>,
    shape: Option<(usize, usize)>,
    workers: Vec<Worker>,
    count: usize,
}

impl Describer {
    pub fn new(points: Vec<Point>, jet: Jet, smoothing: Smoothing) -> Self {
        Self { jet, smoothing, points, shape: None, workers: Vec::new(), count: 0 }
    }

    /// Takes the next frames of the clip. After an error the describer is of no use.
    pub fn push(&mut self, frames: &Frames<'_>, job: &Job) -> Result<()> {
        let shape = frames.shape();
        frames.check_values(self.count)?;
        match self.shape {
            None => {
                self.shape = Some(shape);
                let new = |group: Group| Worker::new((self.jet, self.smoothing, group.scale), shape, 0, group.points);
                self.workers = groups(&self.points, shape, self.smoothing)?.into_iter().map(new).collect();
            }
            Some(known) if known != shape => return Err(Frames::changed(known, shape, self.count)),
            Some(_) => {}
        }
        for_each_chunk(&mut self.workers, 1, job, |_, workers, _: &mut ()| {
            for index in 0..frames.count() {
                job.check()?;
                workers.iter_mut().for_each(|worker| worker.push(frames, index));
            }
            Ok(())
        })?;
        self.count += frames.count();
        Ok(())
    }

    /// Ends the clip; the jets of all points.
    pub fn finish(mut self) -> Result<Vec<f32>> {
        check_frames(&self.points, self.count)?;
        let mut out = vec![0.0; self.points.len() * self.jet.len()];
        for worker in &mut self.workers {
            worker.end();
            worker.put(&mut out);
        }
        Ok(out)
    }
}
