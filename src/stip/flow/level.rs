//! One level of the pyramid: normal matrices, warps, solutions.
//!
//! Differences are taken at every pixel; matrices, right sides and flow live on blocks of 2 x 2 pixels, which a
//! window of some pixels blurs anyway.

use super::super::blur::SpaceBlur;
use super::super::kernel::{Border, Kernel, Radius};
use super::super::rows;
use super::FlowSettings;
use super::grid::{Grid, pair_products, told};
use super::warp::difference;
use crate::simd::vectorised;

/// How far the window reaches, in standard deviations.
const REACH: Radius = Radius::Deviations(2.0);

/// Frames, gradients and flow of one size.
#[derive(Debug)]
pub(in crate::stip) struct Level {
    height: usize,
    width: usize,
    regularization: f32,
    /// The last frame and the one before it.
    newest: Vec<f32>,
    previous: Vec<f32>,
    /// Derivatives of the previous frame; rows are of even length.
    across: Vec<f32>,
    down: Vec<f32>,
    /// The inverse normal matrices xx xy yy of blocks, (rows, 3, columns).
    inverse: Vec<f32>,
    /// Right sides x y of blocks, (rows, 2, columns).
    sides: Vec<f32>,
    /// The flow so far, of blocks.
    x: Grid,
    y: Grid,
    matrices: SpaceBlur,
    windows: SpaceBlur,
    lines: [Line; 2],
}

/// What one row of pixels needs.
#[derive(Clone, Debug, Default)]
struct Line {
    u: Vec<f32>,
    v: Vec<f32>,
    differences: Vec<f32>,
    told: Vec<f32>,
}

impl Level {
    pub fn new(settings: FlowSettings, (height, width): (usize, usize)) -> Self {
        let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
        // Blocks have a variance of their own, (2^2 - 1) / 12, and are two pixels apart.
        let variance = (settings.window * settings.window - 0.25) / 4.0;
        let blur = |fields| {
            let kernel = Kernel::gaussian(variance.max(0.01), REACH.of(variance));
            SpaceBlur::new(kernel, Border::Reflect, fields, rows, columns)
        };
        let line = || vec![0.0; 2 * columns];
        let line = Line { u: line(), v: line(), differences: line(), told: line() };
        Self {
            height,
            width,
            regularization: settings.regularization,
            newest: vec![0.0; height * width],
            previous: vec![0.0; height * width],
            across: vec![0.0; height * 2 * columns],
            down: vec![0.0; height * 2 * columns],
            inverse: vec![0.0; rows * 3 * columns],
            sides: vec![0.0; rows * 2 * columns],
            x: Grid::new(rows, columns),
            y: Grid::new(rows, columns),
            matrices: blur(3),
            windows: blur(2),
            lines: [line.clone(), line],
        }
    }

    /// Where the next frame is to be written.
    pub fn advance(&mut self) -> &mut [f32] {
        std::mem::swap(&mut self.newest, &mut self.previous);
        &mut self.newest
    }

    pub fn newest(&self) -> &[f32] {
        &self.newest
    }

    /// Writes row `y` of the flow, which has as many values as the frame is wide, or one more.
    pub fn flow(&self, y: usize, u: &mut [f32], v: &mut [f32]) {
        self.x.row(y, u);
        self.y.row(y, v);
    }

    /// The flow of this level, from that of the coarser one.
    pub fn run(&mut self, coarser: Option<&Self>, iterations: u32) {
        self.gradients();
        self.matrices();
        self.x.start(coarser.map(|level| &level.x));
        self.y.start(coarser.map(|level| &level.y));
        for _ in 0..iterations {
            self.iterate();
        }
    }

    fn gradients(&mut self) {
        let (width, last) = (self.width, self.height - 1);
        let image = &self.previous;
        let line = |y: usize| &image[y * width..(y + 1) * width];
        let long = width.next_multiple_of(2);
        let gradients = self.across.chunks_exact_mut(long).zip(self.down.chunks_exact_mut(long));
        for (y, (across, down)) in gradients.enumerate() {
            rows::difference(&mut down[..width], line(y.saturating_sub(1)), line((y + 1).min(last)), 0.5);
            rows::slope(&mut across[..width], line(y));
            (across[long - 1], down[long - 1]) = (across[width - 1], down[width - 1]);
        }
    }

