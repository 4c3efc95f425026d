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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::tests::same_at_every_level;

    fn run(shape: (usize, usize), flow: impl Fn(usize) -> (f32, f32)) -> Vec<f32> {
        let (height, width) = shape;
        let next: Vec<f32> = (0..height * width).map(|i| (i * i % 97) as f32 / 97.0).collect();
        let row = vec![0.25; width];
        let mut out = vec![f32::NAN; width];
        (0..height)
            .flat_map(|y| {
                let (u, v): (Vec<f32>, Vec<f32>) = (0..width).map(|x| flow(y * width + x)).unzip();
                difference(&mut out, &next, shape, y, (&u, &v), &row);
                out.clone()
            })
            .collect()
    }

    #[test]
    fn whole_steps_read_pixels_and_what_leaves_the_frame_is_zero() {
        let (height, width) = (5, 37);
        let found = run((height, width), |_| (1.0, -1.0));
        for y in 0..height {
            for x in 0..width {
                let source = (y.wrapping_sub(1)) * width + x + 1;
                let inside = y > 0 && x + 1 < width;
                let expected = if inside { (source * source % 97) as f32 / 97.0 - 0.25 } else { 0.0 };
                assert_eq!(found[y * width + x], expected);
            }
        }
    }

    #[test]
    fn no_flow_leads_out_of_memory() {
        let wild = [0.0, 1e9, -1e9, f32::MAX, f32::NAN, f32::INFINITY, 0.5, -0.5];
        for shape in [(1, 1), (1, 19), (19, 1), (2, 2), (7, 40)] {
            let found = run(shape, |i| (wild[i % wild.len()], wild[i / 3 % wild.len()]));
            assert!(found.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn instructions_do_not_matter() {
        same_at_every_level(|| run((9, 43), |i| ((i % 17) as f32 / 5.0 - 1.6, (i % 23) as f32 / 7.0 - 1.6)));
    }
}
