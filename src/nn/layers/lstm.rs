//! Long short-term memory (Hochreiter and Schmidhuber 1997), one layer, in two dialects.

use serde::{Deserialize, Serialize};

use super::{Layer, ParameterSpec, refused};
use crate::error::Result;
use crate::nn::init::Init;

/// Whose names, shapes and order of gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LstmConvention {
    /// `weight_ih_l0 (4 U, D)`, `weight_hh_l0 (4 U, U)`, `bias_ih_l0`, `bias_hh_l0`; gates i f g o.
    Pytorch,
    /// `kernel (D, 4 U)`, `recurrent_kernel (U, 4 U)`, one `bias` that begins with ones for the forget gate;
    /// gates i f c o.
    Keras,
}

/// `(N, L, D)` to `(N, L, U)`, or to the last state `(N, U)`; twice `U` where it runs both ways: forward, then
/// backward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lstm {
    pub inputs: usize,
    pub units: usize,
    pub convention: LstmConvention,
    pub bidirectional: bool,
    /// All steps rather than the last state (of the backward direction: the state at the first step).
    pub sequences: bool,
    /// In training, drops inputs with one mask for all steps of an item (Keras's `dropout`).
    pub dropout: f64,
    /// The same for the state that goes from step to step (Keras's `recurrent_dropout`).
    pub recurrent_dropout: f64,
}

impl Lstm {
    /// PyTorch's, forward, all steps, no dropout.
    pub fn new(inputs: usize, units: usize) -> Self {
        Self {
            inputs,
            units,
            convention: LstmConvention::Pytorch,
            bidirectional: false,
            sequences: true,
            dropout: 0.0,
            recurrent_dropout: 0.0,
        }
    }

    /// The names of the parameters of one direction.
    pub fn names(&self, backward: bool) -> &'static [&'static str] {
        match (self.convention, backward) {
            (LstmConvention::Pytorch, false) => &["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"],
            (LstmConvention::Pytorch, true) => {
                &["weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse"]
            }
            (LstmConvention::Keras, false) => &["kernel", "recurrent_kernel", "bias"],
            (LstmConvention::Keras, true) => &["backward_kernel", "backward_recurrent_kernel", "backward_bias"],
        }
    }

    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        let (inputs, units) = (self.inputs, self.units);
        let of_direction = |backward: bool| -> Vec<ParameterSpec> {
            let specs = match self.convention {
                LstmConvention::Pytorch => {
                    let init = Init::Uniform { bound: 1.0 / (units.max(1) as f64).sqrt() };
                    let gates = 4 * units;
                    vec![
                        (vec![gates, inputs], init),
                        (vec![gates, units], init),
                        (vec![gates], init),
                        (vec![gates], init),
                    ]
                }
                LstmConvention::Keras => vec![
                    (vec![inputs, 4 * units], Init::GlorotUniform),
                    (vec![units, 4 * units], Init::Orthogonal),
                    (vec![4 * units], Init::ForgetBias),
                ],
            };
            let names = self.names(backward);
            names.iter().zip(specs).map(|(name, (shape, init))| ParameterSpec::learnt(name, shape, init)).collect()
        };
        let mut specs = of_direction(false);
        if self.bidirectional {
            specs.extend(of_direction(true));
        }
        specs
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let &[items, steps, size] = input else {
            return Err(refused(&Layer::Lstm(self.clone()), &[input], "a sequence (N, L, D)"));
        };
        if size != self.inputs || steps == 0 {
            let wanted = format!("a sequence of vectors of {}", self.inputs);
            return Err(refused(&Layer::Lstm(self.clone()), &[input], &wanted));
        }
        let size = self.units * (1 + usize::from(self.bidirectional));
        Ok(if self.sequences { vec![items, steps, size] } else { vec![items, size] })
    }

    pub(super) fn multiply_adds(&self, input: &[usize]) -> u64 {
        let steps: u64 = input.iter().take(2).map(|&side| side as u64).product();
        let each = 4 * self.units * (self.inputs + self.units) * (1 + usize::from(self.bidirectional));
        steps * each as u64
    }
}
