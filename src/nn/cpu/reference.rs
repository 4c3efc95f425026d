//! For tests: maps of random numbers, and the planar reading of blocked maps.

use super::{LANES, MapShape};
use crate::parallel;

/// A small generator of floats around zero.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub(crate) fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

/// Index of a value in the blocked layout.
pub(crate) fn index(shape: &MapShape, item: usize, channel: usize, position: usize) -> usize {
    ((item * shape.blocks() + channel / LANES) * shape.positions() + position) * LANES + channel % LANES
}

/// A blocked map of planar values, lanes past the last channel zero.
pub(crate) fn to_blocked(planar: &[f32], shape: &MapShape) -> Vec<f32> {
    let mut map = vec![0.0; shape.len()];
    for (i, &value) in planar.iter().enumerate() {
        let (plane, position) = (i / shape.positions(), i % shape.positions());
        map[index(shape, plane / shape.channels, plane % shape.channels, position)] = value;
    }
    map
}

/// The planar values of a blocked map; lanes past the last channel must be zero.
pub(crate) fn to_planar(map: &[f32], shape: &MapShape) -> Vec<f32> {
    let planar: Vec<f32> = (0..shape.planar_len())
        .map(|i| {
            let (plane, position) = (i / shape.positions(), i % shape.positions());
            map[index(shape, plane / shape.channels, plane % shape.channels, position)]
        })
        .collect();
    assert!(to_blocked(&planar, shape) == map || map.iter().any(|value| value.is_nan()), "padding lanes are not zero");
    planar
}

/// A blocked map of random numbers.
pub(crate) fn map(random: &mut Random, shape: &MapShape) -> Vec<f32> {
    to_blocked(&random.values(shape.planar_len()), shape)
}

/// Whether values lie within `tolerance` of float64 ones, relative to the largest.
#[track_caller]
pub(crate) fn assert_close(got: &[f32], wanted: &[f64], tolerance: f64) {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    for (i, (&got, &wanted)) in got.iter().zip(wanted).enumerate() {
        let error = (f64::from(got) - wanted).abs();
        assert!(error <= tolerance * largest, "value {i}: {got} for {wanted}");
    }
}

/// `work()` on one thread and on several must give the same bytes.
#[track_caller]
pub(crate) fn assert_same_on_any_threads<R: PartialEq>(work: impl Fn() -> R) {
    parallel::set_threads(1);
    let one = work();
    for threads in [2, 3] {
        parallel::set_threads(threads);
        assert!(work() == one, "{threads} threads differ from one");
    }
    parallel::set_threads(0);
}
