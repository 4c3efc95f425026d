//! A tensor of a checkpoint: name, shape, type, and where its elements lie in the file.
//!
//! Nothing is copied until the elements are asked for. They may lie in any order (strides of a PyTorch
//! view, Fortran order of an array) and in either byte order; what comes out is row-major and native.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use half::{bf16, f16};
use memmap2::Mmap;

use super::dtype::Dtype;
use crate::error::{Error, ErrorKind, Result};

/// NumPy's own limit was 32 for long; no network has more than 6.
pub(super) const MOST_DIMENSIONS: usize = 32;

/// The bytes of a file: mapped, or read already. Clones share them.
#[derive(Clone, Debug)]
pub enum FileBytes {
    Mapped(Arc<Mmap>),
    Owned(Arc<[u8]>),
}

impl FileBytes {
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// Where the elements of a tensor lie.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Bytes of the file that the tensor may use.
    pub range: Range<usize>,
    /// Elements from the start of the range to the first one.
    pub offset: usize,
    /// Elements from one to the next along each axis; `None` is row-major without gaps.
    pub strides: Option<Vec<usize>>,
    /// In the other byte order than this machine's.
    pub swapped: bool,
}

impl Layout {
    /// Row-major, without gaps, little-endian.
    pub fn plain(range: Range<usize>) -> Self {
        Self { range, offset: 0, strides: None, swapped: cfg!(target_endian = "big") }
    }
}

/// A named array in a file.
#[derive(Clone, Debug)]
pub struct Tensor {
    name: String,
    shape: Vec<usize>,
    dtype: Dtype,
    file: FileBytes,
    /// First byte and, for what is not row-major, strides in elements.
    start: usize,
    strides: Option<Vec<usize>>,
    swapped: bool,
}

impl Tensor {
    /// A tensor whose every element lies in `layout.range`, and that in `file`; else an error that names it.
    pub fn new(name: String, dtype: Dtype, shape: Vec<usize>, file: FileBytes, layout: Layout) -> Result<Self> {
        let fail = |message: String| Err(about(&name, message));
        if shape.len() > MOST_DIMENSIONS {
            return fail(format!("has {} axes, at most {MOST_DIMENSIONS} are read", shape.len()));
        }
        let length = shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
        let bytes = length.and_then(|length| length.checked_mul(dtype.size()));
        let Some(length) = bytes.and(length) else {
            return fail(format!("claims the shape {shape:?}, larger than any memory"));
        };
        let strides = layout.strides.filter(|strides| !is_row_major(&shape, strides));
        // Elements from the first to just behind the last.
        let reach = match (&strides, length) {
            (_, 0) => Some(0),
            (None, _) => Some(length),
            (Some(strides), _) if strides.len() == shape.len() => span(&shape, strides),
            (Some(strides), _) => {
                return fail(format!("has {} axes but {} strides", shape.len(), strides.len()));
            }
        };
        let end = reach
            .and_then(|reach| reach.checked_add(layout.offset))
            .and_then(|elements| elements.checked_mul(dtype.size()))
            .and_then(|bytes| bytes.checked_add(layout.range.start));
        let inside = end.is_some_and(|end| end <= layout.range.end) && layout.range.end <= file.as_slice().len();
        if length > 0 && !inside {
            let room = layout.range.len() / dtype.size();
            return fail(format!("of shape {shape:?} reaches beyond its {room} stored elements"));
        }
        // An expanded tensor repeats elements; one that would be larger than its file is no checkpoint's.
        if strides.is_some() && length.saturating_mul(dtype.size()) > file.as_slice().len() {
            return fail(format!("claims {length} elements of {}, more than the file has", dtype.name()));
        }
        let start = if length == 0 { 0 } else { layout.range.start + layout.offset * dtype.size() };
        let strides = strides.filter(|_| length > 0);
        Ok(Self { name, shape, dtype, file, start, strides, swapped: layout.swapped && dtype.size() > 1 })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn rename(&mut self, name: String) {
        self.name = name;
    }

    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in row-major order and native byte order; borrowed from the file where they lie so.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        let size = self.dtype.size();
        let file = self.file.as_slice().get(self.start..).unwrap_or_default();
        let mut bytes = match &self.strides {
            None => Cow::Borrowed(file.get(..self.len() * size).unwrap_or_default()),
            Some(strides) => Cow::Owned(gather(file, &self.shape, strides, size)),
        };
        if self.swapped {
            bytes.to_mut().chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        bytes
    }

    /// The elements as float32, rounded to the nearest where they are finer; borrowed where they are just that.
    pub fn to_f32(&self) -> Cow<'_, [f32]> {
        let bytes = self.bytes();
        if self.dtype == Dtype::F32
            && let Cow::Borrowed(bytes) = bytes
        {
            // SAFETY: every pattern of four bytes is an f32; `align_to` keeps to aligned ones.
            if let ([], values, []) = unsafe { bytes.align_to::<f32>() } {
                return Cow::Borrowed(values);
            }
        }
        Cow::Owned(converted(&bytes, self.dtype))
    }
}

/// An error about one tensor of a file.
pub(super) fn about(name: &str, message: impl AsRef<str>) -> Error {
    Error::new(ErrorKind::Decode, format!("tensor `{name}` {}", message.as_ref()))
}

fn is_row_major(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    let mut axes = shape.iter().zip(strides).rev();
    shape.len() == strides.len()
        && axes.all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == expected;
            expected = expected.saturating_mul(extent);
            fits
        })
}

