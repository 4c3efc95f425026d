//! A plain interpreter of graphs in float64: loops over indices, one after the other, as the definitions have them.

use crate::nn::cpu::Window;
use crate::nn::dropout::{Mask, Part};
use crate::nn::layers::{Activation, Attention, BatchNorm, Convolution, Lstm, LstmConvention, PoolKind, Sliding};
use crate::nn::{Graph, Layer, Mode, Node, Parameters};

/// Values in PyTorch's order.
#[derive(Clone, Debug)]
pub(super) struct Values {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

/// Parameters by name, in float64.
pub(super) type Wide = std::collections::BTreeMap<String, Vec<f64>>;

pub(super) fn widened(parameters: &Parameters) -> Wide {
    let wide = |array: &crate::nn::Array| array.data().iter().map(|&value| f64::from(value)).collect();
    parameters.iter().map(|(name, array)| (name.to_owned(), wide(array))).collect()
}

/// Five extents of a map: batch, channels, frames, height, width; what is missing is 1.
fn extents(shape: &[usize]) -> [usize; 5] {
    match *shape {
        [n, c] => [n, c, 1, 1, 1],
        [n, c, l] => [n, c, 1, 1, l],
        [n, c, h, w] => [n, c, 1, h, w],
        [n, c, t, h, w] => [n, c, t, h, w],
        _ => panic!("{shape:?} is no map"),
    }
}

fn indices(sides: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..sides.iter().product()).map(move |i: usize| [i / (sides[1] * sides[2]), i / sides[2] % sides[1], i % sides[2]])
}

/// The place that a tap of a window sees, if it is inside.
fn seen(window: &Window, at: [usize; 3], tap: [usize; 3], sides: [usize; 3]) -> Option<[usize; 3]> {
    let mut place = [0; 3];
    for i in 0..3 {
        place[i] = (at[i] * window.stride[i] + tap[i] * window.dilation[i]).checked_sub(window.before[i])?;
        if place[i] >= sides[i] {
            return None;
        }
    }
    Some(place)
}

impl Values {
    fn new(shape: &[usize], data: Vec<f64>) -> Self {
        assert_eq!(shape.iter().product::<usize>(), data.len());
        Self { shape: shape.to_vec(), data }
    }

    fn sides(&self) -> [usize; 3] {
        let [_, _, t, h, w] = extents(&self.shape);
        [t, h, w]
    }

    fn at(&self, n: usize, c: usize, [t, h, w]: [usize; 3]) -> f64 {
        let [_, channels, frames, height, width] = extents(&self.shape);
        self.data[(((n * channels + c) * frames + t) * height + h) * width + w]
    }

    /// A map whose value at (n, c, position) is `f` of them.
    fn map(shape: &[usize], mut f: impl FnMut(usize, usize, [usize; 3]) -> f64) -> Self {
        let [n, c, t, h, w] = extents(shape);
        let mut data = Vec::new();
        for n in 0..n {
            for c in 0..c {
                data.extend(indices([t, h, w]).map(|at| f(n, c, at)));
            }
        }
        Self::new(shape, data)
    }
}

/// The outputs of all nodes.
pub(super) fn run(graph: &Graph, parameters: &Wide, input: &Values, mode: Mode) -> Vec<Values> {
    let shapes = graph.shapes(&input.shape).unwrap();
    let mut values: Vec<Values> = Vec::new();
    for (id, node) in graph.nodes.iter().enumerate() {
        let given: Vec<&Values> = node.inputs.iter().map(|&input| &values[input]).collect();
        let value = if id == 0 { input.clone() } else { node_value(id, node, parameters, &given, &shapes[id], mode) };
        values.push(value);
    }
    values
}

