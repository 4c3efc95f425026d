//! Tables of 256 bytes, applied in place: one for all values, one a channel, or one for the luma.
//!
//! O(values); 64 bytes at a time with AVX-512 VBMI, 32 with AVX2, one by one elsewhere, equal bytes.

use super::luma;
use super::scratch::Scratch;
use crate::clip::FrameShape;
use crate::simd::{Level, level};

/// A new value for each old one.
pub(super) type Table = [u8; 256];

/// The table that changes nothing.
pub(super) fn identity() -> Table {
    std::array::from_fn(|value| value as u8)
}

/// What tables do to a frame.
#[derive(Clone, Debug)]
pub(super) enum Tables {
    All(Table),
    /// One a channel of an RGB frame.
    Channels(Box<[Table; 3]>),
    /// The luma of an RGB frame, its chroma kept.
    Luma(Table),
}

impl Tables {
    pub(super) fn apply(&self, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        match self {
            Self::All(table) => map(frame, table),
            Self::Channels(tables) => map_channels(frame, tables),
            Self::Luma(table) => {
                let plane = scratch.plane(shape.height * shape.width);
                luma::luma(frame, plane);
                map(plane, table);
                luma::replace(frame, plane);
            }
        }
    }
}

/// `value = table[value]` for all values.
pub(super) fn map(values: &mut [u8], table: &Table) {
    #[cfg(target_arch = "x86_64")]
    match level() {
        // SAFETY: the level says that the processor has these instructions.
        Level::Vbmi => return unsafe { x86::map_vbmi(values, table) },
        // SAFETY: as above.
        Level::Avx2 | Level::Avx512 => return unsafe { x86::map_avx2(values, table) },
        Level::Plain => {}
    }
    map_plain(values, table);
}

/// As [`map`] on interleaved RGB, with one table a channel.
pub(super) fn map_channels(values: &mut [u8], tables: &[Table; 3]) {
    #[cfg(target_arch = "x86_64")]
    if level() == Level::Vbmi {
        // SAFETY: the level says that the processor has these instructions.
        return unsafe { x86::map_channels_vbmi(values, tables) };
    }
    map_channels_plain(values, tables);
}

fn map_plain(values: &mut [u8], table: &Table) {
    for value in values {
        *value = table[usize::from(*value)];
    }
}

fn map_channels_plain(values: &mut [u8], tables: &[Table; 3]) {
    for pixel in values.chunks_exact_mut(3) {
        for (value, table) in pixel.iter_mut().zip(tables) {
            *value = table[usize::from(*value)];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Table, map_channels_plain, map_plain};

    /// A table in four registers; `permutex2var` picks among 128 bytes, the top bit among the halves.
    #[derive(Clone, Copy)]
    struct Wide([__m512i; 4]);

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn wide(table: &Table) -> Wide {
        // SAFETY: a table has 4 x 64 bytes.
        Wide(std::array::from_fn(|i| unsafe { _mm512_loadu_si512(table.as_ptr().add(64 * i).cast()) }))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn look_up(values: __m512i, table: Wide) -> __m512i {
        let Wide([t0, t1, t2, t3]) = table;
        let low = _mm512_permutex2var_epi8(t0, values, t1);
        let high = _mm512_permutex2var_epi8(t2, values, t3);
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(values), low, high)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn map_vbmi(values: &mut [u8], table: &Table) {
        let wide = wide(table);
        let mut blocks = values.chunks_exact_mut(64);
        for block in &mut blocks {
            // SAFETY: a block has 64 bytes.
            unsafe {
                let mapped = look_up(_mm512_loadu_si512(block.as_ptr().cast()), wide);
                _mm512_storeu_si512(block.as_mut_ptr().cast(), mapped);
            }
        }
        map_plain(blocks.into_remainder(), table);
    }

    /// Lanes of a 64-byte block that begins at a red value, at a green one less 64, …: bit i of
    /// `LANES[block][channel]` is set where (64 * block + i) % 3 is the channel.
    const LANES: [[u64; 3]; 3] = {
        let mut lanes = [[0; 3]; 3];
        let mut i = 0;
        while i < 192 {
            lanes[i / 64][i % 3] |= 1 << (i % 64);
            i += 1;
        }
        lanes
    };

    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    pub fn map_channels_vbmi(values: &mut [u8], tables: &[Table; 3]) {
        let [red, green, blue] = [wide(&tables[0]), wide(&tables[1]), wide(&tables[2])];
        let mut triples = values.chunks_exact_mut(192);
        for triple in &mut triples {
            for (block, [_, greens, blues]) in triple.chunks_exact_mut(64).zip(LANES) {
                // SAFETY: a block has 64 bytes.
                unsafe {
                    let old = _mm512_loadu_si512(block.as_ptr().cast());
                    let new = look_up(old, red);
                    let new = _mm512_mask_blend_epi8(greens, new, look_up(old, green));
                    let new = _mm512_mask_blend_epi8(blues, new, look_up(old, blue));
                    _mm512_storeu_si512(block.as_mut_ptr().cast(), new);
                }
            }
        }
        map_channels_plain(triples.into_remainder(), tables);
    }

    /// Sixteen rows of 16 bytes. `pshufb` gives 0 where the index is negative, so row r, XORed with the
    /// row before it, is added in for all values from 16 r on: the sum is the row of the value. The
    /// index is signed, hence one pass for values below 128 and one for those above.
    #[target_feature(enable = "avx2")]
    pub fn map_avx2(values: &mut [u8], table: &Table) {
        let rows: [__m256i; 16] = std::array::from_fn(|row| {
            // SAFETY: a table has 16 x 16 bytes.
            _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().add(16 * row).cast()) })
        });
        let steps: [__m256i; 16] = std::array::from_fn(|row| match row {
            0 | 8 => rows[row],
            _ => _mm256_xor_si256(rows[row], rows[row - 1]),
        });
        let sixteen = _mm256_set1_epi8(16);
        let mut blocks = values.chunks_exact_mut(32);
        for block in &mut blocks {
            // SAFETY: a block has 32 bytes.
            let mut low = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
            let mut high = _mm256_xor_si256(low, _mm256_set1_epi8(-128));
            let mut mapped = _mm256_setzero_si256();
            for row in 0..8 {
                mapped = _mm256_xor_si256(mapped, _mm256_shuffle_epi8(steps[row], low));
                mapped = _mm256_xor_si256(mapped, _mm256_shuffle_epi8(steps[row + 8], high));
                low = _mm256_subs_epi8(low, sixteen);
                high = _mm256_subs_epi8(high, sixteen);
            }
            // SAFETY: a block has 32 bytes.
            unsafe { _mm256_storeu_si256(block.as_mut_ptr().cast(), mapped) };
        }
        map_plain(blocks.into_remainder(), table);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::simd::tests::same_at_every_level;

    #[test]
    fn tables_give_the_same_bytes_at_every_level_and_length() {
        let mut stream = Stream::keyed(0, &[]);
        let mut byte = || stream.below(256) as u8;
        let tables: [Table; 3] = std::array::from_fn(|_| std::array::from_fn(|_| byte()));
        let values: Vec<u8> = (0..1200).map(|_| byte()).collect();
        for length in (0..200).chain([1200]) {
            let expected: Vec<u8> = values[..length].iter().map(|&v| tables[0][v as usize]).collect();
            same_at_every_level(|| {
                let mut one = values[..length].to_vec();
                map(&mut one, &tables[0]);
                assert_eq!(one, expected);
                let mut three = values[..length / 3 * 3].to_vec();
                map_channels(&mut three, &tables);
                three
            });
        }
    }
}
