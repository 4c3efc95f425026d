//! From frames to responses at one scale, over windows that slide along time.
//!
//! frames -> blur over space -> window -> blur over time -> L -> window -> gradients -> six products -> blur over
//! space -> window -> blur over time -> response, row by row. Memory: about 8 frames for each frame that the kernels
//! over time reach, whatever the clip's length.

use std::ops::Range;

use super::blur::SpaceBlur;
use super::frames::Frames;
use super::gradient::Gradient;
use super::ring::{Ring, TimeBlur};
use super::rows;
use super::settings::{Scale, Settings, Smoothing};

/// Frames whose second moments are smoothed over time at once: neighbours share most of what they read, which is more
/// than a core's cache holds.
const BATCH: usize = 4;
/// Products of two derivatives: xx xy xt yy yt tt.
pub(super) const MOMENTS: usize = 6;

/// The scale space L at one scale, frame by frame.
#[derive(Clone, Debug)]
pub(super) struct ScaleSpace {
    space: SpaceBlur,
    pub time: TimeBlur,
}

impl ScaleSpace {
    pub fn new(smoothing: Smoothing, scale: Scale, height: usize, width: usize, first: usize) -> Self {
        let [space, time] = smoothing.kernels(scale, 1.0);
        Self {
            space: SpaceBlur::new(space, smoothing.border, 1, height, width),
            time: TimeBlur::new(height * width, time, smoothing.border, first, 1),
        }
    }

    /// Takes the next frame; which frames of L are ready.
    pub fn push(&mut self, frames: &Frames<'_>, index: usize) -> Range<usize> {
        self.space.run(self.time.ring.slot(), |y, rows| frames.row(index, y, rows[0]));
        self.time.ring.commit()
    }
}

/// Second moments of the gradient over an integration window, frame by frame.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    space: SpaceBlur,
    pub time: TimeBlur,
    /// One row each of Lx, Ly, Lt.
    gradients: Vec<f32>,
}

impl Moments {
    pub fn new(
        smoothing: Smoothing,
        scale: Scale,
        integration: f32,
        (height, width): (usize, usize),
        first: usize,
    ) -> Self {
        let [space, time] = smoothing.kernels(scale, integration);
        Self {
            space: SpaceBlur::new(space, smoothing.border, MOMENTS, height, width),
            time: TimeBlur::new(MOMENTS * height * width, time, smoothing.border, first, BATCH),
            gradients: vec![0.0; 3 * width],
        }
    }

    /// Takes the next frame, whose derivatives `gradient(y, [lx, ly, lt])` writes row by row; which frames are
    /// ready.
    pub fn push(&mut self, mut gradient: impl FnMut(usize, [&mut [f32]; 3])) -> Range<usize> {
        let width = self.gradients.len() / 3;
        let (lx, rest) = self.gradients.split_at_mut(width);
        let (ly, lt) = rest.split_at_mut(width);
        self.space.run(self.time.ring.slot(), |y, rows| {
            gradient(y, [&mut *lx, &mut *ly, &mut *lt]);
            let pairs: [(&[f32], &[f32]); MOMENTS] = [(lx, lx), (lx, ly), (lx, lt), (ly, ly), (ly, lt), (lt, lt)];
            for (row, (a, b)) in rows.iter_mut().zip(pairs) {
                rows::product(row, a, b);
            }
        });
        self.time.ring.commit()
    }
}

/// The response at one scale.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    scale_space: ScaleSpace,
    window: Ring,
    gradient: Gradient,
    moments: Moments,
    k: f32,
    rows: Vec<f32>,
    /// Of the frames that are ready at once.
    responses: Vec<f32>,
}

impl Chain {
    /// For frames of `height` x `width`, of which the first to come is number `first`.
    pub fn new(settings: &Settings, scale: Scale, height: usize, width: usize, first: usize) -> Self {
        let smoothing = settings.smoothing;
        let scale_space = ScaleSpace::new(smoothing, scale, height, width, first);
        let units = settings.normalized.then_some(scale);
        let gradient = Gradient::new(settings.derivatives, smoothing.border, units, height, width);
        let window = gradient.window(scale_space.time.ring.ready());
        let shape = gradient.shape();
        let moments = Moments::new(smoothing, scale, settings.integration, shape, window.ready());
        let rows = vec![0.0; BATCH * MOMENTS * shape.1];
        Self {
            scale_space,
            window,
            gradient,
            moments,
            k: settings.k,
            rows,
            responses: vec![0.0; BATCH * shape.0 * shape.1],
        }
    }

    /// Height and width of the response.
    pub fn shape(&self) -> (usize, usize) {
        self.gradient.shape()
    }

    /// The frame of the response that comes next.
    pub fn ready(&self) -> usize {
        self.moments.time.ring.ready()
    }

    /// Takes the next frame; gives `take(t, response)` what is ready.
    pub fn push(&mut self, frames: &Frames<'_>, index: usize, take: &mut impl FnMut(usize, &[f32])) {
        for t in self.scale_space.push(frames, index) {
            self.smoothed(t, take);
        }
    }

    /// Ends a piece of a clip: gives what is complete.
    pub fn rest(&mut self, take: &mut impl FnMut(usize, &[f32])) {
        let rest = self.moments.time.ring.rest();
        self.integrated(rest, take);
    }

