//! What the allowed calls of a PyTorch pickle mean: `torch._utils._rebuild_tensor_v2` and its kin, storages,
//! `OrderedDict`, NumPy's scalars.

use std::rc::Rc;

use super::globals::Global;
use super::pickle::{Machine, damaged};
use super::value::{Described, Storage, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::weights::Dtype;
use crate::weights::tensor::MOST_DIMENSIONS;

/// No call that is known has more.
pub(super) const MOST_ARGUMENTS: usize = 16;
/// A scalar of NumPy's has at most 16 bytes.
const MOST_ENCODED: usize = 64;
const MOST_TENSORS: usize = 1 << 18;

pub(super) fn call<'a>(machine: &mut Machine<'a>, global: Global, arguments: &[Value<'a>]) -> Result<Value<'a>> {
    match (global, arguments) {
        (Global::OrderedDict, []) => machine.new_dict(Vec::new()),
        (Global::OrderedDict, [pairs]) => ordered_dict(machine, pairs),
        (Global::RebuildTensor, [storage, offset, shape, strides, ..]) => {
            tensor(machine, storage, [offset, shape, strides], None)
        }
        (
            Global::RebuildTypedTensor,
            [storage, offset, shape, strides, _, _, Value::Global(Global::Dtype(dtype)), ..],
        ) => tensor(machine, storage, [offset, shape, strides], Some(*dtype)),
        (Global::RebuildParameter, [Value::Tensor(tensor), ..]) => Ok(Value::Tensor(*tensor)),
        (Global::Size, [sizes]) if machine.sequence(sizes).is_some() => Ok(sizes.clone()),
        (Global::Device, _) => Ok(Value::Other),
        (Global::Encode, &[Value::Text(text), Value::Text("latin1" | "latin-1")]) => encoded(text),
        (Global::NumpyDtype, &[Value::Text(code), ..]) => Ok(Value::NumpyDtype(code)),
        (Global::NumpyScalar, [Value::NumpyDtype(code), bytes]) => numpy_scalar(code, bytes),
        _ => Err(damaged(&format!("it calls {global:?} with arguments of an unknown form"))),
    }
}

/// `BUILD`: attributes of a dictionary are left out, the byte order of NumPy's types is checked.
pub(super) fn set_state<'a>(machine: &Machine<'a>, object: &Value<'a>, state: &Value<'a>) -> Result<()> {
    match object {
        Value::Node(_) | Value::Tensor(_) => Ok(()),
        Value::NumpyDtype(_) => match machine.sequence(state) {
            Some([_, Value::Text("<" | "|" | "="), ..]) => Ok(()),
            _ => Err(damaged("the state of a NumPy type is unknown")),
        },
        _ => Err(damaged("it sets the state of what has none")),
    }
}

fn ordered_dict<'a>(machine: &mut Machine<'a>, pairs: &Value<'a>) -> Result<Value<'a>> {
    let items = machine.sequence(pairs).ok_or_else(|| damaged("an OrderedDict is made of no list"))?;
    let entries: Option<Vec<_>> = items
        .iter()
        .map(|pair| match machine.sequence(pair) {
            Some([key, value]) => Some((key.clone(), value.clone())),
            _ => None,
        })
        .collect();
    let entries = entries.ok_or_else(|| damaged("an OrderedDict is made of no pairs"))?;
    machine.new_dict(entries)
}

/// A persistent id: `("storage", class, key, device, number of elements)`, in old files with a view behind.
pub(super) fn storage<'a>(machine: &mut Machine<'a>, id: &Value<'a>) -> Result<Value<'a>> {
    let parts = machine.sequence(id).ok_or_else(|| damaged("a storage is not described by a tuple"))?;
    let (dtype, key, elements) = match parts {
        [Value::Text("storage"), Value::Global(Global::Storage(dtype)), Value::Text(key), _, Value::Int(elements)] => {
            (*dtype, *key, *elements)
        }
        [
            Value::Text("storage"),
            Value::Global(Global::Storage(dtype)),
            Value::Text(key),
            _,
            Value::Int(elements),
            view,
        ] => {
            if !matches!(view, Value::None) {
                let message = "was saved by a PyTorch before 0.4, with views of storages, which are not read";
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
            (*dtype, *key, *elements)
        }
        _ => return Err(damaged("the description of a storage is of an unknown form")),
    };
    let element = dtype.map_or(1, Dtype::size);
    let bytes = usize::try_from(elements).ok().and_then(|elements| elements.checked_mul(element));
    let bytes = bytes.ok_or_else(|| damaged(&format!("storage `{key}` claims {elements} elements")))?;
    if let Some(&place) = machine.storage_places.get(key) {
        return match machine.storages.get(place) {
            Some(known) if known.bytes == bytes => Ok(Value::Storage(place, dtype)),
            _ => Err(damaged(&format!("storage `{key}` is described twice, differently"))),
        };
    }
    machine.storages.push(Storage { key, bytes, element });
    machine.storage_places.insert(key, machine.storages.len() - 1);
    Ok(Value::Storage(machine.storages.len() - 1, dtype))
}

fn tensor<'a>(
    machine: &mut Machine<'a>,
    storage: &Value<'a>,
    [offset, shape, strides]: [&Value<'a>; 3],
    dtype: Option<Dtype>,
) -> Result<Value<'a>> {
    let &Value::Storage(storage, known) = storage else { return Err(damaged("a tensor has no storage")) };
    let dtype = dtype.or(known).ok_or_else(|| damaged("a tensor has no type"))?;
    let sizes = |value: &Value<'a>| -> Option<Vec<usize>> {
        let items = machine.sequence(value).filter(|items| items.len() <= MOST_DIMENSIONS)?;
        items.iter().map(size).collect()
    };
    if machine.tensors.len() >= MOST_TENSORS {
        return Err(damaged(&format!("it has more than {MOST_TENSORS} tensors")));
    }
    let described = (|| Some((size(offset)?, sizes(shape)?, sizes(strides)?)))();
    let (offset, shape, strides) =
        described.ok_or_else(|| damaged("the offset, shape or strides of a tensor are no sizes"))?;
    machine.tensors.push(Described { storage, dtype, offset, shape, strides });
    Ok(Value::Tensor(machine.tensors.len() - 1))
}

