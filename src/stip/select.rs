//! Which responses are points.
//!
//! A relative threshold is known when the clip ends. Until then what lies above the share of the largest response so
//! far is kept: the threshold only grows, so nothing is lost, and what turns out too weak is dropped now and then.

use std::ops::Range;

use super::ring::Ring;
use super::rows;
use super::scales::strongest;
use super::settings::{Selection, Settings, Threshold};
use crate::stip::Point;
use crate::stip::settings::Scale;

/// Candidates are thinned out when there are so many, and again when they have doubled since.
const MANY: usize = 1 << 18;

/// Largest responses of one frame.
#[derive(Clone, Copy, Debug)]
struct Peak {
    interior: f32,
    anywhere: f32,
}

/// Chooses points from responses at one scale as they come, frame by frame.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    scale: Scale,
    selection: Selection,
    threshold: Threshold,
    /// Frames and pixels from the faces that a relative threshold leaves out.
    interior: [usize; 2],
    height: usize,
    width: usize,
    window: Ring,
    /// The frames that are wanted.
    wanted: Range<usize>,
    /// One a frame, from `first` on.
    peaks: Vec<Peak>,
    /// The largest of the interior ones that no end of the clip can take away.
    settled: f32,
    points: Vec<Point>,
    thinned: usize,
}

impl Selector {
    /// For responses of `height` x `width` that come from frame `ready` on, of which those of `wanted` count.
    pub fn new(
        settings: &Settings,
        scale: Scale,
        (height, width): (usize, usize),
        ready: usize,
        wanted: Range<usize>,
    ) -> Self {
        let around = usize::from(settings.selection == Selection::Maxima);
        let interior = [scale.tau2, scale.sigma2].map(|variance| (settings.interior * variance.sqrt()).ceil() as usize);
        Self {
            scale,
            selection: settings.selection,
            threshold: settings.threshold,
            interior,
            height,
            width,
            window: Ring::new(height * width, around, around, ready),
            wanted,
            peaks: Vec::new(),
            settled: 0.0,
            points: Vec::new(),
            thinned: MANY,
        }
    }

    /// Takes the response of the next frame.
    pub fn push(&mut self, t: usize, response: &[f32]) {
        self.window.slot().copy_from_slice(response);
        if self.wanted.contains(&t) {
            self.peaks.push(self.peak(response));
            self.settle(t);
        }
        for t in self.window.commit() {
            self.select(t);
        }
    }

    fn peak(&self, response: &[f32]) -> Peak {
        let [_, pixels] = self.interior;
        let mut peak = Peak { interior: f32::NEG_INFINITY, anywhere: f32::NEG_INFINITY };
        rows::largest(response, &mut peak.anywhere);
        for row in response.chunks_exact(self.width).take(self.height.saturating_sub(pixels)).skip(pixels) {
            if pixels.saturating_mul(2) < self.width {
                rows::largest(&row[pixels..self.width - pixels], &mut peak.interior);
            }
        }
        peak
    }

    /// Counts the peak of the frame that is inside whatever comes after frame `t`.
    fn settle(&mut self, t: usize) {
        let [frames, _] = self.interior;
        let Some(inside) = t.checked_sub(frames).filter(|&inside| inside >= self.wanted.start.max(frames)) else {
            return;
        };
        if let Some(peak) = self.peaks.get(inside - self.wanted.start) {
            self.settled = self.settled.max(peak.interior);
        }
    }

    /// What a response must exceed by what is known.
    fn least(&self) -> f32 {
        match self.threshold {
            Threshold::Absolute(value) => value,
            Threshold::Relative(share) => share * self.settled,
        }
    }

    fn select(&mut self, t: usize) {
        let least = self.least();
        let response = self.window.frame(t);
        let around = usize::from(self.selection == Selection::Maxima);
        if !self.wanted.contains(&t) || t < around {
            return;
        }
        for y in around..self.height.saturating_sub(around) {
            let row = &response[y * self.width..(y + 1) * self.width];
            let mut most = f32::NEG_INFINITY;
            rows::largest(row, &mut most);
            if most <= least {
                continue;
            }
            for (x, &value) in row.iter().enumerate().take(self.width.saturating_sub(around)).skip(around) {
                if value > least && (around == 0 || self.is_maximum(t, y, x)) {
                    let Scale { sigma2, tau2, .. } = self.scale.whole();
                    let pixel = 1 << self.scale.level;
                    self.points.push(Point {
                        t: t as i32,
                        y: y as i32 * pixel,
                        x: x as i32 * pixel,
                        sigma2,
                        tau2,
                        response: value,
                    });
                }
            }
        }
        if self.points.len() > self.thinned {
            self.points.retain(|point| point.response > least);
            self.thinned = (2 * self.points.len()).max(MANY);
        }
    }

