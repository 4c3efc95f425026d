//! Batch norms with running statistics as what they are: a factor and a term a channel.

use crate::error::Result;
use crate::nn::layers::BatchNorm;
use crate::nn::{Node, Parameters};

/// `x * scale + shift`, each a value a channel.
#[derive(Clone, Debug)]
pub(in crate::nn::plan) struct Affine {
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
}

impl Affine {
    pub fn new(node: &Node, layer: &BatchNorm, parameters: &Parameters) -> Result<Self> {
        let get = |name: &str| parameters.get(&node.parameter(name)).map(|array| array.data());
        let (weight, bias) = (get("weight")?, get("bias")?);
        let (mean, variance) = (get("running_mean")?, get("running_var")?);
        let scale: Vec<f64> = weight
            .iter()
            .zip(variance)
            .map(|(&weight, &variance)| f64::from(weight) / (f64::from(variance) + layer.eps).sqrt())
            .collect();
        let shift = bias
            .iter()
            .zip(mean)
            .zip(&scale)
            .map(|((&bias, &mean), scale)| f64::from(bias) - f64::from(mean) * scale)
            .collect();
        Ok(Self { scale, shift })
    }

    /// Weights `(outputs, ...)` and bias of the layer before it with this one folded in.
    pub fn folded(&self, weights: &[f32], bias: Option<&[f32]>) -> (Vec<f32>, Vec<f32>) {
        let each = (weights.len() / self.scale.len().max(1)).max(1);
        let scaled = weights
            .chunks(each)
            .zip(&self.scale)
            .flat_map(|(filter, &scale)| filter.iter().map(move |&weight| (f64::from(weight) * scale) as f32));
        let moved = self.scale.iter().zip(&self.shift).enumerate().map(|(channel, (scale, shift))| {
            let bias = bias.and_then(|bias| bias.get(channel)).map_or(0.0, |&bias| f64::from(bias));
            (bias * scale + shift) as f32
        });
        (scaled.collect(), moved.collect())
    }
}
