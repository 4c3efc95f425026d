//! Which values a dropout drops.
//!
//! Counter-based: what happens to a value follows from the seed, the number of the layer, the part of it that drops,
//! and the value's position, row after row, in the plain (not blocked) tensor. So masks depend neither on the threads,
//! nor on the executor, nor on the layout. The hash is SplitMix64's finaliser (Steele et al. 2014), once for each key.

use super::graph::NodeId;
use crate::error::{Error, Result};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Parts of a layer that drop for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All values of a dropout layer.
    Values,
    /// The inputs of an LSTM, `(N, D)`: the same at every step.
    Inputs { backward: bool },
    /// The state that an LSTM hands to its next step, `(N, U)`: the same at every step.
    State { backward: bool },
}

impl Part {
    fn key(self) -> u64 {
        match self {
            Self::Values => 0,
            Self::Inputs { backward } => 1 + u64::from(backward),
            Self::State { backward } => 3 + u64::from(backward),
        }
    }
}

/// The mask of one part of one layer in one step of training.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    key: u64,
    threshold: u64,
    scale: f32,
}

impl Mask {
    /// Drops with probability `p`, from 0 to 1.
    pub fn new(seed: u64, node: NodeId, part: Part, p: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::argument("p", format!("must be from 0 to 1, got {p}")));
        }
        let key = [node as u64, part.key()].iter().fold(mixed(seed), |key, &next| mixed(key ^ mixed(next)));
        // As many of the 2^53 values of a draw as are below p.
        let threshold = (p * (1u64 << 53) as f64) as u64;
        Ok(Self { key, threshold, scale: if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 } })
    }

    /// Whether the value at this position stays.
    #[inline]
    pub fn keeps(&self, position: usize) -> bool {
        mixed(self.key.wrapping_add((position as u64).wrapping_mul(GOLDEN))) >> 11 >= self.threshold
    }

    /// What the value is multiplied with: 0, or `1 / (1 - p)`.
    #[inline]
    pub fn factor(&self, position: usize) -> f32 {
        if self.keeps(position) { self.scale } else { 0.0 }
    }

    /// The factors of positions 0 up to `length`.
    pub fn factors(&self, length: usize) -> Vec<f32> {
        (0..length).map(|position| self.factor(position)).collect()
    }
}

fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(seed: u64, node: NodeId, part: Part, p: f64) -> Vec<bool> {
        let mask = Mask::new(seed, node, part, p).unwrap();
        (0..100_000).map(|position| mask.keeps(position)).collect()
    }

    #[test]
    fn the_share_that_stays_is_right_and_neighbours_are_independent() {
        for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
            let values = kept(3, 7, Part::Values, p);
            let share = values.iter().filter(|&&keep| keep).count() as f64 / values.len() as f64;
            assert!((share - (1.0 - p)).abs() < 0.005, "{p}: {share}");
            let both = values.windows(2).filter(|pair| pair[0] && pair[1]).count() as f64 / values.len() as f64;
            assert!((both - (1.0 - p).powi(2)).abs() < 0.006, "{p}: {both}");
        }
    }

    #[test]
    fn seed_layer_and_part_each_change_the_mask() {
        let first = kept(0, 1, Part::Values, 0.5);
        assert_eq!(first, kept(0, 1, Part::Values, 0.5));
        let others = [
            kept(1, 1, Part::Values, 0.5),
            kept(0, 2, Part::Values, 0.5),
            kept(0, 1, Part::Inputs { backward: false }, 0.5),
            kept(0, 1, Part::State { backward: true }, 0.5),
        ];
        for other in others {
            let equal = first.iter().zip(&other).filter(|(a, b)| a == b).count() as f64 / first.len() as f64;
            assert!((equal - 0.5).abs() < 0.01, "{equal}");
        }
        assert!(Mask::new(0, 0, Part::Values, 1.5).is_err());
    }
}
