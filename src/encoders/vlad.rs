//! Vectors of locally aggregated descriptors (Jégou et al. 2010): for each centre the sum of x - c over the
//! descriptors x that are nearest to it.

use super::nearest::Centres;
use super::{Rows, grouped};
use crate::error::Result;
use crate::parallel::Job;

/// The sums, centre after centre.
pub fn residuals(centres: Rows<'_>, descriptors: Rows<'_>, job: &Job) -> Result<Vec<f32>> {
    let (labels, _) = Centres::new(centres).assign(descriptors, job)?;
    let (order, starts) = grouped(&labels, centres.len());
    let columns = centres.columns();
    let mut out = Vec::with_capacity(centres.len() * columns);
    let mut sums = vec![0f64; columns];
    for cluster in 0..centres.len() {
        sums.fill(0.0);
        for &i in &order[starts[cluster]..starts[cluster + 1]] {
            let pairs = descriptors.row(i as usize).iter().zip(centres.row(cluster));
            for (sum, (&value, &centre)) in sums.iter_mut().zip(pairs) {
                *sum += f64::from(value) - f64::from(centre);
            }
        }
        out.extend(sums.iter().map(|&sum| sum as f32));
    }
    Ok(out)
}
