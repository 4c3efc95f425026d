//! Histograms of words: hard (each descriptor counts for its nearest word) and soft (it is shared among words by
//! exp(-d^2 / (2 sigma^2)): van Gemert et al. 2010, "codeword uncertainty"; among the few nearest only:
//! Liu et al. 2011). A histogram sums to the number of descriptors.

use super::Rows;
use super::nearest::Centres;
use crate::error::Result;
use crate::parallel::{Job, map_blocks};

/// Descriptors that one task shares out.
const BLOCK: usize = 256;

/// How often each word is the nearest.
pub fn hard(words: Rows<'_>, descriptors: Rows<'_>, job: &Job) -> Result<Vec<f32>> {
    let (labels, _) = Centres::new(words).assign(descriptors, job)?;
    let mut counts = vec![0u64; words.len()];
    for label in labels {
        counts[label as usize] += 1;
    }
    Ok(counts.into_iter().map(|count| count as f32).collect())
}

/// Shares of the words: those of a descriptor sum to 1, and only its `nearest` words have one. `sigma2` is in
/// the unit of squared distances.
pub fn soft(words: Rows<'_>, descriptors: Rows<'_>, sigma2: f64, nearest: usize, job: &Job) -> Result<Vec<f32>> {
    let centres = Centres::new(words);
    let blocks = map_blocks(descriptors.len(), BLOCK, job, |start, stop| {
        let distances = centres.distances(descriptors.slice(start, stop), &(0..centres.panels()));
        let mut shares = vec![0f64; words.len()];
        let mut order: Vec<usize> = Vec::new();
        for row in distances.chunks_exact(centres.panels() * centres.width()) {
            share(&row[..words.len()], sigma2, nearest, &mut order, &mut shares);
        }
        shares
    })?;
    let mut sums = vec![0f64; words.len()];
    for shares in blocks {
        for (sum, share) in sums.iter_mut().zip(shares) {
            *sum += share;
        }
    }
    Ok(sums.into_iter().map(|sum| sum as f32).collect())
}

/// Adds what one descriptor gives to its `nearest` words, the lower index among equals.
fn share(distances: &[f32], sigma2: f64, nearest: usize, order: &mut Vec<usize>, shares: &mut [f64]) {
    order.clear();
    order.extend(0..distances.len());
    if nearest < distances.len() {
        order.select_nth_unstable_by(nearest, |&a, &b| distances[a].total_cmp(&distances[b]).then(a.cmp(&b)));
        order.truncate(nearest);
        order.sort_unstable();
    }
    let least = order.iter().map(|&j| distances[j]).fold(f32::INFINITY, f32::min);
    let weight = |j: usize| (-f64::from(distances[j] - least) / (2.0 * sigma2)).exp();
    let sum: f64 = order.iter().map(|&j| weight(j)).sum();
    for &j in order.iter() {
        shares[j] += weight(j) / sum;
    }
}
