use super::*;
use crate::nn::cpu::reference::{Random, assert_close, assert_same_on_any_threads, map, to_blocked, to_planar};

struct Case {
    input: MapShape,
    output: MapShape,
    window: Window,
}

/// PyTorch's extent of an output.
fn extent(side: usize, kernel: usize, stride: usize, dilation: usize, pad: usize, ceil: bool) -> usize {
    let span = (kernel - 1) * dilation + 1;
    let room = side + 2 * pad - span;
    let mut out = room / stride + 1;
    if ceil && !room.is_multiple_of(stride) && out * stride < side + pad {
        out += 1;
    }
    out
}

fn cases() -> Vec<Case> {
    let of = |batch, channels, sides: [usize; 3], kernel: [usize; 3], stride, dilation, before, ceil| {
        let window = Window { kernel, stride, dilation, before };
        let side = |i: usize| extent(sides[i], kernel[i], window.stride[i], window.dilation[i], window.before[i], ceil);
        let [frames, height, width] = sides;
        let input = MapShape { batch, channels, frames, height, width };
        let output = MapShape { frames: side(0), height: side(1), width: side(2), ..input };
        Case { input, output, window }
    };
    vec![
        of(1, 1, [1, 1, 1], [1; 3], [1; 3], [1; 3], [0; 3], false),
        of(2, 3, [1, 7, 9], [1, 2, 2], [1, 2, 2], [1; 3], [0; 3], false),
        of(1, 17, [1, 9, 12], [1, 3, 3], [1, 2, 2], [1; 3], [0, 1, 1], false),
        of(1, 33, [1, 8, 13], [1, 3, 3], [1, 2, 2], [1; 3], [0; 3], true),
        of(2, 16, [5, 7, 6], [3, 3, 3], [2, 2, 2], [1; 3], [1; 3], true),
        of(1, 5, [4, 11, 6], [2, 3, 1], [1, 3, 2], [1; 3], [1, 1, 0], true),
        of(1, 4, [1, 6, 31], [1, 5, 5], [1, 3, 4], [1; 3], [0, 2, 2], true),
    ]
}

/// The positions of the plane that each output reads, in order, and PyTorch's divisor with and without padding.
fn windows(case: &Case) -> Vec<(Vec<usize>, f64, f64)> {
    let (sides, outputs) = (case.input.sides(), case.output.sides());
    let Window { kernel, stride, dilation, before } = case.window;
    (0..case.output.positions())
        .map(|o| {
            let at = [o / (outputs[1] * outputs[2]), o / outputs[2] % outputs[1], o % outputs[2]];
            let (mut inside, mut padded) = (Vec::new(), 0.0);
            for tap in 0..case.window.taps() {
                let k = [tap / (kernel[1] * kernel[2]), tap / kernel[2] % kernel[1], tap % kernel[2]];
                let from = [0, 1, 2].map(|i| (at[i] * stride[i] + k[i] * dilation[i]) as isize - before[i] as isize);
                let within = |margin: &dyn Fn(usize) -> isize| {
                    (0..3).all(|i| from[i] >= -margin(i) && from[i] < sides[i] as isize + margin(i))
                };
                if within(&|_| 0) {
                    inside.push(((from[0] as usize * sides[1]) + from[1] as usize) * sides[2] + from[2] as usize);
                }
                padded += f64::from(u8::from(within(&|i| before[i] as isize)));
            }
            let count = inside.len() as f64;
            (inside, padded, count)
        })
        .collect()
}

fn with_dilation() -> Case {
    let input = MapShape { batch: 1, channels: 18, frames: 1, height: 10, width: 11 };
    let window = Window { kernel: [1, 3, 3], stride: [1, 2, 1], dilation: [1, 2, 3], before: [0, 1, 1] };
    let output = MapShape { height: extent(10, 3, 2, 2, 1, false), width: extent(11, 3, 1, 3, 1, false), ..input };
    Case { input, output, window }
}

