//! Long short-term memory, unrolled over the steps.
//!
//! `c' = sigmoid(f) c + sigmoid(i) tanh(g)`, `h' = sigmoid(o) tanh(c')`, with `i f g o` the four quarters of
//! `W x + U h + b`, in both dialects; they differ in names, in which way the matrices lie, and in one bias or two.

use candle_core::Tensor;

use super::Scope;
use super::product::affine;
use crate::error::{Error, Result};
use crate::nn::dropout::Part;
use crate::nn::layers::{Lstm, LstmConvention};

/// Steps are cut out of a piece of this length, not of the whole sequence: the gradient of a cut is as large as what
/// it is cut from.
const RUN: usize = 32;

pub(super) fn lstm(scope: &Scope<'_>, layer: &Lstm, x: &Tensor) -> Result<Tensor> {
    let forward = direction(scope, layer, x, false)?;
    if !layer.bidirectional {
        return Ok(forward);
    }
    let backward = direction(scope, layer, x, true)?;
    Ok(Tensor::cat(&[&forward, &backward], forward.rank() - 1)?)
}

/// All steps `(N, L, U)` in the order of the input, or the state after the last one `(N, U)`.
fn direction(scope: &Scope<'_>, layer: &Lstm, x: &Tensor, backward: bool) -> Result<Tensor> {
    let (items, steps, inputs) = x.dims3()?;
    let units = layer.units;
    let names = layer.names(backward);
    let (matrix, recurrent, bias) = match (layer.convention, names) {
        (LstmConvention::Pytorch, [input, hidden, first, second]) => {
            (scope.factor(input)?.t()?, scope.factor(hidden)?.t()?, scope.factor(first)?.add(&scope.factor(second)?)?)
        }
        (LstmConvention::Keras, [kernel, recurrent, bias]) => {
            (scope.factor(kernel)?, scope.factor(recurrent)?, scope.factor(bias)?)
        }
        _ => return Err(Error::argument("graph", format!("has an lstm with parameters {names:?}"))),
    };
    let x = match scope.mask(&[items, 1, inputs], x, Part::Inputs { backward }, layer.dropout)? {
        Some(mask) => x.broadcast_mul(&mask)?,
        None => x.clone(),
    };
    let mask = scope.mask(&[items, units], &x, Part::State { backward }, layer.recurrent_dropout)?;
    let given = scope.rounded(&affine(&scope.rounded(&x)?, &matrix, Some(&bias))?)?;
    let mut hidden = Tensor::zeros((items, units), x.dtype(), x.device())?;
    let mut cell = hidden.clone();
    let mut states = Vec::with_capacity(steps);
    let mut run = given.clone();
    for done in 0..steps {
        let step = if backward { steps - 1 - done } else { done };
        let first = step / RUN * RUN;
        if done == 0 || step % RUN == if backward { RUN - 1 } else { 0 } {
            run = given.narrow(1, first, RUN.min(steps - first))?;
        }
        let carried = match &mask {
            Some(mask) => hidden.mul(mask)?,
            None => hidden,
        };
        let recalled = scope.rounded(&scope.rounded(&carried)?.matmul(&recurrent)?)?;
        let gates = run.narrow(1, step - first, 1)?.squeeze(1)?.add(&recalled)?;
        let gate = |quarter: usize| -> Result<Tensor> { Ok(gates.narrow(1, quarter * units, units)?.contiguous()?) };
        let sigmoid = |quarter: usize| -> Result<Tensor> { Ok(candle_nn::ops::sigmoid(&gate(quarter)?)?) };
        cell = sigmoid(1)?.mul(&cell)?.add(&sigmoid(0)?.mul(&gate(2)?.tanh()?)?)?;
        hidden = sigmoid(3)?.mul(&cell.tanh()?)?;
        states.push(hidden.clone());
    }
    if !layer.sequences {
        return Ok(hidden);
    }
    if backward {
        states.reverse();
    }
    Ok(Tensor::stack(&states, 1)?)
}
