//! LSTM layers, in one direction or both, in PyTorch's and Keras's conventions.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::nn::cpu::lstm::{self, Gradients, Masks, Place, Sizes, Tape, Weights};
use crate::nn::dropout::{Mask, Part};
use crate::nn::layers::{Lstm, LstmConvention};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::{Compiler, Form};
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Mode, Node, NodeId, Parameters};

/// One direction of a layer.
#[derive(Clone, Debug)]
struct Direction {
    node: NodeId,
    layer: Lstm,
    sizes: Sizes,
    backward: bool,
    names: Vec<String>,
    /// What its forward step leaves to its backward step.
    tape: Arc<Mutex<Tape>>,
}

/// Weights of one direction as the kernels have them, whatever the convention.
struct Owned {
    input: Vec<f32>,
    recurrent: Vec<f32>,
    bias: Vec<f32>,
}

impl Direction {
    fn both(compiler: &Compiler, unit: &Unit, node: &Node, layer: &Lstm) -> Vec<Self> {
        let input = unit.inputs.first().map_or(&[][..], |&input| &compiler.shapes[input]);
        let side = |axis: usize| input.get(axis).copied().unwrap_or(0);
        let sizes = Sizes { items: side(0), steps: side(1), inputs: layer.inputs, units: layer.units };
        let of = |&backward: &bool| Self {
            node: unit.head,
            layer: layer.clone(),
            sizes,
            backward,
            names: layer.names(backward).iter().map(|name| node.parameter(name)).collect(),
            tape: Arc::default(),
        };
        [false, true].iter().take(1 + usize::from(layer.bidirectional)).map(of).collect()
    }

    fn place(&self) -> Place {
        let units = self.layer.units;
        let width = units * (1 + usize::from(self.layer.bidirectional));
        Place { reverse: self.backward, width, first: if self.backward { units } else { 0 } }
    }

    fn weights(&self, parameters: &Parameters) -> Result<Owned> {
        let arrays = self.names.iter().map(|name| parameters.get(name).map(Array::data)).collect::<Result<Vec<_>>>()?;
        let get = |i: usize| arrays.get(i).copied().unwrap_or_default();
        let gates = 4 * self.layer.units;
        Ok(match self.layer.convention {
            LstmConvention::Pytorch => Owned {
                input: get(0).to_vec(),
                recurrent: get(1).to_vec(),
                bias: get(2).iter().zip(get(3)).map(|(a, b)| a + b).collect(),
            },
            LstmConvention::Keras => {
                Owned { input: transposed(get(0), gates), recurrent: transposed(get(1), gates), bias: get(2).to_vec() }
            }
        })
    }

    /// The masks of the inputs and of the state, where the pass drops any.
    fn masks(&self, mode: Mode) -> Result<[Option<Vec<f32>>; 2]> {
        let Mode::Training { seed } = mode else { return Ok([None, None]) };
        let backward = self.backward;
        let mask = |part, p: f64, size: usize| -> Result<Option<Vec<f32>>> {
            if p == 0.0 {
                return Ok(None);
            }
            let mask = Mask::new(seed, self.node, part, p)?;
            Ok(Some((0..self.sizes.items * size).map(|position| mask.factor(position)).collect()))
        };
        Ok([
            mask(Part::Inputs { backward }, self.layer.dropout, self.layer.inputs)?,
            mask(Part::State { backward }, self.layer.recurrent_dropout, self.layer.units)?,
        ])
    }

    fn insert(&self, gradients: Owned, found: &mut Parameters) -> Result<()> {
        let Sizes { inputs, units, .. } = self.sizes;
        let gates = 4 * units;
        let Owned { input, recurrent, bias } = gradients;
        let arrays = match self.layer.convention {
            LstmConvention::Pytorch => vec![
                Array::new(vec![gates, inputs], input)?,
                Array::new(vec![gates, units], recurrent)?,
                Array::new(vec![gates], bias.clone())?,
                Array::new(vec![gates], bias)?,
            ],
            LstmConvention::Keras => vec![
                Array::new(vec![inputs, gates], transposed(&input, inputs))?,
                Array::new(vec![units, gates], transposed(&recurrent, units))?,
                Array::new(vec![gates], bias)?,
            ],
        };
        self.names.iter().zip(arrays).for_each(|(name, array)| found.insert(name, array));
        Ok(())
    }
}

/// A matrix of rows of `columns` values, turned.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let column = |c: usize| values.iter().skip(c).step_by(columns.max(1)).copied();
    (0..columns).flat_map(column).collect()
}

/// All directions of a layer.
#[derive(Debug)]
struct Recur {
    directions: Vec<Direction>,
    input: ValueId,
    /// The states of all steps.
    states: ValueId,
    /// The last ones, where no others are wanted.
    last: Option<ValueId>,
}