#[test]
fn the_maximum_and_its_gradient_equal_plain_loops_and_the_first_of_equals_wins() {
    for case in cases().into_iter().chain([with_dilation()]) {
        // Few values, so that windows have ties.
        let planar: Vec<f32> =
            Random(1).values(case.input.planar_len()).iter().map(|value| (value * 3.0).round()).collect();
        let gradient = Random(2).values(case.output.planar_len());
        let (mut wanted, mut slopes) = (Vec::new(), vec![0.0; planar.len()]);
        let (inputs, outputs) = (case.input.positions(), case.output.positions());
        for (plane, values) in planar.chunks(inputs).enumerate() {
            for (o, (inside, ..)) in windows(&case).iter().enumerate() {
                let mut best = inside[0];
                for &at in inside {
                    if values[at] > values[best] {
                        best = at;
                    }
                }
                wanted.push(values[best]);
                slopes[plane * inputs + best] += f64::from(gradient[plane * outputs + o]);
            }
        }
        let bins = Bins::sliding(&case.input, &case.window, &case.output).unwrap();
        let (input, gradient) = (to_blocked(&planar, &case.input), to_blocked(&gradient, &case.output));
        let run = || {
            let (mut output, mut back) = (vec![f32::NAN; case.output.len()], vec![f32::NAN; case.input.len()]);
            maximum(&input, &bins, &mut output).unwrap();
            maximum_backward(&input, &bins, &gradient, &mut back).unwrap();
            (output, back)
        };
        let (output, back) = run();
        assert_eq!(to_planar(&output, &case.output), wanted);
        assert_close(&to_planar(&back, &case.input), &slopes, 1e-6);
        assert_same_on_any_threads(run);
    }
}

