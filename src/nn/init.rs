//! How parameters begin.
//!
//! Values are drawn from streams of the seed and the parameter's name, so that adding a layer does not change the
//! others, block by block, so that threads do not change them either. PyTorch's and Keras's schemes are meant in
//! distribution, not to the bit.

use serde::{Deserialize, Serialize};

use crate::parallel::{Job, map_blocks};
use crate::random::Stream;

/// A scheme of initial values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    Zero,
    One,
    /// Uniform within `1 / sqrt(fan_in)`: what PyTorch's `Linear` and `Conv` layers begin with.
    FanIn,
    /// Normal, variance `2 / fan_in` (He et al. 2015).
    HeFanIn,
    /// Uniform, variance `2 / fan_in`.
    HeUniform,
    /// Normal, variance `2 / fan_out`: of torchvision's residual networks.
    HeFanOut,
    /// Uniform, variance `2 / (fan_in + fan_out)` (Glorot and Bengio 2010): of Keras's layers.
    GlorotUniform,
    /// Normal with this deviation.
    Normal {
        deviation: f64,
    },
    /// Normal with this deviation, drawn anew beyond two deviations.
    TruncatedNormal {
        deviation: f64,
    },
    /// Uniform within this bound.
    Uniform {
        bound: f64,
    },
    /// Rows or columns of a random rotation (Saxe et al. 2014).
    Orthogonal,
    /// Zeros, and ones for the forget gate: the second of four quarters.
    ForgetBias,
}

impl Init {
    /// How the bias beside a weight begins that has this scheme.
    pub fn of_bias(self, fan_in: usize) -> Self {
        match self {
            Self::FanIn => Self::Uniform { bound: 1.0 / (fan_in.max(1) as f64).sqrt() },
            _ => Self::Zero,
        }
    }

    /// Values for a parameter of this name and shape.
    pub fn draw(self, seed: u64, name: &str, shape: &[usize]) -> Vec<f32> {
        let length: usize = shape.iter().product();
        let (fan_in, fan_out) = fans(shape);
        let uniform = |bound: f64| blocks(seed, name, length, |stream| stream.uniform_in(-bound, bound));
        let normal = |deviation: f64| blocks(seed, name, length, |stream| deviation * gaussian(stream));
        match self {
            Self::Zero => vec![0.0; length],
            Self::One => vec![1.0; length],
            Self::HeFanIn => normal((2.0 / fan_in).sqrt()),
            Self::HeFanOut => normal((2.0 / fan_out).sqrt()),
            Self::Normal { deviation } => normal(deviation),
            Self::TruncatedNormal { deviation } => blocks(seed, name, length, |stream| deviation * truncated(stream)),
            Self::FanIn => uniform(1.0 / fan_in.sqrt()),
            Self::HeUniform => uniform((6.0 / fan_in).sqrt()),
            Self::GlorotUniform => uniform((6.0 / (fan_in + fan_out)).sqrt()),
            Self::Uniform { bound } => uniform(bound),
            Self::Orthogonal => orthogonal(&mut stream(seed, name, 0), shape),
            Self::ForgetBias => {
                let quarter = length / 4;
                (0..length).map(|i| if i / quarter.max(1) == 1 { 1.0 } else { 0.0 }).collect()
            }
        }
    }
}

/// Values that one stream gives: a block has a stream of its own, so that blocks can be drawn side by side.
const BLOCK: usize = 1 << 16;

fn stream(seed: u64, name: &str, block: usize) -> Stream {
    Stream::keyed(seed, &[key(name), block as u64])
}

fn blocks(seed: u64, name: &str, length: usize, draw: impl Fn(&mut Stream) -> f64 + Sync) -> Vec<f32> {
    let block = |start: usize, stop: usize| -> Vec<f32> {
        let mut stream = stream(seed, name, start / BLOCK);
        (start..stop).map(|_| draw(&mut stream) as f32).collect()
    };
    // Without a pool of threads the same values come one block after the other.
    map_blocks(length, BLOCK, &Job::new(), block)
        .unwrap_or_else(|_| (0..length).step_by(BLOCK).map(|start| block(start, length.min(start + BLOCK))).collect())
        .concat()
}

/// Inputs and outputs of one value, of weights `(outputs, inputs, taps...)`.
fn fans(shape: &[usize]) -> (f64, f64) {
    let taps: usize = shape.iter().skip(2).product();
    let side = |axis: usize| (shape.get(axis).copied().unwrap_or(1) * taps).max(1) as f64;
    (side(1), side(0))
}

/// FNV-1a of the name.
fn key(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Box and Muller's; one of the pair is enough.
fn gaussian(stream: &mut Stream) -> f64 {
    let radius = (-2.0 * (1.0 - stream.uniform()).ln()).sqrt();
    radius * (std::f64::consts::TAU * stream.uniform()).cos()
}

fn truncated(stream: &mut Stream) -> f64 {
    loop {
        let value = gaussian(stream);
        if value.abs() <= 2.0 {
            return value;
        }
    }
}

/// Gram and Schmidt's over normal vectors, the shorter side orthonormal.
fn orthogonal(stream: &mut Stream, shape: &[usize]) -> Vec<f32> {
    let rows = shape.first().copied().unwrap_or(1);
    let columns: usize = shape.iter().skip(1).product();
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(count);
    while basis.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| gaussian(stream)).collect();
        // Twice, which is enough (Giraud et al. 2005).
        for _ in 0..2 {
            for known in &basis {
                let along: f64 = vector.iter().zip(known).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(known).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm > 1e-6 {
            vector.iter_mut().for_each(|value| *value /= norm);
            basis.push(vector);
        }
    }
    let at = |row: usize, column: usize| if rows <= columns { basis[row][column] } else { basis[column][row] };
    (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))).map(|(r, c)| at(r, c) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_have_the_variance_that_they_promise() {
        let shape = [64, 48, 3, 3];
        let (fan_in, fan_out) = (48.0 * 9.0, 64.0 * 9.0);
        let cases = [
            (Init::FanIn, 1.0 / (3.0 * fan_in)),
            (Init::HeFanIn, 2.0 / fan_in),
            (Init::HeUniform, 2.0 / fan_in),
            (Init::HeFanOut, 2.0 / fan_out),
            (Init::GlorotUniform, 2.0 / (fan_in + fan_out)),
            (Init::Normal { deviation: 0.02 }, 0.0004),
            // Of a normal cut at two deviations.
            (Init::TruncatedNormal { deviation: 0.02 }, 0.0004 * 0.7737),
        ];
        for (scheme, variance) in cases {
            let values = scheme.draw(0, "weight", &shape);
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
            let found = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64;
            assert!((found / variance - 1.0).abs() < 0.05, "{scheme:?}: {found} for {variance}");
        }
    }

    #[test]
    fn orthogonal_rows_are_orthonormal_and_names_have_their_own_values() {
        let values = Init::Orthogonal.draw(1, "recurrent_kernel", &[8, 32]);
        for (i, a) in values.chunks(32).enumerate() {
            for (j, b) in values.chunks(32).enumerate() {
                let product: f32 = a.iter().zip(b).map(|(x, y)| x * y).sum();
                assert!((product - f32::from(u8::from(i == j))).abs() < 1e-6);
            }
        }
        assert_ne!(Init::FanIn.draw(1, "a", &[4, 4]), Init::FanIn.draw(1, "b", &[4, 4]));
        assert_eq!(Init::ForgetBias.draw(0, "bias", &[8]), [0., 0., 1., 1., 0., 0., 0., 0.]);
    }
}
