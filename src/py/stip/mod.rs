//! `harkit.stip`: arrays in, arrays out, option objects to settings.

use numpy::{PyReadonlyArray3, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::runtime::{OrRaise, to_python};
use crate::error::{Error, ErrorKind};
use crate::stip::{Frames, Point, Values};

pub mod description;
pub mod detection;
pub mod jets;
pub mod steps;

/// A contiguous clip of grey frames.
pub(super) enum Clip<'py> {
    Bytes(PyReadonlyArray3<'py, u8>),
    Floats(PyReadonlyArray3<'py, f32>),
}

impl<'py> Clip<'py> {
    pub fn read(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = array.extract() {
            return Ok(Self::Bytes(bytes));
        }
        array.extract().map(Self::Floats).map_err(|_| {
            let message = "`clip` must be a uint8 or float32 array of shape (T, H, W)";
            to_python(array.py(), &Error::new(ErrorKind::Type, message))
        })
    }

    pub fn frames(&self) -> PyResult<Frames<'_>> {
        let (values, shape, py) = match self {
            Self::Bytes(bytes) => (Values::Bytes(bytes.as_slice()?), bytes.shape(), bytes.py()),
            Self::Floats(floats) => (Values::Floats(floats.as_slice()?), floats.shape(), floats.py()),
        };
        Frames::new(values, [shape[0], shape[1], shape[2]]).or_raise(py)
    }
}

/// Bytes of one record of `POINT_DTYPE`.
const RECORD: usize = 24;

/// Points as the records of `POINT_DTYPE`.
pub(super) fn records(points: &[Point]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD * points.len());
    for point in points {
        for whole in [point.t, point.y, point.x] {
            bytes.extend(whole.to_le_bytes());
        }
        for value in [point.sigma2, point.tau2, point.response] {
            bytes.extend(value.to_le_bytes());
        }
    }
    bytes
}

/// The points of records.
pub(super) fn points(records: &[u8]) -> Vec<Point> {
    let (words, _) = records.as_chunks::<4>();
    let (records, _) = words.as_chunks::<{ RECORD / 4 }>();
    let point = |&[t, y, x, sigma2, tau2, response]: &[[u8; 4]; RECORD / 4]| Point {
        t: i32::from_le_bytes(t),
        y: i32::from_le_bytes(y),
        x: i32::from_le_bytes(x),
        sigma2: f32::from_le_bytes(sigma2),
        tau2: f32::from_le_bytes(tau2),
        response: f32::from_le_bytes(response),
    };
    records.iter().map(point).collect()
}