fn node_value(id: usize, node: &Node, parameters: &Wide, given: &[&Values], shape: &[usize], mode: Mode) -> Values {
    let parameter = |name: &str| &parameters[&node.parameter(name)][..];
    let x = given[0];
    match &node.layer {
        Layer::Input { .. } => unreachable!(),
        Layer::Convolution(layer) => convolution(layer, x, parameter("weight"), &|| parameter("bias"), shape),
        Layer::BatchNorm(layer) => batch_norm(layer, x, &parameter, mode != Mode::Evaluation && !node.frozen),
        Layer::LayerNorm(layer) => rows(x, layer.size, |row| {
            let (mean, variance) = moments(row);
            let scaled = row.iter().map(|value| (value - mean) / (variance + layer.eps).sqrt());
            scaled.zip(parameter("weight")).zip(parameter("bias")).map(|((v, w), b)| v * w + b).collect()
        }),
        Layer::Activation { function: Activation::Softmax } => rows(x, *x.shape.last().unwrap(), softmax),
        Layer::Activation { function } => {
            Values::new(shape, x.data.iter().map(|&value| activation(*function, value)).collect())
        }
        Layer::Pool(layer) => pool(layer.of, &layer.sliding, x, shape),
        Layer::AdaptivePool(layer) => adaptive_pool(layer.of, x, shape),
        Layer::GlobalAverage => {
            let count: usize = x.sides().iter().product();
            Values::map(shape, |n, c, _| indices(x.sides()).map(|at| x.at(n, c, at)).sum::<f64>() / count as f64)
        }
        Layer::SequenceMean => {
            let (l, d) = (x.shape[1], x.shape[2]);
            Values::map(shape, |n, c, _| (0..l).map(|i| x.data[(n * l + i) * d + c]).sum::<f64>() / l as f64)
        }
        Layer::Add => {
            let sum = |i: usize| given.iter().map(|value| value.data[i]).sum();
            Values::new(shape, (0..x.data.len()).map(sum).collect())
        }
        Layer::Concatenate => concatenate(given, shape),
        Layer::Flatten => Values::new(shape, x.data.clone()),
        Layer::Sequence => {
            let [n, c, t, h, w] = extents(&x.shape);
            let mut data = Vec::new();
            for n in 0..n {
                for at in indices([t, h, w]) {
                    data.extend((0..c).map(|c| x.at(n, c, at)));
                }
            }
            Values::new(shape, data)
        }
        Layer::Linear(layer) => {
            let weight = parameter("weight");
            rows(x, layer.inputs, |row| linear(row, weight, if layer.bias { Some(parameter("bias")) } else { None }))
                .shaped(shape)
        }
        Layer::Dropout { p } => match mode {
            Mode::Evaluation => x.clone(),
            Mode::Training { seed } => {
                let mask = Mask::new(seed, id, Part::Values, *p).unwrap();
                let scale = |(i, value): (usize, &f64)| if mask.keeps(i) { value / (1.0 - p) } else { 0.0 };
                Values::new(shape, x.data.iter().enumerate().map(scale).collect())
            }
        },
        Layer::Lstm(layer) => lstm(id, layer, x, &parameter, mode).shaped(shape),
        Layer::Attention(layer) => attention(layer, x, &parameter),
    }
}

impl Values {
    fn shaped(mut self, shape: &[usize]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), self.data.len());
        self.shape = shape.to_vec();
        self
    }
}

fn rows(x: &Values, size: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Values {
    let data: Vec<f64> = x.data.chunks(size).flat_map(f).collect();
    Values { shape: if data.len() == x.data.len() { x.shape.clone() } else { vec![data.len()] }, data }
}

fn linear(row: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let dot = |w: &[f64]| row.iter().zip(w).map(|(a, b)| a * b).sum::<f64>();
    weight.chunks(row.len()).map(dot).enumerate().map(|(o, v)| v + bias.map_or(0.0, |bias| bias[o])).collect()
}

fn moments(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = row.iter().map(|value| (value - most).exp()).sum();
    row.iter().map(|value| (value - most).exp() / total).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// By its series, which converges everywhere; the tests' arguments are small.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

fn activation(function: Activation, x: f64) -> f64 {
    match function {
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Gelu => x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
        Activation::GeluTanh => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Softmax => unreachable!(),
    }
}

fn convolution<'a>(
    layer: &Convolution,
    x: &Values,
    weight: &[f64],
    bias: &dyn Fn() -> &'a [f64],
    shape: &[usize],
) -> Values {
    let window = layer.sliding.window(&x.shape[2..]);
    let (inputs, outputs) = (layer.in_channels / layer.groups, layer.out_channels / layer.groups);
    let bias = if layer.bias { Some(bias()) } else { None };
    Values::map(shape, |n, o, at| {
        let mut sum = bias.map_or(0.0, |bias| bias[o]);
        for i in 0..inputs {
            for (t, tap) in indices(window.kernel).enumerate() {
                if let Some(place) = seen(&window, at, tap, x.sides()) {
                    sum += weight[(o * inputs + i) * window.taps() + t] * x.at(n, o / outputs * inputs + i, place);
                }
            }
        }
        sum
    })
}

fn channel(x: &Values, c: usize) -> Vec<f64> {
    (0..x.shape[0]).flat_map(|n| indices(x.sides()).map(move |at| x.at(n, c, at))).collect()
}

fn batch_norm<'a>(layer: &BatchNorm, x: &Values, parameter: &dyn Fn(&str) -> &'a [f64], batch: bool) -> Values {
    let of_channel = |c: usize| {
        if batch { moments(&channel(x, c)) } else { (parameter("running_mean")[c], parameter("running_var")[c]) }
    };
    let statistics: Vec<(f64, f64)> = (0..layer.channels).map(of_channel).collect();
    Values::map(&x.shape, |n, c, at| {
        let (mean, variance) = statistics[c];
        (x.at(n, c, at) - mean) / (variance + layer.eps).sqrt() * parameter("weight")[c] + parameter("bias")[c]
    })
}

