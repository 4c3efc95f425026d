//! Convolution: which kernels compute it, its step in inference, and its steps in training.

use super::fold::Affine;
use crate::aligned::Aligned;
use crate::error::{Error, Result};
use crate::nn::cpu::convolution as dense;
use crate::nn::cpu::epilogue::bias_backward;
use crate::nn::cpu::{Activation, Epilogue, LANES, MapShape, Window, depthwise};
use crate::nn::plan::backward::Backward;
use crate::nn::plan::compile::Form;
use crate::nn::plan::forward::Forward;
use crate::nn::plan::fuse::Unit;
use crate::nn::plan::memory::ValueId;
use crate::nn::plan::step::{Run, Step};
use crate::nn::{Array, Layer, layers};
use crate::parallel::Job;

/// The most channels of an input that the dense kernels take planar.
const PLANAR: usize = 4;

/// The kernels of one convolution over one shape.
#[derive(Clone, Debug)]
enum Filter {
    Dense {
        kernel: Box<dense::Convolution>,
        /// Whether the packed weights hold zeros: for channels that are not there, and between groups.
        padded: bool,
    },
    Depthwise {
        input: MapShape,
        output: MapShape,
        window: Window,
    },
}

impl Filter {
    /// `sides` are those of the input, in the layer's own axes.
    fn new(layer: &layers::Convolution, sides: &[usize], [input, output]: [MapShape; 2], planar: bool) -> Result<Self> {
        let window = layer.sliding.window(sides);
        if layer.is_depthwise() {
            return Ok(Self::Depthwise { input, output, window });
        }
        let kernel = Box::new(dense::Convolution::new(input, output, window, layer.groups, planar)?);
        let whole = [input.channels, output.channels].iter().all(|channels| channels.is_multiple_of(LANES));
        Ok(Self::Dense { kernel, padded: layer.groups > 1 || !whole })
    }

    /// Weights as the kernels read them.
    fn pack(&self, weights: &[f32], packed: &mut Aligned, job: &Job) -> Result<()> {
        match self {
            Self::Dense { kernel, padded } => {
                clear(packed, *padded);
                kernel.pack_into(weights, packed, job)
            }
            Self::Depthwise { .. } => self.pack_transposed(weights, packed, job),
        }
    }

    /// The same for the gradient of the input.
    fn pack_transposed(&self, weights: &[f32], packed: &mut Aligned, job: &Job) -> Result<()> {
        match self {
            Self::Dense { kernel, padded } => {
                clear(packed, *padded);
                kernel.pack_transposed_into(weights, packed, job)
            }
            Self::Depthwise { input, window, .. } => {
                *packed = depthwise::pack(weights, input.channels, window.taps())?;
                Ok(())
            }
        }
    }

    fn forward(&self, input: &[f32], packed: &[f32], end: &Epilogue, output: &mut [f32], job: &Job) -> Result<()> {
        match self {
            Self::Dense { kernel, .. } => kernel.forward(input, packed, end, output, job),
            Self::Depthwise { input: from, output: to, window } => {
                depthwise::forward(input, from, packed, window, end, output, to)
            }
        }
    }
}

/// Makes what another convolution left to zeros, where packing does not write over all of it.
fn clear(packed: &mut Aligned, padded: bool) {
    if padded {
        packed.clear();
    }
}

/// A convolution with what follows it.
#[derive(Debug)]
struct Convolve {
    filter: Filter,
    weights: Weights,
    activation: Activation,
    input: ValueId,
    residual: Option<ValueId>,
    output: ValueId,
}

#[derive(Debug)]
enum Weights {
    /// Of inference.
    Packed { weights: Aligned, bias: Option<Vec<f32>> },
    /// Of training: packed at each pass.
    Named { weights: String, bias: Option<String> },
}

impl Step for Convolve {
    fn values(&self) -> Vec<ValueId> {
        [self.input, self.output].into_iter().chain(self.residual).collect()
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let ([input, residual], [output]) =
            run.memory.open([self.input, self.residual.unwrap_or(self.input)], [self.output])?;
        let residual = self.residual.map(|_| residual);
        let end = |bias| Epilogue { bias, residual, activation: self.activation };
        match &self.weights {
            Weights::Packed { weights, bias } => {
                self.filter.forward(input, weights, &end(bias.as_deref()), output, run.job)
            }
            Weights::Named { weights, bias } => {
                self.filter.pack(run.parameters.get(weights)?.data(), run.packed, run.job)?;
                let bias = bias.as_ref().map(|bias| run.parameters.get(bias)).transpose()?;
                self.filter.forward(input, run.packed, &end(bias.map(Array::data)), output, run.job)
            }
        }
    }
}

/// The gradient of the input.
#[derive(Debug)]
struct ConvolveBack {
    filter: Filter,
    weights: String,
    gradient: ValueId,
    input_gradient: ValueId,
}

