//! The names that a PyTorch pickle may mention. They stand for data; none is ever imported or called.
//!
//! The list is that of what `torch.save` writes for state dictionaries (PyTorch 0.4 to 2.9), a part of what
//! `torch.load(weights_only=True)` allows.

use crate::error::{Error, ErrorKind, Result};
use crate::weights::Dtype;

/// What an allowed name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    OrderedDict,
    /// (storage, offset, shape, strides, …): `_rebuild_tensor`, `_rebuild_tensor_v2`.
    RebuildTensor,
    /// (storage, offset, shape, strides, requires grad, hooks, dtype, …): `_rebuild_tensor_v3`.
    RebuildTypedTensor,
    /// (tensor, …): `_rebuild_parameter`, with or without state.
    RebuildParameter,
    /// The class of a storage; `None` for bytes of any type.
    Storage(Option<Dtype>),
    Dtype(Dtype),
    Size,
    Device,
    /// `_codecs.encode`, by which protocol 2 writes bytes.
    Encode,
    NumpyScalar,
    NumpyDtype,
}

/// The meaning of `module.name`, or the error that names it.
pub(super) fn lookup(module: &str, name: &str) -> Result<Global> {
    let known = match (module, name) {
        ("collections", "OrderedDict") => Some(Global::OrderedDict),
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Some(Global::RebuildTensor),
        ("torch._utils", "_rebuild_tensor_v3") => Some(Global::RebuildTypedTensor),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Some(Global::RebuildParameter),
        ("torch", "Size") => Some(Global::Size),
        ("torch", "device") => Some(Global::Device),
        ("torch", "UntypedStorage") | ("torch.storage", "UntypedStorage" | "_UntypedStorage") => {
            Some(Global::Storage(None))
        }
        ("torch", name) => torch_name(name),
        ("_codecs", "encode") => Some(Global::Encode),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Some(Global::NumpyScalar),
        ("numpy", "dtype") => Some(Global::NumpyDtype),
        _ => None,
    };
    known.ok_or_else(|| refused(module, name))
}

/// `torch.FloatStorage`, `torch.float32`, …
fn torch_name(name: &str) -> Option<Global> {
    let class = name.strip_suffix("Storage").and_then(|kind| {
        Some(match kind {
            "Double" => Dtype::F64,
            "Float" => Dtype::F32,
            "Half" => Dtype::F16,
            "BFloat16" => Dtype::BF16,
            "Long" => Dtype::I64,
            "Int" => Dtype::I32,
            "Short" => Dtype::I16,
            "Char" => Dtype::I8,
            "Byte" => Dtype::U8,
            "Bool" => Dtype::Bool,
            _ => return None,
        })
    });
    class.map(|dtype| Global::Storage(Some(dtype))).or_else(|| Dtype::named(name).map(Global::Dtype))
}

fn refused(module: &str, name: &str) -> Error {
    let shown: String = format!("{module}.{name}").chars().take(120).collect();
    let message = format!(
        "its pickle names `{shown}`, which is no part of a checkpoint of tensors: harkit never runs what a file \
         names (of a model of PyTorch's, save its `state_dict()`)"
    );
    Error::new(ErrorKind::Unsupported, message)
}
