//! How gradients change parameters: stochastic gradient descent, Adam and AdamW.
//!
//! PyTorch's rules (2.9, `torch.optim`) and, for Adam, Keras's (3.15), which adds epsilon before the bias of the second
//! moment is divided out, and takes weight decay off the parameter itself (Loshchilov and Hutter 2019) in Adam as in
//! AdamW. Moments and parameters are float32, as in both libraries; each operation is done in their order.
//!
//! References: Sutskever et al. 2013 (momentum); Kingma and Ba 2015 (Adam).

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::nn::{Array, Parameters};
use crate::parallel::{Job, for_each_block, map_blocks};

/// Values that one thread takes at a time.
const BLOCK: usize = 1 << 14;

/// Whose Adam.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    PyTorch,
    Keras,
}

/// What becomes of a gradient. The learning rate is given at each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Sgd {
        momentum: f64,
        weight_decay: f64,
        nesterov: bool,
    },
    Adam {
        betas: (f64, f64),
        eps: f64,
        weight_decay: f64,
        /// Weight decay shrinks the parameter, instead of being a part of the gradient.
        decoupled: bool,
        convention: Convention,
    },
}

/// Whether a learning rate can be one.
pub fn check_rate(lr: f64) -> Result<()> {
    not_negative("lr", lr)
}

fn not_negative(name: &'static str, value: f64) -> Result<()> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(Error::argument(name, format!("must be finite and not negative, got {value}")))
    }
}

impl Rule {
    fn check(&self) -> Result<()> {
        match *self {
            Self::Sgd { momentum, weight_decay, nesterov } => {
                not_negative("momentum", momentum)?;
                not_negative("weight_decay", weight_decay)?;
                if nesterov && momentum == 0.0 {
                    return Err(Error::argument("nesterov", "needs a momentum above 0"));
                }
            }
            Self::Adam { betas, eps, weight_decay, .. } => {
                for beta in [betas.0, betas.1] {
                    if !(0.0..1.0).contains(&beta) {
                        return Err(Error::argument("betas", format!("must be 0 to 1, without 1, got {beta}")));
                    }
                }
                not_negative("eps", eps)?;
                not_negative("weight_decay", weight_decay)?;
            }
        }
        Ok(())
    }

    /// Running averages that are kept of each gradient.
    fn moments(&self) -> usize {
        match self {
            Self::Sgd { momentum, .. } => usize::from(*momentum > 0.0),
            Self::Adam { .. } => 2,
        }
    }
}

/// What is remembered of one parameter.
#[derive(Clone, Debug, PartialEq)]
struct Memory {
    steps: u32,
    moments: [Vec<f32>; 2],
}

/// A rule, and what it remembers of earlier steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimiser {
    rule: Rule,
    memories: BTreeMap<String, Memory>,
}

impl Optimiser {
    pub fn new(rule: Rule) -> Result<Self> {
        rule.check()?;
        Ok(Self { rule, memories: BTreeMap::new() })
    }

    /// Changes every parameter that has a gradient.
    pub fn step(&mut self, parameters: &mut Parameters, gradients: &Parameters, lr: f64, job: &Job) -> Result<()> {
        check_rate(lr)?;
        for (name, gradient) in gradients.iter() {
            let parameter = parameters.get(name)?;
            if parameter.shape() != gradient.shape() {
                let (wanted, got) = (parameter.shape(), gradient.shape());
                return Err(Error::argument(
                    "gradients",
                    format!("of {name:?} must have the shape {wanted:?}, got {got:?}"),
                ));
            }
        }
        for (name, gradient) in gradients.iter() {
            let parameter = parameters.get_mut(name)?;
            if !self.memories.contains_key(name) {
                let length = |kept: bool| if kept { gradient.data().len() } else { 0 };
                let kept = self.rule.moments();
                let moments = [vec![0.0; length(kept > 0)], vec![0.0; length(kept > 1)]];
                self.memories.insert(name.to_owned(), Memory { steps: 0, moments });
            }
            if let Some(memory) = self.memories.get_mut(name) {
                memory.steps += 1;
                self.rule.change(parameter, gradient, memory, lr, job)?;
            }
        }
        Ok(())
    }
}

impl Rule {
    fn change(self, parameter: &mut Array, gradient: &Array, memory: &mut Memory, lr: f64, job: &Job) -> Result<()> {
        let (values, given) = (parameter.data_mut(), gradient.data());
        let [first, second] = &mut memory.moments;
        match self {
            Self::Sgd { momentum, weight_decay, nesterov } => {
                let rule = Descent::new(momentum, weight_decay, lr);
                if first.is_empty() {
                    for_each_block([values], [given], BLOCK, job, |[values], [given]| rule.plain(values, given))
                } else {
                    let work = |[values, velocity]: [&mut [f32]; 2], [given]: [&[f32]; 1]| {
                        if nesterov {
                            rule.nesterov(values, velocity, given)
                        } else {
                            rule.heavy(values, velocity, given)
                        }
                    };
                    for_each_block([values, first], [given], BLOCK, job, work)
                }
            }
            Self::Adam { betas, eps, weight_decay, decoupled, convention } => {
                let rule = Moments::new(betas, eps, weight_decay, lr, memory.steps, decoupled, convention);
                let work = |[values, mean, square]: [&mut [f32]; 3], [given]: [&[f32]; 1]| {
                    rule.change(values, mean, square, given)
                };
                for_each_block([values, first, second], [given], BLOCK, job, work)
            }
        }
    }
}

