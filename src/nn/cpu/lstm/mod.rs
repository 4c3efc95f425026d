//! Long short-term memory (Hochreiter and Schmidhuber 1997), one layer in one direction, forward and backward in time.
//!
//! PyTorch's equations: `i, f, g, o = x W^T + h U^T + b`, `c = sigmoid(f) c + sigmoid(i) tanh(g)`,
//! `h = sigmoid(o) tanh(c)`. Keras's layer is the same with weights transposed (its order i f c o is this one) and one
//! bias; masks for its two dropouts are given by the caller. The products with the inputs of all steps, and with their
//! gradients, are one matrix product each; a unit of work goes through all steps with some of the items ([`step`]).

mod step;

use self::step::{Packed, RECORD, TILE};
use super::matmul::{Before, Matrix, MatrixMut, multiply};
use super::{LANES, check, elementwise, linear};
use crate::error::{Error, Result};
use crate::parallel;

/// Extents: input `(N, L, D)`, states `(N, L, U)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub items: usize,
    pub steps: usize,
    pub inputs: usize,
    pub units: usize,
}

/// Weights of the input `(4 U, D)`, of the state `(4 U, U)`, and the bias `(4 U,)`, the sum of PyTorch's two.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    pub input: &'a [f32],
    pub recurrent: &'a [f32],
    pub bias: &'a [f32],
}

/// Dropout masks, one for all steps of an item: of the input `(N, D)`, of the state that goes on `(N, U)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Masks<'a> {
    pub input: Option<&'a [f32]>,
    pub recurrent: Option<&'a [f32]>,
}

/// In which direction, and where in the rows of the output (or its gradient) the states stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From the last step to the first.
    pub reverse: bool,
    /// Values of a row: U, or 2 U for two directions.
    pub width: usize,
    pub first: usize,
}

/// What the backward pass needs of the forward one.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    /// The input after its mask; empty where there is none.
    masked: Vec<f32>,
    /// Gates, cell and state for each unit of work, step and block of sixteen units.
    record: Vec<f32>,
}

/// The gradients of [`Weights`], to be written.
#[derive(Debug)]
pub struct Gradients<'a> {
    pub input: &'a mut [f32],
    pub recurrent: &'a mut [f32],
    pub bias: &'a mut [f32],
}

impl Sizes {
    /// Blocks of sixteen units.
    fn blocks(&self) -> usize {
        self.units.div_ceil(LANES)
    }

    /// Items of a unit of work: more where there are many, so that the weights are read less often.
    fn at_once(&self) -> usize {
        match self.items {
            0..=16 => TILE,
            17..=63 => 2 * TILE,
            _ => 4 * TILE,
        }
    }

    /// Values of the record of one item.
    fn record(&self) -> usize {
        self.steps * self.blocks() * RECORD * LANES
    }

    fn check(&self, input: &[f32], weights: &Weights, masks: &Masks, place: &Place) -> Result<()> {
        let Self { items, steps, inputs, units } = *self;
        if units == 0 || steps == 0 {
            return Err(Error::argument("sizes", "must have at least one unit and one step"));
        }
        if place.first + units > place.width {
            let message = format!("must leave room for {units} units at {} of {}", place.first, place.width);
            return Err(Error::argument("place", message));
        }
        check::length("input", input.len(), items * steps * inputs)?;
        check::length("input weights", weights.input.len(), 4 * units * inputs)?;
        check::length("recurrent weights", weights.recurrent.len(), 4 * units * units)?;
        check::length("bias", weights.bias.len(), 4 * units)?;
        masks.input.map_or(Ok(()), |mask| check::length("input mask", mask.len(), items * inputs))?;
        masks.recurrent.map_or(Ok(()), |mask| check::length("recurrent mask", mask.len(), items * units))
    }

    /// The row of the step that comes `t`-th.
    fn row(&self, place: &Place, t: usize) -> usize {
        if place.reverse { self.steps - 1 - t } else { t }
    }
}

