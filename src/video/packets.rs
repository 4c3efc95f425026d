//! What a packet's bytes tell without decoding: does it give exactly one frame, and to which temporal
//! layer does it belong?
//!
//! Sources: H.264 (ITU-T H.264, 7.3.1 and Annex B/ISO 14496-15 length prefixes), HEVC (H.265, 7.3.1.2), VP8
//! (RFC 6386, 9.1), VP9 (bitstream specification 0.6, Annex B and 6.2), MPEG-4 part 2 (ISO 14496-2, 6.2.5).

use video_rs::ffmpeg::ffi;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    H264,
    Hevc,
    Vp8,
    Vp9,
    Mpeg4,
    /// One packet, one frame: intra codecs and those whose packets are whole temporal units.
    OneEach,
    Unknown,
}

/// Looks into the packets of one stream.
pub struct Inspector {
    coding: Coding,
    /// Bytes of a unit's length prefix (MP4, Matroska); 0 for start codes.
    prefix: usize,
    is_single_layer: bool,
}

impl Inspector {
    /// # Safety
    /// `parameters` points to the codec parameters of a stream that is open.
    pub unsafe fn new(parameters: *const ffi::AVCodecParameters) -> Self {
        use ffi::AVCodecID::*;
        // SAFETY: see above; extradata has extradata_size bytes.
        let (id, extradata) = unsafe {
            let parameters = &*parameters;
            let size = parameters.extradata_size.max(0) as usize;
            let data = if parameters.extradata.is_null() {
                &[]
            } else {
                std::slice::from_raw_parts(parameters.extradata, size)
            };
            (parameters.codec_id, data)
        };
        let coding = match id {
            AV_CODEC_ID_H264 => Coding::H264,
            AV_CODEC_ID_HEVC => Coding::Hevc,
            AV_CODEC_ID_VP8 => Coding::Vp8,
            AV_CODEC_ID_VP9 => Coding::Vp9,
            AV_CODEC_ID_MPEG4 => Coding::Mpeg4,
            AV_CODEC_ID_AV1 | AV_CODEC_ID_MJPEG | AV_CODEC_ID_FFV1 | AV_CODEC_ID_HUFFYUV | AV_CODEC_ID_FFVHUFF
            | AV_CODEC_ID_PRORES | AV_CODEC_ID_DVVIDEO | AV_CODEC_ID_RAWVIDEO | AV_CODEC_ID_THEORA => Coding::OneEach,
            _ => Coding::Unknown,
        };
        // avcC and hvcC begin with 1 and hold the prefix's length; Annex B begins with zeros.
        let prefix = match (coding, extradata.first()) {
            (Coding::H264, Some(1)) => extradata.get(4).map_or(0, |byte| usize::from(byte & 3) + 1),
            (Coding::Hevc, Some(1)) => extradata.get(21).map_or(0, |byte| usize::from(byte & 3) + 1),
            _ => 0,
        };
        Self { coding, prefix, is_single_layer: true }
    }

    /// Whether pictures marked as non-reference serve no other picture of this stream at all.
    pub fn is_single_layer(&self) -> bool {
        self.is_single_layer
    }

    /// Whether the bytes look like those of exactly one shown frame.
    pub fn is_one_frame(&mut self, data: &[u8]) -> bool {
        match self.coding {
            Coding::H264 => {
                self.prefix > 0
                    && self.is_one_access_unit(data, is_h264_slice, |unit| {
                        unit.get(1).is_some_and(|byte| byte & 0x80 != 0)
                    })
            }
            Coding::Hevc => {
                self.prefix > 0
                    && self.is_one_access_unit(data, is_hevc_slice, |unit| {
                        unit.get(2).is_some_and(|byte| byte & 0x80 != 0)
                    })
            }
            // Bit 4 of the frame tag: show_frame.
            Coding::Vp8 => data.first().is_some_and(|tag| tag & 0x10 != 0),
            Coding::Vp9 => is_vp9_shown(data),
            Coding::Mpeg4 => is_one_vop(data),
            Coding::OneEach => !data.is_empty(),
            Coding::Unknown => false,
        }
    }

