//! Frames to a video file: VP9 to be looked at (browsers and Jupyter play it; libvpx is BSD), FFV1 for
//! exact copies. The file appears under its name only when it is whole.

use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::ptr;

use video_rs::ffmpeg::format::context::{Output, StreamIo};
use video_rs::ffmpeg::{self, Packet, ffi, frame};

use super::log;
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// From this side on pictures are FFV1's version 3, which cuts them in 2x2 slices; FFmpeg's encoder loses those of
/// very small pictures, which version 1 keeps whole.
const SLICED: usize = 16;

/// How frames are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Constant quality, 0 (best) to 63; 8-bit 4:2:0, BT.601, limited range, tagged so.
    Vp9 { quality: u8 },
    /// Every byte, RGB or grey.
    Ffv1,
}

impl Codec {
    fn encoder(self) -> &'static str {
        match self {
            Self::Vp9 { .. } => "libvpx-vp9",
            Self::Ffv1 => "ffv1",
        }
    }

    /// FFmpeg's muxer for a file ending.
    fn muxer(self, ending: &str) -> Option<&'static str> {
        match (self, ending) {
            (Self::Vp9 { .. }, "mp4") => Some("mp4"),
            (Self::Vp9 { .. }, "webm") => Some("webm"),
            (_, "mkv") => Some("matroska"),
            (Self::Ffv1, "avi") => Some("avi"),
            _ => None,
        }
    }

    fn endings(self) -> &'static str {
        match self {
            Self::Vp9 { .. } => ".mp4, .webm, .mkv",
            Self::Ffv1 => ".mkv, .avi",
        }
    }
}

/// A file that grows by frames; dropped before [`Self::finish`], it leaves nothing behind.
pub struct Writer {
    path: PathBuf,
    partial: PathBuf,
    fps: f64,
    codec: Codec,
    muxer: &'static str,
    /// `None` before the first frame, which gives the size.
    stream: Option<Stream>,
}

