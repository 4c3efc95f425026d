//! Programs against a plain interpreter in float64, and gradients against its finite differences.

mod graphs;
mod inference;
mod interpreter;
mod training;

use crate::nn::Array;
use interpreter::Values;

fn wide(array: &Array) -> Values {
    Values { shape: array.shape().to_vec(), data: array.data().iter().map(|&value| f64::from(value)).collect() }
}

/// Whether values lie within `tolerance` of float64 ones, relative to the largest.
#[track_caller]
fn assert_close(got: &Array, wanted: &Values, tolerance: f64, what: &str) {
    assert_eq!(got.shape(), wanted.shape, "{what}");
    let largest = wanted.data.iter().fold(1e-3_f64, |most, value| most.max(value.abs()));
    for (i, (&got, &wanted)) in got.data().iter().zip(&wanted.data).enumerate() {
        let error = (f64::from(got) - wanted).abs();
        assert!(error <= tolerance * largest, "{what}: value {i} is {got}, not {wanted}");
    }
}
