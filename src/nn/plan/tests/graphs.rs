//! Small graphs with every layer, over awkward shapes.

use crate::nn::layers::{
    Activation, AdaptivePool, Attention, Convolution, LayerNorm, Linear, Lstm, LstmConvention, Pool, PoolKind,
};
use crate::nn::{Array, Builder, Graph, Layer, NodeId, Parameters};
use crate::random::Stream;

/// A graph, the shape of its input, and its name in failures.
pub(super) struct Case {
    pub graph: Graph,
    pub input: Vec<usize>,
}

fn case(builder: Builder, input: &[usize]) -> Case {
    Case { graph: builder.finish(None).unwrap(), input: input.to_vec() }
}

fn activation(builder: &mut Builder, name: &str, input: NodeId, function: Activation) -> NodeId {
    builder.activation(name, input, function)
}

/// A residual network of odd sides, with a shortcut that convolves and one that does not.
pub(super) fn residual(batch: usize) -> Case {
    let mut b = Builder::new("residual", &[3, 0, 0]);
    let stem = Convolution::new(3, 20, &[3, 3]).stride(&[2, 2]).padding(&[1, 1]).no_bias();
    let x = b.convolution("conv1", b.input(), stem);
    let x = b.batch_norm("bn1", x, 1e-5);
    let x = activation(&mut b, "relu", x, Activation::Relu);
    let mut x = b.pool("maxpool", x, Pool::max(&[3, 3], &[2, 2]).padding(&[1, 1]));
    for (i, (channels, stride)) in [(20, 1), (33, 2)].into_iter().enumerate() {
        let from = b.channels(x);
        let name = |part: &str| format!("layer{i}.{part}");
        let first = Convolution::new(from, channels, &[3, 3]).stride(&[stride, stride]).padding(&[1, 1]).no_bias();
        let y = b.convolution(&name("conv1"), x, first);
        let y = b.batch_norm(&name("bn1"), y, 1e-5);
        let y = activation(&mut b, &name("relu1"), y, Activation::Relu);
        let second = Convolution::new(channels, channels, &[3, 3]).padding(&[1, 1]).no_bias();
        let y = b.convolution(&name("conv2"), y, second);
        let y = b.batch_norm(&name("bn2"), y, 1e-5);
        let shortcut = if stride == 1 {
            x
        } else {
            let down = Convolution::new(from, channels, &[1, 1]).stride(&[stride, stride]).no_bias();
            let s = b.convolution(&name("downsample.0"), x, down);
            b.batch_norm(&name("downsample.1"), s, 1e-5)
        };
        let sum = b.add(&name("add"), &[y, shortcut]);
        x = activation(&mut b, &name("relu2"), sum, Activation::Relu);
        b.stage(&name(""), x);
    }
    let x = b.global_average("avgpool", x);
    b.linear("fc", x, Linear::new(33, 7));
    case(b, &[batch, 3, 19, 23])
}

/// Bottlenecks with depthwise convolutions, of pictures: ReLU6, TensorFlow's padding, SiLU.
pub(super) fn inverted(batch: usize) -> Case {
    let mut b = Builder::new("inverted", &[3, 0, 0]);
    let x = b.convolution("stem", b.input(), Convolution::new(3, 18, &[3, 3]).stride(&[2, 2]).same().no_bias());
    let x = b.batch_norm("bn0", x, 1e-3);
    let start = activation(&mut b, "act0", x, Activation::Relu6);
    let x = b.convolution("expand", start, Convolution::new(18, 37, &[1, 1]).no_bias());
    let x = b.batch_norm("bn1", x, 1e-3);
    let x = activation(&mut b, "act1", x, Activation::Relu6);
    let x = b.convolution("depthwise", x, Convolution::new(37, 37, &[5, 5]).same().groups(37).no_bias());
    let x = b.batch_norm("bn2", x, 1e-3);
    let x = activation(&mut b, "act2", x, Activation::Relu6);
    let x = b.convolution("project", x, Convolution::new(37, 18, &[1, 1]).no_bias());
    let x = b.batch_norm("bn3", x, 1e-3);
    let x = b.add("add", &[x, start]);
    let x = b.convolution("strided", x, Convolution::new(18, 18, &[3, 3]).stride(&[2, 2]).same().groups(18));
    let x = activation(&mut b, "silu", x, Activation::Silu);
    let x = b.layer("drop", Layer::Dropout { p: 0.3 }, &[x]);
    let x =
        b.adaptive_pool("pool", x, AdaptivePool { of: PoolKind::Average { count_padding: true }, output: vec![2, 3] });
    let x = b.layer("flatten", Layer::Flatten, &[x]);
    let x = b.linear("fc", x, Linear::new(108, 5));
    b.layer("softmax", Layer::Activation { function: Activation::Softmax }, &[x]);
    case(b, &[batch, 3, 17, 22])
}

