//! A video file, open: its facts, its timeline, and frames by number.

use video_rs::ffmpeg::{ffi, frame};

use super::FrameSink;
use super::convert::{Color, Converter};
use super::decoder::codec_name;
use super::demux::Demuxer;
use super::info::{Counted, DEFAULT_RATE, VideoInfo, ascends, seconds, usual_step};
use super::orientation::Orientation;
use super::session::{After, Numbering, Session};
use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

pub struct VideoFile {
    session: Session,
    converter: Converter,
    orientation: Orientation,
    timestamps: Vec<f64>,
    /// What the first picture says, once it has been decoded for that.
    first: Option<FirstPicture>,
}

impl VideoFile {
    pub fn open(source: &Source, job: &Job) -> Result<Self> {
        let session = Session::open(Demuxer::open(source, job)?, job)?;
        let orientation = orientation(session.demuxer());
        let timestamps = timestamps(&session);
        Ok(Self { session, converter: Converter::new(orientation), orientation, timestamps, first: None })
    }

    pub fn timestamps(&self) -> &[f64] {
        &self.timestamps
    }

    /// Decodes `wanted` (ascending, each once) into the sink. See [`Session::decode`] for `Ok(false)`.
    pub fn decode(
        &mut self,
        wanted: &[usize],
        color: Color,
        after: After,
        job: &Job,
        sink: &mut dyn FrameSink,
    ) -> Result<bool> {
        let converter = &mut self.converter;
        let declared = declared_size(self.session.demuxer());
        let mut is_other_size = false;
        let complete = self.session.decode(wanted, after, job, &mut |frame, picture| {
            // All frames get the size of the first. The header knows it, unless the size changes in mid-stream.
            is_other_size = frame > 0 && !converter.knows_size() && size(picture) != declared;
            if is_other_size {
                return Err(Error::new(ErrorKind::Internal, "the first frame's size must be found out"));
            }
            let shape = converter.shape(picture, color);
            converter.write(picture, color, sink.place(frame, shape)?)?;
            sink.finish(frame)
        });
        if is_other_size {
            let first = self.first_picture(job)?;
            self.converter.size_or(first.height, first.width);
            return self.decode(wanted, color, after, job, sink);
        }
        if matches!(complete, Ok(false)) {
            self.timestamps = timestamps(&self.session);
            self.first = None;
        }
        complete
    }

    /// Whether the file has a time for every frame, and they ascend.
    pub fn has_times(&self) -> bool {
        ascends(self.session.numbering().times())
    }

    /// Decodes everything; the frames that the decoder marks as damaged or concealed, ascending.
    pub fn damaged(&mut self, job: &Job) -> Result<Vec<usize>> {
        let mut found = Vec::new();
        loop {
            let everything: Vec<usize> = (0..self.timestamps.len()).collect();
            let complete = self.session.decode(&everything, After::Stop, job, &mut |frame, picture| {
                // SAFETY: a decoded picture is valid.
                let raw = unsafe { &*picture.as_ptr() };
                if raw.decode_error_flags != 0 || raw.flags & ffi::AV_FRAME_FLAG_CORRUPT != 0 {
                    found.push(frame);
                }
                Ok(())
            });
            if complete? {
                found.sort_unstable();
                return Ok(found);
            }
            // The frames have been counted anew, and have new numbers.
            found.clear();
            self.timestamps = timestamps(&self.session);
            self.first = None;
        }
    }

    /// Seconds from the first frame to the end of the last, which is taken to last as long as most do.
    pub fn duration(&self) -> f64 {
        let step = usual_step(&self.timestamps).or_else(|| rate(self.session.demuxer()).map(|rate| 1.0 / rate));
        self.timestamps.last().copied().unwrap_or_default() + step.unwrap_or(1.0 / DEFAULT_RATE)
    }

    /// The facts. The first frame knows its own format best, so it is decoded the first time.
    pub fn info(&mut self, job: &Job) -> Result<VideoInfo> {
        let first = match self.first.take() {
            Some(first) => first,
            None => self.first_picture(job)?,
        };
        let size = self.converter.size_or(first.height, first.width);
        let info = self.describe(&first, size);
        self.first = Some(first);
        Ok(info)
    }

    fn first_picture(&mut self, job: &Job) -> Result<FirstPicture> {
        let mut first = None;
        while !self.session.decode(&[0], After::GoOn, job, &mut |_, picture| {
            let (height, width) = size(picture);
            // SAFETY: a decoded picture is valid.
            let raw = unsafe { &*picture.as_ptr() };
            first = Some(FirstPicture {
                height,
                width,
                pixel_format: format_name(picture.format().into()),
                range: raw.color_range,
                space: raw.colorspace,
                is_interlaced: raw.interlaced_frame != 0,
                aspect: raw.sample_aspect_ratio,
            });
            Ok(())
        })? {
            self.timestamps = timestamps(&self.session);
        }
        first.ok_or_else(|| Error::new(ErrorKind::Internal, "decoding ended without the first frame"))
    }

