//! The sliding sum of a depthwise convolution, by rows: forward, and backward to the input.
//!
//! Along frames and rows each target has a list of (tap, source). Along columns the targets fall into phases, one a
//! residue of the stride of the gradient, within which every tap reads at a fixed distance; there up to fourteen targets
//! are summed at once in registers.

use super::super::lanes::{Block, Lanes, dispatched};
use super::super::{Activation, Epilogue, MapShape, Window};
use crate::error::Result;
use crate::parallel;

/// Multiply-adds of one unit of work, about.
const UNIT: usize = 1 << 15;

/// A tap, and the source row or column that it reads.
type Link = (usize, usize);

/// Columns of targets that begin at `first`, `step` apart.
struct Phase {
    first: usize,
    step: usize,
    count: usize,
    /// Steps in the source from one target to the next.
    stride: usize,
    /// Each tap, and what it reads for the first target (it may lie outside).
    taps: Vec<(usize, isize)>,
}

/// What reads what.
pub(super) struct Geometry {
    blocks: usize,
    source: [usize; 3],
    target: [usize; 3],
    kernel: [usize; 3],
    /// For each target along frames, and along rows.
    links: [Vec<Vec<Link>>; 2],
    phases: Vec<Phase>,
}

impl Geometry {
    /// Targets are the outputs.
    pub(super) fn forward(input: &MapShape, window: &Window, output: &MapShape) -> Self {
        let (source, target) = (input.sides(), output.sides());
        let links = |axis: usize| {
            let read = |to: usize, tap: usize| {
                let padded = to * window.stride[axis] + tap * window.dilation[axis];
                padded.checked_sub(window.before[axis]).filter(|&from| from < source[axis])
            };
            let of = |to| (0..window.kernel[axis]).filter_map(|tap| read(to, tap).map(|from| (tap, from))).collect();
            (0..target[axis]).map(of).collect()
        };
        let at = |tap: usize| (tap * window.dilation[2]) as isize - window.before[2] as isize;
        let taps = (0..window.kernel[2]).map(|tap| (tap, at(tap))).collect();
        let phases = vec![Phase { first: 0, step: 1, count: target[2], stride: window.stride[2], taps }];
        let links = [links(0), links(1)];
        Self { blocks: input.blocks(), source, target, kernel: window.kernel, links, phases }
    }

    /// Targets are the gradients of the inputs.
    pub(super) fn backward(input: &MapShape, window: &Window, output: &MapShape) -> Self {
        let (source, target) = (output.sides(), input.sides());
        // What output a tap joins to an input, if the stride meets it; it may lie outside.
        let joined = |axis: usize, to: usize, tap: usize| {
            let stride = window.stride[axis] as isize;
            let far = (to + window.before[axis]) as isize - (tap * window.dilation[axis]) as isize;
            (far.rem_euclid(stride) == 0).then(|| far.div_euclid(stride))
        };
        let links = |axis: usize| {
            let read = |to, tap| {
                joined(axis, to, tap).and_then(|from| usize::try_from(from).ok()).filter(|&from| from < source[axis])
            };
            let of = |to| (0..window.kernel[axis]).filter_map(|tap| read(to, tap).map(|from| (tap, from))).collect();
            (0..target[axis]).map(of).collect()
        };
        let step = window.stride[2];
        let phase = |first: usize| Phase {
            first,
            step,
            count: (target[2] - first).div_ceil(step),
            stride: 1,
            taps: (0..window.kernel[2]).filter_map(|tap| joined(2, first, tap).map(|at| (tap, at))).collect(),
        };
        let phases = (0..step.min(target[2])).map(phase).collect();
        let links = [links(0), links(1)];
        Self { blocks: input.blocks(), source, target, kernel: window.kernel, links, phases }
    }

    fn row_links(&self) -> (&[Vec<Link>], &[Vec<Link>]) {
        (&self.links[0], &self.links[1])
    }
}

/// Fills all targets.
pub(super) fn slide(
    source: &[Block],
    weights: &[Block],
    geometry: &Geometry,
    epilogue: &Epilogue,
    target: &mut [Block],
) -> Result<()> {
    let width = geometry.target[2];
    let each = width * geometry.kernel.iter().product::<usize>();
    let n_rows = (UNIT / each.max(1)).max(1);
    parallel::for_each_piece(target, (n_rows * width).max(1), |unit, piece| {
        rows(source, weights, geometry, epilogue, unit * n_rows, piece);
    })
}

