//! The detector: all scales over a clip that is in memory, or over one that comes in pieces.

use std::ops::Range;

use super::chain::{Chain, with_halo};
use super::frames::{Frames, Values};
use super::pyramid::Pyramid;
use super::select::{Found, Selector, finish};
use super::settings::{Derivatives, Scale, Settings};
use crate::error::{Error, Result};
use crate::parallel::{Job, for_each_chunk, map_ordered, threads};
use crate::stip::Point;

/// Frames, rows and columns that a clip has at least.
const SHORTEST: usize = 3;
/// A piece of a clip is not cut shorter than so many times the frames that are computed twice.
const WORTHWHILE: usize = 2;

/// One scale at work. It counts frames from the first black one on that leads the clip, if there is one.
#[derive(Debug)]
struct Worker {
    pyramid: Option<Pyramid>,
    chain: Chain,
    selector: Selector,
    /// Black frames before the clip, and one of them, which takes the place of the first frame as well.
    lead: usize,
    black: Vec<f32>,
}

impl Worker {
    /// For frames that come from `first` on; points of the frames `wanted` are looked for.
    fn new(settings: &Settings, scale: Scale, shape: (usize, usize), first: usize, wanted: Range<usize>) -> Self {
        let pyramid = (scale.level > 0).then(|| Pyramid::new(settings.reduction, shape, scale.level));
        let (height, width) = pyramid.as_ref().map_or(shape, Pyramid::shape);
        let chain = Chain::new(settings, scale, height, width, first);
        let lead = settings.lead(scale);
        let selector = Selector::new(settings, scale, chain.shape(), chain.ready().saturating_sub(lead), wanted);
        let black = vec![0.0; if lead > 0 { height * width } else { 0 }];
        Self { pyramid, chain, selector, lead, black }
    }

    /// Takes the frames `range`, where `frames` begins with frame `begin` of the clip.
    fn push(&mut self, frames: &Frames<'_>, begin: usize, range: Range<usize>, job: &Job) -> Result<()> {
        let (selector, lead) = (&mut self.selector, self.lead);
        for number in range {
            job.check()?;
            let take = &mut |t, response: &[f32]| after_lead(selector, lead, t, response);
            if number <= lead && lead > 0 {
                let (height, width) = self.pyramid.as_ref().map_or(frames.shape(), Pyramid::shape);
                let frame = Frames::new(Values::Floats(&self.black), [1, height, width])?;
                self.chain.push(&frame, 0, take);
                continue;
            }
            let index = number - lead - begin;
            match &mut self.pyramid {
                None => self.chain.push(frames, index, take),
                Some(pyramid) => {
                    let (height, width) = pyramid.shape();
                    let frame = Frames::new(Values::Floats(pyramid.run(frames, index)), [1, height, width])?;
                    self.chain.push(&frame, 0, take);
                }
            }
        }
        Ok(())
    }

    fn end(mut self, at_the_end: bool) -> Found {
        let (selector, lead) = (&mut self.selector, self.lead);
        let take = &mut |t, response: &[f32]| after_lead(selector, lead, t, response);
        if at_the_end {
            self.chain.end(take);
        } else {
            self.chain.rest(take);
        }
        self.selector.end(at_the_end)
    }
}

/// Gives the selector the response at a frame, unless the frame leads the clip.
fn after_lead(selector: &mut Selector, lead: usize, number: usize, response: &[f32]) {
    if let Some(t) = number.checked_sub(lead) {
        selector.push(t, response);
    }
}

/// Frames that have a response in a clip of `frames`.
fn responses(settings: &Settings, frames: usize) -> usize {
    if settings.derivatives == Derivatives::Shifted { frames.saturating_sub(2) } else { frames }
}

