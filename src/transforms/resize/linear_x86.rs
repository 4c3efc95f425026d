//! The two passes of the bilinear resize for x86-64 with AVX2, with the bytes of the plain ones.
//!
//! Across: four values at a time are gathered from two loads of 8 bytes each, which hold at most two
//! pixels and their right neighbours, by one byte shuffle that makes pairs (s0, s1) of 16 bits;
//! `pmaddwd` with the pairs of weights gives t. The offsets, shuffles and weights are tables made once.
//! A table exists only where every four values fit the two loads: RGB at any scale, grey up to about
//! a sixth; the plain pass takes the rest.

use std::arch::x86_64::*;

use super::linear::{BLOCK, Value};

/// Bytes of one load.
const LOAD: usize = 8;
/// Values that one shuffle makes.
const GROUP: usize = 4;
/// Groups that one step makes.
const GROUPS: usize = 4;

/// Where four values come from. The weights stand beside: they are read in other lanes.
#[derive(Clone, Copy, Debug)]
struct Group {
    offsets: [u32; 2],
    shuffle: [u8; 16],
    weights: [i16; 2 * GROUP],
}

/// One step of the pass: 16 values, its tables in the order of the registers.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Step {
    /// Lanes (0, 2) and (1, 3): packing two registers then leaves the values in order.
    shuffles: [[u8; 32]; 2],
    weights: [[i16; 16]; 2],
    offsets: [[u32; 2]; GROUPS],
}

/// The tables of a pass across for rows of at least `width` bytes.
#[derive(Debug)]
pub(super) struct Across {
    steps: Vec<Step>,
    width: usize,
}

impl Across {
    /// The tables for `values` of rows of `width` bytes, if this processor and the values allow.
    pub fn new(values: &[Value], width: usize) -> Option<Self> {
        if !is_x86_feature_detected!("avx2") || width < LOAD {
            return None;
        }
        let groups: Option<Vec<Group>> = values.chunks(GROUP).map(|chunk| group(chunk, width)).collect();
        let mut groups = groups?;
        let idle = Group { offsets: [0; 2], shuffle: [0x80; 16], weights: [0; 8] };
        groups.resize(values.len().next_multiple_of(BLOCK) / GROUP, idle);
        let steps = groups
            .chunks_exact(GROUPS)
            .map(|groups| {
                let pair = |low: usize, high: usize| [groups[low], groups[high]];
                Step {
                    shuffles: [pair(0, 2), pair(1, 3)].map(|pair| join(pair.map(|group| group.shuffle))),
                    weights: [pair(0, 2), pair(1, 3)].map(|pair| join(pair.map(|group| group.weights))),
                    offsets: std::array::from_fn(|i| groups[i].offsets),
                }
            })
            .collect();
        Some(Self { steps, width })
    }

    /// t >> 4 of every value of `row` into `out`, which is padded to whole blocks.
    pub fn run(&self, row: &[u8], out: &mut [i16]) {
        assert!(row.len() >= self.width && out.len() >= self.steps.len() * GROUP * GROUPS);
        // SAFETY: `new` saw AVX2, and the lengths that the kernel reads and writes are checked above.
        unsafe { across(row, &self.steps, out) }
    }
}

fn join<T: Copy, const N: usize, const M: usize>(halves: [[T; N]; 2]) -> [T; M] {
    std::array::from_fn(|i| halves[i / N][i % N])
}

