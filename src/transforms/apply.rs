//! A plan applied to a clip: frames in parallel, each written into its place.

use std::sync::{Mutex, PoisonError};

use super::plan::{Frame, Plan, Scratch};
use super::window::{Pixel, View};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Job, map_ordered, threads};

/// Groups of frames a thread: enough to even out, few enough to share a [`Scratch`] within.
const GROUPS_A_THREAD: usize = 4;

/// A frame of the result: which frame of the clip it shows, and its views.
type Task<'a, T> = (usize, Vec<View<'a, T>>);

/// Frame `indices[t]` of `clip` (frames one after another) transformed into `out[.., t]`, where `out` is
/// (views, T, H, W, C). The result does not depend on the number of threads.
pub fn apply<T: Pixel>(plan: &Plan, clip: Frame<'_>, indices: &[usize], out: &mut [T], job: &Job) -> Result<()> {
    let frame = plan.shape().len();
    if out.len() != plan.n_views() * indices.len() * frame {
        return Err(Error::new(ErrorKind::Internal, "a result that its transform plan was not made for"));
    }
    if indices.is_empty() {
        return Ok(());
    }
    let mut tasks: Vec<Task<'_, T>> = indices.iter().map(|&index| (index, Vec::new())).collect();
    for view in out.chunks_exact_mut(indices.len() * frame) {
        for (task, data) in tasks.iter_mut().zip(view.chunks_exact_mut(frame)) {
            task.1.push(View { data, start: 0, plane: None });
        }
    }
    let size = tasks.len().div_ceil(GROUPS_A_THREAD * threads());
    let groups: Vec<_> = tasks.chunks_mut(size).map(Mutex::new).collect();
    let run = |_, group: &Mutex<&mut [Task<'_, T>]>| {
        let mut scratch = Scratch::default();
        for (index, views) in group.lock().unwrap_or_else(PoisonError::into_inner).iter_mut() {
            job.check()?;
            plan.apply(nth(clip, *index, plan.input_len())?, views, &mut scratch)?;
        }
        Ok(())
    };
    map_ordered(&groups, job, run)?.into_iter().collect()
}

fn nth(clip: Frame<'_>, index: usize, length: usize) -> Result<Frame<'_>> {
    let range = index * length..(index + 1) * length;
    match clip {
        Frame::U8(values) => values.get(range).map(Frame::U8),
        Frame::F32(values) => values.get(range).map(Frame::F32),
    }
    .ok_or_else(|| Error::new(ErrorKind::Internal, format!("a clip without frame {index}")))
}
