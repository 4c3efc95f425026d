//! One video's clips being put together while it is decoded: each frame is enhanced, transformed and
//! written to its places as soon as it comes out, while it is in cache. Where a step needs the whole clip
//! (statistics per clip, neighbouring frames), frames are gathered first.

use super::recipe::{Layout, Recipe};
use crate::clip::{FrameShape, zeros};
use crate::enhancement;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;
use crate::transforms::window::Pixel;
use crate::transforms::{self, Frame, Plan, View, frame_indices};
use crate::video::FrameSink;

/// Values of clips.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

/// The clips of one video: a row for each clip and view.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub values: Values,
    /// Shape of a row.
    pub shape: Vec<usize>,
    /// The frames of each row.
    pub frames: Vec<Vec<usize>>,
}

/// Which of the video's frames stands where.
struct Places {
    /// Frames of each clip, as sampled.
    sampled: Vec<Vec<usize>>,
    /// For each frame of a finished clip, the position of the sampled frame that it shows.
    shown: Vec<usize>,
    /// (frame, clip, position in the finished clip), by frame.
    slots: Vec<(usize, usize, usize)>,
}

impl Places {
    fn new(sampled: Vec<Vec<usize>>, recipe: &Recipe) -> Result<Self> {
        let length = sampled.first().map_or(0, Vec::len);
        if length == 0 || sampled.iter().any(|clip| clip.len() != length) {
            return Err(Error::argument("sampling", "gives clips without frames, or of different lengths"));
        }
        let shown = frame_indices(&recipe.transforms, length)?;
        let mut slots: Vec<_> = sampled
            .iter()
            .enumerate()
            .flat_map(|(clip, frames)| shown.iter().enumerate().map(move |(t, &position)| (frames[position], clip, t)))
            .collect();
        slots.sort_unstable();
        Ok(Self { sampled, shown, slots })
    }

    fn of(&self, frame: usize) -> &[(usize, usize, usize)] {
        let start = self.slots.partition_point(|slot| slot.0 < frame);
        let stop = self.slots.partition_point(|slot| slot.0 <= frame);
        &self.slots[start..stop]
    }
}

/// What is known once the first frame has shown its size.
struct Prepared {
    shape: FrameShape,
    /// One for all clips, or one for each where transforms are random.
    plans: Vec<Plan>,
    values: Values,
}

pub struct Assembly<'a> {
    recipe: &'a Recipe,
    epoch: u64,
    video: u64,
    places: Places,
    /// Ascending, each once: what to decode.
    wanted: Vec<usize>,
    prepared: Option<Prepared>,
    /// The frame at hand, or all wanted frames where a step needs whole clips.
    frames: Vec<u8>,
    scratch: enhancement::Scratch,
    transforms: transforms::Scratch,
}

impl<'a> Assembly<'a> {
    pub fn new(recipe: &'a Recipe, clips: Vec<Vec<usize>>, epoch: u64, video: u64) -> Result<Self> {
        let mut wanted: Vec<usize> = clips.iter().flatten().copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        Ok(Self {
            recipe,
            epoch,
            video,
            places: Places::new(clips, recipe)?,
            wanted,
            prepared: None,
            frames: Vec::new(),
            scratch: enhancement::Scratch::default(),
            transforms: transforms::Scratch::default(),
        })
    }

    /// The frames to decode: ascending, each once.
    pub fn wanted(&self) -> &[usize] {
        &self.wanted
    }

    /// The clips, once every wanted frame has come.
    pub fn finish(mut self, job: &Job) -> Result<Loaded> {
        if !self.recipe.is_framewise() {
            self.work_on_whole_clips(job)?;
        }
        let Some(Prepared { plans, values, .. }) = self.prepared else {
            return Err(Error::new(ErrorKind::Internal, "no frame has come"));
        };
        let plan = &plans[0];
        let shape = self.recipe.layout.shape(self.places.shown.len(), plan.shape());
        let frames_of =
            |clip: &Vec<usize>| self.places.shown.iter().map(|&position| clip[position]).collect::<Vec<_>>();
        let rows = self.places.sampled.iter().flat_map(|clip| std::iter::repeat_n(frames_of(clip), plan.n_views()));
        Ok(Loaded { values, shape, frames: rows.collect() })
    }

