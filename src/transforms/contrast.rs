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
    match channels {
        1 => contrast_channels::<T, 1>(source, factor, width, row, emit),
        _ => contrast_channels::<T, 3>(source, factor, width, row, emit),
    }
}

fn contrast_channels<T: Copy + Into<f32>, const C: usize>(
    source: &[T],
    factor: f32,
    width: usize,
    row: &mut Vec<f32>,
    emit: &mut dyn FnMut(usize, &[f32]),
) {
    let mut sums = [0.0f64; C];
    for pixel in source.chunks_exact(C) {
        for c in 0..C {
            sums[c] += f64::from(pixel[c].into());
        }
    }
    let means = sums.map(|sum| (sum / (source.len() / C) as f64) as f32);
    row.resize(width * C, 0.0);
    for (y, line) in source.chunks_exact(width * C).enumerate() {
        for (out, pixel) in row.chunks_exact_mut(C).zip(line.chunks_exact(C)) {
            for c in 0..C {
                out[c] = ((pixel[c].into() - means[c]) * factor + means[c]).clamp(0.0, 255.0);
            }
        }
        emit(y, row);
    }
}