#[test]
fn what_is_not_a_number_wins_a_maximum_and_infinities_are_values() {
    let shape = MapShape { batch: 1, channels: 16, frames: 1, height: 1, width: 6 };
    let output = MapShape { width: 3, ..shape };
    let window = Window { kernel: [1, 1, 2], stride: [1, 1, 2], dilation: [1; 3], before: [0; 3] };
    let bins = Bins::sliding(&shape, &window, &output).unwrap();
    let values = [1.0, f32::NAN, f32::NAN, 2.0, f32::NEG_INFINITY, f32::NEG_INFINITY];
    let input: Vec<f32> = values.iter().flat_map(|&value| [value; LANES]).collect();
    let mut got = vec![0.0; output.len()];
    maximum(&input, &bins, &mut got).unwrap();
    assert!(got[0].is_nan() && got[16].is_nan());
    assert_eq!(got[32], f32::NEG_INFINITY);
    let mut back = vec![0.0; shape.len()];
    maximum_backward(&input, &bins, &vec![1.0; output.len()], &mut back).unwrap();
    let first: Vec<f32> = back.iter().step_by(LANES).copied().collect();
    assert_eq!(first, [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn means_divide_as_pytorch_with_and_without_the_padding() {
    for count_padding in [true, false] {
        for case in cases() {
            let planar = Random(3).values(case.input.planar_len());
            let gradient = Random(4).values(case.output.planar_len());
            let (mut wanted, mut slopes) = (Vec::new(), vec![0.0; planar.len()]);
            let (inputs, outputs) = (case.input.positions(), case.output.positions());
            for (plane, values) in planar.chunks(inputs).enumerate() {
                for (o, (inside, padded, count)) in windows(&case).iter().enumerate() {
                    let divisor = if count_padding { padded } else { count };
                    wanted.push(inside.iter().map(|&at| f64::from(values[at])).sum::<f64>() / divisor);
                    for &at in inside {
                        slopes[plane * inputs + at] += f64::from(gradient[plane * outputs + o]) / divisor;
                    }
                }
            }
            let bins = Bins::averaging(&case.input, &case.window, &case.output, count_padding).unwrap();
            check_average(&case.input, &case.output, &bins, [&planar, &gradient], [&wanted, &slopes]);
        }
    }
}

#[test]
fn adaptive_bins_are_pytorchs_for_means_and_maxima() {
    for (channels, sides, bins) in
        [(17, [1, 7, 9], [1, 3, 4]), (3, [5, 6, 7], [2, 6, 9]), (16, [4, 2, 3], [1, 1, 1]), (1, [3, 5, 5], [3, 7, 2])]
    {
        let of = |[frames, height, width]: [usize; 3]| MapShape { batch: 2, channels, frames, height, width };
        let (input, output) = (of(sides), of(bins));
        let planar = Random(5).values(input.planar_len());
        let gradient = Random(6).values(output.planar_len());
        let range = |axis: usize, i: usize| {
            let (side, n) = (sides[axis] as f64, bins[axis] as f64);
            ((i as f64 * side / n).floor() as usize)..(((i + 1) as f64 * side / n).ceil() as usize)
        };
        let (mut wanted, mut most, mut slopes) = (Vec::new(), Vec::new(), vec![0.0; planar.len()]);
        for (plane, values) in planar.chunks(input.positions()).enumerate() {
            for o in 0..output.positions() {
                let (t, h, w) = (o / (bins[1] * bins[2]), o / bins[2] % bins[1], o % bins[2]);
                let inside: Vec<usize> = range(0, t)
                    .flat_map(|t| range(1, h).map(move |h| (t, h)))
                    .flat_map(|(t, h)| range(2, w).map(move |w| (t * sides[1] + h) * sides[2] + w))
                    .collect();
                wanted.push(inside.iter().map(|&at| f64::from(values[at])).sum::<f64>() / inside.len() as f64);
                most.push(inside.iter().map(|&at| values[at]).fold(f32::NEG_INFINITY, f32::max));
                for &at in &inside {
                    slopes[plane * input.positions() + at] +=
                        f64::from(gradient[plane * output.positions() + o]) / inside.len() as f64;
                }
            }
        }
        let bins = Bins::adaptive(&input, &output).unwrap();
        check_average(&input, &output, &bins, [&planar, &gradient], [&wanted, &slopes]);
        let mut got = vec![f32::NAN; output.len()];
        maximum(&to_blocked(&planar, &input), &bins, &mut got).unwrap();
        assert_eq!(to_planar(&got, &output), most);
    }
}

fn check_average(
    input: &MapShape,
    output: &MapShape,
    bins: &Bins,
    [planar, gradient]: [&[f32]; 2],
    [wanted, slopes]: [&[f64]; 2],
) {
    let (map, gradient) = (to_blocked(planar, input), to_blocked(gradient, output));
    let run = || {
        let (mut out, mut back) = (vec![f32::NAN; output.len()], vec![f32::NAN; input.len()]);
        average(&map, bins, &mut out).unwrap();
        average_backward(bins, &gradient, &mut back).unwrap();
        (out, back)
    };
    let (out, back) = run();
    assert_close(&to_planar(&out, output), wanted, 1e-6);
    assert_close(&to_planar(&back, input), slopes, 1e-6);
    assert_same_on_any_threads(run);
}

#[test]
fn the_global_average_is_the_mean_of_each_channel_of_each_item() {
    for (batch, channels, sides) in [(1, 1, [1, 1, 1]), (3, 17, [2, 5, 7]), (2, 33, [1, 9, 8])] {
        let shape = MapShape { batch, channels, frames: sides[0], height: sides[1], width: sides[2] };
        let input = map(&mut Random(8), &shape);
        let planar = to_planar(&input, &shape);
        let count = shape.positions() as f64;
        let wanted: Vec<f64> = planar
            .chunks(shape.positions())
            .map(|plane| plane.iter().map(|&value| f64::from(value)).sum::<f64>() / count)
            .collect();
        let mut output = vec![f32::NAN; batch * channels];
        global_average(&input, &shape, &mut output).unwrap();
        assert_close(&output, &wanted, 1e-6);
        let mut back = vec![f32::NAN; shape.len()];
        global_average_backward(&output, &shape, &mut back).unwrap();
        let slopes: Vec<f64> = (0..planar.len()).map(|i| f64::from(output[i / shape.positions()]) / count).collect();
        assert_close(&to_planar(&back, &shape), &slopes, 1e-6);
    }
}

#[test]
fn windows_in_the_padding_alone_and_dilated_means_are_refused() {
    let input = MapShape { batch: 1, channels: 1, frames: 1, height: 1, width: 2 };
    let output = MapShape { width: 3, ..input };
    let window = Window { kernel: [1; 3], stride: [1; 3], dilation: [1; 3], before: [0; 3] };
    assert!(Bins::sliding(&input, &window, &output).is_err());
    assert!(Bins::averaging(&input, &Window { dilation: [1, 1, 2], ..window }, &input, true).is_err());
    assert!(Bins::sliding(&input, &window, &MapShape { batch: 2, ..input }).is_err());
}