    /// The inverse normal matrices.
    fn matrices(&mut self) {
        let (last, long) = (self.height - 1, self.width.next_multiple_of(2));
        let (across, down) = (&self.across, &self.down);
        self.matrices.run(&mut self.inverse, |block, rows| {
            let ys = [2 * block, (2 * block + 1).min(last)];
            let [gx, gy] = [across, down].map(|plane| ys.map(|y| &plane[y * long..(y + 1) * long]));
            if let [xx, xy, yy] = rows {
                pair_products(xx, gx, gx);
                pair_products(xy, gx, gy);
                pair_products(yy, gy, gy);
            }
        });
        let columns = long / 2;
        for row in self.inverse.chunks_exact_mut(3 * columns) {
            invert(row, columns, self.regularization);
        }
    }

    /// Warps by the flow so far, and solves for a new one.
    fn iterate(&mut self) {
        let (width, shape, last) = (self.width, (self.height, self.width), self.height - 1);
        let long = width.next_multiple_of(2);
        let (image, next, lines) = (&self.previous, &self.newest, &mut self.lines);
        let (across, down) = (&self.across, &self.down);
        let (x, y) = (&self.x, &self.y);
        self.windows.run(&mut self.sides, |block, rows| {
            let ys = [2 * block, (2 * block + 1).min(last)];
            for (line, at) in lines.iter_mut().zip(ys) {
                x.row(at, &mut line.u);
                y.row(at, &mut line.v);
                let row = &image[at * width..(at + 1) * width];
                difference(&mut line.differences[..width], next, shape, at, (&line.u, &line.v), row);
                line.differences[long - 1] = line.differences[width - 1];
                let gradients = at * long..(at + 1) * long;
                let (gx, gy) = (&across[gradients.clone()], &down[gradients]);
                told(&mut line.told, gx, gy, &line.u, &line.v, &line.differences);
            }
            let [gx, gy] = [across, down].map(|plane| ys.map(|y| &plane[y * long..(y + 1) * long]));
            let told = [&lines[0].told[..], &lines[1].told[..]];
            if let [side_x, side_y] = rows {
                pair_products(side_x, gx, told);
                pair_products(side_y, gy, told);
            }
        });
        let columns = long / 2;
        let systems = self.inverse.chunks_exact(3 * columns).zip(self.sides.chunks_exact(2 * columns));
        for (block, (inverse, sides)) in systems.enumerate() {
            solve(self.x.block_row(block), self.y.block_row(block), inverse, sides, self.regularization);
        }
    }
}

vectorised! {
    /// Symmetric matrices xx xy yy, with `more` on the diagonal, to their inverses, in place.
    fn invert(row: &mut [f32], width: usize, more: f32) {
        let (xx, rest) = row.split_at_mut(width);
        let (xy, yy) = rest.split_at_mut(width);
        let (xx, yy) = (&mut xx[..width], &mut yy[..width]);
        for i in 0..width {
            let (a, b, c) = (xx[i] + more, xy[i], yy[i] + more);
            let scale = 1.0 / (a * c - b * b).max(more * more);
            xx[i] = c * scale;
            xy[i] = -b * scale;
            yy[i] = a * scale;
        }
    }
}

vectorised! {
    /// The new flow of a row; `more` of the old one is among the right sides.
    fn solve(u: &mut [f32], v: &mut [f32], inverse: &[f32], sides: &[f32], more: f32) {
        let width = u.len();
        let (xx, rest) = inverse.split_at(width);
        let (xy, yy) = rest.split_at(width);
        let (side_x, side_y) = sides.split_at(width);
        let (v, yy, side_y) = (&mut v[..width], &yy[..width], &side_y[..width]);
        for i in 0..width {
            let (a, b) = (side_x[i] + more * u[i], side_y[i] + more * v[i]);
            u[i] = xx[i] * a + xy[i] * b;
            v[i] = xy[i] * a + yy[i] * b;
        }
    }
}
