//! Keras's `RandomContrast`, its factor given.
//!
//! Source: Keras 3 `layers/preprocessing/image_preprocessing/random_contrast.py`: per channel of a frame,
//! clip((x - m) f + m, 0, 255) with m the mean of the channel, in float32. The mean is summed in float64
//! (exactly, for bytes) and rounded once; Keras averages columns, then rows, in float32.

/// Calls `emit(y, row)` for every row, `width` values each, of `source` with its contrast scaled.
pub fn contrast<T: Copy + Into<f32>>(
    source: &[T],
    factor: f32,
    [width, channels]: [usize; 2],
    row: &mut Vec<f32>,
    emit: &mut dyn FnMut(usize, &[f32]),
) {
    let mut means = [0.0f64; 3];
    for pixel in source.chunks_exact(channels) {
        for (mean, &value) in means.iter_mut().zip(pixel) {
            *mean += f64::from(value.into());
        }
    }
    let means = means.map(|sum| (sum / (source.len() / channels) as f64) as f32);
    row.resize(width * channels, 0.0);
    for (y, line) in source.chunks_exact(width * channels).enumerate() {
        for (out, pixel) in row.chunks_exact_mut(channels).zip(line.chunks_exact(channels)) {
            for ((out, &value), mean) in out.iter_mut().zip(pixel).zip(means) {
                *out = ((value.into() - mean) * factor + mean).clamp(0.0, 255.0);
            }
        }
        emit(y, row);
    }
}
