//! NumPy's `.npy` files: one tensor a file, or a folder of them.
//!
//! Format: NEP 1 and `numpy.lib.format` (NumPy 2), versions 1.0 to 3.0. The header is a Python literal of three
//! known keys; only what NumPy itself writes is taken. Structured types and pickled objects are refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::tensor::{FileBytes, Layout, Tensor, about};
use super::{Checkpoint, Dtype, map};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8] = b"\x93NUMPY";

pub(super) fn is_npy(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads all `.npy` files of a folder, by name; other files are left alone.
pub(super) fn read_folder(folder: &Path) -> Result<Checkpoint> {
    let listed = fs::read_dir(folder).map_err(|error| Error::io(&error, folder))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in listed {
        let path = entry.map_err(|error| Error::io(&error, folder))?.path();
        if path.extension().is_some_and(|ending| ending == "npy") && path.is_file() {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Error::new(ErrorKind::Decode, "is a folder without .npy files"));
    }
    paths.sort();
    let tensors = paths.iter().map(|path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let stem = stem.ok_or_else(|| Error::new(ErrorKind::Decode, "has a name that is no Unicode").path(path))?;
        let file = map(path)?;
        if !is_npy(file.as_slice()) {
            let found = super::unknown::explain(file.as_slice());
            return Err(Error::new(found.kind(), found.message()).path(path));
        }
        read(&file, stem).map_err(|error| error.path(path))
    });
    Checkpoint::new(tensors.collect::<Result<_>>()?, BTreeMap::new())
}

/// Reads one array.
pub(super) fn read(file: &FileBytes, name: &str) -> Result<Tensor> {
    let bytes = file.as_slice();
    let damaged = |what: &str| about(name, format!("has a damaged .npy header: {what}"));
    let (version, length_bytes) = match bytes.get(6..8) {
        Some([1, 0]) => (1, 2),
        Some([version @ 2..=3, 0]) => (*version, 4),
        Some([major, minor]) => return Err(damaged(&format!("version {major}.{minor} is unknown"))),
        _ => return Err(damaged("it ends early")),
    };
    let length = bytes.get(8..8 + length_bytes).ok_or_else(|| damaged("it ends early"))?;
    let length = length.iter().rev().fold(0usize, |value, &byte| value << 8 | usize::from(byte));
    let start = 8 + length_bytes + length;
    let header = bytes.get(8 + length_bytes..start).ok_or_else(|| damaged("it ends early"))?;
    // Version 3 is UTF-8, the others Latin-1; the keys and types that are taken are ASCII.
    let header = std::str::from_utf8(header).map_err(|_| damaged(&format!("not text (version {version})")))?;
    let header = Header::parse(header).map_err(|what| damaged(&what))?;
    let (dtype, big_endian) = element(&header.descr)
        .map_err(|message| Error::new(ErrorKind::Unsupported, format!("tensor `{name}` {message}")))?;
    let strides = header.fortran_order.then(|| column_major(&header.shape)).flatten();
    let layout =
        Layout { range: start..bytes.len(), offset: 0, strides, swapped: big_endian != cfg!(target_endian = "big") };
    let tensor = Tensor::new(name.to_owned(), dtype, header.shape, file.clone(), layout)?;
    let (found, expected) = (bytes.len() - start, tensor.len() * dtype.size());
    if found != expected {
        return Err(about(name, format!("has {found} bytes of data, its header says {expected}")));
    }
    Ok(tensor)
}

/// The strides of Fortran order; `None` where they overflow, which the shape does as well.
fn column_major(shape: &[usize]) -> Option<Vec<usize>> {
    let mut next = Some(1usize);
    let mut axes = shape.iter();
    axes.by_ref()
        .map(|&extent| {
            let stride = next?;
            next = stride.checked_mul(extent);
            Some(stride)
        })
        .collect()
}

/// An element type and whether it is big-endian: `<f4`, `|u1`, `>i8`.
fn element(descr: &str) -> std::result::Result<(Dtype, bool), String> {
    let (order, code) = descr.split_at_checked(1).unwrap_or(("", ""));
    let big_endian = match order {
        "<" => false,
        ">" => true,
        "|" => cfg!(target_endian = "big"),
        _ => return Err(format!("is of the type {descr:?}, which is not read")),
    };
    let dtype = match code {
        "b1" => Dtype::Bool,
        "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "O" => return Err("holds pickled Python objects, which are never read".to_owned()),
        _ => return Err(format!("is of the type {descr:?}, which is not read")),
    };
    if order == "|" && dtype.size() > 1 {
        return Err(format!("is of the type {descr:?}, without a byte order"));
    }
    Ok((dtype, big_endian))
}

