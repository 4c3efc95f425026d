use super::*;
use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads};

struct Case {
    sizes: Sizes,
    place: Place,
    input: Vec<f32>,
    weights: [Vec<f32>; 3],
    masks: Option<[Vec<f32>; 2]>,
}

fn cases() -> Vec<Case> {
    let of = |items, steps, inputs, units, reverse, extra: usize, masked: bool| {
        let random = &mut Random(17);
        let sizes = Sizes { items, steps, inputs, units };
        let place = Place { reverse, width: units + extra, first: extra / 2 };
        let weights = [4 * units * inputs, 4 * units * units, 4 * units].map(|length| random.values(length));
        let mut mask = |length| random.values(length).iter().map(|&v| if v < -0.3 { 0.0 } else { 1.5 }).collect();
        let masks = masked.then(|| [mask(items * inputs), mask(items * units)]);
        Case { sizes, place, input: random.values(items * steps * inputs), weights, masks }
    };
    vec![
        of(1, 1, 1, 1, false, 0, false),
        of(3, 4, 5, 7, false, 0, false),
        of(2, 3, 4, 17, true, 17, true),
        of(9, 3, 6, 33, false, 5, true),
        of(13, 2, 3, 16, true, 0, false),
        of(27, 2, 2, 18, false, 1, true),
    ]
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

/// States `(N, L, U)` in float64, step by step.
fn reference(case: &Case, input: &[f64], weights: &[Vec<f64>]) -> Vec<f64> {
    let Sizes { items, steps, inputs, units } = case.sizes;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let mask = |which: usize, at: usize| case.masks.as_ref().map_or(1.0, |masks| f64::from(masks[which][at]));
    let mut states = vec![0.0; items * steps * units];
    for item in 0..items {
        let (mut h, mut c) = (vec![0.0; units], vec![0.0; units]);
        for t in 0..steps {
            let row = item * steps + if case.place.reverse { steps - 1 - t } else { t };
            let gate = |gate: usize| {
                let x: f64 = (0..inputs)
                    .map(|i| weights[0][gate * inputs + i] * input[row * inputs + i] * mask(0, item * inputs + i))
                    .sum();
                let h: f64 = (0..units).map(|u| weights[1][gate * units + u] * h[u] * mask(1, item * units + u)).sum();
                x + h + weights[2][gate]
            };
            let gates: Vec<f64> = (0..4 * units).map(gate).collect();
            for u in 0..units {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * units + u]);
                c[u] = sigmoid(f) * c[u] + sigmoid(i) * g.tanh();
                h[u] = sigmoid(o) * c[u].tanh();
            }
            states[row * units..][..units].copy_from_slice(&h);
        }
    }
    states
}

fn run(case: &Case, gradient: &[f32]) -> [Vec<f32>; 5] {
    let Case { sizes, place, input, weights, masks } = case;
    let [of_input, recurrent, bias] = weights;
    let weights = Weights { input: of_input, recurrent, bias };
    let masks = masks
        .as_ref()
        .map_or(Masks::default(), |[input, recurrent]| Masks { input: Some(input), recurrent: Some(recurrent) });
    let mut output = vec![7.0; sizes.items * sizes.steps * place.width];
    let mut tape = Tape::default();
    forward(input, &weights, &masks, sizes, place, &mut output, &mut tape).unwrap();
    let [mut x, mut w, mut u, mut b] =
        [input.len(), of_input.len(), recurrent.len(), bias.len()].map(|length| vec![f32::NAN; length]);
    let mut gradients = Gradients { input: &mut w, recurrent: &mut u, bias: &mut b };
    backward(input, &weights, &masks, sizes, place, &tape, gradient, &mut gradients, Some(&mut x)).unwrap();
    [output, x, w, u, b]
}

#[test]
fn states_equal_pytorchs_equations_and_gradients_finite_differences() {
    for case in cases() {
        let Sizes { items, steps, units, .. } = case.sizes;
        let gradient = Random(23).values(items * steps * case.place.width);
        let arrays = [wide(&case.input), wide(&case.weights[0]), wide(&case.weights[1]), wide(&case.weights[2])];
        let got = run(&case, &gradient);
        let states = reference(&case, &arrays[0], &arrays[1..]);
        for (row, wanted) in got[0].chunks(case.place.width).zip(states.chunks(units)) {
            assert_close(&row[case.place.first..][..units], wanted, 2e-6);
            assert!(row[..case.place.first].iter().chain(&row[case.place.first + units..]).all(|&value| value == 7.0));
        }
        for (which, got) in got[1..].iter().enumerate() {
            let every = (got.len() / 25).max(1);
            let places: Vec<usize> = (0..got.len()).step_by(every).collect();
            let slope = |&at: &usize| {
                let loss = |by: f64| -> f64 {
                    let mut arrays = arrays.clone();
                    arrays[which][at] += by;
                    let states = reference(&case, &arrays[0], &arrays[1..]);
                    let rows = states.chunks(units).zip(gradient.chunks(case.place.width));
                    rows.flat_map(|(row, g)| row.iter().zip(&g[case.place.first..]))
                        .map(|(h, &g)| h * f64::from(g))
                        .sum()
                };
                (loss(1e-5) - loss(-1e-5)) / 2e-5
            };
            let wanted: Vec<f64> = places.iter().map(slope).collect();
            let got: Vec<f32> = places.iter().map(|&at| got[at]).collect();
            assert_close(&got, &wanted, 1e-5);
        }
        assert_same_on_any_threads(|| run(&case, &gradient));
    }
}

#[test]
fn buffers_that_do_not_fit_are_refused() {
    let case = &cases()[1];
    let [input, recurrent, bias] = &case.weights;
    let weights = Weights { input, recurrent, bias };
    let mut output = vec![0.0; 3 * 4 * 7];
    let mut tape = Tape::default();
    let mut run = |x: &[f32], weights: &Weights, place: &Place| {
        forward(x, weights, &Masks::default(), &case.sizes, place, &mut output, &mut tape).is_err()
    };
    assert!(!run(&case.input, &weights, &case.place));
    assert!(run(&case.input[1..], &weights, &case.place));
    assert!(run(&case.input, &Weights { bias: &bias[1..], ..weights }, &case.place));
    assert!(run(&case.input, &weights, &Place { first: 1, ..case.place }));
}
