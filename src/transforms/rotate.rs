//! Rotation with black corners, nearest pixel: torchvision's `RandomRotation` on PIL images.
//!
//! Source: Pillow 13.0, `Image.rotate` (matrix rounded to 15 decimals, about the middle of the frame) and
//! `affine_fixed` of `src/libImaging/Geometry.c` (16.16 fixed point). Equal byte for byte; the size stays,
//! angles count counter-clockwise.

use super::Size;

/// Fractions of a pixel.
const FIXED: f64 = 65_536.0;

/// The rotation of frames of one size.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    size: Size,
    /// Steps of the source point (x, y) along a target row and from row to row, and its start.
    along: [i32; 2],
    down: [i32; 2],
    start: [i32; 2],
}

impl Rotation {
    /// A rotation by `angle` degrees; sides of [`super::MAX_SIDE`] keep the points inside i32.
    pub fn new(angle: f64, size: Size) -> Self {
        let radians = -(angle.rem_euclid(360.0) * (std::f64::consts::PI / 180.0));
        let (cos, sin) = (round_15(radians.cos()), round_15(radians.sin()));
        let (x, y) = (size.width as f64 / 2.0, size.height as f64 / 2.0);
        let offset_x = (cos * -x + sin * -y) + x;
        let offset_y = (-sin * -x + cos * -y) + y;
        let fixed = |value: f64| (value * FIXED + 0.5).floor() as i32;
        Self {
            size,
            along: [fixed(cos), fixed(-sin)],
            down: [fixed(sin), fixed(cos)],
            start: [fixed(offset_x + cos * 0.5 + sin * 0.5), fixed(offset_y - sin * 0.5 + cos * 0.5)],
        }
    }

    /// Calls `emit(y, row)` for every row of the rotated frame.
    pub fn run<T: Copy + Default>(
        &self,
        source: &[T],
        channels: usize,
        row: &mut Vec<T>,
        emit: &mut dyn FnMut(usize, &[T]),
    ) {
        row.resize(self.size.width * channels, T::default());
        let mut start = self.start;
        for y in 0..self.size.height {
            match channels {
                1 => self.turn_row::<T, 1>(source, start, row),
                _ => self.turn_row::<T, 3>(source, start, row),
            }
            start = step(start, self.down);
            emit(y, row);
        }
    }

    fn turn_row<T: Copy + Default, const C: usize>(&self, source: &[T], mut point: [i32; 2], row: &mut [T]) {
        let Size { height, width } = self.size;
        for pixel in row.chunks_exact_mut(C) {
            // Negative whole parts become large ones.
            let [x, y] = point.map(|at| (at >> 16) as usize);
            if x < width && y < height {
                pixel.copy_from_slice(&source[(y * width + x) * C..][..C]);
            } else {
                pixel.fill(T::default());
            }
            point = step(point, self.along);
        }
    }
}

fn step(point: [i32; 2], by: [i32; 2]) -> [i32; 2] {
    [point[0].wrapping_add(by[0]), point[1].wrapping_add(by[1])]
}

/// Python's `round(value, 15)`.
fn round_15(value: f64) -> f64 {
    format!("{value:.15}").parse().unwrap_or(value)
}
