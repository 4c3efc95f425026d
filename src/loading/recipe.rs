//! What is done to every video: which frames, how bright, how large, in which layout.

use crate::clip::FrameShape;
use crate::enhancement::Enhancement;
use crate::error::{Error, Result};
use crate::sampling::{Sampler, Timeline};
use crate::transforms::{self, Fixed, Plan, Transform};
use crate::video::Color;

/// The order of axes of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    Thwc,
    Tchw,
    Cthw,
}

impl Layout {
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "THWC" => Ok(Self::Thwc),
            "TCHW" => Ok(Self::Tchw),
            "CTHW" => Ok(Self::Cthw),
            _ => Err(Error::argument("layout", format!("must be \"THWC\", \"TCHW\" or \"CTHW\", got {name:?}"))),
        }
    }

    /// The shape of a clip. A grey clip with channels last has no channel axis.
    pub fn shape(self, frames: usize, shape: FrameShape) -> Vec<usize> {
        let FrameShape { height, width, channels } = shape;
        match self {
            Self::Thwc if channels == 1 => vec![frames, height, width],
            Self::Thwc => vec![frames, height, width, channels],
            Self::Tchw => vec![frames, channels, height, width],
            Self::Cthw => vec![channels, frames, height, width],
        }
    }
}

/// A recipe. Draws depend on the seed, the epoch, and the video's position, never on order or threads.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// `None`: every frame.
    pub sampler: Option<Sampler>,
    pub enhancement: Vec<Enhancement>,
    pub transforms: Vec<Transform>,
    pub color: Color,
    pub layout: Layout,
    /// Float32 or bytes; `None`: what the transforms give.
    pub is_float: Option<bool>,
    pub seed: u64,
}

/// Keeps the draws of this room apart from those of others with the same seed.
const ROOM: u64 = u64::from_be_bytes(*b"loading.");

impl Recipe {
    /// The clips of a video, as lists of frames.
    pub fn sample(&self, timeline: &Timeline, epoch: u64, video: u64) -> Result<Vec<Vec<usize>>> {
        match &self.sampler {
            Some(sampler) => sampler.indices(timeline, epoch, video),
            None => Ok(vec![(0..timeline.n_frames).collect()]),
        }
    }

    /// Whether each frame can be enhanced by itself, as soon as it is decoded.
    pub fn is_framewise(&self) -> bool {
        self.enhancement.iter().all(Enhancement::is_framewise)
    }

    /// The transforms of one clip, drawn for frames of this shape.
    pub fn plan(&self, shape: FrameShape, epoch: u64, video: u64, clip: u64) -> Result<Plan> {
        let mut stream = crate::random::Stream::keyed(self.seed, &[ROOM, epoch, video, clip]);
        let fixed: Vec<Fixed> = transforms::draw(&self.transforms, shape.height, shape.width, &mut stream)?;
        Plan::new(&fixed, shape, false)
    }

    pub fn is_random(&self) -> bool {
        self.transforms.iter().any(Transform::is_random)
    }
}
