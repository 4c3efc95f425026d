//! Convolution (cross-correlation, as everywhere in the field) over pictures and clips.

use serde::{Deserialize, Serialize};

use super::{Layer, Padding, ParameterSpec, Sliding, refused};
use crate::error::{Error, Result};
use crate::nn::init::Init;

/// Weight `(out_channels, in_channels / groups, kernel...)`, bias `(out_channels,)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Convolution {
    pub in_channels: usize,
    pub out_channels: usize,
    #[serde(flatten)]
    pub sliding: Sliding,
    pub groups: usize,
    pub bias: bool,
    pub init: Init,
}

impl Convolution {
    /// Stride 1, no padding, one group, a bias, PyTorch's initial values.
    pub fn new(in_channels: usize, out_channels: usize, kernel: &[usize]) -> Self {
        let sliding = Sliding::new(kernel);
        Self { in_channels, out_channels, sliding, groups: 1, bias: true, init: Init::FanIn }
    }

    #[must_use]
    pub fn stride(mut self, stride: &[usize]) -> Self {
        self.sliding.stride = stride.to_vec();
        self
    }

    #[must_use]
    pub fn padding(mut self, padding: &[usize]) -> Self {
        self.sliding.padding = Padding::Sides(padding.to_vec());
        self
    }

    /// TensorFlow's "same" padding.
    #[must_use]
    pub fn same(mut self) -> Self {
        self.sliding.padding = Padding::Same;
        self
    }

    #[must_use]
    pub fn dilation(mut self, dilation: &[usize]) -> Self {
        self.sliding.dilation = dilation.to_vec();
        self
    }

    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    #[must_use]
    pub fn no_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    #[must_use]
    pub fn init(mut self, init: Init) -> Self {
        self.init = init;
        self
    }

    /// One filter a channel.
    pub fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.in_channels && self.groups == self.out_channels
    }

    pub(super) fn parameters(&self) -> Vec<ParameterSpec> {
        let mut shape = vec![self.out_channels, self.in_channels / self.groups.max(1)];
        shape.extend(&self.sliding.kernel);
        let mut specs = vec![ParameterSpec::learnt("weight", shape, self.init)];
        if self.bias {
            let fan_in = self.in_channels / self.groups.max(1) * self.sliding.kernel.iter().product::<usize>();
            specs.push(ParameterSpec::learnt("bias", vec![self.out_channels], self.init.of_bias(fan_in)));
        }
        specs
    }

    pub(super) fn shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let axes = self.sliding.axes();
        let grouped = |channels: usize| self.groups > 0 && channels.is_multiple_of(self.groups);
        if !grouped(self.in_channels) || !grouped(self.out_channels) {
            let message = format!("has {} groups that do not divide its channels: {self:?}", self.groups);
            return Err(Error::argument("graph", message));
        }
        if input.len() != axes + 2 || input[1] != self.in_channels {
            let sides = if axes == 2 { "H, W" } else { "T, H, W" };
            let wanted = format!("(N, {}, {sides})", self.in_channels);
            return Err(refused(&Layer::Convolution(self.clone()), &[input], &wanted));
        }
        let mut shape = vec![input[0], self.out_channels];
        shape.extend(self.sliding.outputs(&input[2..])?);
        Ok(shape)
    }

    pub(super) fn multiply_adds(&self, output: &[usize]) -> u64 {
        let taps: usize = self.sliding.kernel.iter().product();
        let each = self.in_channels / self.groups.max(1) * taps;
        output.iter().map(|&side| side as u64).product::<u64>() * each as u64
    }
}
