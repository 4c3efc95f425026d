//! Keras's `RandomRotation` and `RandomZoom`, their parameter given: an affine map, bilinear, with the
//! frame mirrored beyond its edges.
//!
//! Source: Keras 3 `layers/preprocessing/image_preprocessing/random_rotation.py`, `random_zoom.py` and the
//! TensorFlow kernel that they call (`ImageProjectiveTransformV3`, fill mode REFLECT: `d c b a | a b c d |
//! d c b a`). The output pixel (x, y) reads the input at (m0 x + m1 y + m2, m3 x + m4 y + m5); the
//! coordinate is mirrored first, then clamped to the frame, then interpolated. Float32 in the kernel's
//! order of operations; the matrix is computed in float64 where Keras uses float32, and the kernel may
//! fuse multiplications and additions, so values differ from Keras by a few units in the last place of the
//! coordinate.

use super::Size;

/// An affine map of frames of one size, from output to input coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    matrix: [f32; 6],
    size: Size,
}

impl Affine {
    /// Counter-clockwise by `angle` degrees about the middle.
    pub fn rotation(angle: f64, size: Size) -> Self {
        let (sin, cos) = angle.to_radians().sin_cos();
        Self::about_middle([cos, -sin, sin, cos], size)
    }

    /// The scene `factor` times as wide and high in the same frame: above 1 it looks smaller.
    pub fn zoom(factor: f64, size: Size) -> Self {
        Self::about_middle([factor, 0.0, 0.0, factor], size)
    }

    fn about_middle([a, b, c, d]: [f64; 4], size: Size) -> Self {
        let (x, y) = ((size.width as f64 - 1.0) / 2.0, (size.height as f64 - 1.0) / 2.0);
        let matrix = [a, b, x - (a * x + b * y), c, d, y - (c * x + d * y)];
        Self { matrix: matrix.map(|value| value as f32), size }
    }

    /// Calls `emit(y, row)` for every row of the mapped frame.
    pub fn run<T: Copy + Into<f32>>(
        &self,
        source: &[T],
        channels: usize,
        row: &mut Vec<f32>,
        emit: &mut dyn FnMut(usize, &[f32]),
    ) {
        row.resize(self.size.width * channels, 0.0);
        for y in 0..self.size.height {
            match channels {
                1 => self.map_row::<T, 1>(source, y, row),
                _ => self.map_row::<T, 3>(source, y, row),
            }
            emit(y, row);
        }
    }

    fn map_row<T: Copy + Into<f32>, const C: usize>(&self, source: &[T], y: usize, row: &mut [f32]) {
        let Size { height, width } = self.size;
        let [m0, m1, m2, m3, m4, m5] = self.matrix;
        let y_out = y as f32;
        for (x, out) in row.chunks_exact_mut(C).enumerate() {
            let x_out = x as f32;
            let x_in = mirror(m0 * x_out + m1 * y_out + m2, width);
            let y_in = mirror(m3 * x_out + m4 * y_out + m5, height);
            let (left, above) = (x_in.floor(), y_in.floor());
            let columns = neighbours(left, width);
            let pixel = |row: usize, column: usize| -> &[T] { &source[(row * width + column) * C..][..C] };
            let corners = neighbours(above, height).map(|row| columns.map(|column| pixel(row, column)));
            for c in 0..C {
                let [upper, lower] =
                    corners.map(|[near, far]| ((left + 1.0) - x_in) * near[c].into() + (x_in - left) * far[c].into());
                out[c] = ((above + 1.0) - y_in) * upper + (y_in - above) * lower;
            }
        }
    }
}

/// A pixel and the next; the last stands for its missing neighbour, whose weight is 0.
fn neighbours(at: f32, side: usize) -> [usize; 2] {
    let at = at as usize;
    [at, (at + 1).min(side - 1)]
}

/// The coordinate mirrored about the outer edges of the first and last pixel, then inside 0..=side - 1.
fn mirror(at: f32, side: usize) -> f32 {
    let length = side as f32;
    let period = 2.0 * length;
    let mirrored = if side == 1 {
        0.0
    } else if at < 0.0 {
        let at = if at < period { period * (-at / period).trunc() + at } else { at };
        if at < -length { at + period } else { -at - 1.0 }
    } else if at > length - 1.0 {
        let at = at - period * (at / period).trunc();
        if at >= length { period - at - 1.0 } else { at }
    } else {
        at
    };
    mirrored.clamp(0.0, length - 1.0)
}
