//! What a video says of itself, and what was found out.

use std::collections::BTreeMap;

/// How the number of frames is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Every packet gives one frame, at a time of its own.
    Packets,
    /// The whole file was decoded.
    Decoding,
    /// One file an image.
    Images,
}

impl Counted {
    pub fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Decoding => "decoding",
            Self::Images => "images",
        }
    }
}

/// Facts of a video. Sizes are those of frames as they are given: upright.
#[derive(Clone, Debug, PartialEq)]
pub struct VideoInfo {
    pub width: usize,
    pub height: usize,
    pub n_frames: usize,
    pub counted: Counted,
    /// Frames a second, on average.
    pub fps: f64,
    /// Seconds from the first frame to the end of the last.
    pub duration: f64,
    /// The container's own time of the first frame, in seconds.
    pub start: f64,
    pub codec: String,
    pub container: String,
    pub pixel_format: String,
    /// Degrees, clockwise, by which stored frames are turned.
    pub rotation: u32,
    pub color_range: String,
    pub color_space: String,
    /// Width of a pixel over its height.
    pub pixel_aspect: f64,
    pub is_interlaced: bool,
    /// The number of frames in the container's header, where it has one.
    pub header_frames: Option<usize>,
    /// Why reading ended before the end of the file, or that pictures were found damaged when they were decoded.
    pub damage: Option<String>,
}

/// Seconds of each frame from the first one, and the average rate. Times that are missing or do not
/// ascend are replaced by even steps of `rate`.
pub fn seconds(ticks: &[i64], time_base: f64, rate: Option<f64>) -> Vec<f64> {
    let ascends =
        ticks.windows(2).all(|pair| pair[0] < pair[1]) && ticks.first().is_none_or(|&first| first != i64::MIN);
    if ascends {
        let first = ticks.first().copied().unwrap_or_default();
        return ticks.iter().map(|&tick| (tick - first) as f64 * time_base).collect();
    }
    let step = 1.0 / rate.filter(|rate| *rate > 0.0).unwrap_or(DEFAULT_RATE);
    (0..ticks.len()).map(|i| i as f64 * step).collect()
}

/// Frames a second where nothing says: image folders, and streams without times or a rate.
pub const DEFAULT_RATE: f64 = 25.0;

/// The time from a frame to the next: the commonest step, which one odd gap does not move.
pub fn usual_step(timestamps: &[f64]) -> Option<f64> {
    let mut counts = BTreeMap::new();
    for pair in timestamps.windows(2) {
        // Containers round to milliseconds at worst.
        *counts.entry(((pair[1] - pair[0]) * 1000.0).round() as i64).or_insert(0usize) += 1;
    }
    let (&common, _) = counts.iter().max_by_key(|(_, count)| **count)?;
    let near =
        timestamps.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| (step * 1000.0 - common as f64).abs() <= 1.0);
    let (sum, count) = near.fold((0.0, 0), |(sum, count), step| (sum + step, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_at_the_first_frame() {
        assert_eq!(seconds(&[100, 110, 130], 0.1, None), [0.0, 1.0, 3.0]);
    }

    #[test]
    fn missing_times_become_even_steps() {
        assert_eq!(seconds(&[i64::MIN, i64::MIN], 0.1, Some(10.0)), [0.0, 0.1]);
        assert_eq!(seconds(&[5, 5, 5], 0.1, None), [0.0, 0.04, 0.08]);
    }

    #[test]
    fn one_gap_does_not_move_the_usual_step() {
        let step = usual_step(&[0.0, 0.033, 0.067, 0.1, 1.1, 1.133]).unwrap();
        assert!((step - 0.0333).abs() < 0.001);
        assert_eq!(usual_step(&[0.0]), None);
    }
}