    fn describe(&self, picture: &FirstPicture, (height, width): (usize, usize)) -> VideoInfo {
        let demuxer = self.session.demuxer();
        // SAFETY: the stream lives as long as the demuxer.
        let (stream, parameters) = unsafe { (&*demuxer.stream(), &*(*demuxer.stream()).codecpar) };
        let (height, width) = self.orientation.size(height, width);
        let (n_frames, duration) = (self.timestamps.len(), self.duration());
        let times = self.session.numbering().times();
        // The container's word counts before the codec's, as for av_guess_sample_aspect_ratio.
        let aspect = [stream.sample_aspect_ratio, picture.aspect, parameters.sample_aspect_ratio]
            .into_iter()
            .find(|aspect| aspect.num > 0 && aspect.den > 0)
            .map_or(1.0, |aspect| f64::from(aspect.num) / f64::from(aspect.den));
        let is_on_its_side = !self.orientation.rotation().is_multiple_of(180);
        VideoInfo {
            width,
            height,
            n_frames,
            counted: match self.session.numbering() {
                Numbering::Packets(_) => Counted::Packets,
                Numbering::Decoding(_) => Counted::Decoding,
            },
            fps: n_frames as f64 / duration,
            duration,
            start: times
                .first()
                .filter(|&&time| time != i64::MIN)
                .map_or(0.0, |&time| time as f64 * demuxer.time_base()),
            codec: codec_name(parameters.codec_id),
            container: demuxer.format(),
            pixel_format: picture.pixel_format.clone(),
            rotation: self.orientation.rotation(),
            color_range: range_name(picture.range),
            color_space: space_name(picture.space),
            pixel_aspect: if is_on_its_side { 1.0 / aspect } else { aspect },
            is_interlaced: picture.is_interlaced,
            header_frames: usize::try_from(stream.nb_frames).ok().filter(|&frames| frames > 0),
            damage: self.session.damage().map(str::to_string),
        }
    }
}

/// What only a decoded picture knows.
struct FirstPicture {
    height: usize,
    width: usize,
    pixel_format: String,
    range: ffi::AVColorRange,
    space: ffi::AVColorSpace,
    is_interlaced: bool,
    aspect: ffi::AVRational,
}

fn size(picture: &frame::Video) -> (usize, usize) {
    (picture.height() as usize, picture.width() as usize)
}

/// Height and width as the container or the codec's header has them.
fn declared_size(demuxer: &Demuxer) -> (usize, usize) {
    // SAFETY: the stream lives as long as the demuxer.
    let parameters = unsafe { &*(*demuxer.stream()).codecpar };
    (parameters.height as usize, parameters.width as usize)
}

fn timestamps(session: &Session) -> Vec<f64> {
    seconds(session.numbering().times(), session.demuxer().time_base(), rate(session.demuxer()))
}

/// The container's own frame rate, where it has one.
fn rate(demuxer: &Demuxer) -> Option<f64> {
    // SAFETY: the stream lives as long as the demuxer.
    let stream = unsafe { &*demuxer.stream() };
    [stream.avg_frame_rate, stream.r_frame_rate]
        .into_iter()
        .find(|rate| rate.num > 0 && rate.den > 0)
        .map(|rate| f64::from(rate.num) / f64::from(rate.den))
}

fn orientation(demuxer: &Demuxer) -> Orientation {
    // SAFETY: the stream lives as long as the demuxer; a display matrix is nine 32-bit integers.
    unsafe {
        let mut size = 0;
        let data = ffi::av_stream_get_side_data(
            demuxer.stream(),
            ffi::AVPacketSideDataType::AV_PKT_DATA_DISPLAYMATRIX,
            &mut size,
        );
        if data.is_null() || size < 36 {
            return Orientation::default();
        }
        Orientation::from_matrix(&std::ptr::read_unaligned(data.cast::<[i32; 9]>()))
    }
}

fn format_name(format: ffi::AVPixelFormat) -> String {
    // SAFETY: the descriptor of a decoded picture's format is never null, and its name static.
    unsafe { std::ffi::CStr::from_ptr((*ffi::av_pix_fmt_desc_get(format)).name) }.to_string_lossy().into_owned()
}

fn range_name(range: ffi::AVColorRange) -> String {
    match range {
        ffi::AVColorRange::AVCOL_RANGE_JPEG => "full",
        ffi::AVColorRange::AVCOL_RANGE_MPEG => "limited",
        _ => "unspecified",
    }
    .to_string()
}

fn space_name(space: ffi::AVColorSpace) -> String {
    // SAFETY: av_color_space_name returns a static string or null.
    let name = unsafe { ffi::av_color_space_name(space) };
    if name.is_null() || space == ffi::AVColorSpace::AVCOL_SPC_UNSPECIFIED {
        return "unspecified".to_string();
    }
    // SAFETY: not null, see above.
    unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned()
}