impl Step for ConvolveBack {
    fn values(&self) -> Vec<ValueId> {
        vec![self.gradient, self.input_gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let weights = run.parameters.get(&self.weights)?.data();
        self.filter.pack_transposed(weights, run.packed, run.job)?;
        let ([gradient], [input_gradient]) = run.memory.open([self.gradient], [self.input_gradient])?;
        match &self.filter {
            Filter::Dense { kernel, .. } => kernel.backward_input(gradient, run.packed, input_gradient, run.job),
            Filter::Depthwise { input, output, window } => {
                depthwise::backward_input(gradient, output, run.packed, window, input_gradient, input)
            }
        }
    }
}

/// The gradients of weights and bias.
#[derive(Debug)]
struct ConvolveLearn {
    filter: Filter,
    output: MapShape,
    weights: String,
    shape: Vec<usize>,
    bias: Option<String>,
    input: ValueId,
    gradient: ValueId,
}

impl Step for ConvolveLearn {
    fn values(&self) -> Vec<ValueId> {
        vec![self.input, self.gradient]
    }

    fn run(&self, run: &mut Run) -> Result<()> {
        let (input, gradient) = (run.memory.read(self.input), run.memory.read(self.gradient));
        let mut weights = Array::zeros(&self.shape);
        let mut bias = self.bias.as_ref().map(|_| Array::zeros(&[self.output.channels]));
        let of_bias = bias.as_mut().map(Array::data_mut);
        match &self.filter {
            Filter::Dense { kernel, .. } => {
                kernel.backward_weights(input, gradient, weights.data_mut(), of_bias, run.job)?;
            }
            Filter::Depthwise { input: from, output: to, window } => {
                depthwise::backward_weights(input, from, gradient, to, window, weights.data_mut())?;
                of_bias.map_or(Ok(()), |bias| bias_backward(gradient, &self.output, bias))?;
            }
        }
        run.found.insert(&self.weights, weights);
        if let (Some(name), Some(bias)) = (&self.bias, bias) {
            run.found.insert(name, bias);
        }
        Ok(())
    }
}

impl Forward<'_> {
    pub fn convolution(&mut self, unit: &Unit, layer: &layers::Convolution) -> Result<()> {
        let from = self.input(unit)?;
        let planar = from == 0 && layer.groups == 1 && layer.in_channels <= PLANAR;
        let sides = self.compiler.shapes[from][2..].to_vec();
        let shapes = [self.compiler.map(from), self.compiler.map(unit.head)];
        let filter = Filter::new(layer, &sides, shapes, planar)?;
        let weights = self.weights(unit, layer, &filter)?;
        let input = self.compiler.value(from, form_of(planar))?;
        let residual = unit.residual.map(|residual| self.compiler.value(residual, Form::Blocked)).transpose()?;
        let output = self.compiler.define(unit.output);
        self.compiler.draft.push(Convolve { filter, weights, activation: unit.activation, input, residual, output });
        Ok(())
    }

    fn weights(&mut self, unit: &Unit, layer: &layers::Convolution, filter: &Filter) -> Result<Weights> {
        let node = self.node(unit);
        let bias = layer.bias.then(|| node.parameter("bias"));
        let Some(parameters) = self.given else {
            return Ok(Weights::Named { weights: node.parameter("weight"), bias });
        };
        let weights = self.parameter(node, "weight")?.data();
        let bias = if layer.bias { Some(self.parameter(node, "bias")?.data()) } else { None };
        let packed = |weights: &[f32], bias| {
            let mut packed = Aligned::default();
            filter.pack(weights, &mut packed, &Job::new())?;
            Ok(Weights::Packed { weights: packed, bias })
        };
        let Some(norm) = unit.norm.map(|norm| &self.compiler.graph.nodes[norm]) else {
            return packed(weights, bias.map(<[f32]>::to_vec));
        };
        let Layer::BatchNorm(layer) = &norm.layer else {
            return Err(Error::argument("graph", format!("has no batch norm at {:?}", norm.name)));
        };
        self.check_parameters(norm)?;
        let (weights, bias) = Affine::new(norm, layer, parameters)?.folded(weights, bias);
        packed(&weights, Some(bias))
    }
}

impl Backward<'_> {
    pub fn convolution(&mut self, unit: &Unit, layer: &layers::Convolution, gradient: ValueId) -> Result<()> {
        let from = self.input(unit)?;
        let node = self.node(unit);
        let gradient = self.gated(unit, gradient, Form::Blocked)?;
        let planar = from == 0 && layer.groups == 1 && layer.in_channels <= PLANAR;
        let sides = self.compiler.shapes[from][2..].to_vec();
        let output = self.compiler.map(unit.head);
        let filter = Filter::new(layer, &sides, [self.compiler.map(from), output], planar)?;
        if self.learns(unit) {
            let mut specs = node.layer.parameters().into_iter();
            let step = ConvolveLearn {
                filter: filter.clone(),
                output,
                weights: node.parameter("weight"),
                shape: specs.next().map(|spec| spec.shape).unwrap_or_default(),
                bias: layer.bias.then(|| node.parameter("bias")),
                input: self.left(from, form_of(planar))?,
                gradient,
            };
            self.compiler.draft.push(step);
        }
        if self.flows(from) {
            let input_gradient = self.place(from, form_of(planar));
            let weights = node.parameter("weight");
            self.compiler.draft.push(ConvolveBack { filter, weights, gradient, input_gradient });
            self.contribute(from, input_gradient, form_of(planar));
        }
        if let Some(residual) = unit.residual {
            self.contribute(residual, gradient, Form::Blocked);
        }
        Ok(())
    }
}

fn form_of(planar: bool) -> Form {
    if planar { Form::Plain } else { Form::Blocked }
}