/// Clips: dense, grouped and depthwise 3-D convolutions with biases, a sum of three, norms that stand alone.
pub(super) fn clip(batch: usize) -> Case {
    let mut b = Builder::new("clip", &[3, 0, 0, 0]);
    let stem = Convolution::new(3, 16, &[3, 3, 5]).stride(&[1, 2, 2]).padding(&[1, 1, 2]);
    let x = b.convolution("stem", b.input(), stem);
    let x = activation(&mut b, "relu0", x, Activation::Relu);
    let x = b.pool("maxpool", x, Pool::max(&[1, 2, 2], &[1, 2, 2]).ceil());
    let grouped = b.convolution("grouped", x, Convolution::new(16, 24, &[3, 3, 3]).padding(&[1, 1, 1]).groups(4));
    let one = b.convolution("one", x, Convolution::new(16, 24, &[1, 1, 1]));
    let separate =
        b.convolution("separate", grouped, Convolution::new(24, 24, &[3, 3, 3]).padding(&[1, 1, 1]).groups(24));
    let sum = b.add("sum", &[grouped, one, separate]);
    let x = b.batch_norm("norm", sum, 1e-5);
    let x = activation(&mut b, "tanh", x, Activation::Tanh);
    let x = b.add("again", &[x, sum]);
    let pool = Pool { of: PoolKind::Average { count_padding: false }, ..Pool::average(&[2, 3, 3], &[1, 2, 2]) };
    let x = b.pool("avgpool", x, pool.padding(&[1, 1, 1]));
    let x = b.layer("sequence", Layer::Sequence, &[x]);
    let x = b.layer("mean", Layer::SequenceMean, &[x]);
    b.linear("fc", x, Linear { bias: false, ..Linear::new(24, 3) });
    case(b, &[batch, 3, 4, 11, 13])
}

/// Branches whose channels no block divides, joined; the input is used twice.
pub(super) fn fire(batch: usize) -> Case {
    let mut b = Builder::new("fire", &[3, 0, 0]);
    let squeeze = b.convolution("squeeze", b.input(), Convolution::new(3, 9, &[3, 3]));
    let squeeze = activation(&mut b, "squeeze.relu", squeeze, Activation::Relu);
    let left = b.convolution("left", squeeze, Convolution::new(9, 21, &[1, 1]));
    let left = activation(&mut b, "left.relu", left, Activation::Relu);
    let right = b.convolution("right", squeeze, Convolution::new(9, 19, &[3, 3]).padding(&[1, 1]));
    let right = activation(&mut b, "right.relu", right, Activation::Relu);
    let skip = b.pool("skip", b.input(), Pool::average(&[3, 3], &[1, 1]));
    let joined = b.concatenate("joined", &[left, right, skip, left]);
    let x = b.layer("drop", Layer::Dropout { p: 0.5 }, &[joined]);
    let x = b.convolution("classifier", x, Convolution::new(64, 6, &[1, 1]).dilation(&[2, 1]));
    let x = activation(&mut b, "classifier.relu", x, Activation::Relu);
    let x = b.adaptive_pool("pool", x, AdaptivePool { of: PoolKind::Max, output: vec![1, 1] });
    b.layer("flatten", Layer::Flatten, &[x]);
    case(b, &[batch, 3, 9, 7])
}