impl Writer {
    /// Checks what can be known before the first frame; makes no file yet.
    pub fn new(path: &Path, fps: f64, codec: Codec) -> Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let Some(muxer) = codec.muxer(&ending) else {
            let message = format!("ends in {ending:?}; {} goes into {}", codec.encoder(), codec.endings());
            return Err(Error::argument("path", message));
        };
        if !(fps.is_finite() && fps > 0.0 && fps <= 1000.0) {
            return Err(Error::argument("fps", format!("must be above 0 and at most 1000, got {fps}")));
        }
        Ok(Self { path: path.to_path_buf(), partial: partial_name(path), fps, codec, muxer, stream: None })
    }

    /// Appends whole frames of `shape`, which must stay the same.
    pub fn write(&mut self, frames: &[u8], shape: FrameShape, job: &Job) -> Result<()> {
        if shape.is_empty() || frames.is_empty() {
            return Err(Error::argument("clip", "has no frames or no pixels"));
        }
        if self.stream.is_none() {
            let stream = Stream::create(&self.partial, shape, self.fps, self.codec, self.muxer);
            self.stream = Some(stream.map_err(|error| error.path(&self.path))?);
        }
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let known = stream.painter.shape;
        if known != shape {
            let message = format!(
                "has frames of {}x{}x{}, those before them are {}x{}x{}",
                shape.height, shape.width, shape.channels, known.height, known.width, known.channels
            );
            return Err(Error::argument("clip", message));
        }
        for pixels in frames.chunks_exact(shape.len()) {
            job.check()?;
            stream.append(pixels).map_err(|error| error.path(&self.path))?;
            job.advance();
        }
        Ok(())
    }

    /// Closes the file and gives it its name.
    pub fn finish(mut self) -> Result<()> {
        let Some(mut stream) = self.stream.take() else {
            return Err(Error::argument("clip", "has no frames or no pixels"));
        };
        let finished = stream.close();
        drop(stream);
        finished
            .and_then(|()| std::fs::rename(&self.partial, &self.path).map_err(|error| Error::io(&error, &self.path)))
            .map_err(|error| error.path(&self.path))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stream = None;
        // Nothing half done is left behind; a finished file has another name by now, and if there is nothing to
        // remove that is as well.
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// A name in the file's folder, unlike that of any other process or thread, and short: the file's own may be as
/// long as the system allows.
pub(super) fn partial_name(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    path.with_file_name(format!(".harkit-{}-{}.partial", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Encoder and container of one file.
struct Stream {
    output: Output,
    encoder: Encoder,
    painter: Painter,
    frames: usize,
}

impl Stream {
    fn create(path: &Path, shape: FrameShape, fps: f64, codec: Codec, muxer: &str) -> Result<Self> {
        log::initialise();
        // The partial file is nobody's concern: the caller names the file that was asked for.
        let file = File::create(path).map_err(|error| Error::io_unnamed(&error))?;
        let io = StreamIo::from_write_seek(file).map_err(write_error)?;
        let mut output = ffmpeg::format::output_to_stream(io, None, Some(muxer)).map_err(write_error)?;
        // Matroska's identifiers would be random: equal clips must be equal files.
        // SAFETY: the output is open and not yet written to.
        unsafe { (*output.as_mut_ptr()).flags |= ffi::AVFMT_FLAG_BITEXACT };
        let encoder = Encoder::open(&mut output, shape, fps, codec)?;
        output.write_header().map_err(write_error)?;
        Ok(Self { output, encoder, painter: Painter::new(shape, codec)?, frames: 0 })
    }

    fn append(&mut self, pixels: &[u8]) -> Result<()> {
        let picture = self.painter.paint(pixels, self.frames)?;
        self.frames += 1;
        self.encoder.send(Some(picture))?;
        self.encoder.write_ready(&mut self.output)
    }

    fn close(&mut self) -> Result<()> {
        self.encoder.send(None)?;
        self.encoder.write_ready(&mut self.output)?;
        self.output.write_trailer().map_err(write_error)
    }
}

fn write_error(error: ffmpeg::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot be written: {error}"))
}

fn check(status: i32) -> Result<()> {
    if status < 0 { Err(write_error(ffmpeg::Error::from(status))) } else { Ok(()) }
}

fn pixel_format(shape: FrameShape, codec: Codec) -> ffi::AVPixelFormat {
    match codec {
        Codec::Vp9 { .. } => ffi::AVPixelFormat::AV_PIX_FMT_YUV420P,
        Codec::Ffv1 if shape.channels == 1 => ffi::AVPixelFormat::AV_PIX_FMT_GRAY8,
        Codec::Ffv1 => ffi::AVPixelFormat::AV_PIX_FMT_BGR0,
    }
}

struct Encoder {
    context: *mut ffi::AVCodecContext,
    stream: *mut ffi::AVStream,
}

// SAFETY: the context is used by one thread at a time, and the stream's container moves with it.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Makes the encoder and its stream in `output`, which outlives it.
    fn open(output: &mut Output, shape: FrameShape, fps: f64, codec: Codec) -> Result<Self> {
        let name = CString::new(codec.encoder()).map_err(|_| Error::new(ErrorKind::Internal, "a name holds NUL"))?;
        // SAFETY: null results are handled; the context is freed by Drop once `Self` holds it; the stream belongs
        // to `output`.
        unsafe {
            let encoder = ffi::avcodec_find_encoder_by_name(name.as_ptr());
            if encoder.is_null() {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("this build has no {} encoder", codec.encoder()),
                ));
            }
            let context = ffi::avcodec_alloc_context3(encoder);
            let stream = ffi::avformat_new_stream(output.as_mut_ptr(), encoder);
            if context.is_null() || stream.is_null() {
                return Err(Error::new(ErrorKind::Internal, "out of memory"));
            }
            let this = Self { context, stream };
            let rate = ffi::av_d2q(fps, 1_001_000);
            (*context).width = shape.width as i32;
            (*context).height = shape.height as i32;
            (*context).framerate = rate;
            (*context).time_base = ffi::AVRational { num: rate.den, den: rate.num };
            (*context).pix_fmt = pixel_format(shape, codec);
            // One thread: the bytes must not depend on the machine.
            (*context).thread_count = 1;
            if (*(*output.as_ptr()).oformat).flags & ffi::AVFMT_GLOBALHEADER != 0 {
                (*context).flags |= ffi::AV_CODEC_FLAG_GLOBAL_HEADER as i32;
            }
            if let Codec::Vp9 { quality } = codec {
                this.set_up_vp9(quality);
            } else {
                (*context).level = if shape.height.min(shape.width) < SLICED { 1 } else { 3 };
            }
            check(ffi::avcodec_open2(context, encoder, ptr::null_mut()))?;
            check(ffi::avcodec_parameters_from_context((*stream).codecpar, context))?;
            (*stream).time_base = (*context).time_base;
            (*stream).avg_frame_rate = rate;
            Ok(this)
        }
    }

    /// Constant quality at the speed of "good, 4": libvpx's recommendation for files that are not archives.
    ///
    /// # Safety
    /// The context is allocated and not yet open.
    unsafe fn set_up_vp9(&self, quality: u8) {
        let set = |name: &str, value: &str| {
            if let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) {
                // SAFETY: priv_data belongs to the context; an unknown option is refused without effect.
                unsafe { ffi::av_opt_set((*self.context).priv_data, name.as_ptr(), value.as_ptr(), 0) };
            }
        };
        // SAFETY: see above.
        unsafe {
            (*self.context).bit_rate = 0;
            (*self.context).gop_size = 120;
            (*self.context).colorspace = ffi::AVColorSpace::AVCOL_SPC_SMPTE170M;
            (*self.context).color_range = ffi::AVColorRange::AVCOL_RANGE_MPEG;
        }
        set("crf", &quality.to_string());
        set("deadline", "good");
        set("cpu-used", "4");
    }

    fn send(&mut self, picture: Option<&frame::Video>) -> Result<()> {
        // SAFETY: the context is open; the picture is referenced, not kept.
        check(unsafe { ffi::avcodec_send_frame(self.context, picture.map_or(ptr::null(), |picture| picture.as_ptr())) })
    }

    fn write_ready(&mut self, output: &mut Output) -> Result<()> {
        use video_rs::ffmpeg::packet::Mut;
        let mut packet = Packet::empty();
        // SAFETY: context, packet and output are valid; the stream belongs to the output.
        unsafe {
            loop {
                match ffi::avcodec_receive_packet(self.context, packet.as_mut_ptr()) {
                    0 => {}
                    status if status == ffi::AVERROR(ffi::EAGAIN) || status == ffi::AVERROR_EOF => return Ok(()),
                    status => return check(status),
                }
                let raw = packet.as_mut_ptr();
                if (*raw).duration == 0 {
                    (*raw).duration = 1;
                }
                ffi::av_packet_rescale_ts(raw, (*self.context).time_base, (*self.stream).time_base);
                (*raw).stream_index = (*self.stream).index;
                check(ffi::av_interleaved_write_frame(output.as_mut_ptr(), raw))?;
            }
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: made by avcodec_alloc_context3, freed once.
        unsafe { ffi::avcodec_free_context(&mut self.context) }
    }
}

/// Pixels to the encoder's pictures.
struct Painter {
    shape: FrameShape,
    codec: Codec,
    picture: frame::Video,
    scaler: *mut ffi::SwsContext,
}

// SAFETY: a scaler is used by one thread at a time, and moves freely.
unsafe impl Send for Painter {}

impl Painter {
    fn new(shape: FrameShape, codec: Codec) -> Result<Self> {
        let format = pixel_format(shape, codec);
        let picture = frame::Video::new(format.into(), shape.width as u32, shape.height as u32);
        let mut this = Self { shape, codec, picture, scaler: ptr::null_mut() };
        if matches!(codec, Codec::Vp9 { .. }) {
            let source = if shape.channels == 1 {
                ffi::AVPixelFormat::AV_PIX_FMT_GRAY8
            } else {
                ffi::AVPixelFormat::AV_PIX_FMT_RGB24
            };
            let (width, height) = (shape.width as i32, shape.height as i32);
            let flags = ffi::SWS_BILINEAR | ffi::SWS_ACCURATE_RND | ffi::SWS_FULL_CHR_H_INP;
            // SAFETY: sizes are positive; a null result is handled; coefficient tables are static.
            unsafe {
                this.scaler = ffi::sws_getContext(
                    width,
                    height,
                    source,
                    width,
                    height,
                    format,
                    flags,
                    ptr::null_mut(),
                    ptr::null_mut(),
                    ptr::null(),
                );
                if this.scaler.is_null() {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!("frames of {width}x{height} cannot be converted"),
                    ));
                }
                let matrix = ffi::sws_getCoefficients(ffi::SWS_CS_ITU601);
                ffi::sws_setColorspaceDetails(this.scaler, matrix, 1, matrix, 0, 0, 1 << 16, 1 << 16);
            }
        }
        Ok(this)
    }

    /// The picture of frame `i`.
    fn paint(&mut self, pixels: &[u8], i: usize) -> Result<&frame::Video> {
        // The encoder may still hold the picture before; this one then gets its own memory.
        // SAFETY: the picture was allocated by `new`.
        check(unsafe { ffi::av_frame_make_writable(self.picture.as_mut_ptr()) })?;
        match (self.codec, self.shape.channels) {
            (Codec::Vp9 { .. }, _) => self.convert(pixels)?,
            (Codec::Ffv1, 1) => self.copy_rows(pixels, 1, |from, to| to.copy_from_slice(from)),
            (Codec::Ffv1, _) => self.copy_rows(pixels, 4, |from, to| {
                for (rgb, bgr0) in from.chunks_exact(3).zip(to.chunks_exact_mut(4)) {
                    bgr0.copy_from_slice(&[rgb[2], rgb[1], rgb[0], 0]);
                }
            }),
        }
        self.picture.set_pts(Some(i as i64));
        Ok(&self.picture)
    }

    fn convert(&mut self, pixels: &[u8]) -> Result<()> {
        let planes = [pixels.as_ptr(), ptr::null(), ptr::null(), ptr::null()];
        let strides = [(self.shape.width * self.shape.channels) as i32, 0, 0, 0];
        // SAFETY: `pixels` is one whole frame of `shape`; the picture has planes for its own size.
        check(unsafe {
            let raw = &mut *self.picture.as_mut_ptr();
            ffi::sws_scale(
                self.scaler,
                planes.as_ptr(),
                strides.as_ptr(),
                0,
                self.shape.height as i32,
                raw.data.as_ptr().cast(),
                raw.linesize.as_ptr(),
            )
        })
    }

    fn copy_rows(&mut self, pixels: &[u8], bytes: usize, copy: impl Fn(&[u8], &mut [u8])) {
        let (stride, width) = (self.picture.stride(0), self.shape.width);
        let rows = pixels.chunks_exact(width * self.shape.channels);
        for (from, to) in rows.zip(self.picture.data_mut(0).chunks_mut(stride)) {
            copy(from, &mut to[..width * bytes]);
        }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        // SAFETY: null, or made by sws_getContext; freed once.
        unsafe { ffi::sws_freeContext(self.scaler) }
    }
}
