//! From frames to the sums of points: gradients at one scale, flow at one level of the pyramid.

use std::ops::Range;

use super::integral::{Integral, orientations, quadrants};
use super::support::{Geometry, Sums, Supports};
use super::{Blocks, HistogramSettings, SMOOTHING};
use crate::error::Result;
use crate::parallel::Job;
use crate::stip::chain::ScaleSpace;
use crate::stip::flow::Flow;
use crate::stip::frames::{Frames, Values};
use crate::stip::pyramid::Pyramid;
use crate::stip::settings::{Reduction, Scale};
use crate::stip::{Point, rows};

/// The longest gradient of values from 0 to 1, with room for what resizing leaves, and what 1 weighs.
const GRADIENT: (f32, f32) = (0.75, 65_536.0);
/// The same of the flow's derivatives: pixels a frame, a pixel.
const BOUNDARY: (f32, f32) = (2.0, 32_768.0);

/// What is measured, for which points.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub kind: Kind,
    pub geometry: Geometry,
    pub points: Vec<Point>,
    /// The place of each among all points.
    pub numbers: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Gradients(Scale),
    Flow(Blocks),
}

impl Plan {
    /// Histograms that are summed: gradients; flow, its boundaries along x and y.
    pub fn fields(&self) -> usize {
        match self.kind {
            Kind::Gradients(_) => 1,
            Kind::Flow(blocks) => usize::from(blocks.flow) + 2 * usize::from(blocks.boundaries),
        }
    }

    /// Frames that one frame's sums need before and after it.
    pub fn halo(&self) -> [usize; 2] {
        match self.kind {
            Kind::Gradients(scale) => [SMOOTHING.radius[1].of(scale.tau2); 2],
            Kind::Flow(_) => [0, 1],
        }
    }
}

/// A plan at work on a stream of frames.
#[derive(Debug)]
pub(super) struct Channel {
    pyramid: Option<Pyramid>,
    source: Source,
    supports: Supports,
    /// Frames whose sums are wanted.
    wanted: Range<usize>,
    lines: Lines,
}

#[derive(Debug)]
enum Source {
    Gradients { space: ScaleSpace, smooth: Vec<f32>, integral: Integral },
    Flow { flow: Flow, x: Vec<f32>, y: Vec<f32>, next: usize, blocks: Blocks, least: f32, integral: Integral },
}

/// Rows at work.
#[derive(Debug)]
struct Lines {
    across: Vec<f32>,
    down: Vec<f32>,
    bins: Vec<u32>,
    weights: Vec<u32>,
}

impl Channel {
    /// For frames that come from `first` on.
    pub fn new(
        plan: &Plan,
        settings: &HistogramSettings,
        shape: (usize, usize),
        first: usize,
        wanted: Range<usize>,
    ) -> Self {
        let Geometry { level, height, width, .. } = plan.geometry;
        let integral = Integral::new(height, width);
        let plane = || vec![0.0; height * width];
        let source = match plan.kind {
            Kind::Gradients(scale) => {
                let space = ScaleSpace::new(SMOOTHING, scale, height, width, first);
                Source::Gradients { space, smooth: plane(), integral }
            }
            Kind::Flow(blocks) => Source::Flow {
                flow: Flow::new(settings.flow, (height, width)),
                x: plane(),
                y: plane(),
                next: first,
                blocks,
                least: settings.least_motion,
                integral,
            },
        };
        let lines =
            Lines { across: vec![0.0; width], down: vec![0.0; width], bins: vec![0; width], weights: vec![0; width] };
        let supports = Supports::new(&plan.geometry, &plan.points, plan.fields());
        Self {
            pyramid: (level > 0).then(|| Pyramid::new(Reduction::Wide, shape, level)),
            source,
            supports,
            wanted,
            lines,
        }
    }

    pub fn push(&mut self, frames: &Frames<'_>, range: Range<usize>, job: &Job) -> Result<()> {
        for index in range {
            job.check()?;
            let (pyramid, rest) = (&mut self.pyramid, (&mut self.source, &mut self.supports, &mut self.lines));
            match pyramid {
                None => take(rest, &self.wanted, frames, index),
                Some(pyramid) => {
                    let (height, width) = pyramid.shape();
                    let frame = Frames::new(Values::Floats(pyramid.run(frames, index)), [1, height, width])?;
                    take(rest, &self.wanted, &frame, 0);
                }
            }
        }
        Ok(())
    }

    /// Ends the stream; `at_the_end` of the clip the last frames are smoothed by the border rule.
    pub fn end(mut self, at_the_end: bool) -> Vec<Sums> {
        if let Source::Gradients { space, smooth, integral } = &mut self.source
            && at_the_end
        {
            for t in space.time.ring.end() {
                smoothed(space, smooth, integral, &mut self.supports, &mut self.lines, &self.wanted, t);
            }
        }
        self.supports.into_sums()
    }
}

fn take(
    (source, supports, lines): (&mut Source, &mut Supports, &mut Lines),
    wanted: &Range<usize>,
    frames: &Frames<'_>,
    index: usize,
) {
    match source {
        Source::Gradients { space, smooth, integral } => {
            for t in space.push(frames, index) {
                smoothed(space, smooth, integral, supports, lines, wanted, t);
            }
        }
        Source::Flow { flow, x, y, next, blocks, least, integral } => {
            let (height, width) = frames.shape();
            flow.push(|image| {
                image.chunks_exact_mut(width).enumerate().for_each(|(y, row)| frames.row(index, y, row));
            });
            *next += 1;
            let Some(t) = next.checked_sub(2).filter(|t| wanted.contains(t)) else { return };
            if !supports.reach(t) {
                return;
            }
            let found = flow.run();
            for (line, (x, y)) in x.chunks_exact_mut(width).zip(y.chunks_exact_mut(width)).enumerate() {
                found.flow(line, x, y);
            }
            let mut field = 0;
            if blocks.flow {
                for line in 0..height {
                    let row = line * width..(line + 1) * width;
                    quadrants(&mut lines.bins, &mut lines.weights, &x[row.clone()], &y[row], *least);
                    integral.put_row(line, &lines.bins, &lines.weights);
                }
                supports.add(t, field, integral);
                field += 1;
            }
            if blocks.boundaries {
                for plane in [&*x, &*y] {
                    edges(plane, width, integral, lines, BOUNDARY);
                    supports.add(t, field, integral);
                    field += 1;
                }
            }
        }
    }
}

/// Frame `t` of the scale space.
fn smoothed(
    space: &ScaleSpace,
    smooth: &mut [f32],
    integral: &mut Integral,
    supports: &mut Supports,
    lines: &mut Lines,
    wanted: &Range<usize>,
    t: usize,
) {
    if wanted.contains(&t) && supports.reach(t) {
        space.time.write(t, smooth);
        edges(smooth, lines.bins.len(), integral, lines, GRADIENT);
        supports.add(t, 0, integral);
    }
}

/// The integral image of a plane's gradients by orientation; `(most, scale)` is their longest and what 1 weighs.
fn edges(plane: &[f32], width: usize, integral: &mut Integral, lines: &mut Lines, (most, scale): (f32, f32)) {
    let last = plane.len() / width - 1;
    let row = |y: usize| &plane[y * width..(y + 1) * width];
    for y in 0..=last {
        rows::difference(&mut lines.down, row(y.saturating_sub(1)), row((y + 1).min(last)), 0.5);
        rows::slope(&mut lines.across, row(y));
        orientations(&mut lines.bins, &mut lines.weights, &lines.across, &lines.down, most, scale);
        integral.put_row(y, &lines.bins, &lines.weights);
    }
}
