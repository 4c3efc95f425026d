//! Contrast-limited adaptive histogram equalisation, equal byte for byte to OpenCV 5.0's
//! `createCLAHE(clip_limit, (columns, rows)).apply` on grey frames, and on the luma of RGB frames
//! ([`super::luma`]).
//!
//! OpenCV's rules (Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV,
//! 1994, with details of its own):
//! * A frame whose height or width is no multiple of the grid is continued below and to the right by
//!   mirroring about the last row and column (`BORDER_REFLECT_101`), both sides by `n - size % n`: a side
//!   that would divide gets a whole n more if the other does not.
//! * A count is clipped at `max(1, floor(clip_limit * area / 256))`; what was cut off is spread evenly, the
//!   remainder over every `256 / remainder`-th bin. `clip_limit` 0 does not clip.
//! * A tile's table is `round(cumulated count * (255 / area))`; a pixel blends the tables of the four
//!   nearest tile centres, all in single precision, rounded to even.
//!
//! Statistics of a clip pool each tile over all frames, area meaning pixels times frames. O(pixels + 256
//! tiles).

use super::Scratch;
use super::histogram::{Histogram, count};
use super::lookup::Table;
use super::luma;
use super::scratch::sized;
use super::step::{Per, Step};
use crate::clip::FrameShape;
use crate::error::{Error, Result};
use crate::simd::vectorised;

/// More tiles a side than any use; keeps the tables of a hostile grid small.
const MOST_TILES: usize = 256;

/// Contrast-limited adaptive histogram equalisation.
#[derive(Clone, Debug)]
pub struct Clahe {
    clip_limit: f64,
    rows: usize,
    columns: usize,
    per: Per,
}

/// Working memory.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    plane: Vec<u8>,
    continued: Vec<u8>,
    corners: Vec<u32>,
    mapped: Vec<u8>,
    quads: Vec<[u32; 256]>,
}

/// The histogram of each tile, row by row, and the number of frames in it.
pub(super) struct Tiles {
    histograms: Vec<Histogram>,
    frames: u64,
}

impl Clahe {
    pub fn new(clip_limit: f64, grid: (usize, usize), per: Per) -> Result<Self> {
        if !(clip_limit.is_finite() && clip_limit >= 0.0) {
            return Err(Error::argument("clip_limit", format!("must be 0 or more and finite, got {clip_limit}")));
        }
        let (rows, columns) = grid;
        if ![rows, columns].iter().all(|tiles| (1..=MOST_TILES).contains(tiles)) {
            return Err(Error::argument(
                "grid",
                format!("must hold 1 to {MOST_TILES} rows and columns, got ({rows}, {columns})"),
            ));
        }
        Ok(Self { clip_limit, rows, columns, per })
    }

    /// Height and width of a tile.
    fn tile(&self, shape: FrameShape) -> (usize, usize) {
        if shape.height.is_multiple_of(self.rows) && shape.width.is_multiple_of(self.columns) {
            (shape.height / self.rows, shape.width / self.columns)
        } else {
            (shape.height / self.rows + 1, shape.width / self.columns + 1)
        }
    }

    fn count_tiles(&self, plane: &[u8], shape: FrameShape, continued: &mut Vec<u8>, tiles: &mut Tiles) {
        let (tile_height, tile_width) = self.tile(shape);
        let (height, width) = (tile_height * self.rows, tile_width * self.columns);
        let plane = if (height, width) == (shape.height, shape.width) {
            plane
        } else {
            let continued = sized(continued, height * width);
            for (y, row) in continued.chunks_exact_mut(width).enumerate() {
                let source = &plane[mirrored(y, shape.height) * shape.width..][..shape.width];
                row[..shape.width].copy_from_slice(source);
                for (x, value) in row.iter_mut().enumerate().skip(shape.width) {
                    *value = source[mirrored(x, shape.width)];
                }
            }
            continued
        };
        let bands = plane.chunks_exact(tile_height * width).zip(tiles.histograms.chunks_exact_mut(self.columns));
        let mut values = Vec::with_capacity(tile_height * tile_width);
        for (band, histograms) in bands {
            for (x, histogram) in histograms.iter_mut().enumerate() {
                values.clear();
                for row in band.chunks_exact(width) {
                    values.extend_from_slice(&row[x * tile_width..][..tile_width]);
                }
                count(&values, histogram);
            }
        }
    }

    fn table(&self, mut histogram: Histogram, area: u64) -> Table {
        if self.clip_limit > 0.0 {
            clip(&mut histogram, ((self.clip_limit * area as f64 / 256.0) as u64).max(1));
        }
        let scale = 255.0 / area as f32;
        let mut total = 0;
        histogram.map(|count| {
            total += count;
            (total as f32 * scale).round_ties_even() as u8
        })
    }
}

/// Position `i` of a line of `len` continued by mirroring about its last and first values.
fn mirrored(i: usize, len: usize) -> usize {
    if len == 1 {
        return 0;
    }
    let period = 2 * (len - 1);
    let i = i % period;
    i.min(period - i)
}

