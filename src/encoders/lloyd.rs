//! Lloyd's k-means (Lloyd 1982): assign, average, until nothing moves.
//!
//! Rows are sorted by their label and averaged cluster by cluster, in order, in float64. An empty cluster takes
//! the row that is farthest from its centre, as in scikit-learn. One pass costs n k d products.

use super::nearest::Centres;
use super::{Rows, grouped};
use crate::error::Result;
use crate::parallel::{Job, map_blocks};

/// Clusters that one task averages.
const CLUSTERS: usize = 8;

/// Centres, and how the rows lie around them.
#[derive(Clone, Debug)]
pub struct Clustering {
    pub centres: Vec<f32>,
    pub labels: Vec<u32>,
    /// The sum of squared distances to the nearest centres.
    pub inertia: f64,
    pub iterations: usize,
    /// Whether it stopped before `max_iterations`.
    pub converged: bool,
}

/// Moves `centres` until no label changes, they move by `tolerance` at most (the sum of squares), or
/// `max_iterations` are done.
pub fn lloyd(
    rows: Rows<'_>,
    mut centres: Vec<f32>,
    max_iterations: usize,
    tolerance: f64,
    job: &Job,
) -> Result<Clustering> {
    let columns = rows.columns();
    let count = centres.len() / columns;
    let mut known: Vec<u32> = Vec::new();
    for iteration in 1..=max_iterations {
        let (labels, distances) = Centres::new(Rows::new(&centres, count, columns)?).assign(rows, job)?;
        if labels == known {
            return Ok(Clustering {
                inertia: total(&distances),
                centres,
                labels,
                iterations: iteration - 1,
                converged: true,
            });
        }
        let moved = average(rows, labels.clone(), &distances, &centres, job)?;
        let shift: f64 = moved.iter().zip(&centres).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        centres = moved;
        known = labels;
        if shift <= tolerance {
            return finished(rows, centres, iteration, true, job);
        }
    }
    finished(rows, centres, max_iterations, false, job)
}

/// The clustering of the rows around centres.
pub fn finished(
    rows: Rows<'_>,
    centres: Vec<f32>,
    iterations: usize,
    converged: bool,
    job: &Job,
) -> Result<Clustering> {
    let columns = rows.columns();
    let (labels, distances) = Centres::new(Rows::new(&centres, centres.len() / columns, columns)?).assign(rows, job)?;
    Ok(Clustering { inertia: total(&distances), centres, labels, iterations, converged })
}

pub(super) fn total(distances: &[f32]) -> f64 {
    distances.iter().map(|&distance| f64::from(distance)).sum()
}

/// The mean of each cluster's rows.
fn average(rows: Rows<'_>, mut labels: Vec<u32>, distances: &[f32], centres: &[f32], job: &Job) -> Result<Vec<f32>> {
    let columns = rows.columns();
    let count = centres.len() / columns;
    fill_empty(&mut labels, distances, count);
    let (order, starts) = grouped(&labels, count);
    let blocks = map_blocks(count, CLUSTERS, job, |first, last| {
        let mut means = Vec::with_capacity((last - first) * columns);
        let mut sums = vec![0f64; columns];
        for cluster in first..last {
            let members = &order[starts[cluster]..starts[cluster + 1]];
            if members.is_empty() {
                means.extend_from_slice(&centres[cluster * columns..(cluster + 1) * columns]);
                continue;
            }
            sums.fill(0.0);
            for &i in members {
                for (sum, &value) in sums.iter_mut().zip(rows.row(i as usize)) {
                    *sum += f64::from(value);
                }
            }
            means.extend(sums.iter().map(|sum| (sum / members.len() as f64) as f32));
        }
        means
    })?;
    Ok(blocks.concat())
}

/// Gives each empty cluster one row: those farthest from their centres, which leave clusters of several.
fn fill_empty(labels: &mut [u32], distances: &[f32], count: usize) {
    let mut sizes = vec![0usize; count];
    for &label in labels.iter() {
        sizes[label as usize] += 1;
    }
    let empty: Vec<usize> = (0..count).filter(|&cluster| sizes[cluster] == 0).collect();
    if empty.is_empty() {
        return;
    }
    let mut farthest: Vec<usize> = (0..labels.len()).filter(|&i| distances[i] > 0.0).collect();
    farthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(a.cmp(&b)));
    let mut donors = farthest.into_iter();
    for cluster in empty {
        let donor = donors.find(|&i| sizes[labels[i] as usize] > 1);
        let Some(i) = donor else { return };
        sizes[labels[i] as usize] -= 1;
        sizes[cluster] = 1;
        labels[i] = cluster as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cluster_takes_the_farthest_row() {
        let values = [0.0, 1.0, 2.0, 9.0];
        let rows = Rows::new(&values, 4, 1).unwrap();
        let found = lloyd(rows, vec![1.0, 50.0], 10, 0.0, &Job::new()).unwrap();
        assert_eq!((found.centres, found.labels), (vec![1.0, 9.0], vec![0, 0, 0, 1]));
        assert_eq!((found.inertia, found.converged), (2.0, true));
    }

    #[test]
    fn fewer_distinct_rows_than_centres_end_all_the_same() {
        let rows = Rows::new(&[4.0, 4.0, 4.0], 3, 1).unwrap();
        let found = lloyd(rows, vec![4.0, 4.0], 10, 0.0, &Job::new()).unwrap();
        assert_eq!((found.labels, found.inertia), (vec![0, 0, 0], 0.0));
    }
}
