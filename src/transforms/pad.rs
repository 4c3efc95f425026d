//! Resizing into a frame with black bars: `tf.image.resize_with_pad`, as MoveNet's input is made.
//!
//! Source: TensorFlow 2.21 `image_ops_impl._resize_image_with_pad_common` (the sizes, in float32) and the
//! kernel `ResizeBilinear` with half-pixel centres and no antialiasing (float32).

use super::Size;

/// Two source coordinates and how far the point lies from the first.
#[derive(Clone, Copy, Debug)]
struct Lerp {
    lower: usize,
    upper: usize,
    part: f32,
}

/// The padded resize of frames of one size.
#[derive(Debug)]
pub struct Padding {
    source_width: usize,
    target: Size,
    top: usize,
    left: usize,
    columns: Vec<Lerp>,
    rows: Vec<Lerp>,
}

impl Padding {
    pub fn new(source: Size, target: Size) -> Self {
        let side = |source: usize, target: usize, ratio: f32| {
            let length = source as f32 / ratio;
            let before = ((target as f32 - length) / 2.0).floor().max(0.0) as usize;
            // TensorFlow refuses what does not fit; at least one pixel stays here.
            ((length.floor() as usize).clamp(1, target - before.min(target - 1)), before.min(target - 1))
        };
        let ratio = (source.width as f32 / target.width as f32).max(source.height as f32 / target.height as f32);
        let (height, top) = side(source.height, target.height, ratio);
        let (width, left) = side(source.width, target.width, ratio);
        Self {
            source_width: source.width,
            target,
            top,
            left,
            columns: lerps(source.width, width),
            rows: lerps(source.height, height),
        }
    }

    /// Calls `emit(y, row)` for every row of the padded frame; `buffer` holds that row and two between
    /// the interpolation across and the one down.
    pub fn run<T: Copy + Into<f32>>(
        &self,
        source: &[T],
        channels: usize,
        buffer: &mut Vec<f32>,
        emit: &mut dyn FnMut(usize, &[f32]),
    ) {
        let (length, width) = (self.target.width * channels, self.columns.len() * channels);
        let inside = self.left * channels..self.left * channels + width;
        buffer.clear();
        buffer.resize(length + 2 * width, 0.0);
        let (row, lines) = buffer.split_at_mut(length);
        let (mut near, mut far) = lines.split_at_mut(width);
        let mut held = [None, None];
        let across = |y: usize, line: &mut [f32]| match channels {
            1 => self.across::<T, 1>(source, y, line),
            _ => self.across::<T, 3>(source, y, line),
        };
        for y in 0..self.target.height {
            let Some(down) = y.checked_sub(self.top).and_then(|y| self.rows.get(y)) else {
                row.fill(0.0);
                emit(y, row);
                continue;
            };
            if held[1] == Some(down.lower) {
                std::mem::swap(&mut near, &mut far);
                held.swap(0, 1);
            }
            if held[0] != Some(down.lower) {
                across(down.lower, near);
            }
            if held[1] != Some(down.upper) {
                across(down.upper, far);
            }
            held = [Some(down.lower), Some(down.upper)];
            for ((out, &top), &bottom) in row[inside.clone()].iter_mut().zip(&*near).zip(&*far) {
                *out = top + (bottom - top) * down.part;
            }
            emit(y, row);
        }
    }

    fn across<T: Copy + Into<f32>, const C: usize>(&self, source: &[T], y: usize, line: &mut [f32]) {
        let stride = self.source_width * C;
        let row = &source[y * stride..][..stride];
        for (out, across) in line.chunks_exact_mut(C).zip(&self.columns) {
            let (left, right) = (&row[across.lower * C..][..C], &row[across.upper * C..][..C]);
            for c in 0..C {
                let (left, right): (f32, f32) = (left[c].into(), right[c].into());
                out[c] = left + (right - left) * across.part;
            }
        }
    }
}

fn lerps(source: usize, target: usize) -> Vec<Lerp> {
    let scale = source as f32 / target as f32;
    let of = |x: usize| {
        let at = (x as f32 + 0.5) * scale - 0.5;
        let floor = at.floor();
        Lerp { lower: floor.max(0.0) as usize, upper: (at.ceil().max(0.0) as usize).min(source - 1), part: at - floor }
    };
    (0..target).map(of).collect()
}
