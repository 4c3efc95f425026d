//! A container opened for its one video stream, and the table of that stream's packets.
//!
//! FFmpeg's `avformat_find_stream_info` decodes the head of every track to learn what a header may
//! already say; for MP4 and Matroska it is left out (10 ms of 53 on a phone's clip with sound). All other
//! streams are discarded, so that their bytes are not even read.

use std::ffi::{CStr, CString};
use std::ptr;

use video_rs::ffmpeg::{self, Packet, ffi};

use super::log;
use super::packets;
use super::source::{Interrupt, Interruptible, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// Bytes that FFmpeg asks of the stream at once.
const BUFFER: usize = 64 * 1024;

/// What is known of a packet without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    pub pts: i64,
    pub dts: i64,
    pub position: i64,
    pub size: i32,
    pub is_key: bool,
    /// Cut away by an edit list: it is decoded for the sake of others but not shown.
    pub is_discarded: bool,
    /// Certainly gives one frame, as far as its bytes tell.
    pub is_sound: bool,
}

/// All packets of the stream in the order of decoding.
pub struct PacketTable {
    pub records: Vec<PacketRecord>,
    /// Why reading ended before the end of the file, where it did; the packets before that are whole.
    pub damage: Option<String>,
    /// No packet belongs to a higher temporal layer, so that non-reference pictures serve no other.
    pub is_single_layer: bool,
}

/// An open container.
pub struct Demuxer {
    input: ffmpeg::format::context::Input,
    stream: usize,
    source: Source,
    interrupt: Interrupt,
    /// A packet that was read to see where a seek had gone.
    ahead: Option<Packet>,
    /// A read has failed: FFmpeg may not recover from that, so the source must be opened anew.
    is_broken: bool,
}

impl Demuxer {
    pub fn open(source: &Source, job: &Job) -> Result<Self> {
        let interrupt = Interrupt::default();
        interrupt.watch(job);
        let (input, stream) = open_input(source, &interrupt)
            .map_err(|error| job.check().err().or_else(|| interrupt.failure()).unwrap_or(error))?;
        Ok(Self { input, stream, source: source.clone(), interrupt, ahead: None, is_broken: false })
    }

    /// From now on reads stop when `job` is cancelled.
    pub fn watch(&self, job: &Job) {
        self.interrupt.watch(job);
    }

    /// FFmpeg's short name of the container: "mov", "matroska", "avi", …
    pub fn format(&self) -> String {
        let names = self.input.format().name().to_string();
        names.split(',').next().unwrap_or_default().to_string()
    }

    pub fn stream(&self) -> *mut ffi::AVStream {
        // SAFETY: the index was found among the streams of this context, which lives as long as self.
        unsafe { *(*self.input.as_ptr()).streams.add(self.stream) }
    }

    /// Seconds of one tick of pts and dts.
    pub fn time_base(&self) -> f64 {
        // SAFETY: `stream` is valid while self lives.
        let base = unsafe { (*self.stream()).time_base };
        f64::from(base.num) / f64::from(base.den.max(1))
    }

    /// The next packet of the video stream; `None` at the end of the file.
    pub fn read(&mut self, packet: &mut Packet) -> Result<Option<()>> {
        if let Some(ahead) = self.ahead.take() {
            *packet = ahead;
            return Ok(Some(()));
        }
        loop {
            // FFmpeg overwrites the packet without releasing the bytes of the one before.
            *packet = Packet::empty();
            let status = packet.read(&mut self.input);
            // FFmpeg takes a read that failed for the end of the file, or for damage; it is neither.
            if let Some(failure) = self.interrupt.failure() {
                self.is_broken = true;
                return Err(failure);
            }
            match status {
                Ok(()) if packet.stream() == self.stream => return Ok(Some(())),
                Ok(()) => {}
                Err(ffmpeg::Error::Eof) => return Ok(None),
                Err(error) => {
                    self.is_broken = true;
                    return Err(Error::new(ErrorKind::Decode, error.to_string()));
                }
            }
        }
    }

