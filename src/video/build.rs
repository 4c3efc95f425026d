//! The FFmpeg inside: its version, how it was built, what it decodes and encodes.

use std::ffi::{CStr, c_char};
use std::ptr;

use video_rs::ffmpeg::ffi;

/// FFmpeg's version, such as "5.1.9".
pub fn version() -> String {
    // SAFETY: a static string.
    unsafe { text(ffi::av_version_info()) }
}

/// The options that FFmpeg was configured with, as one line.
pub fn configuration() -> String {
    // SAFETY: a static string.
    unsafe { text(ffi::avcodec_configuration()) }
}

/// The licence that the configuration leads to.
pub fn license() -> String {
    // SAFETY: a static string.
    unsafe { text(ffi::avcodec_license()) }
}

/// Names of the decoders and of the encoders of video, in alphabetical order.
pub fn codecs() -> (Vec<String>, Vec<String>) {
    let (mut decoders, mut encoders) = (Vec::new(), Vec::new());
    let mut position = ptr::null_mut();
    // SAFETY: the iteration ends with null; descriptions of codecs and their names are static.
    unsafe {
        loop {
            let codec = ffi::av_codec_iterate(&mut position);
            if codec.is_null() {
                break;
            }
            if (*codec).type_ == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO {
                let names = if ffi::av_codec_is_decoder(codec) != 0 { &mut decoders } else { &mut encoders };
                names.push(text((*codec).name));
            }
        }
    }
    decoders.sort();
    encoders.sort();
    (decoders, encoders)
}

/// # Safety
/// `string` ends with NUL and lives through the call.
unsafe fn text(string: *const c_char) -> String {
    // SAFETY: see above.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
