//! The pass across of the antialiased resize for x86-64 with AVX2, for pixels of three values, with the
//! bytes of the plain one: a pixel is summed as four values at once.

use std::arch::x86_64::*;

use super::pil::{BITS, HALF, Taps};

/// The taps of a pass across, as many for each pixel (some of weight 0): the loop never turns early.
#[derive(Debug)]
pub(super) struct Colours {
    /// Ascending.
    firsts: Vec<usize>,
    weights: Vec<i32>,
    taps_a_pixel: usize,
}

impl Colours {
    /// The tables for rows of `source` pixels, if this processor and the number of channels allow.
    pub fn new(taps: &[Taps], source: usize, channels: usize) -> Option<Self> {
        if channels != 3 || !is_x86_feature_detected!("avx2") {
            return None;
        }
        let most = taps.iter().map(|taps| taps.weights.len()).max()?;
        let firsts: Vec<usize> = taps.iter().map(|taps| taps.first.min(source - most)).collect();
        let mut weights = vec![0; taps.len() * most];
        for ((taps, &first), weights) in taps.iter().zip(&firsts).zip(weights.chunks_exact_mut(most)) {
            weights[taps.first - first..][..taps.weights.len()].copy_from_slice(&taps.weights);
        }
        Some(Self { firsts, weights, taps_a_pixel: most })
    }

    /// The first pixels of a row, and how many they are: a pixel is read as four values, and the fourth
    /// of the last ones would lie behind the row.
    pub fn run(&self, row: &[u8], out: &mut [u8]) -> usize {
        let inside = self.firsts.partition_point(|first| 3 * (first + self.taps_a_pixel) < row.len());
        let firsts = &self.firsts[..inside.min(out.len() / 3)];
        // SAFETY: `new` saw AVX2; 3 * (first + taps_a_pixel) + 1 <= row.len() for every first.
        unsafe { pixels(row, firsts, self.weights.chunks_exact(self.taps_a_pixel), out) };
        firsts.len()
    }
}

/// # Safety
/// AVX2; 3 * (first + weights of a pixel) + 1 is at most the length of `row` for every first.
#[target_feature(enable = "avx2")]
unsafe fn pixels(row: &[u8], firsts: &[usize], weights: std::slice::ChunksExact<'_, i32>, out: &mut [u8]) {
    for ((out, &first), weights) in out.chunks_exact_mut(3).zip(firsts).zip(weights) {
        let mut sum = _mm_set1_epi32(HALF);
        for (i, &weight) in weights.iter().enumerate() {
            // SAFETY: 3 * (first + i) + 4 <= 3 * (first + weights.len()) + 1 <= row.len().
            let bytes = unsafe { row.as_ptr().add(3 * (first + i)).cast::<i32>().read_unaligned() };
            let pixel = _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
            sum = _mm_add_epi32(sum, _mm_mullo_epi32(pixel, _mm_set1_epi32(weight)));
        }
        let words = _mm_packs_epi32(_mm_srai_epi32::<{ BITS as i32 }>(sum), sum);
        let bytes = _mm_cvtsi128_si32(_mm_packus_epi16(words, words)).to_le_bytes();
        out.copy_from_slice(&bytes[..3]);
    }
}
