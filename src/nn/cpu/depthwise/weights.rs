//! The gradient of a depthwise convolution's weights: for each tap the sum over all outputs of gradient times input.
//!
//! A unit takes some output rows of one block of channels; in it up to nine taps are summed at once in registers. The
//! units' sums are added in order, in float64.

use super::super::lanes::{Block, Lanes, dispatched};
use super::super::{LANES, MapShape, Window, check};
use super::check_shapes;
use crate::error::Result;
use crate::parallel::{self, Job};

/// Outputs of one unit, about: few enough for float32 sums to stay exact to a few bits.
const UNIT: usize = 512;
/// Taps that are summed at once.
const AT_ONCE: usize = 9;

/// The gradient of weights `(C, 1, kt, kh, kw)`, not packed.
pub fn backward_weights(
    input: &[f32],
    input_shape: &MapShape,
    gradient: &[f32],
    output_shape: &MapShape,
    window: &Window,
    weights_gradient: &mut [f32],
) -> Result<()> {
    check_shapes(input_shape, window, output_shape)?;
    let input = check::blocks("input", input, input_shape.len())?;
    let gradient = check::blocks("gradient", gradient, output_shape.len())?;
    let taps = window.taps();
    check::length("weights_gradient", weights_gradient.len(), input_shape.channels * taps)?;
    let (blocks, width) = (input_shape.blocks(), output_shape.width);
    let (inputs, outputs) = (input_shape.positions(), output_shape.positions());
    let rows = output_shape.frames * output_shape.height;
    let each = (UNIT / width.max(1)).max(1);
    let pieces = rows.div_ceil(each);
    // Units go through the batch within a block of channels, so that a block's sums lie side by side.
    let of_block = input_shape.batch * pieces;
    let sums = parallel::map_blocks(blocks * of_block, 1, &Job::new(), |unit, _| {
        let (block, item, piece) = (unit / of_block, unit / pieces % input_shape.batch, unit % pieces);
        let plane = item * blocks + block;
        let part = Part {
            input: &input[plane * inputs..][..inputs],
            sides: input_shape.sides(),
            gradient: &gradient[plane * outputs..][..outputs],
            height: output_shape.height,
            width,
            first: piece * each,
            last: rows.min((piece + 1) * each),
        };
        let mut sums = vec![[0.0; LANES]; taps];
        unit_sums(&part, window, &mut sums);
        sums
    })?;
    let channel_sum = |channel: usize, tap: usize| {
        let units = sums.iter().skip(channel / LANES * of_block).take(of_block);
        units.map(|unit| f64::from(unit[tap][channel % LANES])).sum::<f64>() as f32
    };
    for (i, out) in weights_gradient.iter_mut().enumerate() {
        *out = channel_sum(i / taps, i % taps);
    }
    Ok(())
}

/// Output rows `first..last` of one block of channels of one item.
struct Part<'a> {
    input: &'a [Block],
    sides: [usize; 3],
    gradient: &'a [Block],
    height: usize,
    width: usize,
    first: usize,
    last: usize,
}

dispatched! {
    fn unit_sums<V>(part: &Part, window: &Window, sums: &mut [Block]) {
        let mut first = 0;
        for sums in sums.chunks_mut(AT_ONCE) {
            match sums.len() {
                1 => part.add::<V, 1>(window, first, sums),
                2 => part.add::<V, 2>(window, first, sums),
                3 => part.add::<V, 3>(window, first, sums),
                4 => part.add::<V, 4>(window, first, sums),
                5 => part.add::<V, 5>(window, first, sums),
                6 => part.add::<V, 6>(window, first, sums),
                7 => part.add::<V, 7>(window, first, sums),
                8 => part.add::<V, 8>(window, first, sums),
                _ => part.add::<V, 9>(window, first, sums),
            }
            first += AT_ONCE;
        }
    }
}

/// What a tap reads in one output row: a line of inputs, the first input, and the outputs for which it lies inside.
#[derive(Clone, Copy)]
struct Read<'a> {
    line: &'a [Block],
    at: isize,
    inside: (usize, usize),
}

