//! What a file is that is no checkpoint: the usual mishaps of downloads and clones, said in words.

use crate::error::{Error, ErrorKind};

/// The error for bytes of no kind that is read.
pub(super) fn explain(bytes: &[u8]) -> Error {
    let head = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let lower = start.to_ascii_lowercase();
    let message = if bytes.is_empty() {
        "is empty: a download that did not begin".to_owned()
    } else if start.starts_with("version https://git-lfs") {
        let size = start.lines().find_map(|line| line.strip_prefix("size ")).unwrap_or("unknown");
        format!(
            "is a pointer of git-lfs, not the weights ({size} bytes) that it stands for: run `git lfs pull`, or download the file itself"
        )
    } else if ["<!doctype html", "<html", "<?xml", "<head"].iter().any(|tag| lower.starts_with(tag)) {
        "is a web page, not weights: the address gave a page (an error, a login) in place of the file".to_owned()
    } else if head.starts_with(b"\x89HDF\r\n\x1a\n") {
        return unsupported("is an HDF5 file (Keras), which is not read");
    } else if head.starts_with(b"\x1f\x8b") {
        return unsupported("is compressed by gzip: unpack it first");
    } else if head.get(257..262) == Some(b"ustar") {
        return unsupported("is a tar archive, which is not read");
    } else {
        let shown: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let kinds = "safetensors, PyTorch, or a folder of .npy files";
        format!("is no checkpoint that is read ({kinds}); it begins with the bytes {}", shown.join(" "))
    };
    Error::new(ErrorKind::Decode, message)
}

fn unsupported(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}
