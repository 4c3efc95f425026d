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

    /// Calls `emit(y, row)` for every row of the padded frame.
    pub fn run<T: Copy + Into<f32>>(
        &self,
        source: &[T],
        channels: usize,
        row: &mut Vec<f32>,
        emit: &mut dyn FnMut(usize, &[f32]),
    ) {
        row.clear();
        row.resize(self.target.width * channels, 0.0);
        for y in 0..self.target.height {
            let inside = self.left * channels..(self.left + self.columns.len()) * channels;
            match y.checked_sub(self.top).and_then(|y| self.rows.get(y)) {
                Some(lerp) => self.blend(source, channels, *lerp, &mut row[inside]),
                None => row[inside].fill(0.0),
            }
            emit(y, row);
        }
    }

    fn blend<T: Copy + Into<f32>>(&self, source: &[T], channels: usize, down: Lerp, out: &mut [f32]) {
        let stride = self.source_width * channels;
        let [above, below] = [down.lower, down.upper].map(|y| &source[y * stride..][..stride]);
        for (out, across) in out.chunks_exact_mut(channels).zip(&self.columns) {
            for (c, out) in out.iter_mut().enumerate() {
                let along = |row: &[T]| {
                    let [left, right] = [across.lower, across.upper].map(|x| row[x * channels + c].into());
                    left + (right - left) * across.part
                };
                let (top, bottom) = (along(above), along(below));
                *out = top + (bottom - top) * down.part;
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