impl Part<'_> {
    /// The sums of taps `first..first + G` over all rows of the part.
    #[inline(always)]
    fn add<V: Lanes, const G: usize>(&self, window: &Window, first: usize, out: &mut [Block]) {
        let mut sums = [V::zero(); G];
        for row in self.first..self.last {
            let reads: [Read; G] = std::array::from_fn(|i| self.read(window, row, first + i));
            let gradient = &self.gradient[row * self.width..][..self.width];
            add_row(&mut sums, gradient, &reads, window.stride[2]);
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            sum.store(out);
        }
    }

    #[inline(always)]
    fn read(&self, window: &Window, row: usize, tap: usize) -> Read<'_> {
        let kernel = window.kernel;
        let at = [row / self.height, row % self.height, 0];
        let tap = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
        let [t, h, w] = [0, 1, 2].map(|axis| {
            (at[axis] * window.stride[axis] + tap[axis] * window.dilation[axis]) as isize - window.before[axis] as isize
        });
        let (t, h) = (t as usize, h as usize);
        // Negative ones have become too large.
        if t >= self.sides[0] || h >= self.sides[1] {
            return Read { line: &[], at: 0, inside: (0, 0) };
        }
        let width = self.sides[2];
        let line = &self.input[(t * self.sides[1] + h) * width..][..width];
        let stride = window.stride[2] as isize;
        // The first output that reads at 0 or behind, and the first that reads past the end.
        let low = (-w).max(0).unsigned_abs().div_ceil(window.stride[2]);
        let high = (width as isize - w + stride - 1).div_euclid(stride).max(0).unsigned_abs();
        let high = high.min(self.width);
        Read { line, at: w, inside: (low.min(high), high) }
    }
}

/// Adds the products of one output row to the sums of its taps.
#[inline(always)]
fn add_row<V: Lanes, const G: usize>(sums: &mut [V; G], gradient: &[Block], reads: &[Read; G], stride: usize) {
    let reaching = reads.iter().filter(|read| read.inside.0 < read.inside.1);
    let low = reaching.clone().map(|read| read.inside.0).max().unwrap_or(0);
    let high = reaching.clone().map(|read| read.inside.1).min().unwrap_or(0).max(low);
    if reaching.count() < G {
        return add_some(sums, gradient, reads, stride, (0, gradient.len()));
    }
    add_some(sums, gradient, reads, stride, (0, low));
    let starts: [*const Block; G] = std::array::from_fn(|i| reads[i].line.as_ptr().wrapping_offset(reads[i].at));
    for (o, value) in gradient.iter().enumerate().take(high).skip(low) {
        let value = V::load(value);
        for (sum, start) in sums.iter_mut().zip(&starts) {
            // SAFETY: `low..high` are outputs for which every tap reads inside its line, at `at + o * stride`.
            let input = unsafe { &*start.wrapping_add(o * stride) };
            *sum = V::load(input).times_plus(value, *sum);
        }
    }
    add_some(sums, gradient, reads, stride, (high, gradient.len()));
}

/// The same for outputs that not every tap reads.
#[inline(always)]
fn add_some<V: Lanes, const G: usize>(
    sums: &mut [V; G],
    gradient: &[Block],
    reads: &[Read; G],
    stride: usize,
    (first, last): (usize, usize),
) {
    for (sum, read) in sums.iter_mut().zip(reads) {
        let (first, last) = (first.max(read.inside.0), last.min(read.inside.1));
        for (o, value) in gradient.iter().enumerate().take(last).skip(first) {
            let input = &read.line[(read.at + (o * stride) as isize) as usize];
            *sum = V::load(input).times_plus(V::load(value), *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cases, products};
    use super::*;
    use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads, map, to_planar};

    #[test]
    fn the_gradient_of_the_weights_equals_a_plain_loop() {
        for case in cases() {
            let (random, taps, channels) = (&mut Random(4), case.window.taps(), case.input.channels);
            let (inputs, outputs) = (case.input.positions(), case.output.positions());
            let (input, gradient) = (map(random, &case.input), map(random, &case.output));
            let (x, g) = (to_planar(&input, &case.input), to_planar(&gradient, &case.output));
            let mut wanted = vec![0.0; channels * taps];
            for plane in 0..case.input.batch * channels {
                products(&case, |target, source, tap| {
                    wanted[plane % channels * taps + tap] +=
                        f64::from(g[plane * outputs + target]) * f64::from(x[plane * inputs + source]);
                });
            }
            let run = || {
                let mut weights = vec![f32::NAN; channels * taps];
                backward_weights(&input, &case.input, &gradient, &case.output, &case.window, &mut weights).unwrap();
                weights
            };
            assert_close(&run(), &wanted, 1e-6);
            assert_same_on_any_threads(run);
        }
    }

    #[test]
    fn packed_weights_lie_by_block_then_tap() {
        use super::super::packed_index;
        assert_eq!(packed_index(0, 0, 9), 0);
        assert_eq!(packed_index(3, 1, 9), 19);
        assert_eq!(packed_index(17, 2, 9), (9 + 2) * 16 + 1);
    }
}
