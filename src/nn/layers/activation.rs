//! Functions of one value, and softmax.

use serde::{Deserialize, Serialize};

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `x * Phi(x)`, by the error function (Hendrycks and Gimpel 2016).
    Gelu,
    /// The same by their approximation with tanh.
    GeluTanh,
    /// `x * sigmoid(x)`.
    Silu,
    Sigmoid,
    Tanh,
    /// Over the last axis of vectors and sequences.
    Softmax,
}

impl Activation {
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Relu6 => "relu6",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu (tanh)",
            Self::Silu => "silu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softmax => "softmax",
        }
    }
}
