//! PyTorch's files (`torch.save`), without PyTorch and without running a pickle.
//!
//! Since 1.6 a zip: `NAME/data.pkl` describes tensors, `NAME/data/KEY` holds the storages, `NAME/byteorder` says
//! their byte order. Before (and with `_use_new_zipfile_serialization=False`) a row of pickles: magic number,
//! protocol, system, the object, the keys of the storages; then each storage, its length before it. Both after
//! `torch/serialization.py` of PyTorch 2.9 (`_load`, `_legacy_load`).

mod flatten;
mod globals;
mod pickle;
mod rebuild;
mod value;
mod zip;

use std::collections::HashMap;
use std::ops::Range;

use self::pickle::{damaged, unpickle};
use self::value::{Pickled, Storage, Value};
use super::Checkpoint;
use super::tensor::{FileBytes, Layout, Tensor};
use crate::error::{Error, ErrorKind, Result};

/// The first pickle of a legacy file.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
/// The second.
const PROTOCOL: i128 = 1001;

/// Whether a file begins with a pickle.
pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    matches!(bytes, [0x80, 2..=5, ..]) || bytes.starts_with(b"L119547037146038801333356L\n.")
}

pub(super) fn read_zip(file: &FileBytes, key: Option<&str>) -> Result<Checkpoint> {
    let directory = zip::Directory::parse(file.as_slice())?;
    let mut roots =
        directory.names().filter_map(|name| name.strip_suffix("/data.pkl")).filter(|root| !root.contains('/'));
    let (Some(root), None) = (roots.next(), roots.next()) else {
        let message = "is a zip file, but none of PyTorch's: it has no `data.pkl` (of an .npz, save one .npy a tensor)";
        return Err(Error::new(ErrorKind::Decode, message));
    };
    let entry = |name: &str| directory.bytes(&format!("{root}/{name}"));
    let big_endian = match entry("byteorder")? {
        None | Some(b"little") => false,
        Some(b"big") => true,
        Some(_) => return Err(Error::new(ErrorKind::Decode, "has a `byteorder` that is neither little nor big")),
    };
    let pickled = unpickle(entry("data.pkl")?.unwrap_or_default())?;
    build(file, &pickled, key, big_endian, |storage| {
        let name = format!("{root}/data/{}", storage.key);
        let entry = directory.checked(&name)?;
        let entry = entry.filter(|entry| entry.range.len() == storage.bytes);
        entry.map(|entry| entry.range).ok_or_else(|| {
            let message =
                format!("its entry `{name}` is missing or has not the {} bytes of its storage", storage.bytes);
            Error::new(ErrorKind::Decode, message)
        })
    })
}

pub(super) fn read_legacy(file: &FileBytes, key: Option<&str>) -> Result<Checkpoint> {
    let bytes = file.as_slice();
    let mut place = 0;
    let mut next = || -> Result<Pickled<'_>> {
        let pickled = unpickle(bytes.get(place..).unwrap_or_default())?;
        place += pickled.length;
        Ok(pickled)
    };
    if !matches!(next()?.root, Value::Int(MAGIC)) {
        let message = "is a pickle, but none of PyTorch's, and is not read";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    if !matches!(next()?.root, Value::Int(PROTOCOL)) {
        return Err(Error::new(ErrorKind::Unsupported, "is of an unknown protocol of PyTorch's"));
    }
    let system = next()?;
    let little = system.dict(&system.root).and_then(|entries| {
        entries.iter().find_map(|(key, value)| match (key, value) {
            (Value::Text("little_endian"), Value::Bool(little)) => Some(*little),
            _ => None,
        })
    });
    let pickled = next()?;
    let keys = next()?;
    let keys = keys.sequence(&keys.root).ok_or_else(|| damaged("the keys of the storages are no list"))?;
    let ranges = legacy_storages(bytes, place, keys, &pickled)?;
    build(file, &pickled, key, little == Some(false), |storage| {
        let range = ranges.get(storage.key).cloned();
        range.ok_or_else(|| damaged(&format!("storage `{}` is not in the file", storage.key)))
    })
}

/// Where the storages of a legacy file lie: each is the number of its elements (64 bits), then they themselves.
fn legacy_storages<'a>(
    bytes: &[u8],
    mut place: usize,
    keys: &[Value<'a>],
    pickled: &Pickled<'a>,
) -> Result<HashMap<&'a str, Range<usize>>> {
    let known: HashMap<_, _> = pickled.storages.iter().map(|storage| (storage.key, storage)).collect();
    let mut ranges = HashMap::new();
    for key in keys {
        let Value::Text(key) = *key else { return Err(damaged("the key of a storage is no text")) };
        let storage = known.get(key).ok_or_else(|| damaged(&format!("storage `{key}` belongs to no tensor")))?;
        let truncated = || {
            let message = format!("is truncated: it ends in storage `{key}`, which has {} bytes", storage.bytes);
            Error::new(ErrorKind::Decode, message)
        };
        let length = bytes.get(place..).and_then(<[u8]>::first_chunk).ok_or_else(truncated)?;
        let elements = u64::from_le_bytes(*length);
        if elements.checked_mul(storage.element as u64) != Some(storage.bytes as u64) {
            return Err(damaged(&format!(
                "storage `{key}` claims {elements} elements in the file, {} bytes before",
                storage.bytes
            )));
        }
        let start = place + length.len();
        let end = start.checked_add(storage.bytes).filter(|&end| end <= bytes.len()).ok_or_else(truncated)?;
        if ranges.insert(key, start..end).is_some() {
            return Err(damaged(&format!("storage `{key}` is there twice")));
        }
        place = end;
    }
    Ok(ranges)
}

fn build<'a>(
    file: &FileBytes,
    pickled: &Pickled<'a>,
    key: Option<&str>,
    big_endian: bool,
    mut locate: impl FnMut(&Storage<'a>) -> Result<Range<usize>>,
) -> Result<Checkpoint> {
    let flat = flatten::flatten(pickled, key)?;
    let mut located: HashMap<usize, Range<usize>> = HashMap::new();
    let tensors = flat.tensors.into_iter().map(|(name, place)| {
        let described = pickled.tensors.get(place).ok_or_else(|| damaged("a tensor is not described"))?;
        let range = if let Some(range) = located.get(&described.storage) {
            range.clone()
        } else {
            let storage = pickled.storages.get(described.storage);
            let range = storage.ok_or_else(|| damaged("a storage is not described")).and_then(&mut locate);
            let range =
                range.map_err(|error| Error::new(error.kind(), format!("tensor `{name}`: {}", error.message())))?;
            located.entry(described.storage).or_insert(range).clone()
        };
        let layout = Layout {
            range,
            offset: described.offset,
            strides: Some(described.strides.clone()),
            swapped: big_endian != cfg!(target_endian = "big"),
        };
        Tensor::new(name, described.dtype, described.shape.clone(), file.clone(), layout)
    });
    Checkpoint::new(tensors.collect::<Result<_>>()?, flat.metadata)
}