impl Step for Recur {
    fn values(&self) -> Vec<ValueId> {
        [self.input, self.states].into_iter().chain(self.last).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        for direction in &self.directions {
            let owned = direction.weights(run.parameters)?;
            let masks = direction.masks(run.mode)?;
            let weights = Weights { input: &owned.input, recurrent: &owned.recurrent, bias: &owned.bias };
            let masks = Masks { input: masks[0].as_deref(), recurrent: masks[1].as_deref() };
            let mut tape = direction.tape.lock().unwrap_or_else(PoisonError::into_inner);
            let ([input], [states]) = run.memory.open([self.input], [self.states])?;
            lstm::forward(input, &weights, &masks, &direction.sizes, &direction.place(), states, &mut tape)?;
        }
        let Some(last) = self.last else { return Ok(()) };
        let ([states], [last]) = run.memory.open([self.states], [last])?;
        for direction in &self.directions {
            let part = |range: usize| last_row(direction, range);
            for item in 0..direction.sizes.items {
                let (from, to) = part(item);
                last[to.clone()].copy_from_slice(&states[from..from + to.len()]);
            }
        }
        Ok(())
    }
}

/// Where the last state of an item begins in the states of all steps, and where it lies among the last ones.
fn last_row(direction: &Direction, item: usize) -> (usize, std::ops::Range<usize>) {
    let Sizes { steps, units, .. } = direction.sizes;
    let Place { width, first, reverse } = direction.place();
    let row = if reverse { 0 } else { steps.saturating_sub(1) };
    let to = item * width + first;
    ((item * steps + row) * width + first, to..to + units)
}

/// The gradients of weights, biases and input.
#[derive(Debug)]
struct RecurBack {
    directions: Vec<Direction>,
    learns: bool,
    input: ValueId,
    gradient: ValueId,
    /// The gradient of the states of all steps, where it is that of the last ones that comes.
    spread: Option<ValueId>,
    /// One for each direction.
    input_gradients: Vec<ValueId>,
}

impl Step for RecurBack {
    fn values(&self) -> Vec<ValueId> {
        let own = [self.input, self.gradient].into_iter().chain(self.spread);
        own.chain(self.input_gradients.iter().copied()).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        if let Some(spread) = self.spread {
            let ([gradient], [spread]) = run.memory.open([self.gradient], [spread])?;
            spread.fill(0.0);
            for direction in &self.directions {
                for item in 0..direction.sizes.items {
                    let (to, from) = last_row(direction, item);
                    spread[to..to + from.len()].copy_from_slice(&gradient[from]);
                }
            }
        }
        for (direction, &input_gradient) in self.directions.iter().zip(&self.input_gradients) {
            let owned = direction.weights(run.parameters)?;
            let masks = direction.masks(run.mode)?;
            let weights = Weights { input: &owned.input, recurrent: &owned.recurrent, bias: &owned.bias };
            let masks = Masks { input: masks[0].as_deref(), recurrent: masks[1].as_deref() };
            let mut found = Owned {
                input: vec![0.0; owned.input.len()],
                recurrent: vec![0.0; owned.recurrent.len()],
                bias: vec![0.0; owned.bias.len()],
            };
            let mut gradients =
                Gradients { input: &mut found.input, recurrent: &mut found.recurrent, bias: &mut found.bias };
            let tape = direction.tape.lock().unwrap_or_else(PoisonError::into_inner);
            let reads = [self.input, self.spread.unwrap_or(self.gradient)];
            let ([input, gradient], [to]) = run.memory.open(reads, [input_gradient])?;
            let (sizes, place) = (&direction.sizes, direction.place());
            lstm::backward(input, &weights, &masks, sizes, &place, &tape, gradient, &mut gradients, Some(to))?;
            if self.learns {
                direction.insert(found, run.found)?;
            }
        }
        Ok(())
    }
}

impl Forward<'_> {
    pub fn lstm(&mut self, unit: &Unit, layer: &Lstm) -> Result<()> {
        let node = self.node(unit);
        self.reads(node)?;
        let directions = Direction::both(&self.compiler, unit, node, layer);
        self.tapes.insert(unit.head, directions.iter().map(|direction| direction.tape.clone()).collect());
        let input = self.compiler.value(self.input(unit)?, Form::Plain)?;
        let output = self.compiler.define(unit.output);
        let (states, last) = if layer.sequences {
            (output, None)
        } else {
            let rows = directions.first().map_or(0, |direction| direction.sizes.items * direction.sizes.steps);
            let width = directions.first().map_or(0, |direction| direction.place().width);
            (self.compiler.draft.lives.value(rows * width), Some(output))
        };
        self.compiler.draft.push(Recur { directions, input, states, last });
        Ok(())
    }
}

impl Backward<'_> {
    pub fn lstm(&mut self, unit: &Unit, layer: &Lstm, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let mut directions = Direction::both(&self.compiler, unit, self.node(unit), layer);
        for (direction, tape) in directions.iter_mut().zip(self.tapes.get(&unit.head).into_iter().flatten()) {
            direction.tape = tape.clone();
        }
        let rows = directions.first().map_or(0, |direction| direction.sizes.items * direction.sizes.steps);
        let width = directions.first().map_or(0, |direction| direction.place().width);
        let spread = (!layer.sequences).then(|| self.compiler.draft.lives.value(rows * width));
        let input_gradients: Vec<ValueId> = directions.iter().map(|_| self.place(from, Form::Plain)).collect();
        let step = RecurBack {
            learns: self.learns(unit),
            input: self.left(from, Form::Plain)?,
            directions,
            gradient,
            spread,
            input_gradients: input_gradients.clone(),
        };
        self.compiler.draft.push(step);
        input_gradients.into_iter().for_each(|gradient| self.contribute(from, gradient, Form::Plain));
        Ok(())
    }
}
