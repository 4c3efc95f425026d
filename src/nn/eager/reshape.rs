//! Sums of several maps.

use candle_core::Tensor;

use crate::error::{Error, Result};

pub(super) fn sum(inputs: &[Tensor]) -> Result<Tensor> {
    let [first, rest @ ..] = inputs else { return Err(Error::argument("graph", "has a sum of nothing")) };
    let mut sum = first.clone();
    for input in rest {
        sum = sum.add(input)?;
    }
    Ok(sum)
}