/// A transformer's block over the positions of a map, and recurrent layers behind it.
pub(super) fn sequence(batch: usize) -> Case {
    let mut b = Builder::new("sequence", &[3, 0, 0]);
    let patches = b.convolution("patches", b.input(), Convolution::new(3, 18, &[4, 4]).stride(&[4, 4]));
    let x = b.layer("sequence", Layer::Sequence, &[patches]);
    let norm = b.layer("norm1", Layer::LayerNorm(LayerNorm { size: 18, eps: 1e-6 }), &[x]);
    let y = b.layer("attention", Layer::Attention(Attention { size: 18, heads: 3 }), &[norm]);
    let x = b.add("add1", &[x, y]);
    let norm = b.layer("norm2", Layer::LayerNorm(LayerNorm { size: 18, eps: 1e-6 }), &[x]);
    let y = b.linear("mlp1", norm, Linear::new(18, 25));
    let y = activation(&mut b, "gelu", y, Activation::Gelu);
    let y = b.linear("mlp2", y, Linear::new(25, 18));
    let y = activation(&mut b, "gelu2", y, Activation::GeluTanh);
    let x = b.add("add2", &[x, y]);
    let keras = Lstm {
        convention: LstmConvention::Keras,
        bidirectional: true,
        dropout: 0.2,
        recurrent_dropout: 0.25,
        ..Lstm::new(18, 7)
    };
    let x = b.layer("lstm1", Layer::Lstm(keras), &[x]);
    let x = b.layer("lstm2", Layer::Lstm(Lstm { sequences: false, ..Lstm::new(14, 5) }), &[x]);
    let x = activation(&mut b, "sigmoid", x, Activation::Sigmoid);
    b.linear("fc", x, Linear::new(5, 4));
    case(b, &[batch, 3, 13, 9])
}

/// Vectors only: linear layers with norms.
pub(super) fn vectors(batch: usize) -> Case {
    let mut b = Builder::new("vectors", &[11]);
    let x = b.linear("fc1", b.input(), Linear::new(11, 19));
    let x = b.batch_norm("bn1", x, 1e-5);
    let x = activation(&mut b, "relu", x, Activation::Relu);
    let x = b.layer("drop", Layer::Dropout { p: 0.4 }, &[x]);
    let y = b.linear("fc2", x, Linear::new(19, 19));
    let x = b.concatenate("joined", &[x, y]);
    let x = b.batch_norm("bn2", x, 1e-5);
    let x = b.layer("flatten", Layer::Flatten, &[x]);
    let x = b.linear("fc3", x, Linear::new(38, 3));
    activation(&mut b, "relu6", x, Activation::Relu6);
    case(b, &[batch, 11])
}

pub(super) fn all() -> Vec<Case> {
    [1, 3].into_iter().flat_map(|n| [residual(n), inverted(n), clip(n), fire(n), sequence(n), vectors(n)]).collect()
}

/// Values for all parameters that leave nothing at its neutral element.
pub(super) fn parameters(graph: &Graph, seed: u64) -> Parameters {
    let mut parameters = graph.initialised(seed);
    let mut stream = Stream::keyed(seed, &[1]);
    for parameter in graph.parameters() {
        let around = match parameter.spec.name {
            "running_var" => Some((0.5, 2.0)),
            "running_mean" | "bias" => Some((-0.3, 0.3)),
            "weight" if parameter.spec.shape.len() == 1 => Some((0.6, 1.5)),
            _ => None,
        };
        if let Some((low, high)) = around {
            let values = parameters.get_mut(&parameter.name).unwrap().data_mut();
            values.iter_mut().for_each(|value| *value = stream.uniform_in(low, high) as f32);
        }
    }
    parameters
}

/// Values in -1..1.
pub(super) fn random(shape: &[usize], seed: u64) -> Array {
    let mut stream = Stream::keyed(seed, &[2]);
    let values = (0..shape.iter().product()).map(|_| stream.uniform_in(-1.0, 1.0) as f32).collect();
    Array::new(shape.to_vec(), values).unwrap()
}