    /// Reads every packet once, keeping what the table needs of each.
    pub fn scan(&mut self, job: &Job) -> Result<PacketTable> {
        // SAFETY: `stream` is valid while self lives; codecpar is set for every stream.
        let mut inspector = unsafe { packets::Inspector::new((*self.stream()).codecpar) };
        let (mut records, mut packet, mut is_cut) = (Vec::new(), Packet::empty(), false);
        let damage = loop {
            job.check()?;
            log::take_error();
            match self.read(&mut packet) {
                Ok(Some(())) => {
                    is_cut = packet.is_corrupt();
                    records.push(record(&packet, &mut inspector));
                }
                Ok(None) => {
                    let said = log::take_error().or_else(|| is_cut.then(|| "it is cut off".to_string()));
                    break said.map(|said| format!("the file ends at packet {}: {said}", records.len()));
                }
                Err(error) => {
                    job.check()?;
                    if error.kind() == ErrorKind::Io {
                        return Err(error);
                    }
                    break Some(format!("reading stopped at packet {}: {}", records.len(), error.message()));
                }
            }
        };
        Ok(PacketTable { records, damage, is_single_layer: inspector.is_single_layer() })
    }

    /// Goes back to the first packet, by opening the source anew: right for every container.
    pub fn rewind(&mut self, job: &Job) -> Result<()> {
        *self = Self::open(&self.source, job)?;
        Ok(())
    }

    /// Moves to the packet `key` of the table, or before it; where, shows in the next packet's bytes. `None`:
    /// the container cannot seek exactly, or went astray.
    pub fn seek(&mut self, records: &[PacketRecord], key: usize) -> Option<usize> {
        let record = records.get(key).filter(|_| is_indexed(&self.format()) && !self.is_broken)?;
        let time = if record.dts == ffi::AV_NOPTS_VALUE { record.pts } else { record.dts };
        self.ahead = None;
        // SAFETY: the context is open; a failed seek leaves it readable.
        let status =
            unsafe { ffi::av_seek_frame(self.input.as_mut_ptr(), self.stream as i32, time, ffi::AVSEEK_FLAG_BACKWARD) };
        if status < 0 {
            return None;
        }
        let mut packet = Packet::empty();
        self.read(&mut packet).ok()??;
        let position = packet.position() as i64;
        let found = records[..=key]
            .iter()
            .rposition(|known| known.position == position && known.size as usize == packet.size())?;
        self.ahead = (position >= 0).then_some(packet);
        self.ahead.is_some().then_some(found)
    }
}

/// The table's line of a packet.
pub fn record(packet: &Packet, inspector: &mut packets::Inspector) -> PacketRecord {
    // SAFETY: a packet that was read is valid; its data, if any, has `size` bytes.
    unsafe {
        use video_rs::ffmpeg::packet::Ref;
        let raw = &*packet.as_ptr();
        let data =
            if raw.data.is_null() { &[] } else { std::slice::from_raw_parts(raw.data, raw.size.max(0) as usize) };
        PacketRecord {
            pts: raw.pts,
            dts: raw.dts,
            position: raw.pos,
            size: raw.size,
            is_key: raw.flags & ffi::AV_PKT_FLAG_KEY != 0,
            is_discarded: raw.flags & ffi::AV_PKT_FLAG_DISCARD != 0,
            is_sound: raw.flags & ffi::AV_PKT_FLAG_CORRUPT == 0
                && !changes_codec(packet)
                && inspector.is_one_frame(data),
        }
    }
}

/// Whether the packet brings a palette or a codec header. A demuxer gives these once, on the way past, so that
/// only decoding from the beginning sees them all.
fn changes_codec(packet: &Packet) -> bool {
    use ffmpeg::packet::side_data::Type;
    packet.side_data().any(|data| matches!(data.kind(), Type::Palette | Type::NewExtraData | Type::ParamChange))
}

/// Containers with an index that marks as keys exactly the packets at which decoding may begin.
fn is_indexed(format: &str) -> bool {
    matches!(format, "mov" | "matroska" | "avi")
}

