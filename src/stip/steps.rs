//! Each step by itself, over whole volumes: to look at, to plot, to test.

use super::chain::{MOMENTS, Moments, ScaleSpace};
use super::frames::Frames;
use super::gradient::Gradient;
use super::kernel::Border;
use super::rows;
use super::select::{Selector, finish};
use super::settings::{Derivatives, Scale, Settings, Smoothing};
use crate::error::{Error, Result};
use crate::parallel::Job;
use crate::stip::Point;

/// L of a clip into `out`, of the same shape.
pub fn scale_space(frames: &Frames<'_>, scale: Scale, smoothing: Smoothing, out: &mut [f32], job: &Job) -> Result<()> {
    smoothing.check(scale, 1.0)?;
    let (height, width) = frames.shape();
    let size = height * width;
    let mut space = ScaleSpace::new(smoothing, scale, height, width, 0);
    for index in 0..frames.count() {
        job.check()?;
        for t in space.push(frames, index) {
            space.time.write(t, &mut out[t * size..(t + 1) * size]);
        }
    }
    for t in space.time.ring.end() {
        space.time.write(t, &mut out[t * size..(t + 1) * size]);
    }
    Ok(())
}

/// Shape of the derivatives of a volume of `shape`.
pub fn gradient_shape(derivatives: Derivatives, shape: [usize; 3]) -> Result<[usize; 3]> {
    if shape.iter().any(|&length| length < 3) {
        return Err(Error::argument("volume", format!("must have at least 3 values along each axis, got {shape:?}")));
    }
    Ok(if derivatives == Derivatives::Shifted { shape.map(|length| length - 2) } else { shape })
}

/// Lx, Ly, Lt of a volume into `out`, one after the other, each of [`gradient_shape`].
pub fn gradients(
    volume: &[f32],
    shape @ [frames, height, width]: [usize; 3],
    derivatives: Derivatives,
    border: Border,
    out: &mut [f32],
) -> Result<()> {
    let [_, rows, columns] = gradient_shape(derivatives, shape)?;
    let gradient = Gradient::new(derivatives, border, None, height, width);
    let mut window = gradient.window(0);
    let field = out.len() / 3;
    let (lx, rest) = out.split_at_mut(field);
    let (ly, lt) = rest.split_at_mut(field);
    let mut write = |window: &_, t: usize| {
        for y in 0..rows {
            let start = (t * rows + y) * columns;
            let row = start..start + columns;
            gradient.run(window, t, y, [&mut lx[row.clone()], &mut ly[row.clone()], &mut lt[row]]);
        }
    };
    for frame in volume.chunks_exact(height * width).take(frames) {
        window.slot().copy_from_slice(frame);
        for t in window.commit() {
            write(&window, t);
        }
    }
    if gradient.reaches_the_end() {
        for t in window.end() {
            write(&window, t);
        }
    }
    Ok(())
}

/// xx xy xt yy yt tt of gradients (3 fields of `shape`) into `out`, one after the other, smoothed with the variances of
/// `scale`.
pub fn second_moments(
    gradients: &[f32],
    [frames, height, width]: [usize; 3],
    scale: Scale,
    smoothing: Smoothing,
    out: &mut [f32],
    job: &Job,
) -> Result<()> {
    smoothing.check(scale, 1.0)?;
    let (size, field) = (height * width, frames * height * width);
    let mut moments = Moments::new(smoothing, scale, 1.0, (height, width), 0);
    let mut row = vec![0.0; MOMENTS * width];
    let mut write = |moments: &Moments, t: usize| {
        moments.time.run(t..t + 1, MOMENTS * width, &mut row, |_, start, values| {
            let start = t * size + start / MOMENTS;
            for (i, values) in values.chunks_exact(width).enumerate() {
                out[i * field + start..i * field + start + width].copy_from_slice(values);
            }
        });
    };
    for t in 0..frames {
        job.check()?;
        let ready = moments.push(|y, rows| {
            for (i, row) in rows.into_iter().enumerate() {
                let start = i * field + t * size + y * width;
                row.copy_from_slice(&gradients[start..start + width]);
            }
        });
        ready.for_each(|t| write(&moments, t));
    }
    moments.time.ring.end().for_each(|t| write(&moments, t));
    Ok(())
}

/// det - k trace^3 of second moments (6 fields) into `out`.
pub fn response(moments: &[f32], k: f32, out: &mut [f32]) {
    rows::response(out, moments, k);
}

/// The points of a response of `shape` at one scale, by the rules of `settings` (its first scale).
pub fn select(
    response: &[f32],
    shape @ [frames, height, width]: [usize; 3],
    settings: &Settings,
) -> Result<Vec<Point>> {
    settings.check()?;
    let scale = settings.scales[0];
    let mut selector = Selector::new(settings, scale, (height, width), 0, 0..usize::MAX);
    for (t, frame) in response.chunks_exact(height * width).enumerate() {
        selector.push(t, frame);
    }
    Ok(finish(settings, vec![selector.end(true)], frames, shape))
}
