//! What all steps have in common: look at the frames that share statistics, then change each frame.

use super::Scratch;
use crate::clip::FrameShape;
use crate::error::Result;
use crate::parallel::{self, Job};

/// What shares one set of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    Frame,
    /// The whole clip: what is equally bright before is equally bright after, so nothing flickers.
    Clip,
}

/// One way to change brightness. Frames are whole and not empty, with 1 or 3 channels.
pub(super) trait Step: Sync {
    /// What is counted over frames.
    type Statistics;
    /// What is known once all are counted: enough to change one frame by itself.
    type Known: Sync;

    fn per(&self) -> Per;

    /// Nothing counted yet.
    fn statistics(&self) -> Self::Statistics;

    fn observe(&self, frame: &[u8], shape: FrameShape, scratch: &mut Scratch, statistics: &mut Self::Statistics);

    fn conclude(&self, statistics: Self::Statistics, shape: FrameShape) -> Self::Known;

    fn apply(&self, known: &Self::Known, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch);

    /// With the statistics of this frame.
    fn apply_alone(&self, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        let mut statistics = self.statistics();
        self.observe(frame, shape, scratch, &mut statistics);
        self.apply(&self.conclude(statistics, shape), frame, shape, scratch);
    }
}

/// Statistics of the whole clip.
fn measure<S: Step>(step: &S, frames: &[u8], shape: FrameShape, scratch: &mut Scratch, job: &Job) -> Result<S::Known> {
    let mut statistics = step.statistics();
    for frame in frames.chunks_exact(shape.len()) {
        job.check()?;
        step.observe(frame, shape, scratch, &mut statistics);
    }
    Ok(step.conclude(statistics, shape))
}

/// Applies a step to a clip on this thread.
pub(super) fn apply_clip<S: Step>(
    step: &S,
    frames: &mut [u8],
    shape: FrameShape,
    scratch: &mut Scratch,
    job: &Job,
) -> Result<()> {
    let known = match step.per() {
        Per::Frame => None,
        Per::Clip => Some(measure(step, frames, shape, scratch, job)?),
    };
    for frame in frames.chunks_exact_mut(shape.len()) {
        job.check()?;
        match &known {
            None => step.apply_alone(frame, shape, scratch),
            Some(known) => step.apply(known, frame, shape, scratch),
        }
    }
    Ok(())
}

/// Applies a step with statistics of the whole clip, frames on the pool.
pub(super) fn apply_clip_on_pool<S: Step>(step: &S, frames: &mut [u8], shape: FrameShape, job: &Job) -> Result<()> {
    let known = measure(step, frames, shape, &mut Scratch::default(), job)?;
    parallel::for_each_chunk(frames, shape.len(), job, |_, frame, scratch: &mut Scratch| {
        step.apply(&known, frame, shape, scratch);
        Ok(())
    })
}
