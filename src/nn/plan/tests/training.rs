//! What `Training` computes: outputs, gradients by finite differences, running statistics.

use super::super::{Gradients, Training};
use super::graphs::{self, Case};
use super::interpreter::{Values, Wide, run, running, widened};
use super::{assert_close, wide};
use crate::nn::layers::Activation;
use crate::nn::{Array, Graph, Layer, Mode, Node, Parameters};
use crate::parallel::{self, Job};
use crate::random::Stream;

/// Float32 sums of a few thousand products, through a few layers, forward and backward.
const TOLERANCE: f64 = 2e-4;
/// How far inputs of a ReLU keep from its bends, so that neither float32 nor the step mistakes the side.
const CLEAR: f64 = 3e-5;
/// The step of a central difference in float64.
const STEP: f64 = 1e-6;
const MODES: [Mode; 2] = [Mode::Evaluation, Mode::Training { seed: 11 }];

fn cotangent(case: &Case) -> Array {
    let shapes = case.graph.shapes(&case.input).unwrap();
    graphs::random(&shapes[case.graph.output()], 9)
}

/// The first of some inputs at which no value in front of a ReLU is near a bend.
fn input(case: &Case, mode: Mode) -> Array {
    let parameters = widened(&graphs::parameters(&case.graph, 5));
    let bends = |node: &Node| match node.layer {
        Layer::Activation { function: Activation::Relu } => vec![0.0],
        Layer::Activation { function: Activation::Relu6 } => vec![0.0, 6.0],
        _ => vec![],
    };
    let is_clear = |input: &Array| {
        let values = run(&case.graph, &parameters, &wide(input), mode);
        let far = |node: &Node, bend: f64| values[node.inputs[0]].data.iter().all(|value| (value - bend).abs() > CLEAR);
        case.graph.nodes.iter().all(|node| bends(node).into_iter().all(|bend| far(node, bend)))
    };
    (6..).map(|seed| graphs::random(&case.input, seed)).find(is_clear).unwrap()
}

fn trained(case: &Case, mode: Mode, input_gradient: bool) -> (Array, Gradients) {
    let parameters = graphs::parameters(&case.graph, 5);
    let input = input(case, mode);
    let mut training = Training::new(&case.graph, &case.input).unwrap();
    training.poison();
    let job = Job::new();
    let output = training.forward(&parameters, input.data(), mode, &job).unwrap();
    let gradients = training.backward(&parameters, cotangent(case).data(), input_gradient, &job).unwrap();
    (output, gradients)
}

/// A batch norm over one value has no variance: such cases run in evaluation only.
fn fits(case: &Case, mode: Mode) -> bool {
    mode == Mode::Evaluation || case.graph.name != "vectors" || case.input[0] > 1
}

fn loss(graph: &Graph, parameters: &Wide, input: &Values, mode: Mode, cotangent: &Array) -> f64 {
    let output = run(graph, parameters, input, mode).pop().unwrap();
    output.data.iter().zip(cotangent.data()).map(|(a, &b)| a * f64::from(b)).sum()
}

/// Compares the gradient of one tensor with central differences along random directions.
#[track_caller]
fn assert_slope(got: &Array, seed: u64, what: &str, mut loss: impl FnMut(&[f64]) -> f64) {
    let mut stream = Stream::keyed(seed, &[3]);
    let norm = got.data().iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    for _ in 0..2 {
        let direction: Vec<f64> = got.data().iter().map(|_| stream.uniform_in(-1.0, 1.0)).collect();
        let along = |scale: f64| direction.iter().map(|value| scale * value).collect::<Vec<_>>();
        let slope = (loss(&along(STEP)) - loss(&along(-STEP))) / (2.0 * STEP);
        let product: f64 = direction.iter().zip(got.data()).map(|(d, &g)| d * f64::from(g)).sum();
        assert!((slope - product).abs() <= TOLERANCE * norm.max(1e-2), "{what}: {product}, not {slope}");
    }
}

#[test]
fn outputs_and_gradients_equal_those_of_plain_loops() {
    for case in graphs::all() {
        for mode in MODES.into_iter().filter(|&mode| fits(&case, mode)) {
            let name = format!("{} {mode:?} {:?}", case.graph.name, case.input);
            let (output, gradients) = trained(&case, mode, true);
            let parameters = widened(&graphs::parameters(&case.graph, 5));
            let input = wide(&input(&case, mode));
            let wanted = run(&case.graph, &parameters, &input, mode).pop().unwrap();
            assert_close(&output, &wanted, 2e-5, &name);
            let cotangent = cotangent(&case);
            let moved = |values: &[f64], by: &[f64]| values.iter().zip(by).map(|(a, b)| a + b).collect::<Vec<_>>();
            assert_slope(&gradients.input.unwrap(), 1, &format!("{name}: input"), |by| {
                let input = Values { shape: input.shape.clone(), data: moved(&input.data, by) };
                loss(&case.graph, &parameters, &input, mode, &cotangent)
            });
            let trainable: Vec<_> = case.graph.parameters().into_iter().filter(|p| p.trainable).collect();
            assert_eq!(gradients.parameters.len(), trainable.len(), "{name}");
            for (i, parameter) in trainable.iter().enumerate() {
                let got = gradients.parameters.get(&parameter.name).unwrap();
                assert_eq!(got.shape(), parameter.spec.shape);
                assert_slope(got, 2 + i as u64, &format!("{name}: {}", parameter.name), |by| {
                    let mut parameters = parameters.clone();
                    let values = parameters.get_mut(&parameter.name).unwrap();
                    *values = moved(values, by);
                    loss(&case.graph, &parameters, &input, mode, &cotangent)
                });
            }
        }
    }
}

