//! OpenCV's `INTER_LINEAR` on uint8: two fixed-point passes, without antialiasing.
//!
//! Source: OpenCV 5.0 (4.11 gives the same bytes) `modules/imgproc/src/resize.cpp`, `HResizeLinear`,
//! `VResizeLinear` with `VResizeLinearVec_32s8u`, and the tables of `hal::resize`. IPP, which the x86
//! wheels carry, is not asked for uint8 (`useIPP_NotExact` is off by default), so these are the bytes
//! with and without it.
//!
//! Across: t = s0 * a0 + s1 * a1, a in 1/2048. Down: ((b0 * (t0 >> 4)) >> 16) + ((b1 * (t1 >> 4)) >> 16),
//! plus 2, shifted by 2. Only t >> 4 is ever used and it fits 15 bits, so a row between the passes is
//! i16. All integer: every path (scalar, AVX2) gives the same bytes.
//!
//! `INTER_AREA` that enlarges an axis is this too, with other weights ([`Centres::Area`]).

#[cfg(target_arch = "x86_64")]
use super::linear_x86;
use super::{Geometry, Rows, Work};

/// 1 in the fixed point of the weights.
const ONE: f32 = 2048.0;

/// Values that one step of the widest kernel takes; rows between the passes are padded to it.
pub(super) const BLOCK: usize = 32;

/// Which source coordinate a target pixel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centres {
    /// Pixel centres lie at half: (x + 0.5) * scale - 0.5.
    Half,
    /// What `INTER_AREA` uses where it enlarges.
    Area,
}

/// A target coordinate: the lower of its two source pixels (may be -1 or the last), and two weights.
#[derive(Clone, Copy, Debug)]
struct Tap {
    lower: isize,
    weights: [i16; 2],
}

/// The taps of one axis. `f32` and the order of operations are OpenCV's.
fn taps(source: usize, target: usize, centres: Centres) -> Vec<Tap> {
    let inverse = target as f64 / source as f64;
    let scale = 1.0 / inverse;
    let tap = |x: usize| {
        let (lower, fraction) = match centres {
            Centres::Half => {
                let at = ((x as f64 + 0.5) * scale - 0.5) as f32;
                (at.floor(), at - at.floor())
            }
            Centres::Area => {
                let lower = (x as f64 * scale).floor();
                let fraction = ((x as f64 + 1.0) - (lower + 1.0) * inverse) as f32;
                (lower as f32, if fraction <= 0.0 { 0.0 } else { fraction - fraction.floor() })
            }
        };
        let fixed = |weight: f32| (weight * ONE).round_ties_even() as i16;
        Tap { lower: lower as isize, weights: [fixed(1.0 - fraction), fixed(fraction)] }
    };
    (0..target).map(tap).collect()
}

/// A value of the row between the passes: two source values and their weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub sources: [u32; 2],
    pub weights: [i16; 2],
}

/// A row of the result: two source rows and their weights.
#[derive(Clone, Copy, Debug)]
struct Line {
    rows: [usize; 2],
    weights: [i16; 2],
}

/// The bilinear resize of frames of one size.
#[derive(Debug)]
pub struct Linear {
    values: Vec<Value>,
    lines: Vec<Line>,
    #[cfg(target_arch = "x86_64")]
    fast: Option<linear_x86::Across>,
}

