//! From nested dictionaries and lists to named tensors: `{"stem": {"weight": t}}` is `stem.weight`, a list's
//! items are numbered. What is no tensor is metadata where it is text or a number, and left out elsewhere.

use std::collections::BTreeMap;

use super::value::{Node, Pickled, Value};
use crate::error::{Error, ErrorKind, Result};

/// Keys under which training programs put the tensors.
const WRAPPERS: [&str; 3] = ["state_dict", "model", "model_state"];
const DEEPEST: usize = 32;
/// Containers may be shared, so that a short pickle could unfold into endless values.
const MOST_VALUES: usize = 1 << 18;
/// Bytes of all names and metadata together.
const MOST_TEXT: usize = 64 << 20;
/// Longer text is left out of the metadata.
const LONGEST: usize = 4096;

/// Names of tensors with their places in the pickle, in its order, and metadata.
pub(super) struct Flat {
    pub(super) tensors: Vec<(String, usize)>,
    pub(super) metadata: BTreeMap<String, String>,
}

pub(super) fn flatten(pickled: &Pickled<'_>, key: Option<&str>) -> Result<Flat> {
    let mut walk = Walk { pickled, flat: Flat { tensors: Vec::new(), metadata: BTreeMap::new() }, values: 0, text: 0 };
    match wrapper(pickled, key)? {
        None => walk.visit("", &pickled.root, 0, true)?,
        Some(chosen) => {
            for (name, value) in pickled.dict(&pickled.root).unwrap_or_default() {
                let is_chosen = matches!(name, Value::Text(name) if *name == chosen);
                // Beside the tensors that are asked for, only what is said about them.
                let prefix = if is_chosen { String::new() } else { name_of(name)? };
                walk.visit(&prefix, value, 1, is_chosen)?;
            }
        }
    }
    if walk.flat.tensors.is_empty() {
        return Err(Error::new(ErrorKind::Decode, format!("holds no tensors{}", listed(pickled))));
    }
    Ok(walk.flat)
}

/// The key of the dictionary whose value holds the tensors, where it is not the whole.
fn wrapper<'k>(pickled: &Pickled<'_>, key: Option<&'k str>) -> Result<Option<&'k str>> {
    let entries = pickled.dict(&pickled.root).unwrap_or_default();
    let has = |wanted: &str| entries.iter().any(|(key, _)| matches!(key, Value::Text(key) if *key == wanted));
    if let Some(key) = key {
        if !has(key) {
            return Err(Error::argument("key", format!("\"{key}\" is not there{}", listed(pickled))));
        }
        return Ok(Some(key));
    }
    let holds = |wanted: &&str| {
        entries
            .iter()
            .any(|(key, value)| matches!(key, Value::Text(key) if key == wanted) && pickled.dict(value).is_some())
    };
    let found: Vec<_> = WRAPPERS.into_iter().filter(holds).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => {
            let message = format!("holds tensors under {}: name one by `key`", quoted(several.iter().copied()));
            Err(Error::new(ErrorKind::Argument, message))
        }
    }
}

/// "; it has the keys …", for messages.
fn listed(pickled: &Pickled<'_>) -> String {
    let entries = pickled.dict(&pickled.root).unwrap_or_default();
    let names = entries.iter().filter_map(|(key, _)| match key {
        Value::Text(key) if key.len() < 80 => Some(*key),
        _ => None,
    });
    let names = quoted(names.take(8));
    if names.is_empty() { String::new() } else { format!("; its keys are {names}") }
}

fn quoted<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

struct Walk<'p, 'a> {
    pickled: &'p Pickled<'a>,
    flat: Flat,
    values: usize,
    text: usize,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, name: &str, value: &Value<'a>, depth: usize, wanted: bool) -> Result<()> {
        self.values += 1;
        if self.values > MOST_VALUES || depth > DEEPEST || name.len() > LONGEST || self.text > MOST_TEXT {
            let message = format!(
                "nests values more than {DEEPEST} deep, or more than {MOST_VALUES}, or under longer names than any checkpoint"
            );
            return Err(Error::new(ErrorKind::Decode, message));
        }
        match value {
            Value::Node(place) => match self.pickled.nodes.get(*place) {
                Some(Node::Dict(entries)) => {
                    for (key, value) in entries {
                        self.visit(&joined(name, &name_of(key)?), value, depth + 1, wanted)?;
                    }
                }
                Some(Node::Sequence(items)) => {
                    for (number, value) in items.iter().enumerate() {
                        self.visit(&joined(name, &number.to_string()), value, depth + 1, wanted)?;
                    }
                }
                None => {}
            },
            Value::Tensor(place) if wanted => {
                let name = if name.is_empty() { "tensor" } else { name };
                self.text += name.len();
                self.flat.tensors.push((name.to_owned(), *place));
            }
            _ => {
                if let Some(text) = simple(value).filter(|text| text.len() <= LONGEST) {
                    self.text += name.len() + text.len();
                    self.flat.metadata.insert(name.to_owned(), text);
                }
            }
        }
        Ok(())
    }
}

fn joined(name: &str, key: &str) -> String {
    if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") }
}

fn name_of(key: &Value<'_>) -> Result<String> {
    match key {
        Value::Text(text) if text.len() <= LONGEST => Ok((*text).to_owned()),
        Value::Int(number) => Ok(number.to_string()),
        Value::Bool(_) | Value::Float(_) | Value::None => Ok(simple(key).unwrap_or_default()),
        _ => Err(Error::new(ErrorKind::Unsupported, "has a dictionary whose keys are neither short text nor numbers")),
    }
}

/// Text and numbers as Python prints them.
fn simple(value: &Value<'_>) -> Option<String> {
    match value {
        Value::None => Some("None".to_owned()),
        Value::Bool(value) => Some(if *value { "True" } else { "False" }.to_owned()),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(format!("{value:?}")),
        Value::Text(text) if text.len() <= LONGEST => Some((*text).to_owned()),
        _ => None,
    }
}
