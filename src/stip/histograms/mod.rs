//! Histograms of gradients, of optical flow and of its boundaries in the volume around a point.
//!
//! The volume reaches 9 sigma and 4 tau to each side and is cut into 3 x 3 x 2 cells. A cell holds 4 bins of gradient
//! orientations at the point's scale (HOG), 4 of directions of flow and one of what rests (HOF), 4 of orientations
//! of each flow component's gradient (MBH). Large scales are measured on halved frames, as points there were found.
//!
//! Sources: Laptev, Marszalek, Schmid and Rozenfeld, CVPR 2008 (HOG, HOF); Dalal, Triggs and Schmid, ECCV 2006 (MBH).
//! Volume, cells, bins and smoothing were settled by what the program STIP 2.0 prints.
//!
//! One pass over the frames: an integral image a field and scale, from which each point in reach takes its
//! cells. Sums are whole numbers, so they do not depend on how the clip is cut. Memory does not grow with the clip.

mod channel;
mod integral;
mod support;

use super::flow::FlowSettings;
use super::frames::Frames;
use super::jets::{check_frames, outside};
use super::kernel::{Border, Radius};
use super::pyramid::halved;
use super::settings::{Scale, Smoothing};
use crate::error::{Error, Result};
use crate::parallel::{Job, for_each_chunk, map_ordered, threads};
use crate::stip::Point;
use channel::{Channel, Kind, Plan};
use integral::BINS;
use support::{Geometry, Sums};

/// How gradients are smoothed.
const SMOOTHING: Smoothing = Smoothing { radius: [Radius::Deviations(3.0); 2], border: Border::Reflect };
/// From this variance on frames are halved, four times as much for each further level.
const HALVED_FROM: f32 = 16.0;
/// Frames are not halved to less than so many pixels along their shorter side.
const SHORTEST_SIDE: usize = 8;
/// A piece of a clip is not cut shorter than so many frames.
const SHORTEST_PIECE: usize = 64;
/// Limits, so that a cell's sums stay below 2^32.
const MOST: [f32; 2] = [20.0, 50.0];

/// Which histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    pub gradients: bool,
    pub flow: bool,
    pub boundaries: bool,
}

/// What sums are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalization {
    /// Each cell by its sum.
    Cell,
    /// Each kind of histogram by its length.
    Whole,
    /// Nothing.
    None,
}

/// The numbers of the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramSettings {
    pub blocks: Blocks,
    /// Cells over columns, rows and time.
    pub cells: [usize; 3],
    /// Half the volume's size over sigma and over tau.
    pub factors: [f32; 2],
    pub normalization: Normalization,
    /// Slower flow is rest: pixels a frame.
    pub least_motion: f32,
    pub flow: FlowSettings,
}

impl HistogramSettings {
    pub fn check(&self) -> Result<()> {
        if !self.cells.iter().all(|cells| (1..=16).contains(cells)) {
            return Err(Error::argument("cells", format!("must be 1 to 16 along each axis, got {:?}", self.cells)));
        }
        for ((name, value), most) in ["spatial_factor", "temporal_factor"].into_iter().zip(self.factors).zip(MOST) {
            if !(value > 0.0 && value <= most) {
                return Err(Error::argument(name, format!("must be more than 0 and at most {most}, got {value}")));
            }
        }
        if !(0.0..=1000.0).contains(&self.least_motion) {
            let message = format!("must be 0 to 1000 pixels a frame, got {}", self.least_motion);
            return Err(Error::argument("least_motion", message));
        }
        self.flow.check()
    }

    /// Histograms in the order of the descriptor: the bins of each.
    fn fields(&self) -> impl Iterator<Item = usize> {
        let Blocks { gradients, flow, boundaries } = self.blocks;
        [(gradients, BINS), (flow, BINS + 1), (boundaries, BINS), (boundaries, BINS)]
            .into_iter()
            .filter_map(|(wanted, bins)| wanted.then_some(bins))
    }