    /// Whether the response is larger than each of its 26 neighbours, all of which exist.
    fn is_maximum(&self, t: usize, y: usize, x: usize) -> bool {
        let width = self.width;
        let value = self.window.frame(t)[y * width + x];
        [t, t - 1, t + 1].into_iter().all(|frame| {
            let response = self.window.frame(frame);
            (y - 1..=y + 1).all(|line| {
                (x - 1..=x + 1)
                    .all(|column| (frame, line, column) == (t, y, x) || value > response[line * width + column])
            })
        })
    }

    /// Ends the stream; at the end of the clip frames without successors are chosen from, too.
    pub fn end(mut self, at_the_end: bool) -> Found {
        if at_the_end && self.selection == Selection::All {
            for t in self.window.end() {
                self.select(t);
            }
        }
        Found {
            scale: self.scale,
            points: self.points,
            peaks: self.peaks,
            first: self.wanted.start,
            interior: self.interior[0],
        }
    }
}

/// What one piece of a clip gave at one scale.
#[derive(Clone, Debug)]
pub(super) struct Found {
    scale: Scale,
    points: Vec<Point>,
    peaks: Vec<Peak>,
    first: usize,
    interior: usize,
}

/// The largest responses of a clip of `total` responses, of those away from the faces and of all.
fn largest(found: &[Found], total: usize) -> (f32, f32) {
    let mut most = (f32::NEG_INFINITY, f32::NEG_INFINITY);
    for piece in found {
        for (i, peak) in piece.peaks.iter().enumerate() {
            let t = piece.first + i;
            if t >= piece.interior && t.saturating_add(piece.interior) < total {
                most.0 = most.0.max(peak.interior);
            }
            most.1 = most.1.max(peak.anywhere);
        }
    }
    most
}

/// The points of a clip of `frames` x `height` x `width` from all pieces at all scales, in the order of frames, rows,
/// columns and scales. `responses` is the number of frames that have a response.
pub(super) fn finish(
    settings: &Settings,
    found: Vec<Found>,
    responses: usize,
    [frames, height, width]: [usize; 3],
) -> Vec<Point> {
    let least = match settings.threshold {
        Threshold::Absolute(value) => value,
        Threshold::Relative(share) => {
            let (interior, anywhere) = largest(&found, responses);
            share * if interior > f32::NEG_INFINITY { interior } else { anywhere }
        }
    };
    let inside =
        |at: i32, [begin, end]: [usize; 2], length: usize| (begin..length.saturating_sub(end)).contains(&(at as usize));
    let margin = [settings.margin[1]; 2];
    let mut points = Vec::new();
    for Found { scale, points: some, .. } in found {
        let (level, margin_t) = (scale.level, settings.margin_over_time(scale));
        let length = |length: usize| settings.reduction.length(length, level);
        points.extend(some.into_iter().filter(|point| {
            point.response > least.max(0.0)
                && inside(point.t, margin_t, frames)
                && inside(point.y >> level, margin, length(height))
                && inside(point.x >> level, margin, length(width))
        }));
    }
    let whole: Vec<Scale> = settings.all_scales().map(Scale::whole).collect();
    let rank = |point: &Point| whole.iter().position(|scale| (scale.sigma2, scale.tau2) == (point.sigma2, point.tau2));
    points.sort_by_cached_key(|point| (point.t, point.y, point.x, rank(point)));
    if settings.scale_selection {
        strongest(settings, &mut points);
    }
    if let Some(most) = settings.max_points
        && points.len() > most
    {
        // Of equal responses the earlier one stays.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| points[b].response.total_cmp(&points[a].response));
        order.truncate(most);
        order.sort_unstable();
        points = order.into_iter().map(|i| points[i]).collect();
    }
    points
}