#[test]
fn running_statistics_move_towards_the_batchs() {
    for case in graphs::all() {
        let mode = MODES[1];
        if !fits(&case, mode) {
            continue;
        }
        let parameters = graphs::parameters(&case.graph, 5);
        let values = run(&case.graph, &widened(&parameters), &wide(&input(&case, mode)), mode);
        let (_, gradients) = trained(&case, mode, false);
        let mut count = 0;
        for node in &case.graph.nodes {
            let Layer::BatchNorm(layer) = &node.layer else { continue };
            let get = |name: &str| wide(parameters.get(&node.parameter(name)).unwrap()).data;
            let new = running(layer, &values[node.inputs[0]], &get("running_mean"), &get("running_var"));
            for (name, data) in ["running_mean", "running_var"].into_iter().zip(new) {
                let got = gradients.statistics.get(&node.parameter(name)).unwrap();
                assert_close(got, &Values { shape: vec![layer.channels], data }, 1e-5, &node.parameter(name));
                count += 1;
            }
        }
        assert_eq!(gradients.statistics.len(), count);
    }
    let (_, gradients) = trained(&graphs::residual(3), Mode::Evaluation, false);
    assert!(gradients.statistics.is_empty());
}

fn bits(gradients: &Gradients) -> Vec<(String, Vec<u32>)> {
    let of = |parameters: &Parameters| -> Vec<(String, Vec<u32>)> {
        let bits = |array: &Array| array.data().iter().map(|value| value.to_bits()).collect();
        parameters.iter().map(|(name, array)| (name.to_owned(), bits(array))).collect()
    };
    [of(&gradients.parameters), of(&gradients.statistics)].concat()
}

#[test]
fn gradients_are_the_same_bytes_on_any_number_of_threads() {
    for case in graphs::all().into_iter().filter(|case| fits(case, MODES[1])) {
        let passes = |threads: usize| {
            parallel::set_threads(threads);
            let (output, gradients) = trained(&case, MODES[1], true);
            (output, bits(&gradients), gradients.input)
        };
        let one = passes(1);
        for threads in [2, 3] {
            assert!(passes(threads) == one, "{} on {threads} threads", case.graph.name);
        }
        parallel::set_threads(0);
    }
}

#[test]
fn nothing_is_computed_for_what_is_frozen() {
    let mut case = graphs::residual(2);
    let whole = Training::new(&case.graph, &case.input).unwrap();
    let until = case.graph.stages[0].node;
    case.graph.freeze(Some(until));
    let part = Training::new(&case.graph, &case.input).unwrap();
    assert!(part.n_steps() < whole.n_steps() - 10, "{} of {}", part.n_steps(), whole.n_steps());
    assert!(part.arena_length() < whole.arena_length());
    let (_, gradients) = trained(&case, MODES[1], false);
    let names: Vec<&str> = gradients.parameters.iter().map(|(name, _)| name).collect();
    let wanted: Vec<String> = case.graph.parameters().into_iter().filter(|p| p.trainable).map(|p| p.name).collect();
    assert_eq!(names.len(), wanted.len());
    assert!(gradients.input.is_none() && wanted.iter().all(|name| names.contains(&name.as_str())));
    assert!(gradients.statistics.iter().all(|(name, _)| name.starts_with("layer1")));
    // What is left has the gradients that finite differences of the frozen network have.
    let (parameters, input) = (widened(&graphs::parameters(&case.graph, 5)), wide(&input(&case, MODES[1])));
    let cotangent = cotangent(&case);
    assert_slope(gradients.parameters.get("layer1.conv1.weight").unwrap(), 4, "frozen", |by| {
        let mut parameters = parameters.clone();
        parameters.get_mut("layer1.conv1.weight").unwrap().iter_mut().zip(by).for_each(|(value, by)| *value += by);
        loss(&case.graph, &parameters, &input, MODES[1], &cotangent)
    });
}

#[test]
fn a_frozen_norm_keeps_its_statistics_and_lets_gradients_through() {
    let mut case = graphs::residual(2);
    case.graph.freeze_norms();
    let (_, gradients) = trained(&case, MODES[1], false);
    assert!(gradients.statistics.is_empty() && gradients.parameters.get("bn1.weight").is_err());
    let (parameters, input) = (widened(&graphs::parameters(&case.graph, 5)), wide(&input(&case, MODES[1])));
    let cotangent = cotangent(&case);
    assert_slope(gradients.parameters.get("conv1.weight").unwrap(), 4, "frozen norms", |by| {
        let mut parameters = parameters.clone();
        parameters.get_mut("conv1.weight").unwrap().iter_mut().zip(by).for_each(|(value, by)| *value += by);
        loss(&case.graph, &parameters, &input, MODES[1], &cotangent)
    });
}

#[test]
fn a_second_pass_and_a_late_wish_for_the_inputs_gradient_give_the_same() {
    let case = graphs::inverted(2);
    let parameters = graphs::parameters(&case.graph, 5);
    let (input, cotangent, job) = (graphs::random(&case.input, 6), cotangent(&case), Job::new());
    let mut training = Training::new(&case.graph, &case.input).unwrap();
    assert!(training.backward(&parameters, cotangent.data(), false, &job).is_err());
    let mut pass = |input_gradient: bool| {
        training.poison();
        let output = training.forward(&parameters, input.data(), MODES[1], &job).unwrap();
        let gradients = training.backward(&parameters, cotangent.data(), input_gradient, &job).unwrap();
        (output, bits(&gradients), gradients.input.is_some())
    };
    let first = pass(false);
    let second = pass(true);
    let third = pass(false);
    assert!(first.0 == second.0 && first.1 == second.1 && first == third);
    assert!(second.2 && !first.2);
}
