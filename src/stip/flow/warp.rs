//! Differences to a warped frame.

use crate::simd::vectorised;

/// `out[x] = next(y + v[x], x + u[x]) - row[x]`, bilinear; 0 where that lies beyond the frame, so that such a pixel
/// is content with the estimate so far.
pub(super) fn difference(
    out: &mut [f32],
    next: &[f32],
    (height, width): (usize, usize),
    y: usize,
    (u, v): (&[f32], &[f32]),
    row: &[f32],
) {
    assert!(next.len() == height * width && height > 0 && width > 0 && i32::try_from(next.len()).is_ok());
    warp(out, next, height, width, y as f32, u, v, row);
}

vectorised! {
    fn warp(out: &mut [f32], next: &[f32], height: usize, width: usize, y: f32, u: &[f32], v: &[f32], row: &[f32]) {
        let (bottom, right) = ((height - 1) as f32, (width - 1) as f32);
        // To the neighbours on the right and below; none where there is one column, one row.
        let (step, down) = (width.min(2) - 1, height.min(2) - 1);
        let (last_left, last_top) = ((width - 1 - step) as i32, (height - 1 - down) as i32);
        let (step, down, stride) = (step as i32, (down * width) as i32, width as i32);
        let length = out.len();
        let (u, v, row) = (&u[..length], &v[..length], &row[..length]);
        // SAFETY: `i` is made of a row 0 ..= last_top and a column 0 ..= last_left, and the steps from there stay
        // within the height x width values of `next`, as `difference` has checked.
        let value = |i: i32| unsafe { *next.get_unchecked(i as usize) };
        for x in 0..length {
            let (wanted_x, wanted_y) = (x as i32 as f32 + u[x], y + v[x]);
            // In this order, which also takes what is not a number to 0.
            let (px, py) = (wanted_x.max(0.0).min(right), wanted_y.max(0.0).min(bottom));
            let (left, top) = ((px as i32).min(last_left), (py as i32).min(last_top));
            let (fx, fy) = (px - left as f32, py - top as f32);
            let at = top * stride + left;
            let (a, b) = (value(at), value(at + step));
            let (c, d) = (value(at + down), value(at + down + step));
            let (above, below) = (a + fx * (b - a), c + fx * (d - c));
            let found = above + fy * (below - above) - row[x];
            let inside = (px == wanted_x) & (py == wanted_y);
            out[x] = if inside { found } else { 0.0 };
        }
    }
}
