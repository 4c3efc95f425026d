//! Maximum and average pooling over blocked maps, over windows and into a fixed number of bins, and the global average.
//!
//! PyTorch's conventions: bin `i` of `n` over a side `s` is `floor(i s / n)..ceil((i + 1) s / n)`; padding never wins a
//! maximum, and of equal maxima the first does; what is not a number wins; a mean divides by the positions of the window
//! that lie in the padded map (the padding behind being as wide as that before), or by those that lie in the map. The
//! backward pass of a maximum looks for it again, so nothing is stored. A unit of work is a few rows of the output
//! forward, a plane of one block of channels backward.

use super::lanes::{Block, dispatched};
use super::{LANES, MapShape, Window, check};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel;

/// Positions read by one unit of work, about.
const UNIT: usize = 1 << 14;

/// What one output reads along an axis: `first`, and `count` positions.
#[derive(Clone, Copy, Debug)]
struct Bin {
    first: usize,
    count: usize,
    /// Positions by which a mean divides.
    divisor: usize,
}

/// The bins along frames, rows and columns, and the maps between which they stand.
#[derive(Clone, Debug)]
pub struct Bins {
    axes: [Vec<Bin>; 3],
    /// From one position of a bin to the next.
    steps: [usize; 3],
    input: MapShape,
    output: MapShape,
}

impl Bins {
    /// A window that slides; for maxima.
    pub fn sliding(input: &MapShape, window: &Window, output: &MapShape) -> Result<Self> {
        Self::over(input, output, window.dilation, |axis, i| {
            let (kernel, step) = (window.kernel[axis], window.dilation[axis]);
            let (at, before) = (i * window.stride[axis], window.before[axis]);
            let side = input.sides()[axis];
            let inside = |k: &usize| (at + k * step).checked_sub(before).is_some_and(|from| from < side);
            let first = (0..kernel).find(inside).unwrap_or(0);
            let count = (first..kernel).filter(inside).count();
            // Positions in the map and the padding.
            let padded = kernel.min((side + 2 * before).saturating_sub(at));
            Bin { first: (at + first * step).saturating_sub(before), count, divisor: padded }
        })
    }

    /// A window that slides; for means, over the padding too or not.
    pub fn averaging(input: &MapShape, window: &Window, output: &MapShape, count_padding: bool) -> Result<Self> {
        if window.dilation != [1; 3] {
            return Err(Error::new(ErrorKind::Unsupported, "average pooling with a dilation is not implemented"));
        }
        let mut bins = Self::sliding(input, window, output)?;
        if !count_padding {
            for bin in bins.axes.iter_mut().flatten() {
                bin.divisor = bin.count;
            }
        }
        Ok(bins)
    }

    /// As many bins as the output has positions.
    pub fn adaptive(input: &MapShape, output: &MapShape) -> Result<Self> {
        let (from, to) = (input.sides(), output.sides());
        Self::over(input, output, [1; 3], |axis, i| {
            let first = i * from[axis] / to[axis];
            let count = ((i + 1) * from[axis]).div_ceil(to[axis]) - first;
            Bin { first, count, divisor: count }
        })
    }

    fn over(input: &MapShape, output: &MapShape, steps: [usize; 3], bin: impl Fn(usize, usize) -> Bin) -> Result<Self> {
        if (input.batch, input.channels) != (output.batch, output.channels) {
            let wanted = format!("must have {} items of {} channels, as the input", input.batch, input.channels);
            return Err(Error::argument("output", wanted));
        }
        let axes = [0, 1, 2].map(|axis| (0..output.sides()[axis]).map(|i| bin(axis, i)).collect::<Vec<_>>());
        if axes.iter().flatten().any(|bin| bin.count == 0) {
            return Err(Error::argument("output", "must not have windows that lie in the padding alone"));
        }
        Ok(Self { axes, steps, input: *input, output: *output })
    }

    /// Rows of the output that make a unit.
    fn rows_of_unit(&self) -> usize {
        let most = |axis: usize| self.axes[axis].iter().map(|bin| bin.count).max().unwrap_or(1);
        (UNIT / (self.output.width * most(0) * most(1) * most(2)).max(1)).max(1)
    }

