//! Classifiers of features that some other model made: vectors, or sequences of them.

use super::options::Options;
use crate::error::Result;
use crate::nn::init::Init;
use crate::nn::layers::{Activation, Linear, Lstm, LstmConvention};
use crate::nn::{Builder, Graph, Layer};

/// `(N, inputs)` to logits by one product: logistic regression.
pub fn linear(name: &str, options: &mut Options) -> Result<Graph> {
    let inputs = options.count("inputs", 1000)?;
    let classes = options.count("n_classes", 6)?;
    let mut b = Builder::new(name, &[inputs]);
    let x = b.linear("fc", 0, Linear::new(inputs, classes));
    b.stage("logits", x);
    b.finish(Some("fc"))
}

/// `(N, inputs)` to logits by way of one hidden layer with ReLU and dropout. The defaults are those of the report
/// `dark-csn`: 503,506 parameters.
pub fn mlp(name: &str, options: &mut Options) -> Result<Graph> {
    let inputs = options.count("inputs", 1000)?;
    let hidden = options.count("hidden", 500)?;
    let classes = options.count("n_classes", 6)?;
    let dropout = options.rate("dropout", 0.5)?;
    let mut b = Builder::new(name, &[inputs]);
    let x = b.linear("fc1", 0, Linear::new(inputs, hidden));
    let x = b.activation("relu", x, Activation::Relu);
    b.stage("features", x);
    let x = b.dropout("dropout", x, dropout);
    let x = b.linear("fc2", x, Linear::new(hidden, classes));
    b.stage("logits", x);
    b.finish(Some("fc2"))
}

/// `(N, L, inputs)` to logits by way of the last state of an LSTM, dropout, and a hidden layer with ReLU where
/// `hidden` is given. `convention` says whose gates and initial values: PyTorch's or Keras's.
pub fn lstm(name: &str, options: &mut Options) -> Result<Graph> {
    let inputs = options.count("inputs", 768)?;
    let units = options.count("units", 64)?;
    let hidden = options.optional_count("hidden")?;
    let classes = options.count("n_classes", 6)?;
    let dropout = options.rate("dropout", 0.0)?;
    let conventions = [("pytorch", LstmConvention::Pytorch), ("keras", LstmConvention::Keras)];
    let convention = options.choice("convention", &conventions)?;
    let layer = Lstm {
        convention,
        bidirectional: options.flag("bidirectional", false)?,
        sequences: false,
        dropout: options.rate("input_dropout", 0.0)?,
        recurrent_dropout: options.rate("recurrent_dropout", 0.0)?,
        ..Lstm::new(inputs, units)
    };
    let init = match convention {
        LstmConvention::Pytorch => Init::FanIn,
        LstmConvention::Keras => Init::GlorotUniform,
    };
    let mut b = Builder::new(name, &[0, inputs]);
    let mut x = b.layer("lstm", Layer::Lstm(layer), &[0]);
    b.stage("lstm", x);
    if dropout > 0.0 {
        x = b.dropout("dropout", x, dropout);
    }
    if let Some(hidden) = hidden {
        x = b.linear("fc1", x, Linear::new(b.channels(x), hidden).init(init));
        x = b.activation("relu", x, Activation::Relu);
    }
    b.stage("features", x);
    let x = b.linear("fc", x, Linear::new(b.channels(x), classes).init(init));
    b.stage("logits", x);
    b.finish(Some("fc"))
}
