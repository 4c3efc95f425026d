//! What is wrong in candle 0.11.1, pinned: each test asserts the wrong value, and says the right one. A test that fails
//! after an update of candle means that a fault is mended, and that the executor may take the operator.
//!
//! No training path of this crate uses any of them.

use std::panic::catch_unwind;

use candle_core::{DType, Device, Result, Tensor, Var};

fn variable(shape: &[usize]) -> Var {
    let length: usize = shape.iter().product();
    // Distinct values, in no order.
    let values: Vec<f64> = (0..length).map(|i| ((i * 7919) % 101) as f64 / 50.0 - 1.0).collect();
    Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
}

/// `sum(weights * output)`, with weights that tell the outputs apart.
fn weighed(output: &Tensor) -> Result<Tensor> {
    let length = output.elem_count();
    let weights: Vec<f64> = (0..length).map(|i| 1.0 + 0.25 * i as f64).collect();
    output.mul(&Tensor::from_vec(weights, output.dims(), output.device())?.to_dtype(output.dtype())?)?.sum_all()
}

/// The gradient by autograd, and by central differences.
fn gradients(of: impl Fn(&Tensor) -> Result<Tensor>, at: &Var) -> Result<(Vec<f64>, Vec<f64>)> {
    let found = weighed(&of(at.as_tensor())?)?.backward()?;
    let found = found.get(at.as_tensor()).map(|g| g.flatten_all()?.to_vec1()).transpose()?.unwrap_or_default();
    let values: Vec<f64> = at.flatten_all()?.to_vec1()?;
    let value_at = |position: usize, step: f64| -> Result<f64> {
        let mut moved = values.clone();
        moved[position] += step;
        weighed(&of(&Tensor::from_vec(moved, at.dims(), at.device())?)?)?.to_scalar()
    };
    let slope = |position| Ok((value_at(position, 1e-5)? - value_at(position, -1e-5)?) / 2e-5);
    Ok((found, (0..values.len()).map(slope).collect::<Result<_>>()?))
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn message<T>(result: Result<T>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn the_gradient_of_max_pool2d_is_four_times_too_small() {
    let (found, slopes) = gradients(|x| x.max_pool2d(2), &variable(&[1, 1, 4, 4])).unwrap();
    let quarters: Vec<f64> = slopes.iter().map(|slope| slope / 4.0).collect();
    assert!(distance(&found, &quarters) < 1e-6, "{found:?} {slopes:?}");
}

#[test]
fn max_pool2d_and_avg_pool2d_have_no_gradient_where_the_stride_is_not_the_kernel() {
    let x = variable(&[1, 1, 5, 5]);
    let max = gradients(|x| x.max_pool2d_with_stride(3, 2), &x);
    assert!(message(max).contains("backward not supported for maxpool2d"));
    let average = gradients(|x| x.avg_pool2d_with_stride(3, 2), &x);
    assert!(message(average).contains("backward not supported for avgpool2d"));
}

#[test]
fn the_gradient_of_avg_pool2d_is_wrong_where_the_kernel_does_not_divide_the_side() {
    let (found, slopes) = gradients(|x| x.avg_pool2d(2), &variable(&[1, 1, 5, 5])).unwrap();
    // The last row and column are in no window: their gradient is 0.
    assert!(slopes[24].abs() < 1e-6 && found[24] > 0.1, "{found:?} {slopes:?}");
    let (found, slopes) = gradients(|x| x.avg_pool2d(2), &variable(&[1, 1, 4, 4])).unwrap();
    assert!(distance(&found, &slopes) < 1e-6);
}

#[test]
fn the_gradient_of_the_kernel_of_conv1d_is_wrong() {
    let x = variable(&[2, 3, 8]);
    let (found, slopes) = gradients(|kernel| x.conv1d(kernel, 1, 1, 1, 1), &variable(&[4, 3, 3])).unwrap();
    assert!(distance(&found, &slopes) > 0.1, "{found:?} {slopes:?}");
}

#[test]
fn conv1d_reads_a_transposed_kernel_as_if_it_were_not() {
    let x = variable(&[1, 3, 8]);
    let kernel = variable(&[3, 4, 3]).transpose(0, 1).unwrap();
    let strided = x.conv1d(&kernel, 0, 1, 1, 1).unwrap();
    let plain = x.conv1d(&kernel.contiguous().unwrap(), 0, 1, 1, 1).unwrap();
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(distance(&values(&strided), &values(&plain)) > 0.1);
}

#[test]
fn upsample_nearest2d_forgets_the_gradient_of_other_uses() {
    let twice = |x: &Tensor| (x.upsample_nearest2d(4, 4)?.sum_all()? + (x.sum_all()? * 10.0)?)?.reshape(1);
    let (found, slopes) = gradients(twice, &variable(&[1, 1, 2, 2])).unwrap();
    let either = found.iter().all(|&value| (value - 4.0).abs() < 1e-9);
    assert!(either && slopes.iter().all(|slope| (slope - 14.0).abs() < 1e-6), "{found:?} {slopes:?}");
}

#[test]
fn fused_softmax_and_norms_drop_the_gradient_in_silence() {
    let x = Var::from_tensor(&variable(&[2, 5]).to_dtype(DType::F32).unwrap()).unwrap();
    let ones = Tensor::ones(5, DType::F32, &Device::Cpu).unwrap();
    let zeros = ones.zeros_like().unwrap();
    let fused = [
        candle_nn::ops::softmax_last_dim(x.as_tensor()).unwrap(),
        candle_nn::ops::layer_norm(x.as_tensor(), &ones, &zeros, 1e-5).unwrap(),
        candle_nn::ops::rms_norm(x.as_tensor(), &ones, 1e-5).unwrap(),
    ];
    for output in fused {
        let found = weighed(&output).unwrap().backward().unwrap();
        assert!(found.get(x.as_tensor()).is_none());
    }
}

#[test]
fn conv2d_with_a_stride_has_no_gradient_where_height_and_width_differ_in_parity() {
    let kernel = variable(&[2, 1, 3, 3]);
    let found = gradients(|x| x.conv2d(&kernel, 0, 2, 1, 1), &variable(&[1, 1, 7, 8]));
    assert!(message(found).contains("shape mismatch"));
    let (found, slopes) = gradients(|x| x.conv2d(&kernel, 0, 2, 1, 1), &variable(&[1, 1, 7, 7])).unwrap();
    assert!(distance(&found, &slopes) < 1e-6);
}

#[test]
fn conv2d_gives_a_shape_from_beyond_where_the_kernel_is_larger_than_the_input() {
    let outcome = catch_unwind(|| {
        let kernel = variable(&[1, 1, 5, 5]);
        variable(&[1, 1, 3, 3]).conv2d(&kernel, 0, 1, 1, 1)
    });
    // Without overflow checks the sides wrap around; with them it panics. It is never an error.
    assert!(match outcome {
        Ok(Ok(output)) => output.dims()[2] > 1 << 60,
        Ok(Err(_)) => false,
        Err(_) => true,
    });
}

#[test]
fn relu_has_slope_one_at_zero_and_each_of_equal_maxima_the_whole_gradient() {
    let zero = Var::from_tensor(&Tensor::zeros((1, 2), DType::F64, &Device::Cpu).unwrap()).unwrap();
    let slope = |output: Tensor| -> Vec<f64> {
        let found = output.sum_all().unwrap().backward().unwrap();
        found.get(zero.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    };
    // PyTorch: 0, 0 and 1, 0.
    assert_eq!(slope(zero.relu().unwrap()), [1.0, 1.0]);
    assert_eq!(slope(zero.max(1).unwrap()), [1.0, 1.0]);
}

#[test]
fn the_gradient_of_gelu_has_six_digits() {
    for function in [Tensor::gelu, Tensor::gelu_erf] {
        let (found, slopes) = gradients(function, &variable(&[1, 9])).unwrap();
        let error = distance(&found, &slopes);
        assert!(error > 1e-7 && error < 1e-4, "{error}");
    }
}
