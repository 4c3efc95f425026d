//! The luma of RGB frames, and RGB frames with another luma.
//!
//! The arithmetic is that of `cv2.cvtColor` (OpenCV 5.0, `COLOR_RGB2YCrCb` and `COLOR_YCrCb2RGB` on
//! bytes): 14-bit fixed point, rounded, Y, Cr and Cb stored as bytes in between. All 2^24 colours give
//! its bytes both ways. Chroma is recomputed rather than kept: nine multiplications a pixel in all.

use crate::simd::vectorised;

/// Bits behind the point.
const SHIFT: i32 = 14;
const HALF: i32 = 1 << (SHIFT - 1);
/// 0.299, 0.587, 0.114.
const LUMA: [i32; 3] = [4899, 9617, 1868];
/// 0.713 (R - Y) and 0.564 (B - Y).
const TO_CR: i32 = 11682;
const TO_CB: i32 = 9241;
/// 1.403, -0.714, -0.344, 1.773.
const CR_TO_RED: i32 = 22987;
const CR_TO_GREEN: i32 = -11698;
const CB_TO_GREEN: i32 = -5636;
const CB_TO_BLUE: i32 = 29049;

#[inline(always)]
fn luma_of(red: i32, green: i32, blue: i32) -> i32 {
    (red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + HALF) >> SHIFT
}

vectorised! {
    /// The luma of each pixel of `frame` (H, W, 3), to `plane` (H, W).
    pub(super) fn luma(frame: &[u8], plane: &mut [u8]) {
        for (pixel, luma) in frame.chunks_exact(3).zip(plane) {
            *luma = luma_of(pixel[0].into(), pixel[1].into(), pixel[2].into()) as u8;
        }
    }
}

vectorised! {
    /// Gives each pixel of `frame` (H, W, 3) the luma of `plane` (H, W) and keeps its chroma.
    pub(super) fn replace(frame: &mut [u8], plane: &[u8]) {
        for (pixel, &luma) in frame.chunks_exact_mut(3).zip(plane) {
            let [red, green, blue] = [pixel[0].into(), pixel[1].into(), pixel[2].into()];
            let old = luma_of(red, green, blue);
            // Saturated to bytes, then about zero.
            let cr = ((((red - old) * TO_CR + HALF) >> SHIFT) + 128).clamp(0, 255) - 128;
            let cb = ((((blue - old) * TO_CB + HALF) >> SHIFT) + 128).clamp(0, 255) - 128;
            let luma = i32::from(luma);
            pixel[0] = (luma + ((cr * CR_TO_RED + HALF) >> SHIFT)).clamp(0, 255) as u8;
            pixel[1] = (luma + ((cr * CR_TO_GREEN + cb * CB_TO_GREEN + HALF) >> SHIFT)).clamp(0, 255) as u8;
            pixel[2] = (luma + ((cb * CB_TO_BLUE + HALF) >> SHIFT)).clamp(0, 255) as u8;
        }
    }
}