fn clip(histogram: &mut Histogram, limit: u64) {
    let mut clipped = 0;
    for count in histogram.iter_mut() {
        clipped += count.saturating_sub(limit);
        *count = (*count).min(limit);
    }
    for count in histogram.iter_mut() {
        *count += clipped / 256;
    }
    let left = (clipped % 256) as usize;
    if let Some(step) = 256usize.checked_div(left) {
        for count in histogram.iter_mut().step_by(step.max(1)).take(left) {
            *count += 1;
        }
    }
}

/// The two tiles whose centres are about position `i`, and the weight of the second.
fn neighbours(i: usize, tile: usize, tiles: usize) -> (usize, usize, f32) {
    let place = i as f32 * (1.0 / tile as f32) - 0.5;
    let first = place.floor();
    ((first.max(0.0)) as usize, ((first + 1.0) as usize).min(tiles - 1), place - first)
}

impl Step for Clahe {
    type Statistics = Tiles;
    type Known = Vec<Table>;

    fn per(&self) -> Per {
        self.per
    }

    fn statistics(&self) -> Tiles {
        Tiles { histograms: vec![[0; 256]; self.rows * self.columns], frames: 0 }
    }

    fn observe(&self, frame: &[u8], shape: FrameShape, scratch: &mut Scratch, tiles: &mut Tiles) {
        let Buffers { plane, continued, .. } = &mut scratch.clahe;
        tiles.frames += 1;
        if shape.channels == 1 {
            return self.count_tiles(frame, shape, continued, tiles);
        }
        let plane = sized(plane, shape.height * shape.width);
        luma::luma(frame, plane);
        self.count_tiles(plane, shape, continued, tiles);
    }

    fn conclude(&self, tiles: Tiles, shape: FrameShape) -> Vec<Table> {
        let (tile_height, tile_width) = self.tile(shape);
        let area = (tile_height * tile_width) as u64 * tiles.frames;
        tiles.histograms.into_iter().map(|histogram| self.table(histogram, area)).collect()
    }

    fn apply(&self, tables: &Vec<Table>, frame: &mut [u8], shape: FrameShape, scratch: &mut Scratch) {
        let Buffers { plane, mapped, corners, quads, .. } = &mut scratch.clahe;
        if shape.channels == 1 {
            let mapped = sized(mapped, frame.len());
            self.blend(tables, frame, mapped, shape, corners, quads);
            frame.copy_from_slice(mapped);
        } else {
            let plane = sized(plane, shape.height * shape.width);
            let mapped = sized(mapped, plane.len());
            luma::luma(frame, plane);
            self.blend(tables, plane, mapped, shape, corners, quads);
            luma::replace(frame, mapped);
        }
    }
}

impl Clahe {
    /// Each value of `plane` through the four tables about it, to `mapped`. The bytes of the four tables
    /// for one value lie in one word, so that a pixel costs one look-up.
    fn blend(
        &self,
        tables: &[Table],
        plane: &[u8],
        mapped: &mut [u8],
        shape: FrameShape,
        corners: &mut Vec<u32>,
        quads: &mut Vec<[u32; 256]>,
    ) {
        let (tile_height, tile_width) = self.tile(shape);
        let across: Vec<_> = (0..shape.width).map(|x| neighbours(x, tile_width, self.columns)).collect();
        let weights: Vec<f32> = across.iter().map(|&(_, _, weight)| weight).collect();
        let spans: Vec<&[_]> = across.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).collect();
        let corners = sized(corners, shape.width);
        let mut last = None;
        for (y, (row, mapped)) in plane.chunks_exact(shape.width).zip(mapped.chunks_exact_mut(shape.width)).enumerate()
        {
            let (above, below, weight) = neighbours(y, tile_height, self.rows);
            if last != Some((above, below)) {
                last = Some((above, below));
                quads.clear();
                for span in &spans {
                    let (left, right, _) = span[0];
                    let at = |row: usize, column: usize| &tables[row * self.columns + column];
                    let four = [at(above, left), at(above, right), at(below, left), at(below, right)];
                    quads.push(std::array::from_fn(|value| u32::from_le_bytes(four.map(|table| table[value]))));
                }
            }
            let mut start = 0;
            for (span, quad) in spans.iter().zip(quads.iter()) {
                let end = start + span.len();
                for (corner, &value) in corners[start..end].iter_mut().zip(&row[start..end]) {
                    *corner = quad[usize::from(value)];
                }
                start = end;
            }
            blend_row(corners, &weights, weight, mapped);
        }
    }
}

vectorised! {
    /// Blends the four bytes of each word by the weight of the right and of the lower ones.
    fn blend_row(corners: &[u32], right: &[f32], lower: f32, mapped: &mut [u8]) {
        let upper = 1.0 - lower;
        for ((&corner, &right), mapped) in corners.iter().zip(right).zip(mapped) {
            let left = 1.0 - right;
            let byte = |i: u32| ((corner >> (8 * i)) & 255) as i32 as f32;
            let blended = (byte(0) * left + byte(1) * right) * upper + (byte(2) * left + byte(3) * right) * lower;
            // Within 0 to 255; adding 1.5 * 2^23 rounds to even and leaves the integer in the low bits.
            *mapped = (blended + 12_582_912.0).to_bits() as u8;
        }
    }
}
