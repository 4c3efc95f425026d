//! How bright: dark frames made readable.
//!
//! * [`gamma`], [`auto_gamma`], [`log`]: one table for all values
//! * [`equalize`], [`clahe`]: tables from histograms, of the frame or of its tiles
//! * [`retinex`], [`lime`]: illumination estimated and divided out
//! * [`denoise`]: the noise that all of these lift up
//! * [`step`]: what a step looks like; statistics per frame or per clip
//! * `lookup`, `histogram`, `luma`, `surround`, `laplacian`, `elementary`: what they are made of
//!
//! Frames are bytes, (H, W, 3) RGB or (H, W, 1) grey, changed in place. Parameters are checked when a
//! step is made; nothing can fail afterwards but a cancelled job, a frame of another shape, and noise
//! that cannot be estimated. Kernels have no threads; only [`enhance`] uses the pool, frame by frame.

mod auto_gamma;
mod clahe;
mod denoise;
mod elementary;
mod equalize;
mod gamma;
mod histogram;
mod laplacian;
mod lime;
mod log;
mod lookup;
mod luma;
mod retinex;
mod scratch;
mod step;
mod surround;

pub use auto_gamma::AutoGamma;
pub use clahe::Clahe;
pub use denoise::Denoise;
pub use equalize::{Channels as EqualizeChannels, Convention, Equalize};
pub use gamma::Gamma;
pub use lime::Lime;
pub use log::Log;
pub use retinex::{Channels as RetinexChannels, Retinex};
pub use scratch::Scratch;
pub use step::Per;

use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{self, Job};

/// One step of enhancement, its parameters checked.
#[derive(Clone, Debug)]
pub enum Enhancement {
    Gamma(Gamma),
    AutoGamma(AutoGamma),
    Log(Log),
    Equalize(Equalize),
    Clahe(Clahe),
    Retinex(Retinex),
    Lime(Lime),
    Denoise(Denoise),
}

/// `$use` for whichever [`step::Step`] it is, `$denoise` for the one that looks at neighbouring frames.
macro_rules! each {
    ($enhancement:expr, $step:ident => $use:expr, $denoise:ident => $other:expr) => {
        match $enhancement {
            Enhancement::Gamma($step) => $use,
            Enhancement::AutoGamma($step) => $use,
            Enhancement::Log($step) => $use,
            Enhancement::Equalize($step) => $use,
            Enhancement::Clahe($step) => $use,
            Enhancement::Retinex($step) => $use,
            Enhancement::Lime($step) => $use,
            Enhancement::Denoise($denoise) => $other,
        }
    };
}

impl Enhancement {
    /// True where each frame alone suffices: [`Self::apply_frame`] on each then does what
    /// [`Self::apply_clip`] does on all.
    pub fn is_framewise(&self) -> bool {
        use step::Step;
        each!(self, step => step.per() == Per::Frame, denoise => denoise.is_framewise())
    }

    /// Changes one frame by itself; a step that is not framewise takes it for a whole clip.
    pub fn apply_frame(&self, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) -> Result<()> {
        use step::Step;
        check(frame, shape)?;
        if frame.len() != shape.len() {
            return Err(Error::new(ErrorKind::Internal, "more than one frame where one is wanted"));
        }
        each!(self, step => {
            step.apply_alone(frame, shape, scratch);
            Ok(())
        }, denoise => denoise.apply_frame(frame, shape, scratch))
    }

    /// Changes a clip on this thread; ends early, with the error of a cancelled job, when `job` says so.
    pub fn apply_clip(&self, frames: &mut [u8], shape: FrameShape, scratch: &mut Scratch, job: &Job) -> Result<()> {
        check(frames, shape)?;
        each!(self, step => step::apply_clip(step, frames, shape, scratch, job),
              denoise => denoise.apply_clip(frames, shape, scratch, job))
    }

    fn apply_clip_on_pool(&self, frames: &mut [u8], shape: FrameShape, job: &Job) -> Result<()> {
        each!(self, step => step::apply_clip_on_pool(step, frames, shape, job),
              denoise => denoise.apply_clip_on_pool(frames, shape, job))
    }
}

/// Applies steps in order to a clip, its frames on the pool. With a `source` of the same size the frames
/// are copied from it first, each while it is in the cache for the first steps.
pub fn enhance(
    steps: &[Enhancement],
    source: Option<&[u8]>,
    frames: &mut [u8],
    shape: FrameShape,
    job: &Job,
) -> Result<()> {
    check(frames, shape)?;
    if source.is_some_and(|source| source.len() != frames.len()) {
        return Err(Error::new(ErrorKind::Internal, "source and result differ in size"));
    }
    let (mut source, mut rest) = (source, steps);
    while source.is_some() || !rest.is_empty() {
        let (framewise, others) = rest.split_at(rest.iter().take_while(|step| step.is_framewise()).count());
        parallel::for_each_chunk(frames, shape.len(), job, |index, frame, scratch: &mut Scratch| {
            if let Some(source) = source {
                frame.copy_from_slice(&source[index * shape.len()..][..shape.len()]);
            }
            framewise.iter().try_for_each(|step| step.apply_frame(frame, shape, scratch))
        })?;
        source = None;
        rest = match others.split_first() {
            Some((step, others)) => {
                step.apply_clip_on_pool(frames, shape, job)?;
                others
            }
            None => &[],
        };
    }
    Ok(())
}

