//! Dense optical flow: where each pixel goes until the next frame.
//!
//! Lucas and Kanade's least squares over a Gaussian window around every pixel, iterated from coarse to fine. In each
//! iteration a pixel of the window brings its own estimate so far (g . u - d, with gradient g and difference d to
//! the warped next frame), so the normal matrices are made once for each level; where the window is without
//! structure, the estimate so far stays.
//!
//! Sources: Lucas and Kanade, IJCAI 1981; Le Besnerais and Champagnat, "Dense optical flow by iterative local window
//! registration", ICIP 2005; Bouguet's pyramid (1 4 6 4 1) / 16.
//!
//! Grey (T, H, W) from 0 to 1 in, float32 (T - 1, H, W, 2) out: displacement along x and y in pixels. Memory beside
//! that is some twenty frames a thread.

mod grid;
mod level;
mod warp;

use super::frames::Frames;
use super::pyramid::{Halving, halved};
use crate::error::{Error, Result};
use crate::parallel::{Job, for_each_chunk};
pub(super) use level::Level;

/// A level is not halved to less than so many pixels along its shorter side.
const SHORTEST_SIDE: usize = 16;

/// The numbers of the method.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowSettings {
    /// Most levels of the pyramid.
    pub levels: u32,
    /// Warps at each level.
    pub iterations: u32,
    /// Standard deviation of the window, in pixels.
    pub window: f32,
    /// What is added to the diagonal of the normal matrices, in grey values squared a pixel squared.
    pub regularization: f32,
}

impl Default for FlowSettings {
    fn default() -> Self {
        Self { levels: 4, iterations: 3, window: 3.0, regularization: 5e-6 }
    }
}

impl FlowSettings {
    /// Refuses what is outside the ranges of the method.
    pub fn check(&self) -> Result<()> {
        if !(1..=16).contains(&self.levels) {
            return Err(Error::argument("levels", format!("must be 1 to 16, got {}", self.levels)));
        }
        if !(1..=100).contains(&self.iterations) {
            return Err(Error::argument("iterations", format!("must be 1 to 100, got {}", self.iterations)));
        }
        if !(0.5..=50.0).contains(&self.window) {
            return Err(Error::argument("window", format!("must be 0.5 to 50 pixels, got {}", self.window)));
        }
        if !(1e-9..=1.0).contains(&self.regularization) {
            let message = format!("must be 1e-9 to 1, got {}", self.regularization);
            return Err(Error::argument("regularization", message));
        }
        Ok(())
    }
}

/// The flow between the last two frames of a stream.
#[derive(Debug)]
pub(super) struct Flow {
    iterations: u32,
    /// The finest first.
    levels: Vec<Level>,
    halvings: Vec<Halving>,
}

impl Flow {
    pub fn new(settings: FlowSettings, (height, width): (usize, usize)) -> Self {
        let shapes: Vec<_> = (0..settings.levels)
            .map(|level| (halved(height, level), halved(width, level)))
            .enumerate()
            .take_while(|&(level, (height, width))| level == 0 || height.min(width) >= SHORTEST_SIDE)
            .map(|(_, shape)| shape)
            .collect();
        let halvings = shapes.iter().skip(1).zip(&shapes).map(|(_, &(height, width))| Halving::new(height, width));
        Self {
            iterations: settings.iterations,
            halvings: halvings.collect(),
            levels: shapes.into_iter().map(|shape| Level::new(settings, shape)).collect(),
        }
    }

    /// Takes the next frame, which `fill` writes.
    pub fn push(&mut self, fill: impl FnOnce(&mut [f32])) {
        let mut fill = Some(fill);
        for i in 0..self.levels.len() {
            let (fine, coarse) = self.levels.split_at_mut(i);
            let Some(level) = coarse.first_mut() else { continue };
            match (fill.take(), fine.last()) {
                (Some(fill), _) => fill(level.advance()),
                (None, Some(finer)) => self.halvings[i - 1].run(finer.newest(), level.advance()),
                (None, None) => {}
            }
        }
    }

    /// The flow from the frame before the last to the last; [`Level::flow`] gives its rows.
    pub fn run(&mut self) -> &Level {
        for i in (0..self.levels.len()).rev() {
            let (fine, coarse) = self.levels.split_at_mut(i + 1);
            fine[i].run(coarse.first(), self.iterations);
        }
        &self.levels[0]
    }
}

/// The flow of a clip that is in memory, (T - 1, H, W, 2).
pub fn optical_flow(frames: &Frames<'_>, settings: FlowSettings, job: &Job) -> Result<Vec<f32>> {
    settings.check()?;
    frames.check_values(0)?;
    let (height, width) = frames.shape();
    let mut out = vec![0.0; frames.count().saturating_sub(1) * height * width * 2];
    let push = |flow: &mut Flow, index| {
        flow.push(|image| image.chunks_exact_mut(width).enumerate().for_each(|(y, row)| frames.row(index, y, row)));
    };
    // What a thread has, and the frame it took last: neighbouring pairs share one.
    for_each_chunk(&mut out, 2 * height * width, job, |pair, out, known: &mut Option<(Flow, usize)>| {
        let (flow, last) = known.get_or_insert_with(|| (Flow::new(settings, (height, width)), usize::MAX));
        if *last != pair {
            push(flow, pair);
        }
        push(flow, pair + 1);
        *last = pair + 1;
        let found = flow.run();
        let (mut u, mut v) = (vec![0.0; width], vec![0.0; width]);
        for (y, row) in out.chunks_exact_mut(2 * width).enumerate() {
            found.flow(y, &mut u, &mut v);
            for (out, (u, v)) in row.as_chunks_mut::<2>().0.iter_mut().zip(u.iter().zip(&v)) {
                *out = [*u, *v];
            }
        }
        Ok(())
    })?;
    Ok(out)
}