    /// Walks the length-prefixed units: they must tile the packet, and exactly one slice must begin a
    /// picture (`first_mb_in_slice` = 0 is the bit 1; `first_slice_segment_in_pic_flag` likewise).
    fn is_one_access_unit(&mut self, data: &[u8], is_slice: fn(u8) -> bool, begins: fn(&[u8]) -> bool) -> bool {
        let (mut rest, mut pictures) = (data, 0);
        while !rest.is_empty() {
            let Some((length, body)) = rest.split_at_checked(self.prefix) else { return false };
            let length = length.iter().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
            let Some((unit, after)) = body.split_at_checked(length) else { return false };
            let Some(&header) = unit.first() else { return false };
            if header & 0x80 != 0 {
                return false; // forbidden_zero_bit
            }
            if is_slice(header) {
                pictures += usize::from(begins(unit));
                if self.coding == Coding::Hevc && unit.get(1).is_none_or(|byte| byte & 7 != 1) {
                    self.is_single_layer = false;
                }
            }
            rest = after;
        }
        pictures == 1
    }
}

fn is_h264_slice(header: u8) -> bool {
    matches!(header & 31, 1 | 2 | 5)
}

fn is_hevc_slice(header: u8) -> bool {
    (header >> 1) & 63 < 32
}

/// The last frame of a superframe is the one shown; a lone frame says so in its header.
fn is_vp9_shown(data: &[u8]) -> bool {
    let Some((&first, &last)) = data.first().zip(data.last()) else { return false };
    let is_superframe = last & 0xE0 == 0xC0;
    if is_superframe {
        return true;
    }
    let profile_bits = (first >> 4) & 3;
    // frame_marker(2) profile(2, +1 reserved bit for profile 3) show_existing_frame(1) frame_type(1) show_frame(1)
    let shift = if profile_bits == 3 { 1 } else { 0 };
    let bit = |n: u32| first >> (7 - n) & 1 == 1;
    bit(4 + shift) || bit(6 + shift)
}

/// Exactly one coded VOP: packed bitstreams hold two or a stand-in that is "not coded".
fn is_one_vop(data: &[u8]) -> bool {
    let mut starts = memchr::memmem::find_iter(data, &[0, 0, 1, 0xB6]);
    let Some(first) = starts.next() else { return false };
    // A stand-in of a packed bitstream is a start code and a header of a few bytes.
    starts.next().is_none() && data.len() - first > 12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspector(coding: Coding, prefix: usize) -> Inspector {
        Inspector { coding, prefix, is_single_layer: true }
    }

    #[test]
    fn h264_units_must_tile_the_packet_and_begin_one_picture() {
        let mut inspector = inspector(Coding::H264, 4);
        assert!(inspector.is_one_frame(&[0, 0, 0, 2, 0x65, 0x88]));
        assert!(inspector.is_one_frame(&[0, 0, 0, 1, 6, 0, 0, 0, 2, 0x41, 0x9A, 0, 0, 0, 2, 0x41, 0x40]));
        assert!(!inspector.is_one_frame(&[0, 0, 0, 9, 0x65, 0x88]), "cut off");
        assert!(!inspector.is_one_frame(&[0, 0, 0, 2, 0x65, 0x88, 0, 0, 0, 2, 0x65, 0x88]), "two pictures");
        assert!(!inspector.is_one_frame(&[0, 0, 0, 2, 0xE5, 0x88]), "forbidden bit");
        assert!(!inspector.is_one_frame(&[]));
    }

    #[test]
    fn a_higher_temporal_layer_is_noticed() {
        let mut inspector = inspector(Coding::Hevc, 4);
        assert!(inspector.is_one_frame(&[0, 0, 0, 3, 2, 1, 0x80]));
        assert!(inspector.is_single_layer());
        assert!(inspector.is_one_frame(&[0, 0, 0, 3, 2, 2, 0x80]));
        assert!(!inspector.is_single_layer());
    }

    #[test]
    fn hidden_vp8_and_vp9_frames_are_not_counted() {
        assert!(inspector(Coding::Vp8, 0).is_one_frame(&[0x10, 0, 0]));
        assert!(!inspector(Coding::Vp8, 0).is_one_frame(&[0x00, 0, 0]));
        assert!(inspector(Coding::Vp9, 0).is_one_frame(&[0b1000_0010, 0x49]), "key frame, shown");
        assert!(!inspector(Coding::Vp9, 0).is_one_frame(&[0b1000_0100, 0x49]), "hidden");
        assert!(inspector(Coding::Vp9, 0).is_one_frame(&[0b1000_1000]), "shows an existing frame");
    }

    #[test]
    fn packed_mpeg4_packets_are_not_one_frame() {
        let vop = [0, 0, 1, 0xB6, 0x50, 1, 2, 3, 4, 5, 6, 7, 8];
        assert!(inspector(Coding::Mpeg4, 0).is_one_frame(&vop));
        assert!(!inspector(Coding::Mpeg4, 0).is_one_frame(&[vop, vop].concat()));
        assert!(!inspector(Coding::Mpeg4, 0).is_one_frame(&vop[..7]), "a stand-in");
    }
}