/// Whole frames, at least one, not empty, RGB or grey.
fn check(frames: &[u8], shape: FrameShape) -> Result<()> {
    if shape.channels != 1 && shape.channels != 3 {
        let message = format!("must have 1 channel (grey) or 3 (RGB), got {}", shape.channels);
        return Err(Error::argument("clip", message));
    }
    if frames.is_empty() || shape.is_empty() {
        return Err(Error::argument("clip", "has no pixels"));
    }
    if !frames.len().is_multiple_of(shape.len()) {
        return Err(Error::new(ErrorKind::Internal, "a part of a frame"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::simd::tests::same_at_every_level;

    /// Every step, per frame and per clip, with options that reach all of its code.
    fn steps() -> Vec<Enhancement> {
        let mut steps = vec![
            Enhancement::Gamma(Gamma::new(2.2).unwrap()),
            Enhancement::Lime(Lime::new(0.15, 0.8).unwrap()),
            Enhancement::Denoise(Denoise::new(Some(9.0), 0.55, 1, 0, 0, Per::Clip).unwrap()),
        ];
        for per in [Per::Frame, Per::Clip] {
            steps.push(Enhancement::AutoGamma(AutoGamma::new(0.5, per).unwrap()));
            steps.push(Enhancement::Log(Log::new(per)));
            for convention in [Convention::KerasCv, Convention::Pil, Convention::OpenCv] {
                for channels in [EqualizeChannels::Each, EqualizeChannels::Luma] {
                    steps.push(Enhancement::Equalize(Equalize::new(convention, channels, per)));
                }
            }
            steps.push(Enhancement::Clahe(Clahe::new(2.0, (3, 4), per).unwrap()));
            for channels in [RetinexChannels::Each, RetinexChannels::Intensity] {
                let retinex = Retinex::new(vec![2.0, 9.0, 30.0], 1.0, channels, per).unwrap();
                steps.push(Enhancement::Retinex(retinex));
            }
            steps.push(Enhancement::Denoise(Denoise::new(None, 0.55, 2, 1, 2, per).unwrap()));
        }
        steps
    }

    /// Dark noise over slopes.
    fn clip(frames: usize, shape: FrameShape) -> Vec<u8> {
        let mut stream = Stream::keyed(5, &[]);
        (0..frames * shape.len()).map(|i| (i % shape.len() / 97) as u8 / 2 + stream.below(20) as u8).collect()
    }

    const SHAPES: [FrameShape; 3] = [
        FrameShape { height: 37, width: 53, channels: 3 },
        FrameShape { height: 64, width: 41, channels: 1 },
        FrameShape { height: 3, width: 4, channels: 3 },
    ];

    #[test]
    fn every_step_gives_the_same_bytes_with_all_instruction_sets() {
        for shape in SHAPES {
            let clip = clip(3, shape);
            for step in steps() {
                same_at_every_level(|| {
                    let mut frames = clip.clone();
                    step.apply_clip(&mut frames, shape, &mut Scratch::default(), &Job::new()).unwrap();
                    frames
                });
            }
        }
    }

    #[test]
    fn framewise_steps_do_to_frames_what_they_do_to_clips_whatever_the_scratch_held() {
        let mut scratch = Scratch::default();
        for shape in SHAPES {
            let clip = clip(3, shape);
            for step in steps() {
                let mut together = clip.clone();
                step.apply_clip(&mut together, shape, &mut scratch, &Job::new()).unwrap();
                let mut pooled = vec![0; clip.len()];
                enhance(std::slice::from_ref(&step), Some(&clip), &mut pooled, shape, &Job::new()).unwrap();
                assert!(together == pooled, "{step:?}");
                if step.is_framewise() {
                    let mut alone = clip.clone();
                    for frame in alone.chunks_exact_mut(shape.len()) {
                        step.apply_frame(frame, shape, &mut scratch).unwrap();
                    }
                    assert!(together == alone, "{step:?}");
                }
            }
        }
    }

    #[test]
    fn a_cancelled_job_ends_every_step() {
        let job = Job::new();
        job.cancel();
        for step in steps() {
            let mut frames = clip(2, SHAPES[0]);
            let error = step.apply_clip(&mut frames, SHAPES[0], &mut Scratch::default(), &job).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
        }
    }

    #[test]
    fn parts_of_frames_and_other_channels_are_errors() {
        let step = Enhancement::Log(Log::new(Per::Frame));
        let mut scratch = Scratch::default();
        let shape = FrameShape::new(2, 2, 3);
        assert!(step.apply_frame(&mut [0; 24], shape, &mut scratch).is_err());
        assert!(step.apply_clip(&mut [0; 13], shape, &mut scratch, &Job::new()).is_err());
        assert!(step.apply_clip(&mut [], shape, &mut scratch, &Job::new()).is_err());
        assert!(step.apply_frame(&mut [0; 8], FrameShape::new(2, 2, 2), &mut scratch).is_err());
    }
}
