//! How often each of the 256 values occurs.
//!
//! Neighbours are often equal, and adding to one counter twice in a row waits for memory; so each count
//! is kept in several parts, for pixels in turn. O(values).

/// Occurrences of each value.
pub(super) type Histogram = [u64; 256];

/// Values counted at a time, so that a part fits 32 bits.
const MOST: usize = 3 << 29;

/// Adds the values of one plane.
pub(super) fn count(values: &[u8], histogram: &mut Histogram) {
    for values in values.chunks(MOST) {
        let mut parts = [[0u32; 256]; 4];
        let mut blocks = values.chunks_exact(8);
        for block in &mut blocks {
            for (i, &value) in block.iter().enumerate() {
                parts[i % 4][usize::from(value)] += 1;
            }
        }
        for &value in blocks.remainder() {
            parts[0][usize::from(value)] += 1;
        }
        add(&parts, histogram);
    }
}

/// Adds the values of interleaved RGB, each channel to its own histogram.
pub(super) fn count_channels(values: &[u8], histograms: &mut [Histogram; 3]) {
    for values in values.chunks(MOST) {
        let mut parts = [[[0u32; 256]; 4]; 3];
        let mut blocks = values.chunks_exact(12);
        for block in &mut blocks {
            for (i, &value) in block.iter().enumerate() {
                parts[i % 3][i / 3][usize::from(value)] += 1;
            }
        }
        for pixel in blocks.remainder().chunks_exact(3) {
            for (channel, &value) in pixel.iter().enumerate() {
                parts[channel][0][usize::from(value)] += 1;
            }
        }
        for (parts, histogram) in parts.iter().zip(histograms.iter_mut()) {
            add(parts, histogram);
        }
    }
}

fn add(parts: &[[u32; 256]; 4], histogram: &mut Histogram) {
    for (value, total) in histogram.iter_mut().enumerate() {
        *total += parts.iter().map(|part| u64::from(part[value])).sum::<u64>();
    }
}
