//! A folder of frame images (PNG, JPEG, BMP, WebP) as a video: one file a frame, in the order of the
//! numbers in their names (2 before 10).

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use image::{ImageReader, RgbImage};

use super::FrameSink;
use super::convert::{Color, gray_of_rgb};
use super::info::{Counted, DEFAULT_RATE, VideoInfo};
use super::log;
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::Job;

/// File endings that are frames; other files in the folder are passed over.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];

pub struct ImageFolder {
    folder: PathBuf,
    files: Vec<PathBuf>,
    size: Option<(u32, u32)>,
}

impl ImageFolder {
    pub fn open(folder: &Path) -> Result<Self> {
        let entries = std::fs::read_dir(folder).map_err(|error| Error::io(&error, folder))?;
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| Error::io(&error, folder))?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
            if ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) && path.is_file() {
                files.push(path);
            }
        }
        if files.is_empty() {
            let message = format!("is a folder without frame images ({})", ENDINGS.join(", "));
            return Err(Error::new(ErrorKind::Decode, message).path(folder));
        }
        files.sort_by(|a, b| by_number(&a.to_string_lossy(), &b.to_string_lossy()));
        Ok(Self { folder: folder.to_path_buf(), files, size: None })
    }

    pub fn n_frames(&self) -> usize {
        self.files.len()
    }

    /// Decodes `wanted` (ascending) into the sink.
    pub fn decode(&mut self, wanted: &[usize], color: Color, job: &Job, sink: &mut dyn FrameSink) -> Result<()> {
        for &frame in wanted {
            job.check()?;
            let image = self.read(frame).map_err(|error| error.frame(frame))?;
            let shape = FrameShape::new(image.height() as usize, image.width() as usize, color.channels());
            let out = sink.place(frame, shape)?;
            match color {
                Color::Rgb => out.copy_from_slice(image.as_raw()),
                Color::Gray => gray_of_rgb(image.as_raw(), out),
                Color::Luma => {
                    let message = "`gray=\"y\"` needs a luma plane, and images have none; use `gray=True`";
                    return Err(Error::new(ErrorKind::Unsupported, message).path(&self.folder));
                }
            }
            sink.finish(frame)?;
        }
        Ok(())
    }

    fn read(&mut self, frame: usize) -> Result<RgbImage> {
        let path = &self.files[frame];
        let reader = ImageReader::open(path)
            .and_then(ImageReader::with_guessed_format)
            .map_err(|error| Error::io(&error, path))?;
        let image =
            reader.decode().map_err(|error| Error::new(ErrorKind::Decode, error.to_string()).path(path))?.into_rgb8();
        let (width, height) = *self.size.get_or_insert(image.dimensions());
        if image.dimensions() != (width, height) {
            let message =
                format!("is {}x{}, but the frames before it are {width}x{height}", image.width(), image.height());
            return Err(Error::new(ErrorKind::Decode, message).path(path));
        }
        Ok(image)
    }

    /// Reads every image; those that cannot be read, or are of another size, ascending.
    pub fn unreadable(&mut self, job: &Job) -> Result<Vec<usize>> {
        let mut found = Vec::new();
        for frame in 0..self.n_frames() {
            job.check()?;
            if let Err(error) = self.read(frame) {
                log::warn(&error.to_string());
                found.push(frame);
            }
        }
        Ok(found)
    }

    pub fn info(&mut self) -> Result<VideoInfo> {
        let image = self.read(0)?;
        let n_frames = self.n_frames();
        Ok(VideoInfo {
            width: image.width() as usize,
            height: image.height() as usize,
            n_frames,
            counted: Counted::Images,
            fps: DEFAULT_RATE,
            duration: n_frames as f64 / DEFAULT_RATE,
            start: 0.0,
            codec: self.files[0].extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase(),
            container: "folder".to_string(),
            pixel_format: "rgb24".to_string(),
            rotation: 0,
            color_range: "full".to_string(),
            color_space: "unspecified".to_string(),
            pixel_aspect: 1.0,
            is_interlaced: false,
            header_frames: None,
            damage: None,
        })
    }
}

/// Compares names with runs of digits as numbers; equal numbers (01, 1) by their text.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    loop {
        match (x.first(), y.first()) {
            (Some(p), Some(q)) if p.is_ascii_digit() && q.is_ascii_digit() => {
                let (m, n) = (digits(x), digits(y));
                let (p, q) = (trim(&x[..m]), trim(&y[..n]));
                let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q));
                if order != Ordering::Equal {
                    return order;
                }
                (x, y) = (&x[m..], &y[n..]);
            }
            (Some(p), Some(q)) if p == q => (x, y) = (&x[1..], &y[1..]),
            (None, None) => return a.cmp(b),
            (p, q) => return p.cmp(&q),
        }
    }
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn trim(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&byte| byte == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_by_their_numbers() {
        let mut names = ["f_10.png", "f_2.png", "f_1.png", "f_01.png", "e_3.png"];
        names.sort_by(|a, b| by_number(a, b));
        assert_eq!(names, ["e_3.png", "f_01.png", "f_1.png", "f_2.png", "f_10.png"]);
    }
}