/// Elements from the first to just behind the last of a tensor that is not empty.
fn span(shape: &[usize], strides: &[usize]) -> Option<usize> {
    shape
        .iter()
        .zip(strides)
        .try_fold(1usize, |reach, (&extent, &stride)| reach.checked_add(extent.checked_sub(1)?.checked_mul(stride)?))
}

/// Elements of `size` bytes, collected in row-major order.
fn gather(file: &[u8], shape: &[usize], strides: &[usize], size: usize) -> Vec<u8> {
    let length: usize = shape.iter().product();
    let mut out = Vec::with_capacity(length * size);
    let mut index = vec![0usize; shape.len()];
    let mut place = 0usize;
    for _ in 0..length {
        out.extend_from_slice(file.get(place * size..(place + 1) * size).unwrap_or_default());
        for ((position, &extent), &stride) in index.iter_mut().zip(shape).zip(strides).rev() {
            *position += 1;
            place += stride;
            if *position < extent {
                break;
            }
            place -= stride * extent;
            *position = 0;
        }
    }
    out
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn converted(bytes: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::Bool => bytes.iter().map(|&byte| f32::from(u8::from(byte != 0))).collect(),
        Dtype::U8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        Dtype::I8 => elements(bytes, i8::from_ne_bytes).map(f32::from).collect(),
        Dtype::U16 => elements(bytes, u16::from_ne_bytes).map(f32::from).collect(),
        Dtype::I16 => elements(bytes, i16::from_ne_bytes).map(f32::from).collect(),
        Dtype::U32 => elements(bytes, u32::from_ne_bytes).map(|value| value as f32).collect(),
        Dtype::I32 => elements(bytes, i32::from_ne_bytes).map(|value| value as f32).collect(),
        Dtype::U64 => elements(bytes, u64::from_ne_bytes).map(|value| value as f32).collect(),
        Dtype::I64 => elements(bytes, i64::from_ne_bytes).map(|value| value as f32).collect(),
        Dtype::F16 => elements(bytes, f16::from_ne_bytes).map(f16::to_f32).collect(),
        Dtype::BF16 => elements(bytes, bf16::from_ne_bytes).map(bf16::to_f32).collect(),
        Dtype::F32 => elements(bytes, f32::from_ne_bytes).collect(),
        Dtype::F64 => elements(bytes, f64::from_ne_bytes).map(|value| value as f32).collect(),
    }
}

fn elements<const N: usize, T>(bytes: &[u8], read: fn([u8; N]) -> T) -> impl Iterator<Item = T> {
    bytes.as_chunks::<N>().0.iter().map(move |&chunk| read(chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(dtype: Dtype, shape: &[usize], bytes: &[u8], layout: Layout) -> Result<Tensor> {
        Tensor::new("t".into(), dtype, shape.to_vec(), FileBytes::Owned(bytes.into()), layout)
    }

    #[test]
    fn strides_offsets_and_byte_order_are_undone() {
        let bytes: Vec<u8> = (0u16..12).flat_map(u16::to_be_bytes).collect();
        let swapped = cfg!(target_endian = "little");
        let layout = Layout { range: 0..24, offset: 1, strides: Some(vec![1, 4]), swapped };
        let turned = tensor(Dtype::U16, &[3, 2], &bytes, layout).unwrap();
        assert_eq!(turned.to_f32().as_ref(), [1., 5., 2., 6., 3., 7.]);
        let layout = Layout { range: 0..24, offset: 7, strides: Some(vec![0, 1]), swapped };
        assert_eq!(tensor(Dtype::U16, &[2, 3], &bytes, layout).unwrap().to_f32().as_ref(), [7., 8., 9., 7., 8., 9.]);
    }

    #[test]
    fn what_reaches_beyond_its_storage_is_an_error_that_names_the_tensor() {
        let layout =
            |offset, strides: &[usize]| Layout { offset, strides: Some(strides.to_vec()), ..Layout::plain(4..12) };
        assert!(tensor(Dtype::F32, &[2], &[0; 16], layout(0, &[1])).is_ok());
        for (shape, offset, strides) in [
            (&[2][..], 1, &[1][..]),
            (&[2], 0, &[2]),
            (&[usize::MAX], 0, &[1]),
            (&[1 << 40], 0, &[0]),
            (&[2, 2], 0, &[1]),
            (&[2], usize::MAX, &[1]),
        ] {
            let error = tensor(Dtype::F32, shape, &[0; 16], layout(offset, strides)).unwrap_err();
            assert!(error.to_string().starts_with("tensor `t` "), "{error}");
        }
        assert!(tensor(Dtype::F32, &[4], &[0; 12], Layout::plain(0..16)).is_err());
    }

    #[test]
    fn an_empty_tensor_has_no_elements_wherever_it_lies() {
        let layout = Layout { range: 0..0, offset: 77, strides: Some(vec![0, 9]), swapped: true };
        let empty = tensor(Dtype::F64, &[0, 3], &[], layout).unwrap();
        assert!(empty.is_empty() && empty.to_f32().is_empty() && empty.bytes().is_empty());
    }

    #[test]
    fn unaligned_float32_is_copied_and_aligned_is_not() {
        let bytes: Vec<u8> = std::iter::once(0).chain((0..8u8).flat_map(|i| f32::from(i).to_le_bytes())).collect();
        let file: Arc<[u8]> = bytes.into();
        let shift = file.as_ptr().align_offset(4);
        for start in 0..4 {
            let read = Tensor::new(
                "t".into(),
                Dtype::F32,
                vec![1],
                FileBytes::Owned(file.clone()),
                Layout::plain(start..start + 4),
            );
            let read = read.unwrap();
            assert_eq!(matches!(read.to_f32(), Cow::Borrowed(_)), start == shift);
        }
    }
}