/// Two loads that hold what up to four values need, or nothing if no two do.
fn group(values: &[Value], width: usize) -> Option<Group> {
    let lowest = |values: &[Value]| values.iter().flat_map(|value| value.sources).min().unwrap_or(0) as usize;
    let holds = |offset: usize, value: &Value| {
        value.sources.iter().all(|&source| (offset..offset + LOAD).contains(&(source as usize)))
    };
    let first = lowest(values).min(width - LOAD);
    let split = values.iter().position(|value| !holds(first, value)).unwrap_or(values.len());
    let second = lowest(&values[split..]).min(width - LOAD);
    if !values[split..].iter().all(|value| holds(second, value)) {
        return None;
    }
    let mut group = Group { offsets: [first as u32, second as u32], shuffle: [0x80; 16], weights: [0; 2 * GROUP] };
    for (i, value) in values.iter().enumerate() {
        let (offset, lane) = if i < split { (first, 0) } else { (second, LOAD) };
        for (k, &source) in value.sources.iter().enumerate() {
            // The low byte of a pair's k-th 16 bits; 0x80 clears the high byte.
            group.shuffle[4 * i + 2 * k] = (lane + source as usize - offset) as u8;
            group.weights[2 * i + k] = value.weights[k];
        }
    }
    Some(group)
}

/// # Safety
/// AVX2; every offset of `steps` lies 8 bytes before the end of `row` at the latest; `out` holds 16
/// values a step.
#[target_feature(enable = "avx2")]
unsafe fn across(row: &[u8], steps: &[Step], out: &mut [i16]) {
    // SAFETY: see above; Step is aligned to 32 bytes and its tables are whole registers.
    unsafe {
        let source = row.as_ptr();
        let load = |offsets: &[u32; 2]| {
            let low = _mm_loadl_epi64(source.add(offsets[0] as usize).cast());
            _mm_castpd_si128(_mm_loadh_pd(_mm_castsi128_pd(low), source.add(offsets[1] as usize).cast()))
        };
        let mut target = out.as_mut_ptr();
        for step in steps {
            let [o0, o1, o2, o3] = &step.offsets;
            let even = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load(o0)), load(o2));
            let odd = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(load(o1)), load(o3));
            let sum = |bytes: __m256i, i: usize| {
                let pairs = _mm256_shuffle_epi8(bytes, _mm256_load_si256(step.shuffles[i].as_ptr().cast()));
                let weights = _mm256_load_si256(step.weights[i].as_ptr().cast());
                _mm256_srai_epi32::<4>(_mm256_madd_epi16(pairs, weights))
            };
            _mm256_storeu_si256(target.cast(), _mm256_packs_epi32(sum(even, 0), sum(odd, 1)));
            target = target.add(GROUP * GROUPS);
        }
    }
}

/// The pass down of whole blocks; needs AVX2 (an [`Across`] exists).
pub(super) fn down(rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    let length = out.len() / BLOCK * BLOCK;
    assert!(length == out.len() && rows[0].len() >= length && rows[1].len() >= length);
    // SAFETY: the caller holds an `Across`, which exists only with AVX2; lengths are checked above.
    unsafe { down_avx2(rows, weights, out) }
}

/// # Safety
/// AVX2; both rows are at least as long as `out`, whose length is a multiple of 32.
#[target_feature(enable = "avx2")]
unsafe fn down_avx2(rows: [&[i16]; 2], weights: [i16; 2], out: &mut [u8]) {
    // SAFETY: see above.
    unsafe {
        let [b0, b1] = weights.map(|weight| _mm256_set1_epi16(weight));
        let half = _mm256_set1_epi16(2);
        let blend = |i: usize| {
            let t0 = _mm256_loadu_si256(rows[0].as_ptr().add(i).cast());
            let t1 = _mm256_loadu_si256(rows[1].as_ptr().add(i).cast());
            let sum = _mm256_add_epi16(_mm256_mulhi_epi16(t0, b0), _mm256_mulhi_epi16(t1, b1));
            _mm256_srai_epi16::<2>(_mm256_add_epi16(sum, half))
        };
        for i in (0..out.len()).step_by(BLOCK) {
            let bytes = _mm256_packus_epi16(blend(i), blend(i + 16));
            _mm256_storeu_si256(out.as_mut_ptr().add(i).cast(), _mm256_permute4x64_epi64::<0xD8>(bytes));
        }
    }
}
