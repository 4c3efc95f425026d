//! One axis of a convolution as an arithmetic of indices.
//!
//! A pass walks a grid of output points; along each axis the point `j` writes the index `start + j * pitch` of the
//! output, and reads for each of its taps the index `j * step + offset` of the input, or nothing where that is
//! outside. The forward pass is one such grid. The gradient of the input is one grid for each remainder that an
//! input index can have modulo the stride: such points see every `stride`-th tap of the kernel, and step
//! through the output's gradient one by one.

use std::ops::Range;

/// What the grid reads at one index of the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AxisTap {
    pub kernel: usize,
    pub offset: isize,
    /// Points whose index is inside the input.
    pub points: Range<usize>,
    /// How far it is behind the least offset, in whole steps and what remains.
    pub steps: usize,
    pub remainder: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Points of the grid.
    pub count: usize,
    pub step: usize,
    /// In the order of the kernel indices; those that no point can use are left out.
    pub taps: Vec<AxisTap>,
    /// The least offset, and from there to the largest; 0 without taps.
    pub least: isize,
    pub span: usize,
    /// Length of the input.
    pub input: usize,
    /// Length of the output, and where the grid lies in it.
    pub output: usize,
    pub start: usize,
    pub pitch: usize,
}

/// The numbers of one axis of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub input: usize,
    pub output: usize,
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    pub before: usize,
}

impl Axis {
    /// The forward pass.
    pub fn forward(e: Extent) -> Self {
        let offset = |kernel: usize| (kernel, (kernel * e.dilation) as isize - e.before as isize);
        let axis = Self { step: e.stride, ..Self::grid(e.output, e.input, e.output) };
        axis.with((0..e.kernel).map(offset).collect())
    }

    /// The grids of the gradient of the input, one for each remainder; together they cover the input once.
    pub fn backward(e: Extent) -> Vec<Self> {
        let grid = |start: usize| {
            let behind = |kernel: usize| (start + e.before) as isize - (kernel * e.dilation) as isize;
            let stride = e.stride as isize;
            let taps = (0..e.kernel).filter(|&kernel| behind(kernel) % stride == 0);
            let taps = taps.map(|kernel| (kernel, behind(kernel) / stride)).collect();
            let count = (e.input - start).div_ceil(e.stride);
            Self { start, pitch: e.stride, ..Self::grid(count, e.output, e.input) }.with(taps)
        };
        (0..e.stride.min(e.input)).map(grid).collect()
    }

    fn grid(count: usize, input: usize, output: usize) -> Self {
        Self { count, step: 1, taps: Vec::new(), least: 0, span: 0, input, output, start: 0, pitch: 1 }
    }

    /// With taps of these kernel indices and offsets.
    fn with(mut self, mut taps: Vec<(usize, isize)>) -> Self {
        taps.retain(|&(_, offset)| !self.points(offset).is_empty());
        let offsets = || taps.iter().map(|&(_, offset)| offset);
        self.least = offsets().min().unwrap_or(0);
        self.span = (offsets().max().unwrap_or(0) - self.least).unsigned_abs();
        let tap = |(kernel, offset): (usize, isize)| {
            let ahead = (offset - self.least).unsigned_abs();
            let (steps, remainder) = (ahead / self.step, ahead % self.step);
            AxisTap { kernel, offset, points: self.points(offset), steps, remainder }
        };
        self.taps = taps.iter().copied().map(tap).collect();
        self
    }

    /// The points of the grid whose index at `offset` is inside.
    fn points(&self, offset: isize) -> Range<usize> {
        let step = self.step as isize;
        let first = (-offset).max(0).unsigned_abs().div_ceil(self.step);
        let last = (self.input as isize - 1 - offset).div_euclid(step) + 1;
        let last = last.clamp(0, self.count as isize).unsigned_abs();
        first.min(last)..last
    }

    /// Whether each point reads and writes the index that it is.
    fn is_identity(&self) -> bool {
        self.step == 1
            && self.pitch == 1
            && self.count == self.input
            && self.count == self.output
            && matches!(self.taps[..], [AxisTap { offset: 0, .. }])
    }

    /// `outer` and `inner` as one axis, where neither moves: what is left of the outer is one point.
    pub fn merge(outer: &mut Self, inner: &mut Self) {
        if outer.is_identity() && inner.is_identity() {
            let count = outer.count;
            outer.lengthen(|_| 1);
            inner.lengthen(|length| length * count);
        }
    }

    /// An identity of another length.
    fn lengthen(&mut self, length: impl Fn(usize) -> usize) {
        self.count = length(self.count);
        (self.input, self.output) = (self.count, self.count);
        for tap in &mut self.taps {
            tap.points = 0..self.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every (input, kernel, output) index that meet, by the definition.
    fn meetings(e: Extent) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for o in 0..e.output {
            for k in 0..e.kernel {
                let i = (o * e.stride + k * e.dilation) as isize - e.before as isize;
                if (0..e.input as isize).contains(&i) {
                    all.push((i as usize, k, o));
                }
            }
        }
        all.sort_unstable();
        all
    }

    fn walked(axis: &Axis) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for tap in &axis.taps {
            for j in tap.points.clone() {
                let read = (j * axis.step) as isize + tap.offset;
                assert!((0..axis.input as isize).contains(&read));
                all.push((read as usize, tap.kernel, axis.start + j * axis.pitch));
            }
        }
        all
    }

    #[test]
    fn forward_and_backward_meet_the_same_indices_as_the_definition() {
        for (input, kernel, stride, dilation, before) in [
            (7, 3, 1, 1, 1),
            (8, 3, 2, 1, 1),
            (9, 3, 2, 1, 0),
            (5, 2, 3, 2, 1),
            (4, 7, 2, 1, 3),
            (1, 3, 1, 1, 1),
            (6, 1, 4, 1, 0),
            (3, 5, 2, 3, 6),
        ] {
            for output in 1..8 {
                let e = Extent { input, output, kernel, stride, dilation, before };
                let mut forward = walked(&Axis::forward(e));
                forward.sort_unstable();
                assert_eq!(forward, meetings(e), "{e:?}");
                let grids = Axis::backward(e);
                let mut backward: Vec<_> = grids.iter().flat_map(walked).map(|(o, k, i)| (i, k, o)).collect();
                backward.sort_unstable();
                assert_eq!(backward, meetings(e), "{e:?}");
                let mut covered: Vec<_> =
                    grids.iter().flat_map(|grid| (0..grid.count).map(|j| grid.start + j * grid.pitch)).collect();
                covered.sort_unstable();
                assert_eq!(covered, (0..input).collect::<Vec<_>>());
            }
        }
    }
}
