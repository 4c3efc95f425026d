//! The first centres: greedy k-means++ (Arthur and Vassilvitskii 2007; the greedy choice among
//! 2 + ln k candidates is theirs and scikit-learn's), or distinct rows at random.

use super::Rows;
use super::nearest::Centres;
use crate::error::Result;
use crate::parallel::{Job, map_blocks};
use crate::random::Stream;

/// Panels of rows that one task measures.
const PANELS: usize = 32;

/// Indices of `count` rows, each drawn with a probability in proportion to its squared distance from those before
/// it: of some candidates the one that leaves the smallest sum of distances.
pub fn plus_plus(rows: Rows<'_>, count: usize, stream: &mut Stream, job: &Job) -> Result<Vec<usize>> {
    let trials = 2 + (count as f64).ln() as usize;
    let packed = Centres::new(rows);
    let mut chosen = vec![stream.below(rows.len() as u64) as usize];
    let first = candidates(rows, &chosen);
    let (mut closest, _) = measure(&packed, Rows::new(&first, 1, rows.columns())?, None, job)?.swap_remove(0);
    while chosen.len() < count {
        job.check()?;
        let drawn = draw(&closest, trials, stream);
        let values = candidates(rows, &drawn);
        let candidates = Rows::new(&values, trials, rows.columns())?;
        let measured = measure(&packed, candidates, Some(&closest), job)?;
        let mut best = 0;
        for (trial, (_, sum)) in measured.iter().enumerate() {
            if *sum < measured[best].1 {
                best = trial;
            }
        }
        chosen.push(drawn[best]);
        closest = measured.into_iter().nth(best).map_or(closest, |(distances, _)| distances);
    }
    Ok(chosen)
}

/// Indices of `count` distinct rows.
pub fn random(rows: Rows<'_>, count: usize, stream: &mut Stream) -> Vec<usize> {
    stream.choose(rows.len(), count)
}

/// The chosen rows, one after the other.
pub fn candidates(rows: Rows<'_>, chosen: &[usize]) -> Vec<f32> {
    chosen.iter().flat_map(|&i| rows.row(i)).copied().collect()
}

/// `trials` rows with probabilities in proportion to `weights`; any where all are zero.
fn draw(weights: &[f32], trials: usize, stream: &mut Stream) -> Vec<usize> {
    let mut sum = 0f64;
    let sums: Vec<f64> = weights
        .iter()
        .map(|&weight| {
            sum += f64::from(weight);
            sum
        })
        .collect();
    let one = |_| {
        if sum > 0.0 {
            let wanted = stream.uniform() * sum;
            sums.partition_point(|&sum| sum <= wanted).min(weights.len() - 1)
        } else {
            stream.below(weights.len() as u64) as usize
        }
    };
    (0..trials).map(one).collect()
}

/// For each candidate the distances of all rows to it, or to what was closer before, and their sum.
fn measure(
    packed: &Centres<'_>,
    candidates: Rows<'_>,
    closest: Option<&[f32]>,
    job: &Job,
) -> Result<Vec<(Vec<f32>, f64)>> {
    let width = packed.width();
    let blocks = map_blocks(packed.panels(), PANELS, job, |start, stop| {
        let mut distances = packed.distances(candidates, &(start..stop));
        let (first, last) = (start * width, packed.len().min(stop * width));
        for row in distances.chunks_exact_mut((stop - start) * width) {
            if let Some(closest) = closest {
                for (distance, &known) in row.iter_mut().zip(&closest[first..last]) {
                    *distance = distance.min(known);
                }
            }
        }
        (distances, last - first)
    })?;
    let mut measured = vec![(Vec::with_capacity(packed.len()), 0f64); candidates.len()];
    for (distances, valid) in &blocks {
        let stride = distances.len() / candidates.len();
        for ((all, sum), row) in measured.iter_mut().zip(distances.chunks_exact(stride)) {
            all.extend_from_slice(&row[..*valid]);
            *sum += row[..*valid].iter().map(|&distance| f64::from(distance)).sum::<f64>();
        }
    }
    Ok(measured)
}