/// Writes the states of all steps to `output`, rows `(N, L, width)`; what the place leaves free is not touched.
pub fn forward(
    input: &[f32],
    weights: &Weights,
    masks: &Masks,
    sizes: &Sizes,
    place: &Place,
    output: &mut [f32],
    tape: &mut Tape,
) -> Result<()> {
    sizes.check(input, weights, masks, place)?;
    let Sizes { items, steps, inputs, units } = *sizes;
    check::length("output", output.len(), items * steps * place.width)?;
    tape.masked.clear();
    if let Some(mask) = masks.input {
        tape.masked.resize(input.len(), 0.0);
        mask_steps(input, mask, sizes, &mut tape.masked)?;
    }
    let input = if masks.input.is_some() { &tape.masked } else { input };
    let mut gates = vec![0.0; items * steps * 4 * units];
    let rows = linear::Sizes { rows: items * steps, inputs, outputs: 4 * units };
    linear::forward(input, weights.input, Some(weights.bias), super::Activation::None, rows, &mut gates)?;
    let packed = Packed::forward(weights.recurrent, units);
    tape.record.resize(items * sizes.record(), 0.0);
    parallel::for_each_piece(&mut tape.record, sizes.at_once() * sizes.record(), |unit, record| {
        step::forward(&gates, &packed, masks.recurrent, sizes, place, unit * sizes.at_once(), record);
    })?;
    let record = &tape.record;
    parallel::for_each_piece(output, steps * place.width, |item, out| {
        for t in 0..steps {
            let row = &mut out[sizes.row(place, t) * place.width + place.first..][..units];
            for (block, part) in row.chunks_mut(LANES).enumerate() {
                part.copy_from_slice(&step::state(record, sizes, item, t, block)[..part.len()]);
            }
        }
    })
}

/// The gradients of input and weights from that of the states, `(N, L, width)`, of which the place is read.
#[allow(clippy::too_many_arguments, reason = "what forward takes, and what comes back")]
pub fn backward(
    input: &[f32],
    weights: &Weights,
    masks: &Masks,
    sizes: &Sizes,
    place: &Place,
    tape: &Tape,
    gradient: &[f32],
    gradients: &mut Gradients,
    input_gradient: Option<&mut [f32]>,
) -> Result<()> {
    sizes.check(input, weights, masks, place)?;
    let Sizes { items, steps, inputs, units } = *sizes;
    check::length("gradient", gradient.len(), items * steps * place.width)?;
    check::length("tape", tape.record.len(), items * sizes.record())?;
    check::length("tape", tape.masked.len(), if masks.input.is_some() { input.len() } else { 0 })?;
    let packed = Packed::backward(weights.recurrent, units);
    let mut slopes = vec![0.0; items * steps * 4 * units];
    parallel::for_each_piece(&mut slopes, sizes.at_once() * steps * 4 * units, |unit, slopes| {
        step::backward(&tape.record, &packed, masks.recurrent, sizes, place, gradient, unit * sizes.at_once(), slopes);
    })?;
    let rows = |inputs| linear::Sizes { rows: items * steps, inputs, outputs: 4 * units };
    let before = states_before(tape, masks, sizes, place)?;
    linear::backward_weight(&before, &slopes, rows(units), gradients.recurrent)?;
    let input = if masks.input.is_some() { &tape.masked } else { input };
    linear::backward_weight(input, &slopes, rows(inputs), gradients.input)?;
    linear::backward_bias(&slopes, 4 * units, gradients.bias)?;
    let Some(input_gradient) = input_gradient else { return Ok(()) };
    check::length("input_gradient", input_gradient.len(), input.len())?;
    let (a, b) = (Matrix::new(&slopes, items * steps, 4 * units)?, Matrix::new(weights.input, 4 * units, inputs)?);
    multiply(a, b, 1.0, Before::Overwritten, &mut MatrixMut::new(input_gradient, items * steps, inputs)?)?;
    match masks.input {
        Some(mask) => parallel::for_each_piece(input_gradient, steps * inputs, |item, out| {
            let mask = &mask[item * inputs..][..inputs];
            for (value, mask) in out.chunks_exact_mut(inputs).flat_map(|row| row.iter_mut().zip(mask)) {
                *value *= mask;
            }
        }),
        None => Ok(()),
    }
}

/// The input times the mask of each item.
fn mask_steps(input: &[f32], mask: &[f32], sizes: &Sizes, out: &mut [f32]) -> Result<()> {
    let rows = input.chunks_exact(sizes.inputs.max(1)).zip(out.chunks_exact_mut(sizes.inputs.max(1)));
    for (i, (row, out)) in rows.enumerate() {
        elementwise::multiply(row, &mask[i / sizes.steps * sizes.inputs..][..sizes.inputs], out)?;
    }
    Ok(())
}

/// For each row of `(N, L)` the masked state that its step began with.
fn states_before(tape: &Tape, masks: &Masks, sizes: &Sizes, place: &Place) -> Result<Vec<f32>> {
    let Sizes { items, steps, units, .. } = *sizes;
    let mut before = vec![0.0; items * steps * units];
    parallel::for_each_piece(&mut before, steps * units, |item, out| {
        for t in 1..steps {
            let row = &mut out[sizes.row(place, t) * units..][..units];
            for (block, part) in row.chunks_mut(LANES).enumerate() {
                part.copy_from_slice(&step::state(&tape.record, sizes, item, t - 1, block)[..part.len()]);
            }
            if let Some(mask) = masks.recurrent {
                for (value, mask) in row.iter_mut().zip(&mask[item * units..][..units]) {
                    *value *= mask;
                }
            }
        }
    })?;
    Ok(before)
}

#[cfg(test)]
mod tests;
