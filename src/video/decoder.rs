//! The codec: packets in, pictures out, in presentation order.

use std::ptr;

use video_rs::ffmpeg::{Packet, ffi, frame};

use super::demux::Demuxer;
use super::log;
use crate::error::{Error, ErrorKind, Result};

/// How much of a packet's picture is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// The picture itself.
    Whole,
    /// Only what other pictures need of it: a picture that serves no other is left out.
    ForOthers,
    /// Only that it exists.
    Count,
}

/// How a packet was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    Sound,
    /// With a complaint in FFmpeg's log.
    Complaint,
    /// Its picture was concealed, or could not be decoded.
    Damaged,
}

/// What the codec has to say.
pub enum Output {
    Picture,
    /// It wants more packets.
    Hungry,
    /// It has been drained.
    End,
}

pub struct Decoder {
    context: *mut ffi::AVCodecContext,
    skips_unneeded: bool,
}

// SAFETY: a codec context is used by one thread at a time, and moves freely.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder for the demuxer's stream, of one thread: harkit works on many videos at once instead.
    /// `reorder_depth` is what the packets' times prove, where they do; `is_single_layer` whether pictures
    /// marked as non-reference may be left out.
    pub fn open(demuxer: &Demuxer, reorder_depth: Option<usize>, is_single_layer: bool) -> Result<Self> {
        // SAFETY: stream and parameters live as long as the demuxer; the context is freed by Drop on every
        // path once `Self` holds it.
        unsafe {
            let parameters = (*demuxer.stream()).codecpar;
            let codec = ffi::avcodec_find_decoder((*parameters).codec_id);
            if codec.is_null() {
                let message =
                    format!("its codec, {}, has no decoder in this build", codec_name((*parameters).codec_id));
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            let context = ffi::avcodec_alloc_context3(codec);
            if context.is_null() {
                return Err(Error::new(ErrorKind::Internal, "out of memory"));
            }
            let decoder = Self { context, skips_unneeded: is_single_layer && marks_unneeded((*parameters).codec_id) };
            ffi::avcodec_parameters_to_context(context, parameters);
            (*context).thread_count = 1;
            (*context).pkt_timebase = (*demuxer.stream()).time_base;
            if let Some(depth) = reorder_depth {
                (*context).has_b_frames = (*context).has_b_frames.max(depth as i32);
            }
            if ffi::avcodec_open2(context, codec, ptr::null_mut()) < 0 {
                let message = format!("its {} stream cannot be decoded", codec_name((*parameters).codec_id));
                return Err(Error::new(ErrorKind::Decode, message));
            }
            Ok(decoder)
        }
    }

    /// Gives a packet. Damaged data is not an error here: the codec conceals or leaves out the picture, and the
    /// caller sees which pictures come out.
    pub fn send(&mut self, packet: &Packet, effort: Effort) -> Received {
        use ffi::AVDiscard::*;
        use video_rs::ffmpeg::packet::Ref;
        let concealed = log::concealed();
        log::take_error();
        let leave_out = effort == Effort::ForOthers && self.skips_unneeded;
        // SAFETY: the context is open; the packet is valid and is referenced, not kept.
        let status = unsafe {
            (*self.context).skip_frame = if leave_out { AVDISCARD_NONREF } else { AVDISCARD_DEFAULT };
            // Counting needs no pixels, so the two costliest steps after parsing are left out.
            let pixels = if effort == Effort::Count { AVDISCARD_ALL } else { AVDISCARD_DEFAULT };
            (*self.context).skip_loop_filter = pixels;
            (*self.context).skip_idct = pixels;
            // One thread: the packet is decoded before this returns.
            ffi::avcodec_send_packet(self.context, packet.as_ptr())
        };
        if status < 0 || log::concealed() != concealed {
            Received::Damaged
        } else if log::take_error().is_some() {
            Received::Complaint
        } else {
            Received::Sound
        }
    }

    /// Whether the codec complains when it begins in mid-stream, of pictures that it is told to forget and has
    /// never seen, though all it gives is right.
    pub fn complains_in_mid_stream(&self) -> bool {
        // SAFETY: the context is open.
        unsafe { (*self.context).codec_id == ffi::AVCodecID::AV_CODEC_ID_H264 }
    }

    /// Says that no packet follows; [`Self::receive`] then gives what is held back.
    pub fn send_end(&mut self) {
        // SAFETY: the context is open; a null packet begins the drain.
        unsafe {
            ffi::avcodec_send_packet(self.context, ptr::null());
        }
    }

    /// The next picture.
    pub fn receive(&mut self, picture: &mut frame::Video) -> Output {
        // SAFETY: the context is open and `picture` is a frame that receive_frame unreferences first.
        match unsafe { ffi::avcodec_receive_frame(self.context, picture.as_mut_ptr()) } {
            0 => Output::Picture,
            status if status == ffi::AVERROR_EOF => Output::End,
            // EAGAIN; any other error is a picture that could not be decoded, and the next packet may give one.
            _ => Output::Hungry,
        }
    }

    /// Forgets all pictures, to begin again at a key.
    pub fn flush(&mut self) {
        // SAFETY: the context is open.
        unsafe { ffi::avcodec_flush_buffers(self.context) }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: made by avcodec_alloc_context3, freed once.
        unsafe { ffi::avcodec_free_context(&mut self.context) }
    }
}

/// The time at which a picture is shown, in ticks: its own, or the best guess where the file has none.
pub fn presentation_time(picture: &frame::Video) -> i64 {
    // SAFETY: a received picture is valid.
    unsafe { (*picture.as_ptr()).best_effort_timestamp }
}

/// FFmpeg's name of a codec: "h264", "mpeg4", …
pub fn codec_name(id: ffi::AVCodecID) -> String {
    // SAFETY: avcodec_get_name returns a static string for every id.
    unsafe { std::ffi::CStr::from_ptr(ffi::avcodec_get_name(id)) }.to_string_lossy().into_owned()
}

/// Codecs whose decoder knows from a picture's header that no other picture refers to it, and leaves it out on
/// request without a trace in the others.
fn marks_unneeded(id: ffi::AVCodecID) -> bool {
    use ffi::AVCodecID::*;
    matches!(
        id,
        AV_CODEC_ID_H264 | AV_CODEC_ID_HEVC | AV_CODEC_ID_MPEG4 | AV_CODEC_ID_MPEG2VIDEO | AV_CODEC_ID_MPEG1VIDEO
    )
}
