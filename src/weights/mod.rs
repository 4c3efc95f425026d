//! Checkpoints: files of named tensors.
//!
//! | kind | told by | read |
//! | --- | --- | --- |
//! | safetensors | a length, then `{` | [`safetensors`] |
//! | a folder of `.npy` files, one a tensor; a single one | a folder; `\x93NUMPY` | [`npy`] |
//! | PyTorch since 1.6, a zip | `PK` | [`pytorch`] |
//! | PyTorch before, a row of pickles | the opcode of a pickle | [`pytorch`] |
//!
//! The kind is told by the content, never by the ending. Files are mapped: a tensor that nobody asks for is
//! not read. Nothing in a file is ever run, and nothing is allocated because a file claims a length. A file
//! must not be changed while a checkpoint of it is in use, as with every mapped file.

pub mod dtype;
pub mod npy;
pub mod pytorch;
pub mod safetensors;
pub mod tensor;
mod unknown;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

pub use dtype::Dtype;
pub use safetensors::write_safetensors;
pub use tensor::{FileBytes, Tensor};

use crate::error::{Error, ErrorKind, Result};

/// Named tensors in the order of the file, and what is said beside them.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    tensors: Vec<Tensor>,
    index: HashMap<String, usize>,
    metadata: BTreeMap<String, String>,
}

impl Checkpoint {
    pub(crate) fn new(tensors: Vec<Tensor>, metadata: BTreeMap<String, String>) -> Result<Self> {
        let mut index = HashMap::with_capacity(tensors.len());
        for (place, tensor) in tensors.iter().enumerate() {
            if index.insert(tensor.name().to_owned(), place).is_some() {
                return Err(tensor::about(tensor.name(), "is there twice"));
            }
        }
        Ok(Self { tensors, index, metadata })
    }

    /// In the order of the file.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.index.get(name).and_then(|&place| self.tensors.get(place))
    }

    /// What the file says beside its tensors: text as it is, numbers written out.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The same tensors under other names; a name that is not listed stays.
    pub fn renamed(self, names: &HashMap<String, String>) -> Result<Self> {
        if let Some(absent) = names.keys().filter(|&name| self.get(name).is_none()).min() {
            return Err(Error::new(ErrorKind::Decode, format!("has no tensor `{absent}`, which is to be renamed")));
        }
        let mut tensors = self.tensors;
        for tensor in &mut tensors {
            if let Some(name) = names.get(tensor.name()) {
                tensor.rename(name.clone());
            }
        }
        Self::new(tensors, self.metadata)
    }
}

/// Reads a file or a folder, whatever its kind. `key` names the entry of a PyTorch file's dictionary that
/// holds the tensors.
pub fn read(path: &Path, key: Option<&str>) -> Result<Checkpoint> {
    read_unnamed(path, key).map_err(|error| error.path(path))
}

fn read_unnamed(path: &Path, key: Option<&str>) -> Result<Checkpoint> {
    let status = path.metadata().map_err(|error| Error::io(&error, path))?;
    if status.is_dir() {
        no_key(key)?;
        return npy::read_folder(path);
    }
    if !status.is_file() {
        return Err(Error::new(ErrorKind::Decode, "is neither a file nor a folder"));
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    parse(&map(path)?, &stem, key)
}

/// Reads the bytes of a file, as [`read`] would. A single `.npy` file has no name of its own: its tensor is
/// called `stem`.
pub fn parse(file: &FileBytes, stem: &str, key: Option<&str>) -> Result<Checkpoint> {
    let bytes = file.as_slice();
    if bytes.starts_with(b"PK\x03\x04") {
        return pytorch::read_zip(file, key);
    }
    // Before pickles: the length that a safetensors file begins with may look like the first opcode of one.
    if safetensors::is_safetensors(bytes) {
        no_key(key)?;
        return safetensors::read(file);
    }
    if pytorch::is_legacy(bytes) {
        return pytorch::read_legacy(file, key);
    }
    if npy::is_npy(bytes) {
        no_key(key)?;
        return Checkpoint::new(vec![npy::read(file, stem)?], BTreeMap::new());
    }
    Err(unknown::explain(bytes))
}

/// Maps a file; an empty one has no mapping.
fn map(path: &Path) -> Result<FileBytes> {
    let file = File::open(path).map_err(|error| Error::io(&error, path))?;
    let length = file.metadata().map_err(|error| Error::io(&error, path))?.len();
    if length == 0 {
        return Ok(FileBytes::Owned(Arc::new([])));
    }
    // SAFETY: read-only; the room's contract forbids changing the file meanwhile, as with every mapping.
    let mapped = unsafe { Mmap::map(&file) }.map_err(|error| Error::io(&error, path))?;
    Ok(FileBytes::Mapped(Arc::new(mapped)))
}

fn no_key(key: Option<&str>) -> Result<()> {
    key.map_or(Ok(()), |key| {
        Err(Error::argument("key", format!("is for PyTorch files, and this is none; got \"{key}\"")))
    })
}

#[cfg(test)]
mod tests;
