//! Fisher vectors (Perronnin and Dance 2007; Perronnin, Sánchez and Mensink 2010, equations 4 and 5): gradients of the log
//! density of descriptors with respect to means and standard deviations of a diagonal Gaussian mixture,
//! each scaled by the inverse root of its Fisher information.

use super::Rows;
use super::mixture::Mixture;
use crate::error::Result;
use crate::parallel::Job;

/// K x D gradients by the means, then K x D by the standard deviations; zeros where there is no descriptor.
///
/// By the mean: sum of q (x - mu) / sigma over N sqrt(w). By the deviation: sum of
/// q ((x - mu)^2 / sigma^2 - 1) over N sqrt(2 w).
pub fn vector(mixture: &Mixture, descriptors: Rows<'_>, job: &Job) -> Result<Vec<f32>> {
    let size = mixture.means().len();
    let mut out = vec![0f32; 2 * size];
    if descriptors.is_empty() {
        return Ok(out);
    }
    let sums = mixture.statistics(descriptors, job)?;
    let (by_mean, by_deviation) = out.split_at_mut(size);
    for (i, &variance) in mixture.variances().iter().enumerate() {
        let k = i / mixture.columns();
        let scale = descriptors.len() as f64 * mixture.weights()[k].sqrt();
        by_mean[i] = (sums.first[i] / (variance.sqrt() * scale)) as f32;
        by_deviation[i] = ((sums.second[i] / variance - sums.shares[k]) / (2f64.sqrt() * scale)) as f32;
    }
    Ok(out)
}
