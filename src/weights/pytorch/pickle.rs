//! A pickle machine that runs nothing: it knows the opcodes of protocols 0 to 5, and of the names that a pickle
//! mentions only those in [`super::globals`]; what would call anything else is an error that names it.
//!
//! Opcodes: CPython 3.13, `Lib/pickletools.py`. Memory is bound by the pickle's length: text stays where it is,
//! and no opcode makes more than it has read.

use std::collections::HashMap;

use super::globals::{self, Global};
use super::rebuild;
use super::value::{Described, Node, Pickled, Storage, Value};
use crate::error::{Error, ErrorKind, Result};

/// A checkpoint of a thousand tensors has some thirty thousand opcodes.
const MOST_OPCODES: usize = 1 << 20;

/// Reads the pickle at the start of `bytes`; what follows it is left.
pub(super) fn unpickle(bytes: &[u8]) -> Result<Pickled<'_>> {
    let mut machine = Machine::new(bytes);
    for _ in 0..MOST_OPCODES {
        if let Some(root) = machine.step()? {
            let Machine { nodes, storages, tensors, place, .. } = machine;
            return Ok(Pickled { root, nodes, storages, tensors, length: place });
        }
    }
    Err(damaged(&format!("it has more than {MOST_OPCODES} opcodes")))
}

pub(super) fn damaged(what: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("has a damaged pickle: {what}"))
}

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    place: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at which marks stand.
    marks: Vec<usize>,
    memo: HashMap<usize, Value<'a>>,
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) storages: Vec<Storage<'a>>,
    pub(super) storage_places: HashMap<&'a str, usize>,
    pub(super) tensors: Vec<Described>,
    /// Items of containers that calls have copied; all together no more than bytes were read.
    copied: usize,
}