/// New running statistics of a batch norm that was given `x`, as PyTorch has them.
pub(super) fn running(layer: &BatchNorm, x: &Values, mean: &[f64], variance: &[f64]) -> [Vec<f64>; 2] {
    let mut new = [mean.to_vec(), variance.to_vec()];
    let [means, variances] = &mut new;
    for (c, (known_mean, known_variance)) in means.iter_mut().zip(variances).enumerate() {
        let values = channel(x, c);
        let (mean, variance) = moments(&values);
        let unbiased = variance * values.len() as f64 / (values.len() as f64 - 1.0);
        *known_mean += layer.momentum * (mean - *known_mean);
        *known_variance += layer.momentum * (unbiased - *known_variance);
    }
    new
}

fn pool(of: PoolKind, sliding: &Sliding, x: &Values, shape: &[usize]) -> Values {
    let window = sliding.window(&x.shape[2..]);
    let sides = x.sides();
    let padded: [usize; 3] = std::array::from_fn(|i| sides[i] + 2 * window.before[i]);
    Values::map(shape, |n, c, at| {
        let inside: Vec<f64> = indices(window.kernel)
            .filter_map(|tap| seen(&window, at, tap, sides))
            .map(|place| x.at(n, c, place))
            .collect();
        // What hangs over the padding behind does not count.
        let counted = indices(window.kernel)
            .filter(|tap| (0..3).all(|i| at[i] * window.stride[i] + tap[i] * window.dilation[i] < padded[i]))
            .count();
        match of {
            PoolKind::Max => inside.into_iter().fold(f64::NEG_INFINITY, f64::max),
            PoolKind::Average { count_padding: true } => inside.iter().sum::<f64>() / counted as f64,
            PoolKind::Average { count_padding: false } => inside.iter().sum::<f64>() / inside.len() as f64,
        }
    })
}

fn adaptive_pool(of: PoolKind, x: &Values, shape: &[usize]) -> Values {
    let sides = x.sides();
    let [_, _, t, h, w] = extents(shape);
    Values::map(shape, |n, c, at| {
        let bin = |i: usize, bins: usize| at[i] * sides[i] / bins..((at[i] + 1) * sides[i]).div_ceil(bins);
        let mut inside = Vec::new();
        for t in bin(0, t) {
            for h in bin(1, h) {
                inside.extend(bin(2, w).map(|w| x.at(n, c, [t, h, w])));
            }
        }
        match of {
            PoolKind::Max => inside.into_iter().fold(f64::NEG_INFINITY, f64::max),
            PoolKind::Average { .. } => inside.iter().sum::<f64>() / inside.len() as f64,
        }
    })
}

fn concatenate(given: &[&Values], shape: &[usize]) -> Values {
    let mut data = Vec::new();
    for n in 0..shape[0] {
        for value in given {
            let each = value.data.len() / shape[0];
            data.extend(&value.data[n * each..(n + 1) * each]);
        }
    }
    Values::new(shape, data)
}

