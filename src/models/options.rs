//! What may be said about a model beyond its name: read by its builder, one option at a time, so that what no
//! builder asked for is refused by name.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// The value of an option, as whoever calls has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Flag(bool),
    Count(i64),
    Number(f64),
    Text(String),
}

/// Options by name.
#[derive(Clone, Debug, Default)]
pub struct Options {
    given: BTreeMap<String, Value>,
    asked: Vec<&'static str>,
}

impl Options {
    pub fn new(given: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self { given: given.into_iter().collect(), asked: vec![] }
    }

    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.asked.push(name);
        self.given.remove(name)
    }

    /// A positive integer.
    pub fn count(&mut self, name: &'static str, default: usize) -> Result<usize> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Count(value)) if value > 0 => {
                usize::try_from(value).map_err(|_| Error::argument(name, format!("is too large: {value}")))
            }
            Some(value) => Err(refused(name, "a positive integer", &value)),
        }
    }

    /// A positive integer, or nothing.
    pub fn optional_count(&mut self, name: &'static str) -> Result<Option<usize>> {
        if self.given.contains_key(name) {
            self.count(name, 1).map(Some)
        } else {
            self.asked.push(name);
            Ok(None)
        }
    }

    /// A probability that is not 1.
    pub fn rate(&mut self, name: &'static str, default: f64) -> Result<f64> {
        let rate = match self.take(name) {
            None => return Ok(default),
            Some(Value::Number(rate)) => rate,
            Some(Value::Count(0)) => 0.0,
            Some(value) => return Err(refused(name, "a number from 0 to 1, and not 1", &value)),
        };
        if (0.0..1.0).contains(&rate) {
            Ok(rate)
        } else {
            Err(refused(name, "a number from 0 to 1, and not 1", &Value::Number(rate)))
        }
    }

    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool> {
        match self.take(name) {
            None => Ok(default),
            Some(Value::Flag(value)) => Ok(value),
            Some(value) => Err(refused(name, "true or false", &value)),
        }
    }

    /// One of some words; the first is the default.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<T> {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let wanted = format!("one of {}", words.join(", "));
        let chosen = match self.take(name) {
            None => choices.first(),
            Some(Value::Text(text)) => {
                let found = choices.iter().find(|(word, _)| *word == text);
                Some(found.ok_or_else(|| refused(name, &wanted, &Value::Text(text)))?)
            }
            Some(value) => return Err(refused(name, &wanted, &value)),
        };
        chosen.map(|(_, value)| *value).ok_or_else(|| Error::argument(name, "has no choices"))
    }

    /// Refuses what was given and not asked for by the builder of `model`.
    pub fn finish(self, model: &str) -> Result<()> {
        let known = if self.asked.is_empty() { "none".to_owned() } else { self.asked.join(", ") };
        match self.given.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::argument("options", format!("of {model} are {known}, got {name:?}"))),
        }
    }
}

fn refused(name: &'static str, wanted: &str, got: &Value) -> Error {
    let got = match got {
        Value::Flag(value) => value.to_string(),
        Value::Count(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Text(value) => format!("{value:?}"),
    };
    Error::argument(name, format!("must be {wanted}, got {got}"))
}