/// The three entries of a header.
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let mut rest = Text(text);
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        rest.expect("{")?;
        while !rest.accept("}") {
            let key = rest.string()?;
            rest.expect(":")?;
            let known = match key {
                "descr" if rest.0.trim_start().starts_with(['[', '(']) => {
                    return Err("structured types are not read".to_owned());
                }
                "descr" => descr.replace(rest.string()?.to_owned()).is_some(),
                "fortran_order" => fortran_order.replace(rest.boolean()?).is_some(),
                "shape" => shape.replace(rest.shape()?).is_some(),
                _ => return Err(format!("the key {key:?} is unknown")),
            };
            if known {
                return Err(format!("the key {key:?} is there twice"));
            }
            if !rest.accept(",") {
                rest.expect("}")?;
                break;
            }
        }
        if !rest.0.trim().is_empty() {
            return Err("something follows the closing brace".to_owned());
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Self { descr, fortran_order, shape }),
            _ => Err("one of `descr`, `fortran_order`, `shape` is missing".to_owned()),
        }
    }
}

/// What is left of a header.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn accept(&mut self, token: &str) -> bool {
        let stripped = self.0.trim_start().strip_prefix(token);
        stripped.map(|rest| self.0 = rest).is_some()
    }

    fn expect(&mut self, token: &str) -> std::result::Result<(), String> {
        if self.accept(token) { Ok(()) } else { Err(format!("`{token}` is missing")) }
    }

    fn string(&mut self) -> std::result::Result<&'a str, String> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|&quote| quote == '\'' || quote == '"');
        let found = quote.and_then(|quote| text.get(1..)?.split_once(quote));
        let (string, rest) = found.ok_or("a string is missing")?;
        self.0 = rest;
        Ok(string)
    }

    fn boolean(&mut self) -> std::result::Result<bool, String> {
        if self.accept("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false).map_err(|_| "`fortran_order` is neither True nor False".to_owned())
    }

    fn shape(&mut self) -> std::result::Result<Vec<usize>, String> {
        self.expect("(")?;
        let mut shape = Vec::new();
        while !self.accept(")") {
            let text = self.0.trim_start();
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = text.split_at_checked(digits).unwrap_or_default();
            shape.push(number.parse().map_err(|_| "`shape` holds something else than sizes")?);
            // Python 2 wrote `3L`.
            self.0 = rest.strip_prefix('L').unwrap_or(rest);
            if !self.accept(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> FileBytes {
        let length = u16::try_from(header.len()).unwrap();
        FileBytes::Owned([MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes(), data].concat().into())
    }

    #[test]
    fn a_header_says_order_type_and_shape() {
        let header = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n";
        let data: Vec<u8> = (0u16..6).flat_map(u16::to_be_bytes).collect();
        let tensor = read(&file(header, &data), "a").unwrap();
        assert_eq!((tensor.shape(), tensor.dtype()), (&[2, 3][..], Dtype::I16));
        assert_eq!(tensor.to_f32().as_ref(), [0., 2., 4., 1., 3., 5.]);
        let scalar = read(&file("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", &[1]), "a").unwrap();
        assert_eq!((scalar.shape().len(), scalar.to_f32().as_ref()), (0, &[1.][..]));
        let python2 = read(&file("{\"shape\": (2L,), 'fortran_order': False, 'descr': '|u1'}", &[1, 2]), "a");
        assert_eq!(python2.unwrap().shape(), [2]);
    }

    #[test]
    fn what_numpy_does_not_write_is_refused() {
        for (header, reason) in [
            ("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "holds pickled Python objects"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured types are not read"),
            ("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "is of the type \"<c8\""),
            ("{'descr': '=f4', 'fortran_order': False, 'shape': (1,)}", "is of the type \"=f4\""),
            ("{'descr': '', 'fortran_order': False, 'shape': (1,)}", "is of the type \"\""),
            ("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "neither True nor False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "something else than sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "something else than sizes"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000)}", "larger than any memory"),
            ("{'descr': '<f4', 'fortran_order': True, 'shape': (4000000000, 4000000000, 2)}", "larger than any memory"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "reaches beyond its 1 stored"),
            ("{'descr': '|u1', 'fortran_order': False, 'shape': (2,)}", "has 4 bytes of data, its header says 2"),
            ("{'descr': '<f4', 'shape': (1,)}", "is missing"),
            ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "twice"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "follows the closing brace"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "\"more\" is unknown"),
            ("{", "a string is missing"),
            ("", "`{` is missing"),
        ] {
            let error = read(&file(header, &[0; 4]), "a").unwrap_err().to_string();
            assert!(error.starts_with("tensor `a` ") && error.contains(reason), "{header}: {error}");
        }
    }
}
