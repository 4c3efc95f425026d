//! safetensors, read and written: a length, a header of JSON, the tensors' bytes.
//!
//! Format: <https://github.com/huggingface/safetensors>, "Format". The crate `safetensors` 0.8 parses and
//! checks the header (at most 100 MB; no gap, overlap or overflow; nothing beyond the last tensor). The writer
//! is ours: the same content always gives the same bytes, and a file is renamed to its place when it is whole.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use safetensors::tensor::{Dtype as FileDtype, SafeTensors};
use serde_json::{Map, Value, json};

use super::tensor::{Layout, about};
use super::{Checkpoint, Dtype, FileBytes, Tensor};
use crate::error::{Error, ErrorKind, Result};

/// Bytes of the length in front of the header.
const LENGTH: usize = 8;
/// The key of the header that holds text instead of a tensor.
const METADATA: &str = "__metadata__";

/// The name of an element type in the header.
const DTYPES: [(Dtype, FileDtype, &str); 13] = [
    (Dtype::Bool, FileDtype::BOOL, "BOOL"),
    (Dtype::U8, FileDtype::U8, "U8"),
    (Dtype::I8, FileDtype::I8, "I8"),
    (Dtype::U16, FileDtype::U16, "U16"),
    (Dtype::I16, FileDtype::I16, "I16"),
    (Dtype::U32, FileDtype::U32, "U32"),
    (Dtype::I32, FileDtype::I32, "I32"),
    (Dtype::U64, FileDtype::U64, "U64"),
    (Dtype::I64, FileDtype::I64, "I64"),
    (Dtype::F16, FileDtype::F16, "F16"),
    (Dtype::BF16, FileDtype::BF16, "BF16"),
    (Dtype::F32, FileDtype::F32, "F32"),
    (Dtype::F64, FileDtype::F64, "F64"),
];

pub(super) fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(LENGTH) == Some(&b'{')
}

pub(super) fn read(file: &FileBytes) -> Result<Checkpoint> {
    let bytes = file.as_slice();
    let (header, parsed) = SafeTensors::read_metadata(bytes).map_err(|error| {
        let message = format!("is not a whole safetensors file ({error}): truncated or damaged");
        Error::new(ErrorKind::Decode, message)
    })?;
    let data = LENGTH + header;
    let names = parsed.offset_keys();
    let tensors = names.into_iter().map(|name| {
        let info = parsed.info(&name).ok_or_else(|| about(&name, "is not in the header"))?;
        let known = DTYPES.iter().find(|(_, dtype, _)| *dtype == info.dtype).map(|&(dtype, ..)| dtype);
        let dtype = known.ok_or_else(|| {
            let message = format!("tensor `{name}` is of type {:?}, which is not read", info.dtype);
            Error::new(ErrorKind::Unsupported, message)
        })?;
        let (start, end) = info.data_offsets;
        Tensor::new(name, dtype, info.shape.clone(), file.clone(), Layout::plain(data + start..data + end))
    });
    let metadata = parsed.metadata().clone().unwrap_or_default();
    Checkpoint::new(tensors.collect::<Result<_>>()?, metadata.into_iter().collect())
}

/// A tensor to be written: row-major elements in native byte order.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub name: &'a str,
    pub dtype: Dtype,
    pub shape: &'a [usize],
    pub bytes: Cow<'a, [u8]>,
}

/// Writes a file, beside its place and renamed when it is whole; an older file of that name is replaced.
///
/// Tensors keep their order among those whose elements are of one size; larger elements come first, so that
/// all are aligned.
pub fn write_safetensors(path: &Path, tensors: &[Entry<'_>], metadata: &BTreeMap<String, String>) -> Result<()> {
    let mut sorted: Vec<_> = tensors.iter().collect();
    sorted.sort_by_key(|entry| std::cmp::Reverse(entry.dtype.size()));
    let header = header(&sorted, metadata)?;
    write_beside(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        sorted.iter().try_for_each(|entry| {
            if cfg!(target_endian = "little") || entry.dtype.size() == 1 {
                return file.write_all(&entry.bytes);
            }
            let mut elements = entry.bytes.chunks_exact(entry.dtype.size());
            elements.try_for_each(|element| file.write_all(&element.iter().rev().copied().collect::<Vec<u8>>()))
        })
    })
    .map_err(|error| Error::io(&error, path))
}

/// The header, padded by spaces so that the data begin at a multiple of 8.
fn header(sorted: &[&Entry<'_>], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        entries.insert(METADATA.to_owned(), json!(metadata));
    }
    let mut start = 0;
    for entry in sorted {
        let expected = entry.shape.iter().try_fold(entry.dtype.size(), |bytes, &extent| bytes.checked_mul(extent));
        if expected != Some(entry.bytes.len()) {
            let message = format!("of shape {:?} does not have {} bytes", entry.shape, entry.bytes.len());
            return Err(about(entry.name, message));
        }
        let end = start + entry.bytes.len();
        let dtype = DTYPES.iter().find(|(dtype, ..)| *dtype == entry.dtype).map_or("", |&(.., name)| name);
        let described: Value = json!({"dtype": dtype, "shape": entry.shape, "data_offsets": [start, end]});
        if entry.name == METADATA || entries.insert(entry.name.to_owned(), described).is_some() {
            return Err(about(entry.name, "cannot be written: the name is taken"));
        }
        start = end;
    }
    let mut header = Value::Object(entries).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(LENGTH), b' ');
    Ok(header)
}

fn write_beside(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().ok_or_else(|| io::Error::other("the path ends in no file name"))?.to_owned();
    name.push(format!(".{}-{}.unfinished", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let unfinished: PathBuf = path.with_file_name(name);
    let attempt = || {
        let mut file = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&unfinished)?);
        write(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&unfinished, path)
    };
    attempt().inspect_err(|_| {
        // What cannot be removed either has the fault that is told already.
        let _ = fs::remove_file(&unfinished);
    })
}
