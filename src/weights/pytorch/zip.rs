//! The directory of a zip file, for archives whose entries are stored as they are.
//!
//! Format: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3 (zip64). PyTorch writes entries uncompressed and
//! aligned, so that they can be mapped; compressed and encrypted ones are refused. Everything is read from the
//! central directory at the end, and an entry that does not lie in the file is an error.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = 0xffff;
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
const LOCATOR64_LENGTH: usize = 20;
const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_LENGTH: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
/// The extra field that holds what does not fit into 32 bits.
const EXTRA64: u16 = 1;

/// One entry of the directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its bytes in the file.
    pub(super) range: Range<usize>,
    crc32: u32,
    /// Why they cannot be used as they are.
    refusal: Option<&'static str>,
}

/// All entries, by name.
pub(super) struct Directory<'a> {
    file: &'a [u8],
    entries: HashMap<&'a str, Entry>,
    /// Bytes whose checksums were compared. Entries that do not overlap have no more than the file.
    summed: Cell<usize>,
}

impl<'a> Directory<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<Self> {
        let (count, mut place) = directory_start(file)?;
        let mut entries = HashMap::new();
        for _ in 0..count {
            let header = at(file, place, CENTRAL_LENGTH).filter(|header| header.starts_with(CENTRAL));
            let header = header.ok_or_else(|| damaged("its directory ends early"))?;
            let [name, extra, comment] = [28, 30, 32].map(|field| usize::from(u16_at(header, field)));
            let names = place + CENTRAL_LENGTH;
            let name_bytes = at(file, names, name).ok_or_else(|| damaged("its directory ends early"))?;
            let name_text = std::str::from_utf8(name_bytes).map_err(|_| damaged("the name of an entry is no text"))?;
            let extra_bytes = at(file, names + name, extra).ok_or_else(|| damaged("its directory ends early"))?;
            let entry = entry(file, name_text, header, extra_bytes)?;
            if entries.insert(name_text, entry).is_some() {
                return Err(damaged(&format!("the entry `{name_text}` is there twice")));
            }
            place = names + name + extra + comment;
        }
        Ok(Self { file, entries, summed: Cell::new(0) })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.entries.keys().copied()
    }

    /// The entry of a name, after its checksum was compared.
    pub(super) fn checked(&self, name: &str) -> Result<Option<Entry>> {
        let Some(entry) = self.entries.get(name) else { return Ok(None) };
        if let Some(refusal) = entry.refusal {
            let message = format!("its entry `{name}` is {refusal}; PyTorch stores entries as they are");
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let bytes = self.file.get(entry.range.clone()).unwrap_or_default();
        self.summed.set(self.summed.get() + bytes.len());
        if self.summed.get() > self.file.len() {
            return Err(damaged("its entries overlap"));
        }
        if crc32fast::hash(bytes) != entry.crc32 {
            return Err(damaged(&format!("the checksum of the entry `{name}` is wrong")));
        }
        Ok(Some(entry.clone()))
    }

    /// The bytes of an entry, after its checksum was compared.
    pub(super) fn bytes(&self, name: &str) -> Result<Option<&'a [u8]>> {
        Ok(self.checked(name)?.and_then(|entry| self.file.get(entry.range)))
    }
}

/// How many entries the directory has, and where it begins.
fn directory_start(file: &[u8]) -> Result<(u64, usize)> {
    let truncated = || damaged("the directory at its end is missing, so it is truncated");
    let earliest = file.len().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let last = file.len().checked_sub(END_LENGTH).ok_or_else(truncated)?;
    let end = (earliest..=last).rev().find_map(|place| {
        let end = at(file, place, END_LENGTH).filter(|end| end.starts_with(END))?;
        (place + END_LENGTH + usize::from(u16_at(end, 20)) == file.len()).then_some((place, end))
    });
    let (place, end) = end.ok_or_else(truncated)?;
    let locator = place.checked_sub(LOCATOR64_LENGTH).and_then(|place| at(file, place, LOCATOR64_LENGTH));
    if let Some(locator) = locator.filter(|locator| locator.starts_with(LOCATOR64)) {
        let end64 = usize::try_from(u64_at(locator, 8)).ok().and_then(|place| at(file, place, 56));
        let end64 = end64.filter(|end64| end64.starts_with(END64)).ok_or_else(truncated)?;
        let start = usize::try_from(u64_at(end64, 48)).map_err(|_| truncated())?;
        return Ok((u64_at(end64, 32), start));
    }
    Ok((u64::from(u16_at(end, 10)), usize::try_from(u32_at(end, 16)).map_err(|_| truncated())?))
}

fn entry(file: &[u8], name: &str, header: &[u8], extra: &[u8]) -> Result<Entry> {
    let (encrypted, compressed) = (u16_at(header, 8) & 1 == 1, u16_at(header, 10) != 0);
    let refusal = if encrypted { Some("encrypted") } else { compressed.then_some("compressed") };
    let mut wide = wide_fields(extra);
    let mut field = |narrow: u32| {
        let value = if narrow == u32::MAX { wide.next() } else { Some(u64::from(narrow)) };
        value.and_then(|value| usize::try_from(value).ok())
    };
    // In the order of the extra field: length, stored length, place.
    let [length, stored, place] = [24, 20, 42].map(|at| field(u32_at(header, at)));
    let range = (|| {
        let (stored, place) = (stored.filter(|_| refusal.is_some() || stored == length)?, place?);
        let local = at(file, place, LOCAL_LENGTH).filter(|local| local.starts_with(LOCAL))?;
        let start = place + LOCAL_LENGTH + usize::from(u16_at(local, 26)) + usize::from(u16_at(local, 28));
        at(file, start, stored).map(|_| start..start + stored)
    })();
    let range = range.ok_or_else(|| damaged(&format!("the entry `{name}` does not lie in the file")))?;
    Ok(Entry { range, crc32: u32_at(header, 16), refusal })
}

/// The 64-bit values of the extra field that holds them.
fn wide_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut values: &[u8] = &[];
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let (body, rest) = rest.split_at_checked(usize::from(u16_at(head, 2))).unwrap_or((rest, &[]));
        if u16_at(head, 0) == EXTRA64 {
            values = body;
        }
        extra = rest;
    }
    values.as_chunks::<8>().0.iter().map(|&value| u64::from_le_bytes(value))
}

fn at(file: &[u8], start: usize, length: usize) -> Option<&[u8]> {
    file.get(start..start.checked_add(length)?)
}

fn field<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    bytes.get(start..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], start: usize) -> u16 {
    u16::from_le_bytes(field(bytes, start))
}

fn u32_at(bytes: &[u8], start: usize) -> u32 {
    u32::from_le_bytes(field(bytes, start))
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    u64::from_le_bytes(field(bytes, start))
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("is a damaged zip file: {what}"))
}
