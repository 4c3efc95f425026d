//! A recipe over many videos, or over one: sampling, decoding, enhancement and transforms in one pass.
//!
//! * [`recipe`]: what is done to every video
//! * [`assembly`]: one video's clips, put together while it is decoded
//!
//! No other room knows how many videos there are. Videos are worked on in parallel, a thread each; results
//! are in the order of the items and the same for any number of threads. A video that fails is a
//! [`Failure`] beside the others' clips. Memory: the results, and one video's frames a thread.

pub mod assembly;
pub mod recipe;

use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Job, map_ordered};
use crate::sampling::Timeline;
use crate::video::{After, Source, Video};

pub use assembly::{Loaded, Values};
pub use recipe::{Layout, Recipe};

use assembly::Assembly;

/// One video of many.
#[derive(Clone)]
pub struct Item {
    pub source: Source,
    /// Its position in the data set: what its random draws depend on.
    pub position: u64,
    /// First frame, and the one after the last, of the part that is taken for the video; the rest is not seen.
    pub span: Option<(usize, usize)>,
    /// Frames chosen beforehand, in place of the recipe's sampler (within the span).
    pub clips: Option<Vec<Vec<usize>>>,
}

/// A video that could not be loaded.
#[derive(Clone, Debug)]
pub struct Failure {
    pub path: Option<PathBuf>,
    pub frame: Option<usize>,
    pub reason: String,
}

/// The length of a video: what samplers ask of it.
#[derive(Clone, Debug)]
pub struct Length {
    pub n_frames: usize,
    pub timestamps: Vec<f64>,
}

/// Loads one video.
pub fn load_one(item: &Item, recipe: &Recipe, epoch: u64, job: &Job) -> Result<Loaded> {
    let mut video = Video::open(&item.source, job)?;
    let loaded = loop {
        let (start, stop) = span(item, video.n_frames())?;
        let timeline = Timeline { n_frames: stop - start, timestamps: Some(&video.timestamps()[start..stop]) };
        let mut clips = match &item.clips {
            Some(clips) => clips.clone(),
            None => recipe.sample(&timeline, epoch, item.position)?,
        };
        clips.iter_mut().flatten().for_each(|frame| *frame += start);
        let mut assembly = Assembly::new(recipe, clips, epoch, item.position)?;
        let wanted = assembly.wanted().to_vec();
        if video.decode(&wanted, recipe.color, After::Stop, job, &mut assembly)? {
            break assembly.finish(job);
        }
        // The file is damaged and has been counted anew: sampled again, of the frames that there are.
    };
    loaded.map_err(|error| item.source.name(error))
}

/// The part of a video of `n_frames` that is taken for it; a part that ends after the video is cut there.
fn span(item: &Item, n_frames: usize) -> Result<(usize, usize)> {
    let (start, stop) = item.span.unwrap_or((0, n_frames));
    if start >= stop.min(n_frames) {
        let message = format!("frames {start} to {stop} are not in a video of {n_frames} frames");
        return Err(item.source.name(Error::new(ErrorKind::Index, message)));
    }
    Ok((start, stop.min(n_frames)))
}

/// Loads all items in parallel; each is its clips, or a failure. The only error is that of a cancelled job.
pub fn load(items: &[Item], recipe: &Recipe, epoch: u64, job: &Job) -> Result<Vec<Result<Loaded, Failure>>> {
    let one = |_, item: &Item| load_one(item, recipe, epoch, job);
    map_ordered(items, job, one)?.into_iter().zip(items).map(|(outcome, item)| sorted(outcome, item)).collect()
}

/// The lengths of all items, in parallel.
pub fn lengths(items: &[Item], job: &Job) -> Result<Vec<Result<Length, Failure>>> {
    let one = |_, item: &Item| {
        let video = Video::open(&item.source, job)?;
        let (start, stop) = span(item, video.n_frames())?;
        Ok(Length { n_frames: stop - start, timestamps: video.timestamps()[start..stop].to_vec() })
    };
    map_ordered(items, job, one)?.into_iter().zip(items).map(|(outcome, item)| sorted(outcome, item)).collect()
}

/// Sets a video's own failure apart from the end of all work.
fn sorted<T>(outcome: Result<T>, item: &Item) -> Result<Result<T, Failure>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
        Err(error) => Ok(Err(Failure {
            path: error.path_known().or(item.source.path()).map(PathBuf::from),
            frame: error.frame_known(),
            reason: error.reason(),
        })),
    }
}
