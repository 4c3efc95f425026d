//! Decoded pictures to rows of bytes: RGB, grey or luma, upright.
//!
//! RGB is swscale's own conversion, byte for byte (bilinear, no accurate rounding; the same bytes as PyAV,
//! torchcodec and, reversed, OpenCV), told the picture's own matrix and range. Grey is OpenCV 5's
//! `cvtColor(BGR2GRAY)` of that RGB: (3735 B + 19235 G + 9798 R + 2^14) >> 15, made band by band so that
//! the colour rows never leave the cache. Luma is the raw plane, 8 bits (deeper streams are shifted down).

use std::ptr;

use video_rs::ffmpeg::ffi::{self, AVPixelFormat};
use video_rs::ffmpeg::frame;

use super::orientation::Orientation;
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};

/// What a frame is wanted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Color {
    Rgb,
    Gray,
    Luma,
}

impl Color {
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Gray | Self::Luma => 1,
        }
    }
}

/// Rows converted at a time for grey: even, so that 4:2:0 chroma rows are whole.
const BAND: usize = 16;

/// What the conversion depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    format: AVPixelFormat,
    width: i32,
    height: i32,
    colorspace: ffi::AVColorSpace,
    is_full_range: bool,
}

/// Converts the pictures of one stream, all to the size of the first.
pub struct Converter {
    orientation: Orientation,
    /// Height and width as stored, of the first picture.
    stored: Option<(usize, usize)>,
    scaler: Option<(Kind, Scaler)>,
    rgb: Vec<u8>,
    stored_frame: Vec<u8>,
}

impl Converter {
    pub fn new(orientation: Orientation) -> Self {
        Self { orientation, stored: None, scaler: None, rgb: Vec::new(), stored_frame: Vec::new() }
    }

    pub fn knows_size(&self) -> bool {
        self.stored.is_some()
    }

    /// Height and width of frames as stored: those given, unless they are known already.
    pub fn size_or(&mut self, height: usize, width: usize) -> (usize, usize) {
        *self.stored.get_or_insert((height, width))
    }

    /// The shape of frames made from pictures like this one.
    pub fn shape(&mut self, picture: &frame::Video, color: Color) -> FrameShape {
        let (height, width) = self.size_or(picture.height() as usize, picture.width() as usize);
        let (height, width) = self.orientation.size(height, width);
        FrameShape::new(height, width, color.channels())
    }

    /// Writes the frame to `out`, which has the length of [`Self::shape`].
    pub fn write(&mut self, picture: &frame::Video, color: Color, out: &mut [u8]) -> Result<()> {
        let shape = self.shape(picture, color);
        if out.len() != shape.len() {
            return Err(Error::new(
                ErrorKind::Internal,
                format!("a frame of {shape:?} does not fit {} bytes", out.len()),
            ));
        }
        if self.orientation.is_upright() {
            return self.write_stored(picture, color, out);
        }
        let mut stored = std::mem::take(&mut self.stored_frame);
        stored.resize(out.len(), 0);
        let result = self.write_stored(picture, color, &mut stored);
        let (height, width) = self.stored.unwrap_or_default();
        self.orientation.apply(&stored, FrameShape::new(height, width, color.channels()), out);
        self.stored_frame = stored;
        result
    }

    fn write_stored(&mut self, picture: &frame::Video, color: Color, out: &mut [u8]) -> Result<()> {
        let (height, width) = self.stored.unwrap_or_default();
        if color == Color::Luma {
            return write_luma(picture, height, width, out);
        }
        let kind = kind(picture);
        if self.scaler.as_ref().is_none_or(|(known, _)| *known != kind) {
            self.scaler = Some((kind, Scaler::new(kind, height, width)?));
        }
        let Some((_, scaler)) = &mut self.scaler else { return Ok(()) };
        let line = width * 3;
        if color == Color::Rgb && is_whole_blocks(width) {
            return scaler.convert(picture, 0, kind.height as usize, out, line);
        }
        if color == Color::Gray && scaler.converts_bands && is_whole_blocks(width) && is_neutral(picture) {
            for (luma, out) in picture.data(0).chunks(picture.stride(0)).zip(out.chunks_exact_mut(width)) {
                scaler.gray_of_luma.write(luma, out);
            }
            return Ok(());
        }
        let stride = padded(line);
        let band = if scaler.converts_bands { BAND } else { height };
        self.rgb.resize(band * stride, 0);
        for top in (0..height).step_by(band) {
            let rows = band.min(height - top);
            let source_rows = if scaler.converts_bands { rows } else { kind.height as usize };
            scaler.convert(picture, top, source_rows, &mut self.rgb, stride)?;
            let out = &mut out[top * width * color.channels()..(top + rows) * width * color.channels()];
            for (rgb, out) in self.rgb.chunks_exact(stride).zip(out.chunks_exact_mut(width * color.channels())) {
                match color {
                    Color::Rgb => out.copy_from_slice(&rgb[..line]),
                    Color::Gray | Color::Luma => gray_of_rgb(&rgb[..line], out),
                }
            }
        }
        Ok(())
    }
}

