//! One axis of a convolution as an arithmetic of indices.
//!
//! A pass walks a grid of output points; along each axis the point `j` writes the index `start + j * pitch` of the
//! output, and reads for each of its taps the index `j * step + offset` of the input, or nothing where that is
//! outside. The forward pass is one such grid. The gradient of the input is one grid for each remainder that an
//! input index can have modulo the stride: such points see every `stride`-th tap of the kernel, and step
//! through the output's gradient one by one.

use std::ops::Range;

/// A kernel index and its offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AxisTap {
    pub kernel: usize,
    pub offset: isize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    /// Points of the grid.
    pub count: usize,
    pub step: usize,
    /// In the order of the kernel indices.
    pub taps: Vec<AxisTap>,
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
    /// The forward pass; taps that no point can use are left out.
    pub fn forward(e: Extent) -> Self {
        let offset = |kernel: usize| (kernel * e.dilation) as isize - e.before as isize;
        let taps = (0..e.kernel).map(|kernel| AxisTap { kernel, offset: offset(kernel) }).collect();
        let axis = Self { count: e.output, step: e.stride, taps, input: e.input, output: e.output, start: 0, pitch: 1 };
        axis.pruned()
    }

    /// The grids of the gradient of the input, one for each remainder; together they cover the input once.
    pub fn backward(e: Extent) -> Vec<Self> {
        let grid = |start: usize| {
            let taps = (0..e.kernel).filter(|kernel| (start + e.before).abs_diff(kernel * e.dilation) % e.stride == 0);
            let offset = |kernel: usize| {
                (start as isize + e.before as isize - (kernel * e.dilation) as isize) / e.stride as isize
            };
            let taps = taps.map(|kernel| AxisTap { kernel, offset: offset(kernel) }).collect();
            let count = (e.input - start).div_ceil(e.stride);
            Self { count, step: 1, taps, input: e.output, output: e.input, start, pitch: e.stride }.pruned()
        };
        (0..e.stride.min(e.input)).map(grid).collect()
    }

    fn pruned(mut self) -> Self {
        let axis = self.clone();
        self.taps.retain(|tap| !axis.points(tap.offset).is_empty());
        self
    }

    /// The points of the grid whose index at `offset` is inside.
    pub fn points(&self, offset: isize) -> Range<usize> {
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
    pub fn merged(outer: &mut Self, inner: &mut Self) {
        if outer.is_identity() && inner.is_identity() {
            for length in [&mut inner.count, &mut inner.input, &mut inner.output] {
                *length *= outer.count;
            }
            for length in [&mut outer.count, &mut outer.input, &mut outer.output] {
                *length = 1;
            }
        }
    }

    /// Least and largest offset; (0, 0) without taps.
    pub fn reach(&self) -> (isize, isize) {
        let offsets = || self.taps.iter().map(|tap| tap.offset);
        (offsets().min().unwrap_or(0), offsets().max().unwrap_or(0))
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
            for j in axis.points(tap.offset) {
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