/// The error of a clip that is too small, or whose coarsest level is.
fn check_shape(settings: &Settings, frames: Option<usize>, (height, width): (usize, usize)) -> Result<()> {
    let lengths = [("frames", frames.unwrap_or(SHORTEST)), ("rows", height), ("columns", width)];
    for (name, length) in lengths {
        if length < SHORTEST {
            return Err(Error::argument("clip", format!("must have at least {SHORTEST} {name}, got {length}")));
        }
    }
    let level = settings.levels - 1;
    if settings.reduction.length(height.min(width), level) < SHORTEST {
        let message = format!("are too many for frames of {height} x {width}: {}", settings.levels);
        return Err(Error::argument("levels", message));
    }
    Ok(())
}

/// The interest points of a clip that is in memory. Scales and pieces of time run on the pool.
pub fn detect(frames: &Frames<'_>, settings: &Settings, job: &Job) -> Result<Vec<Point>> {
    settings.check()?;
    check_shape(settings, Some(frames.count()), frames.shape())?;
    frames.check_values(0)?;
    let total = frames.count();
    let tasks: Vec<(Scale, Range<usize>)> = settings
        .all_scales()
        .flat_map(|scale| pieces(settings, scale, total).into_iter().map(move |piece| (scale, piece)))
        .collect();
    let found = map_ordered(&tasks, job, |_, (scale, piece)| {
        let lead = settings.lead(*scale);
        let needed = with_halo(piece.start + lead..piece.end + lead, settings.reach(*scale), total + lead);
        let mut worker = Worker::new(settings, *scale, frames.shape(), needed.start, piece.clone());
        let at_the_end = needed.end == total + lead;
        worker.push(frames, 0, needed, job)?;
        Ok(worker.end(at_the_end))
    })?;
    let found = found.into_iter().collect::<Result<Vec<_>>>()?;
    let (height, width) = frames.shape();
    Ok(finish(settings, found, responses(settings, total), [total, height, width]))
}

/// Cuts a clip for the threads that there are, into pieces that are worth their halo.
fn pieces(settings: &Settings, scale: Scale, total: usize) -> Vec<Range<usize>> {
    let longest = WORTHWHILE * 2 * settings.reach(scale);
    let count = threads().div_ceil(settings.all_scales().count()).min(total / longest).max(1);
    (0..count).map(|i| i * total / count..(i + 1) * total / count).collect()
}

/// A detector over a clip that comes in pieces of any lengths; memory does not grow with the clip but for points.
#[derive(Debug)]
pub struct Detector {
    settings: Settings,
    shape: Option<(usize, usize)>,
    workers: Vec<Worker>,
    count: usize,
}

impl Detector {
    pub fn new(settings: Settings) -> Result<Self> {
        settings.check()?;
        Ok(Self { settings, shape: None, workers: Vec::new(), count: 0 })
    }

    /// Takes the next frames of the clip. After an error the detector is of no use.
    pub fn push(&mut self, frames: &Frames<'_>, job: &Job) -> Result<()> {
        let shape = frames.shape();
        let known = *self.shape.get_or_insert(shape);
        if known != shape {
            return Err(Frames::changed(known, shape, self.count));
        }
        check_shape(&self.settings, None, shape)?;
        frames.check_values(self.count)?;
        if frames.count() == 0 {
            return Ok(());
        }
        if self.workers.is_empty() {
            let new = |scale: Scale| Worker::new(&self.settings, scale, shape, 0, 0..usize::MAX);
            self.workers = self.settings.all_scales().map(new).collect();
        }
        let begin = self.count;
        for_each_chunk(&mut self.workers, 1, job, |_, workers, _: &mut ()| {
            workers.iter_mut().try_for_each(|worker| {
                let first = if begin == 0 { 0 } else { begin + worker.lead };
                worker.push(frames, begin, first..begin + worker.lead + frames.count(), job)
            })
        })?;
        self.count += frames.count();
        Ok(())
    }

    /// Ends the clip; all its points.
    pub fn finish(self) -> Result<Vec<Point>> {
        let (height, width) = self.shape.unwrap_or((SHORTEST, SHORTEST));
        check_shape(&self.settings, Some(self.count), (height, width))?;
        let found = self.workers.into_iter().map(|worker| worker.end(true)).collect();
        Ok(finish(&self.settings, found, responses(&self.settings, self.count), [self.count, height, width]))
    }
}
