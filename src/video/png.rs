//! Frames to a folder of PNG files, which is a video again for `images`. Each file appears under its name only
//! when it is whole.

use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::write::partial_name;
use crate::clip::FrameShape;
use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{Job, map_ordered};

/// The file name of a frame: its number, with zeros before it, so that names sort as numbers do.
pub fn file_name(frame: usize) -> String {
    format!("{frame:06}.png")
}

/// Writes `frames` (whole frames of `shape`, one after another) into a folder, which is made if there is none,
/// each named by its number in `numbers`. Parallel over frames.
pub fn write_frames(folder: &Path, frames: &[u8], shape: FrameShape, numbers: &[usize], job: &Job) -> Result<()> {
    if shape.is_empty() || frames.is_empty() {
        return Err(Error::argument("clip", "has no frames or no pixels"));
    }
    std::fs::create_dir_all(folder).map_err(|error| Error::io(&error, folder))?;
    let frames: Vec<(&[u8], usize)> = frames.chunks_exact(shape.len()).zip(numbers.iter().copied()).collect();
    let written = map_ordered(&frames, job, |_, &(pixels, number)| {
        let path = folder.join(file_name(number));
        write_png(&path, pixels, shape).map_err(|error| error.path(&path))
    })?;
    written.into_iter().collect()
}

fn write_png(path: &Path, pixels: &[u8], shape: FrameShape) -> Result<()> {
    let color = if shape.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut encoded = Vec::new();
    PngEncoder::new(&mut encoded)
        .write_image(pixels, shape.width as u32, shape.height as u32, color)
        .map_err(|error| Error::new(ErrorKind::Io, error.to_string()))?;
    let partial = partial_name(path);
    let written = std::fs::write(&partial, &encoded).and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|error| {
        // If even this fails, the first error says more.
        let _ = std::fs::remove_file(&partial);
        Error::io_unnamed(&error)
    })
}