fn attention<'a>(layer: &Attention, x: &Values, parameter: &dyn Fn(&str) -> &'a [f64]) -> Values {
    let (items, steps, size, heads) = (x.shape[0], x.shape[1], layer.size, layer.heads);
    let each = size / heads;
    let mut data = Vec::new();
    for n in 0..items {
        let sequence = x.data[n * steps * size..(n + 1) * steps * size].chunks(size);
        let projected: Vec<Vec<f64>> =
            sequence.map(|row| linear(row, parameter("in_proj_weight"), Some(parameter("in_proj_bias")))).collect();
        for query in &projected {
            let mut joined = Vec::new();
            for head in 0..heads {
                let part = |row: &[f64], which: usize| row[which * size + head * each..][..each].to_vec();
                let q = part(query, 0);
                let score =
                    |key: &Vec<f64>| q.iter().zip(part(key, 1)).map(|(a, b)| a * b).sum::<f64>() / (each as f64).sqrt();
                let weights = softmax(&projected.iter().map(score).collect::<Vec<_>>());
                for d in 0..each {
                    joined.push(projected.iter().zip(&weights).map(|(row, w)| w * part(row, 2)[d]).sum());
                }
            }
            data.extend(linear(&joined, parameter("out_proj.weight"), Some(parameter("out_proj.bias"))));
        }
    }
    Values::new(&x.shape, data)
}

fn lstm<'a>(id: usize, layer: &Lstm, x: &Values, parameter: &dyn Fn(&str) -> &'a [f64], mode: Mode) -> Values {
    let (items, steps, size, units) = (x.shape[0], x.shape[1], layer.inputs, layer.units);
    let directions: &[bool] = if layer.bidirectional { &[false, true] } else { &[false] };
    let width = units * directions.len();
    let mut all = vec![0.0; items * steps * width];
    let mut last = vec![0.0; items * width];
    for &backward in directions {
        let d = usize::from(backward);
        let names = layer.names(backward);
        let (kernel, recurrent) = (parameter(names[0]), parameter(names[1]));
        let weight = |table: &[f64], gate: usize, input: usize, inputs: usize| match layer.convention {
            LstmConvention::Pytorch => table[gate * inputs + input],
            LstmConvention::Keras => table[input * 4 * units + gate],
        };
        let bias = |gate: usize| names[2..].iter().map(|name| parameter(name)[gate]).sum::<f64>();
        let mask = |which: Part, p: f64, length: usize| -> Vec<f64> {
            match mode {
                Mode::Training { seed } if p > 0.0 => {
                    let mask = Mask::new(seed, id, which, p).unwrap();
                    (0..length).map(|i| if mask.keeps(i) { 1.0 / (1.0 - p) } else { 0.0 }).collect()
                }
                _ => vec![1.0; length],
            }
        };
        let input_mask = mask(Part::Inputs { backward }, layer.dropout, items * size);
        let state_mask = mask(Part::State { backward }, layer.recurrent_dropout, items * units);
        for n in 0..items {
            let (mut h, mut c) = (vec![0.0; units], vec![0.0; units]);
            for step in 0..steps {
                let at = if backward { steps - 1 - step } else { step };
                let gate = |g: usize| {
                    let mut sum = bias(g);
                    for i in 0..size {
                        sum +=
                            x.data[(n * steps + at) * size + i] * input_mask[n * size + i] * weight(kernel, g, i, size);
                    }
                    for u in 0..units {
                        sum += h[u] * state_mask[n * units + u] * weight(recurrent, g, u, units);
                    }
                    sum
                };
                let gates: Vec<f64> = (0..4 * units).map(gate).collect();
                for u in 0..units {
                    c[u] = sigmoid(gates[units + u]) * c[u] + sigmoid(gates[u]) * gates[2 * units + u].tanh();
                    h[u] = sigmoid(gates[3 * units + u]) * c[u].tanh();
                    all[(n * steps + at) * width + d * units + u] = h[u];
                }
            }
            last[n * width + d * units..][..units].copy_from_slice(&h);
        }
    }
    if layer.sequences { Values::new(&[items, steps, width], all) } else { Values::new(&[items, width], last) }
}
