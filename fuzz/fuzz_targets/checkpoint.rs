//! Every reader of checkpoints: an answer or an error, and no tensor larger than its file.

#![no_main]

use harkit::weights::{FileBytes, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(checkpoint) = parse(&FileBytes::Owned(bytes.into()), "stem", None) else { return };
    for tensor in checkpoint.tensors() {
        let length = tensor.len() * tensor.dtype().size();
        assert!(length <= bytes.len());
        assert_eq!((tensor.bytes().len(), tensor.to_f32().len()), (length, tensor.len()));
    }
});
