//! Mini-batch k-means (Sculley 2010) with the statistics of scikit-learn 1.9's `MiniBatchKMeans`: batches drawn
//! with replacement, centres that are means of all rows they ever had, rarely used centres put elsewhere,
//! and an end when the smoothed inertia improves no more. The stream of random numbers is our own.

use super::lloyd::{Clustering, finished, total};
use super::nearest::Centres;
use super::seeding::candidates;
use super::{Rows, grouped};
use crate::error::Result;
use crate::parallel::Job;
use crate::random::Stream;

/// A centre with less than this part of the largest count is put elsewhere.
const REASSIGNED_BELOW: f64 = 0.01;
/// Steps without a new least smoothed inertia that end the search.
const PATIENCE: usize = 10;

struct State {
    centres: Vec<f32>,
    counts: Vec<f64>,
    since_reassignment: usize,
}

/// Moves `centres` by batches of `size` rows, at most as many as make `max_epochs` passes over the rows.
pub fn minibatch(
    rows: Rows<'_>,
    centres: Vec<f32>,
    size: usize,
    max_epochs: usize,
    stream: &mut Stream,
    job: &Job,
) -> Result<Clustering> {
    let count = centres.len() / rows.columns();
    let steps = (max_epochs.saturating_mul(rows.len()) / size).max(1);
    let smoothing = (2.0 * size as f64 / (rows.len() as f64 + 1.0)).min(1.0);
    let mut state = State { centres, counts: vec![0.0; count], since_reassignment: 0 };
    let (mut smoothed, mut least, mut idle) = (None, f64::INFINITY, 0);
    for step in 1..=steps {
        job.check()?;
        let chosen: Vec<usize> = (0..size).map(|_| stream.below(rows.len() as u64) as usize).collect();
        let values = candidates(rows, &chosen);
        let inertia = state.step(Rows::new(&values, size, rows.columns())?, stream, job)? / size as f64;
        // The first inertia is that of the seeds.
        if step == 1 {
            continue;
        }
        let now = smoothed.map_or(inertia, |known: f64| known.mul_add(1.0 - smoothing, inertia * smoothing));
        smoothed = Some(now);
        idle = if now < least { 0 } else { idle + 1 };
        least = least.min(now);
        if idle >= PATIENCE {
            return finished(rows, state.centres, epochs(step, size, rows.len()), true, job);
        }
    }
    finished(rows, state.centres, epochs(steps, size, rows.len()), false, job)
}

fn epochs(steps: usize, size: usize, rows: usize) -> usize {
    (steps * size).div_ceil(rows)
}

impl State {
    /// Takes one batch; its inertia before the centres moved.
    fn step(&mut self, batch: Rows<'_>, stream: &mut Stream, job: &Job) -> Result<f64> {
        let (columns, count) = (batch.columns(), self.counts.len());
        self.since_reassignment += batch.len();
        let is_reassigning = self.since_reassignment >= 10 * count || self.counts.contains(&0.0);
        let (labels, distances) = Centres::new(Rows::new(&self.centres, count, columns)?).assign(batch, job)?;
        let (order, starts) = grouped(&labels, count);
        let mut sums = vec![0f64; columns];
        for (cluster, centre) in self.centres.chunks_exact_mut(columns).enumerate() {
            let members = &order[starts[cluster]..starts[cluster + 1]];
            if members.is_empty() {
                continue;
            }
            let before = self.counts[cluster];
            self.counts[cluster] += members.len() as f64;
            for (sum, &value) in sums.iter_mut().zip(centre.iter()) {
                *sum = f64::from(value) * before;
            }
            for &i in members {
                for (sum, &value) in sums.iter_mut().zip(batch.row(i as usize)) {
                    *sum += f64::from(value);
                }
            }
            for (value, sum) in centre.iter_mut().zip(&sums) {
                *value = (sum / self.counts[cluster]) as f32;
            }
        }
        if is_reassigning {
            self.since_reassignment = 0;
            self.reassign(batch, stream);
        }
        Ok(total(&distances))
    }

    /// Puts centres with low counts, at most half a batch of them, onto random rows of the batch.
    fn reassign(&mut self, batch: Rows<'_>, stream: &mut Stream) {
        let bound = REASSIGNED_BELOW * self.counts.iter().copied().fold(0.0, f64::max);
        let mut rare: Vec<usize> = (0..self.counts.len()).filter(|&i| self.counts[i] < bound).collect();
        rare.sort_by(|&a, &b| self.counts[a].total_cmp(&self.counts[b]).then(a.cmp(&b)));
        rare.truncate(batch.len() / 2);
        rare.sort_unstable();
        if rare.is_empty() {
            return;
        }
        let rows = stream.choose(batch.len(), rare.len());
        let others = (0..self.counts.len()).filter(|i| rare.binary_search(i).is_err());
        let least = others.map(|i| self.counts[i]).fold(f64::INFINITY, f64::min);
        let columns = batch.columns();
        for (&cluster, row) in rare.iter().zip(rows) {
            self.centres[cluster * columns..(cluster + 1) * columns].copy_from_slice(batch.row(row));
            self.counts[cluster] = least;
        }
    }
}