/// swscale works on blocks of pixels: it leaves out the last ones, or writes past them, where a line has
/// no room for whole blocks.
fn is_whole_blocks(width: usize) -> bool {
    width.is_multiple_of(16)
}

fn padded(line: usize) -> usize {
    line.next_multiple_of(64) + 64
}

/// Whether a picture of 8-bit planes has no colour at all, as those of grey scenes.
fn is_neutral(picture: &frame::Video) -> bool {
    // SAFETY: the descriptor of a decoded picture's format is never null.
    let descriptor = unsafe { &*ffi::av_pix_fmt_desc_get(picture.format().into()) };
    let round_up = |length: u32, shift: u8| ((length + (1 << shift) - 1) >> shift) as usize;
    let (columns, rows) =
        (round_up(picture.width(), descriptor.log2_chroma_w), round_up(picture.height(), descriptor.log2_chroma_h));
    [1, 2].iter().all(|&plane| {
        let lines = picture.data(plane).chunks(picture.stride(plane)).take(rows);
        // No early exit within a line: the whole line is compared at once.
        lines.map(|line| &line[..columns]).all(|line| line.iter().fold(0, |any, &byte| any | (byte ^ 128)) == 0)
    })
}

/// OpenCV 5's 15-bit weights.
pub fn gray_of_rgb(rgb: &[u8], gray: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    {
        // The same loop with instructions that take bytes apart in threes: 2.6 times as fast.
        #[target_feature(enable = "avx2")]
        fn with_avx2(rgb: &[u8], gray: &mut [u8]) {
            gray_of_rgb_plain(rgb, gray);
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { with_avx2(rgb, gray) };
        }
    }
    gray_of_rgb_plain(rgb, gray);
}

#[inline(always)]
fn gray_of_rgb_plain(rgb: &[u8], gray: &mut [u8]) {
    for (pixel, gray) in rgb.chunks_exact(3).zip(gray) {
        let sum = 9798 * u32::from(pixel[0]) + 19235 * u32::from(pixel[1]) + 3735 * u32::from(pixel[2]);
        *gray = ((sum + (1 << 14)) >> 15) as u8;
    }
}

fn kind(picture: &frame::Video) -> Kind {
    // SAFETY: a decoded picture's pointer is valid.
    let raw = unsafe { &*picture.as_ptr() };
    let format = picture.format().into();
    // SAFETY: the descriptor of a decoded picture's format is never null.
    let is_gray = unsafe { (*ffi::av_pix_fmt_desc_get(format)).nb_components <= 2 };
    let is_full_range = match raw.color_range {
        ffi::AVColorRange::AVCOL_RANGE_JPEG => true,
        ffi::AVColorRange::AVCOL_RANGE_MPEG => false,
        // What is not tagged is limited, but grey and the formats that say so in their name.
        _ => is_gray || is_full_range_format(format),
    };
    Kind { format, width: raw.width, height: raw.height, colorspace: raw.colorspace, is_full_range }
}

fn is_full_range_format(format: AVPixelFormat) -> bool {
    matches!(
        format,
        AVPixelFormat::AV_PIX_FMT_YUVJ420P
            | AVPixelFormat::AV_PIX_FMT_YUVJ422P
            | AVPixelFormat::AV_PIX_FMT_YUVJ444P
            | AVPixelFormat::AV_PIX_FMT_YUVJ440P
            | AVPixelFormat::AV_PIX_FMT_YUVJ411P
    )
}

/// An swscale context to RGB24.
struct Scaler {
    context: *mut ffi::SwsContext,
    /// Rows can be converted in bands with the same bytes: 4:2:0 and 4:2:2 of 8 bits, same size.
    converts_bands: bool,
    /// Grey of each luma where there is no colour, as the conversion itself gives it; used with bands only.
    gray_of_luma: GrayOfLuma,
}

// SAFETY: an swscale context is used by one thread at a time, and moves freely.
unsafe impl Send for Scaler {}