    /// Calls `visit` with the range of the plane that each line of the window of an output covers.
    #[inline(always)]
    fn lines(&self, [t, h]: [usize; 2], mut visit: impl FnMut(usize)) {
        let (frames, rows) = (&self.axes[0][t], &self.axes[1][h]);
        for i in 0..frames.count {
            for j in 0..rows.count {
                let (frame, row) = (frames.first + i * self.steps[0], rows.first + j * self.steps[1]);
                visit((frame * self.input.height + row) * self.input.width);
            }
        }
    }

    fn divisor(&self, [t, h, w]: [usize; 3]) -> f32 {
        (self.axes[0][t].divisor * self.axes[1][h].divisor * self.axes[2][w].divisor) as f32
    }

    /// Runs `rows(first row, rows)` on all rows of the output.
    fn forward(
        &self,
        input: &[f32],
        output: &mut [f32],
        rows: impl Fn(&[Block], &Self, usize, &mut [Block]) + Sync,
    ) -> Result<()> {
        let input = check::blocks("input", input, self.input.len())?;
        let output = check::blocks_mut("output", output, self.output.len())?;
        let each = self.rows_of_unit();
        let size = (each * self.output.width).max(1);
        parallel::for_each_piece(output, size, |unit, out| rows(input, self, unit * each, out))
    }

    /// Frame and row of row `row` of all rows of the output.
    #[inline(always)]
    fn place(&self, row: usize) -> [usize; 2] {
        [row / self.output.height % self.output.frames, row % self.output.height]
    }

    /// The plane of the input that belongs to row `row` of all rows of the output.
    #[inline(always)]
    fn plane<'a>(&self, input: &'a [Block], row: usize) -> &'a [Block] {
        let plane = self.input.positions();
        &input[row / (self.output.height * self.output.frames) * plane..][..plane]
    }
}

/// The maximum of each window.
pub fn maximum(input: &[f32], bins: &Bins, output: &mut [f32]) -> Result<()> {
    bins.forward(input, output, maximum_rows)
}

/// The gradient of the input of [`maximum`], from that input.
pub fn maximum_backward(input: &[f32], bins: &Bins, gradient: &[f32], input_gradient: &mut [f32]) -> Result<()> {
    let input = check::blocks("input", input, bins.input.len())?;
    let gradient = check::blocks("gradient", gradient, bins.output.len())?;
    let out = check::blocks_mut("input_gradient", input_gradient, bins.input.len())?;
    let (plane, outputs) = (bins.input.positions(), bins.output.positions());
    parallel::for_each_piece(out, plane.max(1), |i, out| {
        maximum_slopes(&input[i * plane..][..plane], bins, &gradient[i * outputs..][..outputs], out);
    })
}

/// The mean of each window.
pub fn average(input: &[f32], bins: &Bins, output: &mut [f32]) -> Result<()> {
    bins.forward(input, output, average_rows)
}

/// The gradient of the input of [`average`].
pub fn average_backward(bins: &Bins, gradient: &[f32], input_gradient: &mut [f32]) -> Result<()> {
    let gradient = check::blocks("gradient", gradient, bins.output.len())?;
    let out = check::blocks_mut("input_gradient", input_gradient, bins.input.len())?;
    let (plane, outputs) = (bins.input.positions(), bins.output.positions());
    parallel::for_each_piece(out, plane.max(1), |i, out| {
        average_slopes(bins, &gradient[i * outputs..][..outputs], out);
    })
}

/// The mean over frames, rows and columns: a blocked map to plain `(N, C)`.
pub fn global_average(input: &[f32], shape: &MapShape, output: &mut [f32]) -> Result<()> {
    let input = check::blocks("input", input, shape.len())?;
    check::length("output", output.len(), shape.batch * shape.channels)?;
    let (plane, blocks) = (shape.positions(), shape.blocks());
    if plane == 0 {
        return Err(Error::argument("input", "must have at least one position"));
    }
    let items = (UNIT / (plane * blocks).max(1)).max(1);
    parallel::for_each_piece(output, (items * shape.channels).max(1), |unit, out| {
        for (i, out) in out.chunks_mut(shape.channels).enumerate() {
            let planes = input[(unit * items + i) * blocks * plane..].chunks_exact(plane);
            for (out, plane_values) in out.chunks_mut(LANES).zip(planes) {
                for (out, sum) in out.iter_mut().zip(super::epilogue::sum(plane_values)) {
                    *out = (sum / plane as f64) as f32;
                }
            }
        }
    })
}