    /// Values a point.
    pub fn len(&self) -> usize {
        self.fields().sum::<usize>() * self.cells.iter().product::<usize>()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What has to be measured for points of frames of this shape.
    fn plans(&self, points: &[Point], (height, width): (usize, usize)) -> Result<Vec<Plan>> {
        let mut plans: Vec<Plan> = Vec::new();
        let flow = self.blocks.flow || self.blocks.boundaries;
        for (number, point) in points.iter().enumerate() {
            let place = [(point.t, usize::MAX), (point.y, height), (point.x, width)];
            if !place.into_iter().all(|(at, length)| usize::try_from(at).is_ok_and(|at| at < length)) {
                return Err(outside(number, point));
            }
            SMOOTHING.check(Scale::new(point.sigma2, point.tau2), 1.0)?;
            let level = level(point.sigma2, (height, width));
            let sigma2 = point.sigma2 / 4f32.powi(level as i32);
            let gradients = Kind::Gradients(Scale { level, ..Scale::new(sigma2, point.tau2) });
            for (kind, wanted) in [(gradients, self.blocks.gradients), (Kind::Flow(self.blocks), flow)] {
                if !wanted {
                    continue;
                }
                let same = |plan: &Plan| plan.kind == kind && plan.geometry.level == level;
                let known = plans.iter().position(same).unwrap_or_else(|| {
                    let (height, width) = (halved(height, level), halved(width, level));
                    let geometry = Geometry { cells: self.cells, factors: self.factors, level, height, width };
                    plans.push(Plan { kind, geometry, points: Vec::new(), numbers: Vec::new() });
                    plans.len() - 1
                });
                plans[known].points.push(*point);
                plans[known].numbers.push(number);
            }
        }
        Ok(plans)
    }

    /// Adds the histograms of a plan's points to the descriptors.
    fn put(&self, plan: &Plan, sums: &[Sums], out: &mut [f32]) {
        let (length, cells) = (self.len(), self.cells.iter().product::<usize>());
        let fields: Vec<usize> = self.fields().collect();
        let first = match plan.kind {
            Kind::Gradients(_) => 0,
            Kind::Flow(_) => usize::from(self.blocks.gradients),
        };
        let blocks = sums.chunks_exact(cells * plan.points.len());
        for (field, block) in (first..).zip(blocks) {
            let start = fields[..field].iter().sum::<usize>() * cells;
            for (&number, sums) in plan.numbers.iter().zip(block.chunks_exact(cells)) {
                let place = number * length + start;
                let values = &mut out[place..place + cells * fields[field]];
                for (value, sums) in values.chunks_exact_mut(fields[field]).zip(sums) {
                    cell(value, sums, self.normalization);
                }
                if self.normalization == Normalization::Whole {
                    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
                    values.iter_mut().for_each(|value| *value /= norm.max(f32::MIN_POSITIVE));
                }
            }
        }
    }
}

/// The values of a cell: those of its bins, and where there is one more, its pixels that are in none.
fn cell(out: &mut [f32], sums: &Sums, normalization: Normalization) {
    let (bins, area) = sums.split_at(BINS);
    let all: u64 = bins.iter().sum();
    let rest = area[0].saturating_sub(all);
    let total = if out.len() > BINS { area[0] } else { all };
    let whole = bins.iter().chain([&rest]);
    let divisor = if normalization == Normalization::Cell { total.max(1) as f64 } else { 1.0 };
    for (out, &sum) in out.iter_mut().zip(whole) {
        *out = (sum as f64 / divisor) as f32;
    }
}

/// The level of the pyramid where points of this scale are measured.
fn level(sigma2: f32, (height, width): (usize, usize)) -> u32 {
    let mut level = 0;
    while sigma2 >= HALVED_FROM * 4f32.powi(level as i32) && halved(height.min(width), level + 1) >= SHORTEST_SIDE {
        level += 1;
    }
    level
}

/// The histograms of points of a clip that is in memory, (points, [`HistogramSettings::len`]) row by row.
pub fn describe_histograms(
    frames: &Frames<'_>,
    points: &[Point],
    settings: &HistogramSettings,
    job: &Job,
) -> Result<Vec<f32>> {
    settings.check()?;
    frames.check_values(0)?;
    let (plans, total) = (settings.plans(points, frames.shape())?, frames.count());
    check_frames(points, total)?;
    let count = threads().min(total / SHORTEST_PIECE).max(1);
    let piece = |i: usize| i * total / count..(i + 1) * total / count;
    let tasks: Vec<_> = plans.iter().flat_map(|plan| (0..count).map(move |i| (plan, piece(i)))).collect();
    let parts = map_ordered(&tasks, job, |_, (plan, wanted)| {
        let [before, after] = plan.halo();
        let needed = wanted.start.saturating_sub(before)..(wanted.end + after).min(total);
        let mut channel = Channel::new(plan, settings, frames.shape(), needed.start, wanted.clone());
        let at_the_end = needed.end == total;
        channel.push(frames, needed, job)?;
        Ok(channel.end(at_the_end))
    })?;
    let mut out = vec![0.0; points.len() * settings.len()];
    let mut parts = parts.into_iter();
    for plan in &plans {
        let mut sums: Vec<Sums> = Vec::new();
        for part in parts.by_ref().take(count) {
            let part = part?;
            if sums.is_empty() {
                sums = part;
            } else {
                let pairs = sums.as_flattened_mut().iter_mut().zip(part.as_flattened());
                pairs.for_each(|(sum, more)| *sum += more);
            }
        }
        settings.put(plan, &sums, &mut out);
    }
    Ok(out)
}

/// Histograms of a clip that comes in pieces.
#[derive(Debug)]
pub struct HistogramDescriber {
    settings: HistogramSettings,
    points: Vec<Point>,
    shape: Option<(usize, usize)>,
    channels: Vec<(Plan, Channel)>,
    count: usize,
}

impl HistogramDescriber {
    pub fn new(points: Vec<Point>, settings: HistogramSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings, points, shape: None, channels: Vec::new(), count: 0 })
    }

    /// Takes the next frames of the clip. After an error the describer is of no use.
    pub fn push(&mut self, frames: &Frames<'_>, job: &Job) -> Result<()> {
        let shape = frames.shape();
        frames.check_values(self.count)?;
        match self.shape {
            None => {
                self.shape = Some(shape);
                let plans = self.settings.plans(&self.points, shape)?;
                let new = |plan: &Plan| Channel::new(plan, &self.settings, shape, 0, 0..usize::MAX);
                let channels = plans.into_iter().map(|plan| (new(&plan), plan));
                self.channels = channels.map(|(channel, plan)| (plan, channel)).collect();
            }
            Some(known) if known != shape => return Err(Frames::changed(known, shape, self.count)),
            Some(_) => {}
        }
        for_each_chunk(&mut self.channels, 1, job, |_, channels, _: &mut ()| {
            channels.iter_mut().try_for_each(|(_, channel)| channel.push(frames, 0..frames.count(), job))
        })?;
        self.count += frames.count();
        Ok(())
    }

    /// Ends the clip; the histograms of all points.
    pub fn finish(self) -> Result<Vec<f32>> {
        check_frames(&self.points, self.count)?;
        let mut out = vec![0.0; self.points.len() * self.settings.len()];
        for (plan, channel) in self.channels {
            self.settings.put(&plan, &channel.end(true), &mut out);
        }
        Ok(out)
    }
}