    /// Ends the clip: gives the last frames.
    pub fn end(&mut self, take: &mut impl FnMut(usize, &[f32])) {
        for t in self.scale_space.time.ring.end() {
            self.smoothed(t, take);
        }
        if self.gradient.reaches_the_end() {
            for t in self.window.end() {
                self.differentiated(t, take);
            }
        }
        let rest = self.moments.time.ring.end();
        self.integrated(rest, take);
    }

    fn smoothed(&mut self, t: usize, take: &mut impl FnMut(usize, &[f32])) {
        self.scale_space.time.write(t, self.window.slot());
        for t in self.window.commit() {
            self.differentiated(t, take);
        }
    }

    fn differentiated(&mut self, t: usize, take: &mut impl FnMut(usize, &[f32])) {
        let (gradient, window) = (&self.gradient, &self.window);
        let ready = self.moments.push(|y, rows| gradient.run(window, t, y, rows));
        self.integrated(ready, take);
    }

    fn integrated(&mut self, ready: Range<usize>, take: &mut impl FnMut(usize, &[f32])) {
        let (height, width) = self.gradient.shape();
        let (responses, k, size) = (&mut self.responses, self.k, height * width);
        // At the end of a clip more are ready than at any other time.
        for first in ready.clone().step_by(BATCH) {
            let some = first..ready.end.min(first + BATCH);
            self.moments.time.run(some.clone(), MOMENTS * width, &mut self.rows, |frame, start, moments| {
                let start = frame * size + start / MOMENTS;
                rows::response(&mut responses[start..start + width], moments, k);
            });
            for (t, response) in some.zip(responses.chunks_exact(size)) {
                take(t, response);
            }
        }
    }
}

/// Frames of a clip of `total` that responses at `wanted` need.
pub(super) fn with_halo(wanted: Range<usize>, reach: usize, total: usize) -> Range<usize> {
    wanted.start.saturating_sub(reach)..(wanted.end + reach).min(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::simd::tests::same_at_every_level;
    use crate::stip::{Border, Derivatives, Radius, Reduction, Selection, Threshold, Values};

    fn settings(derivatives: Derivatives, border: Border) -> Settings {
        Settings {
            scales: vec![Scale::new(3.0, 1.5)],
            levels: 1,
            reduction: Reduction::Wide,
            smoothing: Smoothing { radius: [Radius::Deviations(3.0); 2], border },
            derivatives,
            normalized: true,
            integration: 2.0,
            k: 0.005,
            threshold: Threshold::Absolute(0.0),
            interior: 0.0,
            selection: Selection::All,
            scale_selection: false,
            margin: [0, 0],
            online: false,
            max_points: None,
        }
    }

    /// Numbers and bits of the responses of the frames `range` of a clip; at its end if `range` holds it.
    fn responses(settings: &Settings, bytes: &[u8], shape: [usize; 3], range: Range<usize>) -> Vec<(usize, Vec<u32>)> {
        let [total, height, width] = shape;
        let frames = Frames::new(Values::Bytes(bytes), shape).unwrap();
        let mut chain = Chain::new(settings, settings.scales[0], height, width, range.start);
        let mut found = Vec::new();
        let mut take = |t, response: &[f32]| found.push((t, response.iter().map(|value| value.to_bits()).collect()));
        let at_the_end = range.end == total;
        for index in range {
            chain.push(&frames, index, &mut take);
        }
        if at_the_end {
            chain.end(&mut take)
        } else {
            chain.rest(&mut take)
        }
        found
    }

    fn noise(shape: [usize; 3]) -> Vec<u8> {
        let mut stream = Stream::keyed(7, &[]);
        (0..shape.iter().product()).map(|_| stream.below(256) as u8).collect()
    }

    #[test]
    fn responses_are_the_same_at_every_level_of_instructions() {
        for (height, width) in [(9, 83), (12, 7)] {
            let bytes = noise([20, height, width]);
            for derivatives in [Derivatives::Shifted, Derivatives::Centered, Derivatives::Sobel] {
                let settings = settings(derivatives, Border::Reflect);
                same_at_every_level(|| responses(&settings, &bytes, [20, height, width], 0..20));
            }
        }
    }

    #[test]
    fn a_piece_with_its_halo_gives_what_the_whole_gives() {
        let shape = [50, 8, 19];
        let bytes = noise(shape);
        for derivatives in [Derivatives::Shifted, Derivatives::Centered, Derivatives::Sobel] {
            for border in [Border::Zero, Border::Reflect] {
                let settings = settings(derivatives, border);
                let whole = responses(&settings, &bytes, shape, 0..50);
                let reach = settings.reach(settings.scales[0]);
                for piece in [0..20, 17..31, 30..50, 24..25] {
                    let needed = with_halo(piece.clone(), reach, 50);
                    let part = responses(&settings, &bytes, shape, needed);
                    let inside = |found: &[(usize, Vec<u32>)]| -> Vec<_> {
                        found.iter().filter(|(t, _)| piece.contains(t)).cloned().collect()
                    };
                    assert!(inside(&part) == inside(&whole), "{derivatives:?} {border:?} {piece:?}");
                }
            }
        }
    }
}