/// The gradient of the input of [`global_average`].
pub fn global_average_backward(gradient: &[f32], shape: &MapShape, input_gradient: &mut [f32]) -> Result<()> {
    check::length("gradient", gradient.len(), shape.batch * shape.channels)?;
    let out = check::blocks_mut("input_gradient", input_gradient, shape.len())?;
    let (plane, blocks) = (shape.positions(), shape.blocks());
    parallel::for_each_piece(out, plane.max(1), |i, out| {
        let item = &gradient[i / blocks * shape.channels..][..shape.channels];
        out.fill(check::channel_block(item, i % blocks).map(|value| value / plane as f32));
    })
}

dispatched! {
    fn maximum_rows<V>(input: &[Block], bins: &Bins, first: usize, out: &mut [Block]) {
        for (i, out) in out.chunks_exact_mut(bins.output.width).enumerate() {
            let plane = bins.plane(input, first + i);
            for (out, bin) in out.iter_mut().zip(&bins.axes[2]) {
                let mut most = V::splat(f32::NEG_INFINITY);
                // A maximum forgets what is not a number; it is seen here, and put in at the end.
                let mut odd = V::zero();
                bins.lines(bins.place(first + i), |line| {
                    for k in 0..bin.count {
                        let value = V::load(&plane[line + bin.first + k * bins.steps[2]]);
                        most = most.maximum(value);
                        odd = V::select(value.is_nan(), value, odd);
                    }
                });
                V::select(odd.is_nan(), odd, most).store(out);
            }
        }
    }
}

dispatched! {
    /// One plane of the gradient of a maximum.
    fn maximum_slopes<V>(input: &[Block], bins: &Bins, gradient: &[Block], out: &mut [Block]) {
        out.fill([0.0; LANES]);
        let width = bins.output.width;
        for (row, gradient) in gradient.chunks_exact(width).enumerate() {
            for (gradient, bin) in gradient.iter().zip(&bins.axes[2]) {
                // The number of the winner among the positions of the window, as a float, which is exact.
                let (mut most, mut winner) = (V::splat(f32::NEG_INFINITY), V::zero());
                let mut number = 0.0;
                bins.lines(bins.place(row), |line| {
                    for k in 0..bin.count {
                        let value = V::load(&input[line + bin.first + k * bins.steps[2]]);
                        let wins = V::either(value.greater(most), value.is_nan());
                        most = V::select(wins, value, most);
                        winner = V::select(wins, V::splat(number), winner);
                        number += 1.0;
                    }
                });
                let gradient = V::load(gradient);
                let mut number = 0.0;
                bins.lines(bins.place(row), |line| {
                    for k in 0..bin.count {
                        let out = &mut out[line + bin.first + k * bins.steps[2]];
                        let part = V::select(winner.equal(V::splat(number)), gradient, V::zero());
                        V::load(out).plus(part).store(out);
                        number += 1.0;
                    }
                });
            }
        }
    }
}

dispatched! {
    fn average_rows<V>(input: &[Block], bins: &Bins, first: usize, out: &mut [Block]) {
        for (i, out) in out.chunks_exact_mut(bins.output.width).enumerate() {
            let plane = bins.plane(input, first + i);
            let [t, h] = bins.place(first + i);
            for (w, (out, bin)) in out.iter_mut().zip(&bins.axes[2]).enumerate() {
                let mut sum = V::zero();
                bins.lines([t, h], |line| {
                    for k in 0..bin.count {
                        sum = sum.plus(V::load(&plane[line + bin.first + k]));
                    }
                });
                sum.over(V::splat(bins.divisor([t, h, w]))).store(out);
            }
        }
    }
}

dispatched! {
    /// One plane of the gradient of a mean.
    fn average_slopes<V>(bins: &Bins, gradient: &[Block], out: &mut [Block]) {
        out.fill([0.0; LANES]);
        for (row, gradient) in gradient.chunks_exact(bins.output.width).enumerate() {
            let [t, h] = bins.place(row);
            for (w, (gradient, bin)) in gradient.iter().zip(&bins.axes[2]).enumerate() {
                let part = V::load(gradient).over(V::splat(bins.divisor([t, h, w])));
                bins.lines([t, h], |line| {
                    for out in &mut out[line + bin.first..][..bin.count] {
                        V::load(out).plus(part).store(out);
                    }
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