    fn prepare(&self, shape: FrameShape) -> Result<Prepared> {
        let n_plans = if self.recipe.is_random() { self.places.sampled.len() } else { 1 };
        let plans = (0..n_plans as u64)
            .map(|clip| self.recipe.plan(shape, self.epoch, self.video, clip))
            .collect::<Result<Vec<_>>>()?;
        let plan = &plans[0];
        let is_float = self.recipe.is_float.unwrap_or(plan.gives_floats());
        if !is_float && plan.gives_floats() {
            return Err(Error::argument("dtype", "must be \"float32\" where a transform gives fractions"));
        }
        let length = self.places.sampled.len() * plan.n_views() * self.places.shown.len() * plan.shape().len();
        let values = if is_float { zeros(length).map(Values::Floats) } else { zeros(length).map(Values::Bytes) };
        let values = values.ok_or_else(|| {
            let message = format!("a clip of {length} values needs more memory than there is; ask for fewer frames");
            Error::new(ErrorKind::Argument, message)
        })?;
        Ok(Prepared { shape, plans, values })
    }

    /// Transforms an enhanced frame into its place in a clip.
    fn write(&mut self, frame: &[u8], clip: usize, t: usize) -> Result<()> {
        let Some(prepared) = &mut self.prepared else { return Ok(()) };
        let plan = &prepared.plans[clip.min(prepared.plans.len() - 1)];
        let place = Place { layout: self.recipe.layout, clip, t, length: self.places.shown.len() };
        match &mut prepared.values {
            Values::Bytes(values) => place.write(plan, frame, values, &mut self.transforms),
            Values::Floats(values) => place.write(plan, frame, values, &mut self.transforms),
        }
    }

    /// Enhances each clip as a whole from the gathered frames, and writes it.
    fn work_on_whole_clips(&mut self, job: &Job) -> Result<()> {
        let Some(shape) = self.prepared.as_ref().map(|prepared| prepared.shape) else { return Ok(()) };
        let gathered = std::mem::take(&mut self.frames);
        let mut buffer = Vec::new();
        for clip in 0..self.places.sampled.len() {
            buffer.clear();
            for frame in &self.places.sampled[clip] {
                let slot = self.wanted.partition_point(|wanted| wanted < frame);
                buffer.extend_from_slice(&gathered[slot * shape.len()..(slot + 1) * shape.len()]);
            }
            for step in &self.recipe.enhancement {
                step.apply_clip(&mut buffer, shape, &mut self.scratch, job)?;
            }
            for t in 0..self.places.shown.len() {
                job.check()?;
                let position = self.places.shown[t];
                self.write(&buffer[position * shape.len()..(position + 1) * shape.len()], clip, t)?;
            }
        }
        Ok(())
    }
}

impl FrameSink for Assembly<'_> {
    fn place(&mut self, frame: usize, shape: FrameShape) -> Result<&mut [u8]> {
        if self.prepared.is_none() {
            self.prepared = Some(self.prepare(shape)?);
        }
        if self.prepared.as_ref().is_some_and(|prepared| prepared.shape != shape) {
            return Err(Error::new(ErrorKind::Decode, "the frame size changes in mid-video").frame(frame));
        }
        let (slot, count) = if self.recipe.is_framewise() {
            (0, 1)
        } else {
            (self.wanted.partition_point(|&wanted| wanted < frame), self.wanted.len())
        };
        self.frames.resize(count * shape.len(), 0);
        Ok(&mut self.frames[slot * shape.len()..(slot + 1) * shape.len()])
    }

    fn finish(&mut self, frame: usize) -> Result<()> {
        let Some(shape) = self.prepared.as_ref().map(|prepared| prepared.shape) else { return Ok(()) };
        if !self.recipe.is_framewise() {
            return Ok(());
        }
        let mut pixels = std::mem::take(&mut self.frames);
        for step in &self.recipe.enhancement {
            step.apply_frame(&mut pixels, shape, &mut self.scratch)?;
        }
        for i in 0..self.places.of(frame).len() {
            let (_, clip, t) = self.places.of(frame)[i];
            self.write(&pixels, clip, t)?;
        }
        self.frames = pixels;
        Ok(())
    }
}

/// Where a frame stands in the rows of a video.
struct Place {
    layout: Layout,
    clip: usize,
    t: usize,
    /// Frames of a clip.
    length: usize,
}

impl Place {
    fn write<T: Pixel>(
        &self,
        plan: &Plan,
        frame: &[u8],
        values: &mut [T],
        scratch: &mut transforms::Scratch,
    ) -> Result<()> {
        let shape = plan.shape();
        let (area, row) = (shape.height * shape.width, self.length * shape.len());
        let rows = values.chunks_exact_mut(row).skip(self.clip * plan.n_views()).take(plan.n_views());
        let mut views: Vec<View<'_, T>> = rows
            .map(|row| match self.layout {
                Layout::Thwc => View { data: row, start: self.t * shape.len(), plane: None },
                Layout::Tchw => View { data: row, start: self.t * shape.len(), plane: Some(area) },
                Layout::Cthw => View { data: row, start: self.t * area, plane: Some(self.length * area) },
            })
            .collect();
        plan.apply(Frame::U8(frame), &mut views, scratch)
    }
}