impl Linear {
    pub fn new(job: Geometry, centres: Centres) -> Self {
        let Geometry { source, target, window, channels } = job;
        let across = taps(source.width, target.width, centres);
        let last = source.width - 1;
        let values: Vec<Value> = across[window.left..window.left + window.width]
            .iter()
            .flat_map(|&Tap { lower, weights }| {
                // At both ends OpenCV takes the outermost pixel alone.
                let alone = lower < 0 || lower >= last as isize;
                let lower = lower.clamp(0, last as isize) as usize;
                let upper = (lower + 1).min(last);
                let weights = if alone { [ONE as i16, 0] } else { weights };
                (0..channels).map(move |channel| Value {
                    sources: [lower, upper].map(|x| (x * channels + channel) as u32),
                    weights,
                })
            })
            .collect();
        let clip = |row: isize| row.clamp(0, source.height as isize - 1) as usize;
        let lines = taps(source.height, target.height, centres)[window.top..window.top + window.height]
            .iter()
            // Down the weights stay as they are, on the same row twice at the ends.
            .map(|&Tap { lower, weights }| Line { rows: [clip(lower), clip(lower + 1)], weights })
            .collect();
        Self {
            #[cfg(target_arch = "x86_64")]
            fast: linear_x86::Across::new(&values, source.width * channels),
            values,
            lines,
        }
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let padded = self.values.len().next_multiple_of(BLOCK);
        work.shorts.resize(2 * padded, 0);
        work.row.resize(padded, 0);
        let (mut near, mut far) = work.shorts.split_at_mut(padded);
        let mut held = [None, None];
        for (y, line) in self.lines.iter().enumerate() {
            let [first, second] = line.rows;
            if held[0] != Some(first) && held[1] == Some(first) {
                std::mem::swap(&mut near, &mut far);
                held.swap(0, 1);
            }
            if held[0] != Some(first) {
                self.across(source.row(first), near);
                held[0] = Some(first);
            }
            let below: &[i16] = if second == first {
                near
            } else {
                if held[1] != Some(second) {
                    self.across(source.row(second), far);
                    held[1] = Some(second);
                }
                far
            };
            self.down([near, below], line.weights, &mut work.row);
            emit(y, &work.row[..self.values.len()]);
        }
    }

    fn across(&self, row: &[u8], out: &mut [i16]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(fast) = &self.fast {
            return fast.run(row, out);
        }
        across(row, &self.values, out);
    }

    fn down(&self, rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
        #[cfg(target_arch = "x86_64")]
        if self.fast.is_some() {
            return linear_x86::down(rows, weights, out);
        }
        down(rows, weights, out);
    }
}

/// The pass across, value by value.
fn across(row: &[u8], values: &[Value], out: &mut [i16]) {
    for (value, out) in values.iter().zip(out) {
        let [s0, s1] = value.sources.map(|source| i32::from(row[source as usize]));
        let [a0, a1] = value.weights.map(i32::from);
        *out = ((s0 * a0 + s1 * a1) >> 4) as i16;
    }
}

/// The pass down, value by value.
fn down(rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    let [b0, b1] = weights.map(i32::from);
    for ((out, &t0), &t1) in out.iter_mut().zip(rows[0]).zip(rows[1]) {
        let sum = ((b0 * i32::from(t0)) >> 16) + ((b1 * i32::from(t1)) >> 16);
        *out = ((sum + 2) >> 2).clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::{Rect, Size};

    #[test]
    fn the_fast_path_gives_the_bytes_of_the_plain_one() {
        let mut stream = crate::random::Stream::keyed(1, &[]);
        for _ in 0..300 {
            let mut side = || 1 + stream.below(90) as usize;
            let (source, target) = (Size::new(side(), side()), Size::new(side(), side()));
            let channels = if side() > 45 { 1 } else { 3 };
            let centres = if side() > 45 { Centres::Half } else { Centres::Area };
            let job = Geometry { source, target, window: Rect::whole(target), channels };
            let data: Vec<u8> = (0..source.height * source.width * channels).map(|_| stream.next_u64() as u8).collect();
            let stride = source.width * channels;
            let rows = Rows { data: &data, stride, width: stride };
            let kernel = Linear::new(job, centres);
            let mut fast = Vec::new();
            kernel.run(rows, &mut Work::default(), &mut |_, row| fast.extend_from_slice(row));
            let mut plain = Vec::new();
            for line in &kernel.lines {
                let [near, far] = line.rows.map(|y| {
                    let mut out = vec![0; kernel.values.len()];
                    across(rows.row(y), &kernel.values, &mut out);
                    out
                });
                let mut out = vec![0; kernel.values.len()];
                down([&near, &far], line.weights, &mut out);
                plain.extend_from_slice(&out);
            }
            assert_eq!(fast, plain, "{source} to {target}, {channels} channels");
        }
    }
}
