//! What can be wrong with a video: everything is decoded, nothing is converted.

use super::info::VideoInfo;
use super::log;
use super::{Kind, Source, Video};
use crate::error::Result;
use crate::parallel::Job;

/// What looking at every frame of a video has shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    pub info: VideoInfo,
    /// Seconds of each frame from the first one.
    pub timestamps: Vec<f64>,
    /// Whether the file has a time for every frame, and they ascend; if not, `timestamps` are even steps.
    pub has_times: bool,
    /// Frames whose data is damaged and was concealed, or that cannot be read, ascending.
    pub damaged: Vec<usize>,
}

/// Opens a video and, with `everything`, decodes it whole. Takes one picture of memory.
pub fn inspect(source: &Source, everything: bool, job: &Job) -> Result<Inspection> {
    let mut video = Video::open(source, job)?;
    let damaged = if everything { damaged(&mut video, job)? } else { Vec::new() };
    let has_times = match &video.kind {
        Kind::File(file) => file.has_times(),
        Kind::Images { .. } => true,
    };
    // After decoding, which may have found fewer frames than were promised.
    Ok(Inspection { info: video.info(job)?, timestamps: video.timestamps().to_vec(), has_times, damaged })
}

/// Decodes everything; the frames that are damaged.
fn damaged(video: &mut Video, job: &Job) -> Result<Vec<usize>> {
    let _subject = log::about(&video.source);
    let found = match &mut video.kind {
        Kind::File(file) => file.damaged(job),
        Kind::Images { folder, .. } => folder.unreadable(job),
    };
    found.map_err(|error| video.source.name(error))
}