impl Scaler {
    fn new(kind: Kind, height: usize, width: usize) -> Result<Self> {
        let mut scaler = Self::plain(kind, height, width)?;
        if scaler.converts_bands {
            scaler.gray_of_luma = GrayOfLuma::of(kind)?;
        }
        Ok(scaler)
    }

    fn plain(kind: Kind, height: usize, width: usize) -> Result<Self> {
        // SAFETY: sizes are those of decoded pictures (positive); a null result is handled; the coefficient
        // tables are static.
        unsafe {
            let context = ffi::sws_getContext(
                kind.width,
                kind.height,
                kind.format,
                width as i32,
                height as i32,
                AVPixelFormat::AV_PIX_FMT_RGB24,
                ffi::SWS_BILINEAR,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            if context.is_null() {
                let message = format!(
                    "frames of pixel format {:?} and {}x{} cannot be converted",
                    kind.format, kind.width, kind.height
                );
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            let source = ffi::sws_getCoefficients(kind.colorspace as i32);
            let target = ffi::sws_getCoefficients(ffi::SWS_CS_DEFAULT);
            // Fails for formats without a matrix (RGB, grey), which need none.
            ffi::sws_setColorspaceDetails(
                context,
                source,
                i32::from(kind.is_full_range),
                target,
                0,
                0,
                1 << 16,
                1 << 16,
            );
            let same_size = kind.width as usize == width && kind.height as usize == height;
            // Odd heights go through swscale's general scaler, which holds rows back.
            Ok(Self {
                context,
                converts_bands: same_size && height.is_multiple_of(2) && is_banded(kind.format),
                gray_of_luma: GrayOfLuma::Full,
            })
        }
    }

    /// Converts rows `top..top + rows` of the picture to the start of `out`.
    fn convert(
        &mut self,
        picture: &frame::Video,
        top: usize,
        rows: usize,
        out: &mut [u8],
        stride: usize,
    ) -> Result<()> {
        // SAFETY: plane pointers and strides are the picture's own, moved down by whole (subsampled) rows inside
        // it; swscale writes rows * stride bytes of `out`, for bands from its row `top` (hence the offset).
        unsafe {
            let raw = &*picture.as_ptr();
            let descriptor = &*ffi::av_pix_fmt_desc_get(picture.format().into());
            let mut planes: [*const u8; 4] = std::array::from_fn(|i| raw.data[i].cast_const());
            if top > 0 {
                for (i, plane) in planes.iter_mut().enumerate().take(3) {
                    let row = if i == 0 { top } else { top >> descriptor.log2_chroma_h };
                    *plane = plane.offset(row as isize * raw.linesize[i] as isize);
                }
            }
            let start = out.as_mut_ptr().wrapping_sub(top * stride);
            let targets = [start, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()];
            let strides = [stride as i32, 0, 0, 0];
            let done = ffi::sws_scale(
                self.context,
                planes.as_ptr(),
                raw.linesize.as_ptr(),
                top as i32,
                rows as i32,
                targets.as_ptr(),
                strides.as_ptr(),
            );
            if done < 0 {
                return Err(Error::new(ErrorKind::Decode, "a frame's colours could not be converted"));
            }
        }
        Ok(())
    }
}

impl Drop for Scaler {
    fn drop(&mut self) {
        // SAFETY: made by sws_getContext, freed once.
        unsafe { ffi::sws_freeContext(self.context) }
    }
}

/// Grey of each luma where there is no colour.
enum GrayOfLuma {
    /// As swscale's vector code makes it of a limited and of a full range: 8 pixels in one multiplication.
    Limited,
    Full,
    /// As its other code does.
    Table(Box<[u8; 256]>),
}

impl GrayOfLuma {
    fn of(kind: Kind) -> Result<Self> {
        let table = gray_table(kind)?;
        let lumas: [u8; 256] = std::array::from_fn(|i| i as u8);
        for known in [Self::Limited, Self::Full] {
            let mut gray = [0; 256];
            known.write(&lumas, &mut gray);
            if gray == table {
                return Ok(known);
            }
        }
        Ok(Self::Table(Box::new(table)))
    }

    fn write(&self, luma: &[u8], gray: &mut [u8]) {
        match self {
            // 2^13 times 255 / 219, and luma 16 is black.
            Self::Limited => write_line::<{ 8 * 16 }, 9539>(luma, gray),
            Self::Full => write_line::<0, 8192>(luma, gray),
            Self::Table(table) => {
                for (luma, gray) in luma.iter().zip(gray) {
                    *gray = table[usize::from(*luma)];
                }
            }
        }
    }
}

/// `(8 luma - OFFSET) * SLOPE / 2^16`; constants, so that the compiler sees a product of 16-bit numbers.
fn write_line<const OFFSET: i16, const SLOPE: i16>(luma: &[u8], gray: &mut [u8]) {
    for (luma, gray) in luma.iter().zip(gray) {
        let product = i32::from(i16::from(*luma) * 8 - OFFSET) * i32::from(SLOPE);
        *gray = ((product >> 16) as i16).clamp(0, 255) as u8;
    }
}

/// Converts a picture of all 256 lumas without colour.
fn gray_table(kind: Kind) -> Result<[u8; 256]> {
    const SIDE: usize = 16;
    let mut picture = frame::Video::new(kind.format.into(), SIDE as u32, SIDE as u32);
    for plane in 1..3 {
        picture.data_mut(plane).fill(128);
    }
    let stride = picture.stride(0);
    for (row, line) in picture.data_mut(0).chunks_mut(stride).enumerate().take(SIDE) {
        for (column, luma) in line.iter_mut().enumerate().take(SIDE) {
            *luma = (row * SIDE + column) as u8;
        }
    }
    let small = Kind { width: SIDE as i32, height: SIDE as i32, ..kind };
    let (mut rgb, mut gray) = ([0; SIDE * SIDE * 3], [0; 256]);
    Scaler::plain(small, SIDE, SIDE)?.convert(&picture, 0, SIDE, &mut rgb, SIDE * 3)?;
    gray_of_rgb(&rgb, &mut gray);
    Ok(gray)
}

fn is_banded(format: AVPixelFormat) -> bool {
    matches!(
        format,
        AVPixelFormat::AV_PIX_FMT_YUV420P
            | AVPixelFormat::AV_PIX_FMT_YUVJ420P
            | AVPixelFormat::AV_PIX_FMT_YUV422P
            | AVPixelFormat::AV_PIX_FMT_YUVJ422P
    )
}

/// The luma samples as they are; deeper ones lose their low bits.
fn write_luma(picture: &frame::Video, height: usize, width: usize, out: &mut [u8]) -> Result<()> {
    // SAFETY: the descriptor of a decoded picture's format is never null.
    let descriptor = unsafe { &*ffi::av_pix_fmt_desc_get(picture.format().into()) };
    let has_flag = |flag: i32| descriptor.flags & flag as u64 != 0;
    let has_luma = ![
        ffi::AV_PIX_FMT_FLAG_RGB,
        ffi::AV_PIX_FMT_FLAG_PAL,
        ffi::AV_PIX_FMT_FLAG_BITSTREAM,
        ffi::AV_PIX_FMT_FLAG_FLOAT,
    ]
    .into_iter()
    .any(has_flag);
    let luma = descriptor.comp[0];
    if !has_luma || luma.plane != 0 || !(8..=16).contains(&luma.depth) {
        let message = format!("`gray=\"y\"` needs a luma plane, and {:?} has none; use `gray=True`", picture.format());
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if picture.height() as usize != height || picture.width() as usize != width {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the picture's size changes in mid-stream, which `gray=\"y\"` does not follow",
        ));
    }
    let (step, offset, shift) = (luma.step as usize, luma.offset as usize, luma.depth + luma.shift - 8);
    // The byte that holds the highest bits comes last, unless the format is big-endian.
    let is_big = has_flag(ffi::AV_PIX_FMT_FLAG_BE);
    for (y, out) in out.chunks_exact_mut(width).enumerate() {
        let row = row(picture, y, width * step);
        match (luma.depth, step) {
            (8, 1) => out.copy_from_slice(row),
            (8, _) => out.iter_mut().zip(row.chunks_exact(step)).for_each(|(out, sample)| *out = sample[offset]),
            _ => {
                for (sample, out) in row.chunks_exact(step).zip(out) {
                    let bytes = [sample[offset], sample[offset + 1]];
                    let value = if is_big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
                    *out = (value >> shift) as u8;
                }
            }
        }
    }
    Ok(())
}

/// `length` bytes of row `y` of the first plane, whose rows may run upwards in memory.
fn row(picture: &frame::Video, y: usize, length: usize) -> &[u8] {
    // SAFETY: a decoded picture has all its rows, each of at least `length` bytes: its width in whole samples.
    unsafe {
        let raw = &*picture.as_ptr();
        std::slice::from_raw_parts(raw.data[0].offset(y as isize * raw.linesize[0] as isize), length)
    }
}