/// A step of gradient descent, in float32.
struct Descent {
    momentum: f32,
    decay: f32,
    lr: f32,
}

impl Descent {
    fn new(momentum: f64, decay: f64, lr: f64) -> Self {
        Self { momentum: momentum as f32, decay: decay as f32, lr: lr as f32 }
    }

    fn plain(&self, values: &mut [f32], given: &[f32]) {
        for (value, &gradient) in values.iter_mut().zip(given) {
            *value -= self.lr * (gradient + self.decay * *value);
        }
    }

    fn heavy(&self, values: &mut [f32], velocities: &mut [f32], given: &[f32]) {
        for ((value, velocity), &gradient) in values.iter_mut().zip(velocities).zip(given) {
            *velocity = self.momentum * *velocity + (gradient + self.decay * *value);
            *value -= self.lr * *velocity;
        }
    }

    fn nesterov(&self, values: &mut [f32], velocities: &mut [f32], given: &[f32]) {
        for ((value, velocity), &gradient) in values.iter_mut().zip(velocities).zip(given) {
            let gradient = gradient + self.decay * *value;
            *velocity = self.momentum * *velocity + gradient;
            *value -= self.lr * (gradient + self.momentum * *velocity);
        }
    }
}

/// A step of Adam, in float32, its factors from float64.
struct Moments {
    /// What a first and a second moment keep, and what they take of the new.
    keep: [f32; 2],
    take: [f32; 2],
    /// What a decayed parameter keeps; and weight decay as a part of the gradient.
    shrink: f32,
    penalty: f32,
    /// What the root of the second moment is divided by before epsilon is added.
    root: f32,
    eps: f32,
    rate: f32,
}

impl Moments {
    fn new(
        betas: (f64, f64),
        eps: f64,
        decay: f64,
        lr: f64,
        steps: u32,
        decoupled: bool,
        convention: Convention,
    ) -> Self {
        let power = |beta: f64| beta.powi(steps.min(i32::MAX as u32) as i32);
        let (bias, root) = (1.0 - power(betas.0), (1.0 - power(betas.1)).sqrt());
        let shrinks = decoupled || convention == Convention::Keras;
        let (root, rate) = match convention {
            Convention::PyTorch => (root, lr / bias),
            Convention::Keras => (1.0, lr * root / bias),
        };
        Self {
            keep: [betas.0 as f32, betas.1 as f32],
            take: [(1.0 - betas.0) as f32, (1.0 - betas.1) as f32],
            shrink: if shrinks { (1.0 - lr * decay) as f32 } else { 1.0 },
            penalty: if shrinks { 0.0 } else { decay as f32 },
            root: root as f32,
            eps: eps as f32,
            rate: rate as f32,
        }
    }

    fn change(&self, values: &mut [f32], means: &mut [f32], squares: &mut [f32], given: &[f32]) {
        for (((value, mean), square), &gradient) in values.iter_mut().zip(means).zip(squares).zip(given) {
            *value *= self.shrink;
            let gradient = gradient + self.penalty * *value;
            *mean += (gradient - *mean) * self.take[0];
            *square = *square * self.keep[1] + gradient * gradient * self.take[1];
            *value -= self.rate * *mean / (square.sqrt() / self.root + self.eps);
        }
    }
}

/// Scales all gradients so that the norm of them together is at most `most`; returns the norm that they had. As
/// `torch.nn.utils.clip_grad_norm_`, whose divisor is the norm and 1e-6.
pub fn clip_norm(gradients: &mut Parameters, most: f64, job: &Job) -> Result<f64> {
    if !(most.is_finite() && most > 0.0) {
        return Err(Error::argument("max_norm", format!("must be finite and positive, got {most}")));
    }
    let mut total = 0.0;
    for (_, gradient) in gradients.iter() {
        let values = gradient.data();
        let square =
            |start: usize, stop: usize| values[start..stop].iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
        total += map_blocks(values.len(), BLOCK, job, square)?.iter().sum::<f64>();
    }
    let norm = total.sqrt();
    if !norm.is_finite() {
        return Err(Error::new(ErrorKind::Argument, "the gradients are not finite, so their norm cannot be clipped"));
    }
    let factor = most / (norm + 1e-6);
    if factor < 1.0 {
        let names: Vec<String> = gradients.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            let scale = |[values]: [&mut [f32]; 1], []: [&[f32]; 0]| {
                values.iter_mut().for_each(|value| *value *= factor as f32);
            };
            for_each_block([gradients.get_mut(&name)?.data_mut()], [], BLOCK, job, scale)?;
        }
    }
    Ok(norm)
}
