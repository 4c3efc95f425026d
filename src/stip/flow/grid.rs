//! Values of blocks of 2 x 2 pixels, and what lies between blocks.

use crate::simd::vectorised;

/// One value a block, linear between the blocks' centres.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Grid {
    pub fn new(rows: usize, columns: usize) -> Self {
        Self { values: vec![0.0; rows * columns], rows, columns }
    }

    pub fn block_row(&mut self, row: usize) -> &mut [f32] {
        &mut self.values[row * self.columns..(row + 1) * self.columns]
    }

    fn at(&self, row: usize) -> &[f32] {
        &self.values[row * self.columns..(row + 1) * self.columns]
    }

    /// Row `y` of pixels: 3/4 of the block that a pixel is in, 1/4 of the next one on its side, along both axes.
    pub fn row(&self, y: usize, out: &mut [f32]) {
        let here = y / 2;
        let near = if y.is_multiple_of(2) { here.saturating_sub(1) } else { (here + 1).min(self.rows - 1) };
        let (here, near) = (self.at(here), self.at(near));
        let last = self.columns - 1;
        let mix = |i: usize| 0.75 * here[i] + 0.25 * near[i];
        spread(out, here, near);
        for i in [0, last] {
            let (before, after) = (mix(i.saturating_sub(1)), mix((i + 1).min(last)));
            out[2 * i] = 0.75 * mix(i) + 0.25 * before;
            if let Some(value) = out.get_mut(2 * i + 1) {
                *value = 0.75 * mix(i) + 0.25 * after;
            }
        }
    }

    /// Twice the flow of a level that is half as large; zero where there is none.
    ///
    /// A halved frame keeps even pixels, so its block j lies at pixel 4 j + 1, and block i here at 2 i + 1/2.
    pub fn start(&mut self, coarser: Option<&Self>) {
        let Some(coarser) = coarser else { return self.values.fill(0.0) };
        let source = |i: usize, length: usize| {
            let near = if i.is_multiple_of(2) { (i / 2).saturating_sub(1) } else { i / 2 + 1 };
            let weight = if i.is_multiple_of(2) { 0.125 } else { 0.375 };
            ((i / 2).min(length - 1), near.min(length - 1), weight)
        };
        for (y, out) in self.values.chunks_exact_mut(self.columns).enumerate() {
            let (here, near, weight) = source(y, coarser.rows);
            let (here, near) = (coarser.at(here), coarser.at(near));
            let mix = |i: usize| (1.0 - weight) * here[i] + weight * near[i];
            for (x, value) in out.iter_mut().enumerate() {
                let (here, near, weight) = source(x, coarser.columns);
                *value = 2.0 * ((1.0 - weight) * mix(here) + weight * mix(near));
            }
        }
    }
}

vectorised! {
    /// The pixels of all blocks of a row but the first and the last.
    fn spread(out: &mut [f32], here: &[f32], near: &[f32]) {
        let inner = here.len().saturating_sub(2);
        let near = &near[..here.len()];
        let (pairs, _) = out.as_chunks_mut::<2>();
        if inner == 0 {
            return;
        }
        for (i, pair) in pairs[1..=inner].iter_mut().enumerate() {
            let before = 0.75 * here[i] + 0.25 * near[i];
            let value = 0.75 * (0.75 * here[i + 1] + 0.25 * near[i + 1]);
            let after = 0.75 * here[i + 2] + 0.25 * near[i + 2];
            *pair = [value + 0.25 * before, value + 0.25 * after];
        }
    }
}

vectorised! {
    /// What pixels say of the flow, by the estimate so far: g . u - d.
    pub(super) fn told(out: &mut [f32], gx: &[f32], gy: &[f32], u: &[f32], v: &[f32], d: &[f32]) {
        let width = out.len();
        let (gx, gy, u, v, d) = (&gx[..width], &gy[..width], &u[..width], &v[..width], &d[..width]);
        for i in 0..width {
            out[i] = gx[i] * u[i] + gy[i] * v[i] - d[i];
        }
    }
}

vectorised! {
    /// Means of a . b over blocks of two rows.
    pub(super) fn pair_products(out: &mut [f32], a: [&[f32]; 2], b: [&[f32]; 2]) {
        let [a, c] = a.map(|row| row.as_chunks::<2>().0);
        let [b, d] = b.map(|row| row.as_chunks::<2>().0);
        let width = out.len();
        let (a, b, c, d) = (&a[..width], &b[..width], &c[..width], &d[..width]);
        for i in 0..width {
            let above = a[i][0] * b[i][0] + a[i][1] * b[i][1];
            let below = c[i][0] * d[i][0] + c[i][1] * d[i][1];
            out[i] = 0.25 * (above + below);
        }
    }
}
