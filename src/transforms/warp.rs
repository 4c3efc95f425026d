//! Keras's `RandomRotation` and `RandomZoom`, their parameter given: an affine map, bilinear, with the
//! frame mirrored beyond its edges.
//!
//! Source: Keras 3 `layers/preprocessing/image_preprocessing/random_rotation.py`, `random_zoom.py` and the
//! TensorFlow kernel that they call (`ImageProjectiveTransformV3`, fill mode REFLECT: `d c b a | a b c d |
//! d c b a`). The output pixel (x, y) reads the input at (m0 x + m1 y + m2, m3 x + m4 y + m5); the
//! coordinate is mirrored first, then clamped to the frame, then interpolated. All in float32 and in
//! Keras's and the kernel's order of operations: equal bit for bit to Keras 3.15 on TensorFlow 2.21 (x86-64)
//! in all tests; another sine or a kernel with fused operations may move a coordinate by an ulp.

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
        let radians = angle as f32 * (std::f64::consts::PI / 180.0) as f32;
        let (sin, cos) = radians.sin_cos();
        let [x, y] = middle(size);
        Self { matrix: [cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos], size }
    }

    /// The scene `factor` times as wide and high in the same frame: above 1 it looks smaller.
    pub fn zoom(factor: f64, size: Size) -> Self {
        let factor = factor as f32;
        let [x, y] = middle(size).map(|middle| middle * (1.0 - factor));
        Self { matrix: [factor, 0.0, x, 0.0, factor, y], size }
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
            let ([x0, x1], left) = neighbours(x_in, width);
            let ([y0, y1], above) = neighbours(y_in, height);
            let (left, right) = ((left + 1.0) - x_in, x_in - left);
            let (above, below) = ((above + 1.0) - y_in, y_in - above);
            let pixel = |y: usize, x: usize| &source[(y * width + x) * C..][..C];
            let (a, b, c, d) = (pixel(y0, x0), pixel(y0, x1), pixel(y1, x0), pixel(y1, x1));
            for i in 0..C {
                let upper = left * a[i].into() + right * b[i].into();
                let lower = left * c[i].into() + right * d[i].into();
                out[i] = above * upper + below * lower;
            }
        }
    }
}

/// The middle of a frame, in pixels from the centre of the first.
fn middle(size: Size) -> [f32; 2] {
    [size.width, size.height].map(|side| (side as f32 - 1.0) / 2.0)
}

/// The pixel at or before a coordinate and the next, and the coordinate of the first. The last stands for
/// its missing neighbour, whose weight is 0. Mirrored coordinates are not negative, so `as` rounds down.
#[inline(always)]
fn neighbours(at: f32, side: usize) -> ([usize; 2], f32) {
    let first = at as i32 as usize;
    ([first, (first + 1).min(side - 1)], first as f32)
}

/// The coordinate mirrored about the outer edges of the first and last pixel, then inside 0..=side - 1.
#[inline(always)]
fn mirror(at: f32, side: usize) -> f32 {
    let length = side as f32;
    let period = 2.0 * length;
    let mirrored = if side == 1 {
        0.0
    } else if at < 0.0 {
        let at = period * whole(-at / period) + at;
        if at < -length { at + period } else { -at - 1.0 }
    } else if at > length - 1.0 {
        let at = at - period * whole(at / period);
        if at >= length { period - at - 1.0 } else { at }
    } else {
        at
    };
    mirrored.clamp(0.0, length - 1.0)
}

/// The whole part, towards 0.
fn whole(value: f32) -> f32 {
    value as i32 as f32
}