fn size(value: &Value<'_>) -> Option<usize> {
    match value {
        Value::Int(value) => usize::try_from(*value).ok(),
        _ => None,
    }
}

fn encoded<'a>(text: &str) -> Result<Value<'a>> {
    let bytes: Option<Rc<[u8]>> = text.chars().take(MOST_ENCODED + 1).map(|letter| u8::try_from(letter).ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() <= MOST_ENCODED);
    bytes.map(Value::Encoded).ok_or_else(|| damaged(&format!("bytes are no Latin-1 or longer than {MOST_ENCODED}")))
}

fn numpy_scalar<'a>(code: &str, value: &Value<'a>) -> Result<Value<'a>> {
    let bytes = match value {
        Value::Bytes(bytes) => bytes,
        Value::Encoded(bytes) => bytes.as_ref(),
        _ => return Err(damaged("a NumPy scalar has no bytes")),
    };
    let number = match (code, bytes) {
        ("b1", [byte]) => Value::Bool(*byte != 0),
        ("f8", _) => bytes.try_into().map(f64::from_le_bytes).map_or(Value::Other, Value::Float),
        ("f4", _) => bytes.try_into().map(f32::from_le_bytes).map_or(Value::Other, |value| Value::Float(value.into())),
        ("i8", _) => bytes.try_into().map(i64::from_le_bytes).map_or(Value::Other, |value| Value::Int(value.into())),
        ("i4", _) => bytes.try_into().map(i32::from_le_bytes).map_or(Value::Other, |value| Value::Int(value.into())),
        _ => Value::Other,
    };
    Ok(number)
}
