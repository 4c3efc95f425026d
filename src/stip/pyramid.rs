//! Frames halved: every second pixel of the binomial (1 4 6 4 1) / 16 along rows and columns, edges mirrored about
//! their pixel (OpenCV's `pyrDown`); or of (1 2 1) / 4, edges repeated, rounded to bytes (the STIP program's).

use super::frames::Frames;
use super::kernel::Border;
use super::rows;
use super::settings::Reduction;

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

/// Weights of the centre and its neighbours.
const NARROW: [f32; 2] = [2.0 / 4.0, 1.0 / 4.0];
/// Sixteenths of a byte are exact but for float32's rounding, which must not move halves.
const ROUND_HALF_UP: f32 = 0.5 + 1e-3;

/// Every second pixel of (1 2 1) / 4 along rows and columns of a frame of `height` x `width`, rounded to bytes.
fn halve_narrowly(frame: &[f32], height: usize, width: usize, down: &mut [f32], out: &mut [f32]) {
    let source =
        |at: usize, offset: isize, length: usize| Border::Nearest.source(at as isize + offset, length, 1).unwrap_or(at);
    for (y, out) in (0..height).step_by(2).zip(out.chunks_exact_mut(width / 2)) {
        let rows = [-1, 0, 1].map(|offset| {
            let start = source(y, offset, height) * width;
            &frame[start..start + width]
        });
        rows::along(down, &rows, &NARROW);
        for (x, value) in (0..width).step_by(2).zip(out) {
            let sum = NARROW[0] * down[x] + NARROW[1] * (down[source(x, -1, width)] + down[source(x, 1, width)]);
            *value = (255.0 * sum + ROUND_HALF_UP).floor() / 255.0;
        }
    }
}

impl Reduction {
    /// Length of an axis after `level` halvings.
    pub(super) fn length(self, length: usize, level: u32) -> usize {
        match self {
            Self::Wide => halved(length, level),
            Self::Narrow => length >> level,
        }
    }
}

/// Halves frames some times over.
#[derive(Clone, Debug)]
pub(super) struct Pyramid {
    reduction: Reduction,
    halvings: Vec<Halving>,
    /// The frame at each level, the finest first.
    frames: Vec<Vec<f32>>,
    shape: (usize, usize),
}

impl Pyramid {
    pub fn new(reduction: Reduction, (height, width): (usize, usize), level: u32) -> Self {
        let at = |level| (reduction.length(height, level), reduction.length(width, level));
        let halvings = (0..level).map(|level| Halving::new(at(level).0, at(level).1)).collect();
        let frames = (0..=level).map(|level| vec![0.0; at(level).0 * at(level).1]).collect();
        Self { reduction, halvings, frames, shape: at(level) }
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
            let (frame, out) = (&fine[level], &mut coarse[0]);
            match self.reduction {
                Reduction::Wide => halving.run(frame, out),
                Reduction::Narrow => halve_narrowly(frame, halving.height, halving.width, &mut halving.down, out),
            }
        }
        self.frames.last().map_or(&[], |frame| frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::stip::Values;

    /// The narrow halving in whole numbers.
    fn halved_bytes(bytes: &[u8], height: usize, width: usize) -> Vec<u8> {
        let at = |y: isize, x: isize| {
            let clamp = |i: isize, length: usize| i.clamp(0, length as isize - 1) as usize;
            u32::from(bytes[clamp(y, height) * width + clamp(x, width)])
        };
        let pixel = |i: usize| {
            let (y, x) = (2 * (i / (width / 2)) as isize, 2 * (i % (width / 2)) as isize);
            let across = |y| at(y, x - 1) + 2 * at(y, x) + at(y, x + 1);
            ((across(y - 1) + 2 * across(y) + across(y + 1) + 8) / 16) as u8
        };
        (0..(height / 2) * (width / 2)).map(pixel).collect()
    }

    #[test]
    fn narrow_levels_are_whole_numbers_rounded_half_up() {
        let mut stream = Stream::keyed(3, &[]);
        for (height, width) in [(12, 16), (13, 9), (37, 150)] {
            let bytes: Vec<u8> = (0..height * width).map(|_| stream.below(256) as u8).collect();
            let frames = Frames::new(Values::Bytes(&bytes), [1, height, width]).unwrap();
            let once = halved_bytes(&bytes, height, width);
            let twice = halved_bytes(&once, height / 2, width / 2);
            for (level, expected) in [(1, once), (2, twice)] {
                let mut pyramid = Pyramid::new(Reduction::Narrow, (height, width), level);
                assert_eq!(pyramid.shape(), (height >> level, width >> level));
                let expected: Vec<f32> = expected.iter().map(|&byte| f32::from(byte) / 255.0).collect();
                assert_eq!(pyramid.run(&frames, 0), expected);
            }
        }
    }
}