impl<'a> Machine<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            place: 0,
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            nodes: Vec::new(),
            storages: Vec::new(),
            storage_places: HashMap::new(),
            tensors: Vec::new(),
            copied: 0,
        }
    }

    /// One opcode; the value when it was the last.
    fn step(&mut self) -> Result<Option<Value<'a>>> {
        let opcode = self.byte()?;
        match opcode {
            b'.' => return self.pop().map(Some),
            b'\x80' => drop(self.take(1)?),
            b'\x95' => drop(self.take(8)?),
            b'(' => self.marks.push(self.stack.len()),
            b'0' => self.pop_or_mark(),
            b'1' => drop(self.above_mark()?),
            b'2' => self.push(self.top()?.clone()),
            b'N' => self.push(Value::None),
            b'\x88' => self.push(Value::Bool(true)),
            b'\x89' => self.push(Value::Bool(false)),
            b'I' | b'L' | b'F' => self.number_line(opcode)?,
            b'J' | b'K' | b'M' | b'\x8a' | b'\x8b' | b'G' => self.number(opcode)?,
            b'X' | b'\x8c' | b'\x8d' | b'V' | b'S' | b'T' | b'U' | b'B' | b'C' | b'\x8e' | b'\x96' => {
                self.string(opcode)?;
            }
            b')' | b']' | b'\x8f' => self.node(Node::Sequence(Vec::new())),
            b'}' => self.node(Node::Dict(Vec::new())),
            b't' | b'l' | b'\x91' => {
                let items = self.above_mark()?;
                self.node(Node::Sequence(items));
            }
            b'\x85'..=b'\x87' => {
                let items = self.last(usize::from(opcode - b'\x84'))?;
                self.node(Node::Sequence(items));
            }
            b'd' => {
                let items = self.above_mark()?;
                self.node(Node::Dict(pairs(items)?));
            }
            b'a' => {
                let item = self.pop()?;
                self.extend(vec![item])?;
            }
            b'e' | b'\x90' => {
                let items = self.above_mark()?;
                self.extend(items)?;
            }
            b's' => {
                let entry = self.last(2)?;
                self.update(entry)?;
            }
            b'u' => {
                let entries = self.above_mark()?;
                self.update(entries)?;
            }
            b'p' | b'q' | b'r' | b'\x94' => {
                let place = if opcode == b'\x94' { self.memo.len() } else { self.memo_place(opcode, *b"pqr")? };
                self.memo.insert(place, self.top()?.clone());
            }
            b'g' | b'h' | b'j' => {
                let place = self.memo_place(opcode, *b"ghj")?;
                let value = self.memo.get(&place).cloned();
                self.push(value.ok_or_else(|| damaged("it asks for what was not memorised"))?);
            }
            b'c' | b'\x93' => self.global(opcode)?,
            b'R' | b'\x81' => {
                let call = self.last(2)?;
                let [function, arguments] = <[Value<'a>; 2]>::try_from(call).map_err(|_| damaged("a call is short"))?;
                let value = self.call(opcode, &function, &arguments)?;
                self.push(value);
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?.clone();
                rebuild::set_state(self, &object, &state)?;
            }
            b'Q' => {
                let id = self.pop()?;
                let storage = rebuild::storage(self, &id)?;
                self.push(storage);
            }
            b'i' => return Err(self.instance()?),
            b'o' | b'\x92' => return Err(refused("makes an object of a class")),
            b'\x82'..=b'\x84' => return Err(refused("names a class by a number (copyreg extension)")),
            b'\x97' | b'\x98' => return Err(refused("needs buffers from outside of it")),
            b'P' => return Err(refused("names a storage by a line of text")),
            _ => return Err(damaged(&format!("opcode 0x{opcode:02x} at byte {} is unknown", self.place - 1))),
        }
        Ok(None)
    }

    // --- reading

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let end = self.place.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.place..end)).ok_or_else(|| damaged("it ends early"))?;
        self.place += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        self.take(1)?.first().copied().ok_or_else(|| damaged("it ends early"))
    }

    /// An unsigned little-endian number of at most eight bytes.
    fn unsigned(&mut self, width: usize) -> Result<usize> {
        let value = self.take(width)?.iter().rev().fold(0u64, |value, &byte| value << 8 | u64::from(byte));
        usize::try_from(value).map_err(|_| damaged("a length is larger than any memory"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = self.bytes.get(self.place..).unwrap_or_default();
        let length = memchr::memchr(b'\n', rest).ok_or_else(|| damaged("it ends early"))?;
        let line = self.take(length + 1)?.get(..length).unwrap_or_default();
        std::str::from_utf8(line).map_err(|_| damaged("a line is no text"))
    }

    fn number_line(&mut self, opcode: u8) -> Result<()> {
        let line = self.line()?;
        let value = match (opcode, line) {
            (b'I', "00") => Some(Value::Bool(false)),
            (b'I', "01") => Some(Value::Bool(true)),
            (b'F', _) => line.parse().ok().map(Value::Float),
            _ => line.strip_suffix('L').unwrap_or(line).parse().ok().map(Value::Int),
        };
        self.push(value.ok_or_else(|| damaged("a number cannot be read"))?);
        Ok(())
    }

    fn number(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'J' => Value::Int(signed(self.take(4)?)),
            b'G' => {
                let bytes = self.take(8)?.first_chunk().copied().unwrap_or_default();
                Value::Float(f64::from_be_bytes(bytes))
            }
            b'K' | b'M' => Value::Int(self.unsigned(if opcode == b'K' { 1 } else { 2 })? as i128),
            _ => {
                let length = self.unsigned(if opcode == b'\x8a' { 1 } else { 4 })?;
                let bytes = self.take(length)?;
                if length > size_of::<i128>() { Value::Other } else { Value::Int(signed(bytes)) }
            }
        };
        self.push(value);
        Ok(())
    }

    fn string(&mut self, opcode: u8) -> Result<()> {
        let value = match opcode {
            b'V' | b'S' => {
                let line = self.line()?;
                let quoted = ['\'', '"'].iter().find_map(|&quote| line.strip_prefix(quote)?.strip_suffix(quote));
                let text = if opcode == b'V' { Some(line) } else { quoted };
                let plain = text.filter(|text| !text.contains('\\'));
                Value::Text(plain.ok_or_else(|| refused("writes text with escapes (protocol 0)"))?)
            }
            _ => {
                let width = match opcode {
                    b'\x8c' | b'U' | b'C' => 1,
                    b'\x8d' | b'\x8e' | b'\x96' => 8,
                    _ => 4,
                };
                let length = self.unsigned(width)?;
                let bytes = self.take(length)?;
                match (opcode, std::str::from_utf8(bytes)) {
                    // What Python 2 wrote as text has no encoding.
                    (b'X' | b'\x8c' | b'\x8d' | b'T' | b'U', Ok(text)) => Value::Text(text),
                    // Python writes lone surrogates, which are no UTF-8.
                    _ => Value::Bytes(bytes),
                }
            }
        };
        self.push(value);
        Ok(())
    }

    fn memo_place(&mut self, opcode: u8, [line, byte, _]: [u8; 3]) -> Result<usize> {
        if opcode == line {
            return self.line()?.parse().map_err(|_| damaged("a place of the memo cannot be read"));
        }
        self.unsigned(if opcode == byte { 1 } else { 4 })
    }

    // --- the stack

    fn push(&mut self, value: Value<'a>) {
        self.stack.push(value);
    }

    fn node(&mut self, node: Node<'a>) {
        self.stack.push(Value::Node(self.nodes.len()));
        self.nodes.push(node);
    }

    /// Values below the last mark belong to whoever set it.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<&Value<'a>> {
        let top = self.stack.get(self.floor()..).and_then(<[_]>::last);
        top.ok_or_else(|| damaged("its stack is empty"))
    }

    fn pop(&mut self) -> Result<Value<'a>> {
        let free = self.stack.len() > self.floor();
        self.stack.pop().filter(|_| free).ok_or_else(|| damaged("its stack is empty"))
    }

    fn pop_or_mark(&mut self) {
        if self.stack.len() > self.floor() {
            self.stack.pop();
        } else {
            self.marks.pop();
        }
    }

    fn last(&mut self, count: usize) -> Result<Vec<Value<'a>>> {
        let start = self.stack.len().checked_sub(count).filter(|&start| start >= self.floor());
        start.map(|start| self.stack.split_off(start)).ok_or_else(|| damaged("its stack is empty"))
    }

    fn above_mark(&mut self) -> Result<Vec<Value<'a>>> {
        let mark = self.marks.pop().ok_or_else(|| damaged("a mark is missing"))?;
        Ok(self.stack.split_off(mark))
    }

    fn extend(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        match self.node_on_top()? {
            Node::Sequence(list) => list.extend(items),
            Node::Dict(_) => return Err(damaged("it appends to a dictionary")),
        }
        Ok(())
    }

    fn update(&mut self, items: Vec<Value<'a>>) -> Result<()> {
        let entries = pairs(items)?;
        match self.node_on_top()? {
            Node::Dict(dict) => dict.extend(entries),
            Node::Sequence(_) => return Err(damaged("it sets keys of a list")),
        }
        Ok(())
    }

    fn node_on_top(&mut self) -> Result<&mut Node<'a>> {
        match self.top()? {
            &Value::Node(place) => self.nodes.get_mut(place),
            _ => None,
        }
        .ok_or_else(|| damaged("it fills what is no container"))
    }

    // --- names and calls

    fn global(&mut self, opcode: u8) -> Result<()> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            match *self.last(2)? {
                [Value::Text(module), Value::Text(name)] => (module, name),
                _ => return Err(damaged("a name is no text")),
            }
        };
        self.push(Value::Global(globals::lookup(module, name)?));
        Ok(())
    }

    /// `INST`, which only ever makes objects of classes.
    fn instance(&mut self) -> Result<Error> {
        let (module, name) = (self.line()?, self.line()?);
        Ok(globals::lookup(module, name).err().unwrap_or_else(|| refused("makes an object of a class")))
    }

    fn call(&mut self, opcode: u8, function: &Value<'a>, arguments: &Value<'a>) -> Result<Value<'a>> {
        let &Value::Global(global) = function else { return Err(refused("calls what is no function")) };
        if opcode != b'R' && global != Global::OrderedDict {
            return Err(refused("makes an object of a class"));
        }
        let arguments = match arguments {
            Value::Node(place) => self.nodes.get(*place),
            _ => None,
        };
        let Some(Node::Sequence(arguments)) = arguments else { return Err(damaged("a call has no arguments")) };
        // Calls that take anything take little of it.
        let arguments: Vec<_> = arguments.iter().take(rebuild::MOST_ARGUMENTS).cloned().collect();
        rebuild::call(self, global, &arguments)
    }

    pub(super) fn new_dict(&mut self, entries: Vec<(Value<'a>, Value<'a>)>) -> Result<Value<'a>> {
        self.copied += entries.len();
        if self.copied > self.place {
            return Err(damaged("it copies lists again and again"));
        }
        self.nodes.push(Node::Dict(entries));
        Ok(Value::Node(self.nodes.len() - 1))
    }

    pub(super) fn sequence(&self, value: &Value<'a>) -> Option<&[Value<'a>]> {
        match value {
            Value::Node(place) => match self.nodes.get(*place) {
                Some(Node::Sequence(items)) => Some(items),
                _ => None,
            },
            _ => None,
        }
    }
}

fn pairs(items: Vec<Value<'_>>) -> Result<Vec<(Value<'_>, Value<'_>)>> {
    if items.len() % 2 == 1 {
        return Err(damaged("a key has no value"));
    }
    let mut items = items.into_iter();
    Ok(std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect())
}

/// A little-endian number in two's complement, of at most sixteen bytes.
fn signed(bytes: &[u8]) -> i128 {
    let negative = bytes.last().is_some_and(|&byte| byte & 0x80 != 0);
    bytes.iter().rev().fold(if negative { -1 } else { 0 }, |value, &byte| value << 8 | i128::from(byte))
}

fn refused(what: &str) -> Error {
    let message =
        format!("its pickle {what}, which no checkpoint of tensors does: harkit never runs what a file holds");
    Error::new(ErrorKind::Unsupported, message)
}
