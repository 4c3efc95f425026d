//! Half the height and half the width, as OpenCV does for `INTER_AREA` and `INTER_LINEAR` alike:
//! (a + b + c + d + 2) >> 2.
//!
//! Source: OpenCV 5.0 `modules/imgproc/src/resize.cpp`, `ResizeAreaFastVec`. Integer, so the AVX2 path
//! gives the same bytes.

use super::{Geometry, Rows, Work};

/// Halving frames of one size.
#[derive(Debug)]
pub struct Halve(Geometry);

impl Halve {
    pub fn new(job: Geometry) -> Self {
        Self(job)
    }

    pub fn run(&self, source: Rows<'_>, work: &mut Work, emit: &mut dyn FnMut(usize, &[u8])) {
        let Geometry { window, channels, .. } = self.0;
        let columns = 2 * window.left * channels..2 * (window.left + window.width) * channels;
        work.row.resize(window.width * channels, 0);
        for y in 0..window.height {
            let above = 2 * (window.top + y);
            let rows = [above, above + 1].map(|y| &source.row(y)[columns.clone()]);
            match channels {
                1 => halve::<1>(rows, &mut work.row),
                _ => halve::<3>(rows, &mut work.row),
            }
            emit(y, &work.row);
        }
    }
}

/// The row between two rows of `C` channels; they are twice as long.
fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    let done = if is_x86_feature_detected!("avx2") {
        assert!(rows.iter().all(|row| row.len() >= 2 * out.len()));
        // SAFETY: AVX2 is there, and the rows are as long as the function needs.
        unsafe { x86::halve::<C>(rows, out) }
    } else {
        0
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    let [above, below] = rows.map(|row| &row[2 * done..]);
    let pairs = above.chunks_exact(2 * C).zip(below.chunks_exact(2 * C));
    for (out, (a, b)) in out[done..].chunks_exact_mut(C).zip(pairs) {
        for c in 0..C {
            let sum = u16::from(a[c]) + u16::from(a[c + C]) + u16::from(b[c]) + u16::from(b[c + C]);
            out[c] = ((sum + 2) >> 2) as u8;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Halves as many whole pixels as the widest loads allow, and says how many values that were. Each
    /// step reads two runs of 16 bytes of a row, brings the values of neighbouring pixels side by side and
    /// adds them (`pmaddubsw` with ones).
    ///
    /// # Safety
    /// AVX2; both rows are at least twice as long as `out`; `C` is 1 or 3.
    #[target_feature(enable = "avx2")]
    pub unsafe fn halve<const C: usize>(rows: [&[u8]; 2], out: &mut [u8]) -> usize {
        // Bytes that a run uses, and values that both runs make.
        let (run, made) = if C == 1 { (16, 16) } else { (12, 12) };
        let pairs = if C == 1 {
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        } else {
            [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1]
        };
        let close = if C == 1 {
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        } else {
            [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1]
        };
        let mut done = 0;
        // SAFETY: a step reads up to 2 * done + run + 16 of each row and writes done + 16 of `out`; the
        // loop ends before either leaves its slice (rows hold 2 * out.len()).
        unsafe {
            let pairs: [i8; 16] = pairs;
            let close: [i8; 16] = close;
            let pairs = _mm256_broadcastsi128_si256(_mm_loadu_si128(pairs.as_ptr().cast()));
            let close = _mm_loadu_si128(close.as_ptr().cast());
            let ones = _mm256_set1_epi8(1);
            while done + 16 <= out.len() && 2 * done + run + 16 <= 2 * out.len() {
                let sums = |row: &[u8]| {
                    let start = row.as_ptr().add(2 * done);
                    let low = _mm256_castsi128_si256(_mm_loadu_si128(start.cast()));
                    let both = _mm256_inserti128_si256::<1>(low, _mm_loadu_si128(start.add(run).cast()));
                    _mm256_maddubs_epi16(_mm256_shuffle_epi8(both, pairs), ones)
                };
                let sum = _mm256_add_epi16(sums(rows[0]), sums(rows[1]));
                let mean = _mm256_srli_epi16::<2>(_mm256_add_epi16(sum, _mm256_set1_epi16(2)));
                let packed = _mm_packus_epi16(_mm256_castsi256_si128(mean), _mm256_extracti128_si256::<1>(mean));
                _mm_storeu_si128(out.as_mut_ptr().add(done).cast(), _mm_shuffle_epi8(packed, close));
                done += made;
            }
        }
        done
    }
}
