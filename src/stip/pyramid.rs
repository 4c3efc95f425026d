//! Frames halved: every second pixel of the binomial (1 4 6 4 1) / 16 along rows and columns, edges mirrored about
//! their pixel (OpenCV's `pyrDown`).

use super::frames::Frames;
use super::rows;

/// Weights of the centre, its neighbours and theirs.
const BINOMIAL: [f32; 3] = [6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
const RADIUS: usize = BINOMIAL.len() - 1;

/// Length of an axis after `level` halvings; odd ones are rounded up.
pub(super) fn halved(length: usize, level: u32) -> usize {
    (0..level).fold(length, |length, _| length.div_ceil(2))
}

/// Where -2 .. length + 2 lie: d c b | a b c d | c b a.
fn mirrored(length: usize) -> Vec<Option<usize>> {
    let last = length as isize - 1;
    let reach = RADIUS as isize;
    let source = |i: isize| {
        let inside = if i < 0 { -i } else { last - (i - last).abs() };
        inside.clamp(0, last.max(0)) as usize
    };
    (-reach..length as isize + reach).map(|i| Some(source(i))).collect()
}

/// One halving of frames of one size, and its memory.
#[derive(Clone, Debug)]
pub(super) struct Halving {
    height: usize,
    width: usize,
    lines: Vec<Option<usize>>,
    columns: Vec<Option<usize>>,
    down: Vec<f32>,
    padded: Vec<f32>,
}

impl Halving {
    pub fn new(height: usize, width: usize) -> Self {
        let (lines, columns) = (mirrored(height), mirrored(width));
        Self { height, width, lines, columns, down: vec![0.0; width], padded: vec![0.0; width + 2 * RADIUS] }
    }

    pub fn run(&mut self, frame: &[f32], out: &mut [f32]) {
        let width = self.width;
        let mut across = vec![0.0; width];
        for (y, out) in (0..self.height).step_by(2).zip(out.chunks_exact_mut(width.div_ceil(2))) {
            let sources = self.lines[y..=y + 2 * RADIUS].iter().flatten();
            let rows: Vec<&[f32]> = sources.map(|&line| &frame[line * width..(line + 1) * width]).collect();
            rows::along(&mut self.down, &rows, &BINOMIAL);
            self.padded[RADIUS..RADIUS + width].copy_from_slice(&self.down);
            super::blur::pad(&mut self.padded, RADIUS, &self.columns);
            rows::across(&mut across, &self.padded, &BINOMIAL);
            for (value, smooth) in out.iter_mut().zip(across.iter().step_by(2)) {
                *value = *smooth;
            }
        }
    }
}

/// Halves frames some times over.
#[derive(Clone, Debug)]
pub(super) struct Pyramid {
    halvings: Vec<Halving>,
    /// The frame at each level, the finest first.
    frames: Vec<Vec<f32>>,
    shape: (usize, usize),
}

impl Pyramid {
    pub fn new((height, width): (usize, usize), level: u32) -> Self {
        let at = |level| (halved(height, level), halved(width, level));
        let halvings = (0..level).map(|level| Halving::new(at(level).0, at(level).1)).collect();
        let frames = (0..=level).map(|level| vec![0.0; at(level).0 * at(level).1]).collect();
        Self { halvings, frames, shape: at(level) }
    }

    /// Height and width at the coarsest level.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Frame `index` at the coarsest level.
    pub fn run(&mut self, frames: &Frames<'_>, index: usize) -> &[f32] {
        let width = frames.shape().1;
        for (y, row) in self.frames[0].chunks_exact_mut(width).enumerate() {
            frames.row(index, y, row);
        }
        for (level, halving) in self.halvings.iter_mut().enumerate() {
            let (fine, coarse) = self.frames.split_at_mut(level + 1);
            halving.run(&fine[level], &mut coarse[0]);
        }
        self.frames.last().map_or(&[], |frame| frame)
    }
}
