//! Every reader against damaged files: an answer or an error, never a panic, and no tensor larger than its file.

use std::fs;
use std::path::PathBuf;

use super::safetensors::Entry;
use super::*;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/weights");
    fs::read(folder.join(name)).unwrap()
}

/// A file in a folder of its own, for writers.
fn place(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("harkit-weights-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join("written.safetensors")
}

fn safetensors_file() -> Vec<u8> {
    let bytes: Vec<u8> = (0u8..48).collect();
    let entry = |name, dtype, shape, bytes: &'static [u8]| Entry { name, dtype, shape, bytes: bytes.into() };
    let entries = [
        entry("flags", Dtype::Bool, &[3], &[1, 0, 1]),
        Entry { name: "stem.weight", dtype: Dtype::F32, shape: &[2, 3, 2], bytes: bytes.into() },
        entry("stem.bias", Dtype::F16, &[2], &[0, 0x3c, 0, 0xc0]),
        entry("count", Dtype::I64, &[], &[7, 0, 0, 0, 0, 0, 0, 0]),
        entry("none", Dtype::F64, &[0, 4], &[]),
    ];
    let path = place("mutated");
    write_safetensors(&path, &entries, &BTreeMap::from([("format".into(), "pt".into())])).unwrap();
    fs::read(path).unwrap()
}

fn npy_file() -> Vec<u8> {
    let header = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n";
    let data: Vec<u8> = (0u8..6).flat_map(|value| f32::from(value).to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00", &u16::try_from(header.len()).unwrap().to_le_bytes()[..], header.as_bytes(), &data].concat()
}

/// Reads it and every element; whether it was read.
fn survives(bytes: &[u8]) -> bool {
    let Ok(checkpoint) = parse(&FileBytes::Owned(bytes.into()), "stem", None) else { return false };
    for tensor in checkpoint.tensors() {
        let length = tensor.len() * tensor.dtype().size();
        assert!(length <= bytes.len(), "{} of {length} bytes in a file of {}", tensor.name(), bytes.len());
        assert_eq!((tensor.bytes().len(), tensor.to_f32().len()), (length, tensor.len()));
    }
    true
}

/// A stream of numbers below a bound (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn every_reader_answers_damaged_files_with_an_error_or_tensors_that_fit() {
    let names =
        ["dtypes-zip", "dtypes-legacy", "nested-zip", "nested-legacy", "nested-legacy-protocol5", "wrapped-zip"];
    let mut files: Vec<_> = names.iter().map(|name| golden(&format!("{name}.pth"))).collect();
    files.extend([safetensors_file(), npy_file()]);
    assert!(files.iter().all(|file| survives(file)));
    let mut numbers = Numbers(1);
    let interesting = [0, 1, 0x7f, 0x80, 0xff];
    for file in &files {
        for place in 0..file.len() {
            let mut damaged = file.clone();
            damaged[place] = match numbers.below(3) {
                0 => interesting[numbers.below(interesting.len())],
                1 => damaged[place] ^ 1 << numbers.below(8),
                _ => u8::try_from(numbers.below(256)).unwrap(),
            };
            survives(&damaged);
        }
        for length in (0..file.len()).step_by(1 + file.len() / 1000) {
            survives(&file[..length]);
        }
        for _ in 0..1500 {
            let other = &files[numbers.below(files.len())];
            let (from, to) = (numbers.below(other.len()), numbers.below(file.len()));
            let length = numbers.below(32.min(other.len() - from) + 1);
            let behind = if numbers.below(2) == 0 { to } else { (to + length).min(file.len()) };
            survives(&[&file[..to], &other[from..from + length], &file[behind..]].concat());
        }
    }
}

#[test]
fn a_truncated_file_is_always_an_error() {
    for file in [golden("nested-zip.pth"), golden("nested-legacy.pth"), safetensors_file(), npy_file()] {
        for length in (0..file.len()).step_by(7) {
            assert!(!survives(&file[..length]), "of {} bytes, {length} were enough", file.len());
        }
    }
}

#[test]
fn what_is_written_is_read_again_and_larger_elements_come_first() {
    let path = place("again");
    fs::write(&path, safetensors_file()).unwrap();
    let checkpoint = read(&path, None).unwrap();
    let names: Vec<_> = checkpoint.tensors().iter().map(Tensor::name).collect();
    assert_eq!(names, ["count", "none", "stem.weight", "stem.bias", "flags"]);
    assert_eq!(checkpoint.get("stem.bias").unwrap().to_f32().as_ref(), [1., -2.]);
    assert_eq!(checkpoint.get("count").unwrap().to_f32().as_ref(), [7.]);
    assert_eq!(checkpoint.metadata()["format"], "pt");
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "an unfinished file was left: {left:?}");
}

#[test]
fn a_file_that_cannot_be_written_leaves_nothing_and_says_where() {
    let path = place("folder");
    fs::create_dir_all(&path).unwrap();
    let error = write_safetensors(&path, &[], &BTreeMap::new()).unwrap_err();
    assert_eq!(error.path_known(), Some(path.as_path()));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    let short = Entry { name: "short", dtype: Dtype::F32, shape: &[2], bytes: [0; 4][..].into() };
    let error = write_safetensors(&path, &[short], &BTreeMap::new()).unwrap_err();
    assert!(error.to_string().contains("tensor `short` of shape [2] does not have 4 bytes"), "{error}");
}

#[test]
fn a_header_whose_length_looks_like_a_pickle_is_read() {
    for length in [0x0280_u64, 0x0480] {
        let mut header = br#"{"bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#.to_vec();
        header.resize(length as usize - 1, b' ');
        header.push(b'}');
        let file = [&length.to_le_bytes()[..], &header, &1.5_f32.to_le_bytes()].concat();
        let checkpoint = parse(&FileBytes::Owned(file.into()), "", None).unwrap();
        assert_eq!(checkpoint.get("bias").unwrap().to_f32().as_ref(), [1.5]);
    }
}

#[test]
fn renaming_takes_names_that_are_there_and_gives_names_that_are_free() {
    let checkpoint = || parse(&FileBytes::Owned(safetensors_file().into()), "", None).unwrap();
    let names = |from: &str, to: &str| HashMap::from([(from.to_owned(), to.to_owned())]);
    let renamed = checkpoint().renamed(&names("stem.bias", "bias")).unwrap();
    assert!(renamed.get("bias").is_some() && renamed.get("stem.bias").is_none());
    let absent = checkpoint().renamed(&names("stem.b", "bias")).unwrap_err();
    assert!(absent.to_string().contains("has no tensor `stem.b`"), "{absent}");
    let taken = checkpoint().renamed(&names("stem.bias", "count")).unwrap_err();
    assert!(taken.to_string().contains("tensor `count` is there twice"), "{taken}");
}
