//! k-means from seeds to centres: which seeds, which search, the best of several starts.

use super::lloyd::{Clustering, lloyd, total};
use super::minibatch::minibatch;
use super::nearest::Centres;
use super::{Rows, column_variances, seeding};
use crate::error::{Error, Result};
use crate::parallel::Job;
use crate::random::Stream;

/// Where the centres start.
#[derive(Clone, Debug)]
pub enum Seeds {
    PlusPlus,
    Random,
    /// The centres themselves, one after the other.
    Given(Vec<f32>),
}

/// How they move.
#[derive(Clone, Copy, Debug)]
pub enum Search {
    /// Until they move by less than `tolerance` times the mean variance of the columns (the sum of squares).
    Lloyd { tolerance: f64 },
    /// Batches of `size` rows, or of all where there are fewer.
    Minibatch { size: usize },
}

#[derive(Clone, Debug)]
pub struct Settings {
    pub count: usize,
    pub seeds: Seeds,
    /// Rows, drawn at random, that k-means++ looks at.
    pub seed_rows: usize,
    pub search: Search,
    pub starts: usize,
    pub max_iterations: usize,
    pub seed: u64,
}

/// The clustering with the least inertia of all starts. With mini-batches the starts compete on a sample,
/// before the search.
pub fn kmeans(rows: Rows<'_>, settings: &Settings, job: &Job) -> Result<Clustering> {
    if settings.count == 0 || settings.count > rows.len() {
        let message = format!("must be 1 to the number of rows ({}), got {}", rows.len(), settings.count);
        return Err(Error::argument("n_clusters", message));
    }
    match settings.search {
        Search::Lloyd { tolerance } => {
            let variances = column_variances(rows);
            let tolerance = tolerance * variances.iter().sum::<f64>() / variances.len() as f64;
            best(settings.starts, |start| {
                let mut stream = Stream::keyed(settings.seed, &[start as u64]);
                let centres = seeds(rows, settings, &mut stream, job)?;
                let found = lloyd(rows, centres, settings.max_iterations, tolerance, job)?;
                Ok((found.inertia, found))
            })
        }
        Search::Minibatch { size } => {
            let mut stream = Stream::keyed(settings.seed, &[settings.starts as u64]);
            let sample = seed_sample(rows, settings, &mut stream);
            let sample = Rows::new(&sample, sample.len() / rows.columns(), rows.columns())?;
            let centres = best(settings.starts, |start| {
                let mut stream = Stream::keyed(settings.seed, &[start as u64]);
                let centres = seeds(rows, settings, &mut stream, job)?;
                let (_, distances) =
                    Centres::new(Rows::new(&centres, settings.count, rows.columns())?).assign(sample, job)?;
                Ok((total(&distances), centres))
            })?;
            minibatch(rows, centres, size.min(rows.len()), settings.max_iterations, &mut stream, job)
        }
    }
}

/// What the start with the least inertia gave, the earliest among equals.
fn best<T>(starts: usize, attempt: impl Fn(usize) -> Result<(f64, T)>) -> Result<T> {
    let mut best = attempt(0)?;
    for start in 1..starts {
        let found = attempt(start)?;
        if found.0 < best.0 {
            best = found;
        }
    }
    Ok(best.1)
}

fn seeds(rows: Rows<'_>, settings: &Settings, stream: &mut Stream, job: &Job) -> Result<Vec<f32>> {
    match &settings.seeds {
        Seeds::Given(centres) => Ok(centres.clone()),
        Seeds::Random => Ok(seeding::candidates(rows, &seeding::random(rows, settings.count, stream))),
        Seeds::PlusPlus => {
            let sample = seed_sample(rows, settings, stream);
            let sample = Rows::new(&sample, sample.len() / rows.columns(), rows.columns())?;
            let chosen = seeding::plus_plus(sample, settings.count, stream, job)?;
            Ok(seeding::candidates(sample, &chosen))
        }
    }
}

/// `seed_rows` distinct rows, at least as many as centres, in order.
fn seed_sample(rows: Rows<'_>, settings: &Settings, stream: &mut Stream) -> Vec<f32> {
    let wanted = settings.seed_rows.max(settings.count).min(rows.len());
    if wanted == rows.len() {
        return rows.values().to_vec();
    }
    seeding::candidates(rows, &stream.sample(rows.len(), wanted))
}
