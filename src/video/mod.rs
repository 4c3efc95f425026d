//! Files and image folders to frames, and back. FFmpeg lives here and nowhere else.
//!
//! * [`source`]: a path, memory, or an object that reads; [`demux`]: the container and its packets
//! * [`packets`], [`plan`]: what packets prove about frames; [`session`]: exact decoding of chosen frames
//! * [`decoder`], [`convert`], [`orientation`]: the codec, colours, quarter turns
//! * [`file`], [`images`]: the two kinds of video; [`info`]: what is known of one
//! * [`write`]: frames to a file; [`log`]: FFmpeg's messages
//!
//! Frame i is the i-th in presentation order. `video_rs::Decoder` cannot promise that (its times are those
//! of decoding, its seeks land near the frame), so this room takes video-rs's FFmpeg and decodes with a
//! context of its own.

pub mod convert;
mod decoder;
mod demux;
mod file;
mod images;
pub mod info;
pub mod log;
mod orientation;
mod packets;
mod plan;
mod session;
pub mod source;
pub mod write;

use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

pub use convert::Color;
pub use info::VideoInfo;
pub use session::After;
pub use source::Source;

use file::VideoFile;
use images::ImageFolder;

/// Where decoded frames go, so that they are written once, in place.
pub trait FrameSink {
    /// The bytes for a frame of this shape.
    fn place(&mut self, frame: usize, shape: FrameShape) -> Result<&mut [u8]>;
    /// The frame stands where [`Self::place`] said.
    fn finish(&mut self, frame: usize) -> Result<()>;
}

/// A video, open: a file or a folder of frame images.
pub struct Video {
    source: Source,
    kind: Kind,
}

enum Kind {
    File(Box<VideoFile>),
    Images { folder: ImageFolder, timestamps: Vec<f64> },
}

impl Video {
    pub fn open(source: &Source, job: &Job) -> Result<Self> {
        log::initialise();
        let _subject = log::about(source);
        let kind = Self::open_kind(source, job).map_err(|error| source.name(error))?;
        Ok(Self { source: source.clone(), kind })
    }

    fn open_kind(source: &Source, job: &Job) -> Result<Kind> {
        let folder = source.path().filter(|path| path.is_dir());
        Ok(match folder {
            Some(path) => {
                let folder = ImageFolder::open(path)?;
                let timestamps = (0..folder.n_frames()).map(|i| i as f64 / info::DEFAULT_RATE).collect();
                Kind::Images { folder, timestamps }
            }
            None => Kind::File(Box::new(VideoFile::open(source, job)?)),
        })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    pub fn n_frames(&self) -> usize {
        self.timestamps().len()
    }

    /// Seconds of each frame, from the first.
    pub fn timestamps(&self) -> &[f64] {
        match &self.kind {
            Kind::File(file) => file.timestamps(),
            Kind::Images { timestamps, .. } => timestamps,
        }
    }

    /// Seconds from the first frame to the end of the last.
    pub fn duration(&self) -> f64 {
        match &self.kind {
            Kind::File(file) => file.duration(),
            Kind::Images { timestamps, .. } => timestamps.len() as f64 / info::DEFAULT_RATE,
        }
    }

    /// The facts; the first time, this decodes the first frame.
    pub fn info(&mut self, job: &Job) -> Result<VideoInfo> {
        let _subject = log::about(&self.source);
        let info = match &mut self.kind {
            Kind::File(file) => file.info(job),
            Kind::Images { folder, .. } => folder.info(),
        };
        info.map_err(|error| self.source.name(error))
    }

    /// Decodes the frames `wanted` (ascending, each once) into the sink, each once and in no promised order.
    /// `Ok(false)`: the file is damaged, and its frames have been counted anew by decoding; choose again, of the
    /// frames that there are now, and forget those of this call.
    pub fn decode(
        &mut self,
        wanted: &[usize],
        color: Color,
        after: After,
        job: &Job,
        sink: &mut dyn FrameSink,
    ) -> Result<bool> {
        let _subject = log::about(&self.source);
        let complete = self.check(wanted).and_then(|()| match &mut self.kind {
            Kind::File(file) => file.decode(wanted, color, after, job, sink),
            Kind::Images { folder, .. } => folder.decode(wanted, color, job, sink).map(|()| true),
        });
        complete.map_err(|error| self.source.name(error))
    }

    fn check(&self, wanted: &[usize]) -> Result<()> {
        let n_frames = self.n_frames();
        if let Some(&frame) = wanted.iter().find(|&&frame| frame >= n_frames) {
            let message = format!("there is no frame {frame}: the video has {n_frames} frames");
            return Err(Error::new(ErrorKind::Index, message));
        }
        if wanted.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(Error::new(ErrorKind::Internal, "frames to decode must ascend"));
        }
        Ok(())
    }
}
