//! The quarter turns and mirrors that a container asks for (the display matrix).

use crate::clip::FrameShape;

/// Where an upright pixel is found in the stored frame: rows and columns swapped or not, then each
/// direction reversed or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Orientation {
    is_transposed: bool,
    reverses_rows: bool,
    reverses_columns: bool,
}

impl Orientation {
    /// From a 3x3 display matrix of FFmpeg (16.16 fixed point). A turn that is no multiple of a quarter is
    /// taken to the nearest one.
    pub fn from_matrix(matrix: &[i32; 9]) -> Self {
        // A stored pixel at column x, row y is shown at column a x + c y, row b x + d y (plus a shift).
        let [a, b, _, c, d, ..] = *matrix;
        let is_transposed = b.unsigned_abs().max(c.unsigned_abs()) > a.unsigned_abs().max(d.unsigned_abs());
        if is_transposed {
            Self { is_transposed, reverses_rows: b < 0, reverses_columns: c < 0 }
        } else {
            Self { is_transposed, reverses_rows: d < 0, reverses_columns: a < 0 }
        }
    }

    pub fn is_upright(self) -> bool {
        self == Self::default()
    }

    /// Degrees, clockwise, by which the stored frame is turned to stand upright (mirrors aside): 0, 90, 180 or 270.
    pub fn rotation(self) -> u32 {
        match (self.is_transposed, self.reverses_rows, self.reverses_columns) {
            (false, false, _) => 0,
            (false, true, _) => 180,
            (true, false, _) => 90,
            (true, true, _) => 270,
        }
    }

    /// Height and width of the upright frame.
    pub fn size(self, height: usize, width: usize) -> (usize, usize) {
        if self.is_transposed { (width, height) } else { (height, width) }
    }

    /// Writes the upright frame of `stored` (shape as stored) to `out`.
    pub fn apply(self, stored: &[u8], shape: FrameShape, out: &mut [u8]) {
        let FrameShape { height, width, channels } = shape;
        let (rows, columns) = self.size(height, width);
        for (row, line) in out.chunks_exact_mut(columns * channels).enumerate().take(rows) {
            let row = if self.reverses_rows { rows - 1 - row } else { row };
            for (column, pixel) in line.chunks_exact_mut(channels).enumerate() {
                let column = if self.reverses_columns { columns - 1 - column } else { column };
                let (y, x) = if self.is_transposed { (column, row) } else { (row, column) };
                let start = (y * width + x) * channels;
                pixel.copy_from_slice(&stored[start..start + channels]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << 16;

    fn turned(matrix: [i32; 9]) -> (u32, Vec<u8>) {
        // 0 1 2
        // 3 4 5
        let orientation = Orientation::from_matrix(&matrix);
        let mut out = vec![0; 6];
        orientation.apply(&[0, 1, 2, 3, 4, 5], FrameShape::new(2, 3, 1), &mut out);
        (orientation.rotation(), out)
    }

    #[test]
    fn quarter_turns_are_clockwise() {
        assert_eq!(turned([ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30]), (0, vec![0, 1, 2, 3, 4, 5]));
        assert_eq!(turned([0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30]), (90, vec![3, 0, 4, 1, 5, 2]));
        assert_eq!(turned([-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30]), (180, vec![5, 4, 3, 2, 1, 0]));
        assert_eq!(turned([0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30]), (270, vec![2, 5, 1, 4, 0, 3]));
    }

    #[test]
    fn a_mirror_keeps_the_rows() {
        assert_eq!(turned([-ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30]), (0, vec![2, 1, 0, 5, 4, 3]));
    }
}