dispatched! {
    /// Consecutive rows of targets, the first being row `first` of all rows of the map.
    pub(super) fn rows<V>(
        source: &[Block],
        weights: &[Block],
        geometry: &Geometry,
        epilogue: &Epilogue,
        first: usize,
        target: &mut [Block],
    ) {
        let [n_frames, n_rows, width] = geometry.target;
        let plane = geometry.source.iter().product::<usize>();
        let taps = geometry.kernel.iter().product::<usize>();
        let (frame_links, row_links) = geometry.row_links();
        for (i, out) in target.chunks_exact_mut(width).enumerate() {
            let row = first + i;
            let block = row / (n_rows * n_frames) % geometry.blocks;
            let line = Line {
                source: &source[row / (n_rows * n_frames) * plane..][..plane],
                sides: geometry.source,
                weights: &weights[block * taps..][..taps],
                kernel: geometry.kernel,
                frames: &frame_links[row / n_rows % n_frames],
                rows: &row_links[row % n_rows],
                bias: V::load(&epilogue.bias_block(block)),
                residual: epilogue.residual.map(|all| &all.as_chunks().0[row * width..][..width]),
                activation: epilogue.activation,
            };
            for phase in &geometry.phases {
                line.fill(phase, out);
            }
        }
    }
}

/// What one row of targets is made of.
struct Line<'a, V> {
    source: &'a [Block],
    sides: [usize; 3],
    weights: &'a [Block],
    kernel: [usize; 3],
    frames: &'a [Link],
    rows: &'a [Link],
    bias: V,
    residual: Option<&'a [Block]>,
    activation: Activation,
}

impl<V: Lanes> Line<'_, V> {
    #[inline(always)]
    fn fill(&self, phase: &Phase, out: &mut [Block]) {
        let mut done = 0;
        while done < phase.count {
            // 14 divides the sides of networks for 224 and 112 pixels, and fills the latency of the sums.
            done += match phase.count - done {
                14.. => self.tile::<14>(phase, done, out),
                7..14 => self.tile::<7>(phase, done, out),
                4..7 => self.tile::<4>(phase, done, out),
                2..4 => self.tile::<2>(phase, done, out),
                _ => self.tile::<1>(phase, done, out),
            };
        }
    }

    /// Targets `done..done + T` of the phase; gives T.
    #[inline(always)]
    fn tile<const T: usize>(&self, phase: &Phase, done: usize, out: &mut [Block]) -> usize {
        let mut sums = [self.bias; T];
        let [_, height, width] = self.sides;
        for &(kt, t) in self.frames {
            for &(kh, h) in self.rows {
                let line = &self.source[(t * height + h) * width..][..width];
                let weights = &self.weights[(kt * self.kernel[1] + kh) * self.kernel[2]..][..self.kernel[2]];
                for &(kw, at) in &phase.taps {
                    let weight = V::load(&weights[kw]);
                    add::<V, T>(&mut sums, line, at + (done * phase.stride) as isize, phase.stride, weight);
                }
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            let at = phase.first + (done + i) * phase.step;
            let sum = self.residual.map_or(sum, |residual| sum.plus(V::load(&residual[at])));
            self.activation.apply(sum).store(&mut out[at]);
        }
        T
    }
}

/// Adds `line[first + i * stride] * weight` to each sum; what lies outside is zero.
#[inline(always)]
fn add<V: Lanes, const T: usize>(sums: &mut [V; T], line: &[Block], first: isize, stride: usize, weight: V) {
    let inside = usize::try_from(first).ok().filter(|first| first + (T - 1) * stride < line.len());
    match inside {
        Some(first) if stride == 1 => {
            for (sum, value) in sums.iter_mut().zip(&line[first..first + T]) {
                *sum = V::load(value).times_plus(weight, *sum);
            }
        }
        Some(first) => {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: the last of them, `first + (T - 1) * stride`, was found to be inside.
                let value = unsafe { line.get_unchecked(first + i * stride) };
                *sum = V::load(value).times_plus(weight, *sum);
            }
        }
        None => {
            for (i, sum) in sums.iter_mut().enumerate() {
                if let Some(value) = line.get((first + (i * stride) as isize) as usize) {
                    *sum = V::load(value).times_plus(weight, *sum);
                }
            }
        }
    }
}