fn open_input(source: &Source, interrupt: &Interrupt) -> Result<(ffmpeg::format::context::Input, usize)> {
    let stream = Interruptible::open(source, interrupt)?;
    let mut io = ffmpeg::format::context::StreamIo::from_read_seek_with_capacity(stream, BUFFER).map_err(open_error)?;
    let hint = source.hint().and_then(|hint| CString::new(hint).ok());
    // SAFETY: the context is allocated here; avformat_open_input frees it on failure and leaves the custom
    // I/O to us (`io` drops then); on success `Input` owns both and frees them in the right order.
    let input = unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Error::new(ErrorKind::Internal, "out of memory"));
        }
        (*context).pb = io.as_mut_ptr();
        (*context).flags |= ffi::AVFMT_FLAG_CUSTOM_IO;
        let name = hint.as_ref().map_or(ptr::null(), |hint| hint.as_ptr());
        let status = ffi::avformat_open_input(&mut context, name, ptr::null_mut(), ptr::null_mut());
        if status < 0 {
            return Err(open_error(ffmpeg::Error::from(status)));
        }
        ffmpeg::format::context::Input::wrap_with_custom_io(context, io)
    };
    choose_stream(input)
}

/// Finds the video stream, discards the others, and asks for more information only where the header
/// does not say enough.
fn choose_stream(mut input: ffmpeg::format::context::Input) -> Result<(ffmpeg::format::context::Input, usize)> {
    // SAFETY: the context is open and owned by `input`; streams has nb_streams valid entries, each with codecpar.
    unsafe {
        let context = input.as_mut_ptr();
        let name = CStr::from_ptr((*(*context).iformat).name).to_string_lossy().into_owned();
        let header_says_all = is_indexed(name.split(',').next().unwrap_or_default()) && !name.starts_with("avi");
        let mut chosen = find_video(context);
        let known = |index: usize| {
            let parameters = (**(*context).streams.add(index)).codecpar;
            (*parameters).codec_id != ffi::AVCodecID::AV_CODEC_ID_NONE && (*parameters).width > 0
        };
        if !header_says_all || !chosen.is_some_and(known) {
            let status = ffi::avformat_find_stream_info(context, ptr::null_mut());
            if status < 0 {
                return Err(open_error(ffmpeg::Error::from(status)));
            }
            chosen = find_video(context);
        }
        let Some(chosen) = chosen else {
            return Err(Error::new(ErrorKind::Decode, "has no video stream"));
        };
        for index in 0..(*context).nb_streams as usize {
            if index != chosen {
                (**(*context).streams.add(index)).discard = ffi::AVDiscard::AVDISCARD_ALL;
            }
        }
        Ok((input, chosen))
    }
}

/// The first stream of moving pictures; an attached picture (a cover) only where there is nothing else.
///
/// # Safety
/// `context` is an open input.
unsafe fn find_video(context: *const ffi::AVFormatContext) -> Option<usize> {
    // SAFETY: see above; streams has nb_streams valid entries, each with codecpar.
    unsafe {
        let is_video = |index: &usize| {
            let stream = *(*context).streams.add(*index);
            (*(*stream).codecpar).codec_type == ffi::AVMediaType::AVMEDIA_TYPE_VIDEO
        };
        let is_cover = |index: &usize| {
            let stream = *(*context).streams.add(*index);
            (*stream).disposition & ffi::AV_DISPOSITION_ATTACHED_PIC != 0
        };
        let videos = || (0..(*context).nb_streams as usize).filter(is_video);
        videos().find(|index| !is_cover(index)).or_else(|| videos().next())
    }
}

fn open_error(error: ffmpeg::Error) -> Error {
    let message = match error {
        ffmpeg::Error::InvalidData => {
            "is not a video that can be read: no known container, or its header is damaged or cut off".to_string()
        }
        ffmpeg::Error::Eof => "ends before its header is complete".to_string(),
        other => format!("cannot be opened: {other}"),
    };
    Error::new(ErrorKind::Decode, message)
}
