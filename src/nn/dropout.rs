//! Dropout masks (Srivastava et al. 2014) that depend on seed, layer and position only.
//!
//! Both executors draw them here, so that they drop the same values, on any number of threads. Position `i` is decided
//! by the `i`-th word of a SplitMix64 stream (Steele, Lea and Flood 2014), which can be computed without those before.
//! Positions count the values in PyTorch's order, `(N, C, T, H, W)`, whatever the layout in memory.

use super::NodeId;
use crate::random::Stream;

/// The distance of two states of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The mask of one layer in one pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mask {
    key: u64,
    /// Words below it are dropped.
    threshold: u64,
    scale: f32,
}

impl Mask {
    /// `part` tells the masks of one layer apart: 0, or of an LSTM twice the direction (0 forward, 1 backward), plus 1
    /// for the state's.
    pub fn new(seed: u64, layer: NodeId, part: u64, p: f64) -> Self {
        let p = p.clamp(0.0, 1.0);
        Self {
            key: Stream::keyed(seed, &[layer as u64, part]).next_u64(),
            // Of 53 bits, as a uniform number has.
            threshold: (p * (1u64 << 53) as f64) as u64,
            scale: if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 },
        }
    }

    /// Whether the value at this position stays.
    #[inline]
    pub fn keeps(&self, position: usize) -> bool {
        let mut z = self.key.wrapping_add((position as u64).wrapping_mul(STEP));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) >> 11 >= self.threshold
    }

    /// What the value at this position is multiplied with: 0, or `1 / (1 - p)`.
    #[inline]
    pub fn factor(&self, position: usize) -> f32 {
        if self.keeps(position) { self.scale } else { 0.0 }
    }

    /// The factors of positions 0 up to `length`.
    pub fn factors(&self, length: usize) -> Vec<f32> {
        (0..length).map(|position| self.factor(position)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_drops_its_share_and_depends_on_seed_layer_and_part() {
        for p in [0.1, 0.5, 0.8] {
            let mask = Mask::new(1, 2, 0, p);
            let dropped = (0..100_000).filter(|&position| !mask.keeps(position)).count();
            // Five deviations of a binomial are below 0.008.
            assert!((dropped as f64 / 1e5 - p).abs() < 0.008, "{p}: {dropped}");
        }
        let first = Mask::new(1, 2, 0, 0.5).factors(64);
        assert!(first.iter().all(|&factor| factor == 0.0 || factor == 2.0));
        assert_eq!(first, Mask::new(1, 2, 0, 0.5).factors(64));
        for (seed, layer, part) in [(2, 2, 0), (1, 3, 0), (1, 2, 1)] {
            assert_ne!(first, Mask::new(seed, layer, part, 0.5).factors(64));
        }
        assert_eq!(Mask::new(1, 2, 0, 0.0).factors(3), [1.0; 3]);
        assert_eq!(Mask::new(1, 2, 0, 1.0).factors(3), [0.0; 3]);
    }
}
