//! The scale of a loss whose gradients are float16 (Micikevicius et al. 2018), as `torch.cuda.amp.GradScaler` (PyTorch
//! 2.9) moves it.
//!
//! The loss is multiplied with the scale, so that small gradients stay above float16's smallest number, and the
//! gradients are divided by it before they change parameters. A step whose gradients overflow is left out and halves
//! the scale; two thousand steps in a row without that double it.

use crate::error::Result;
use crate::nn::Parameters;

const FIRST: f64 = 65536.0;
const GROWTH: f64 = 2.0;
const BACKOFF: f64 = 0.5;
const INTERVAL: u32 = 2000;

/// The scale, and for how long it has served.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossScale {
    factor: f64,
    good: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: FIRST, good: 0 }
    }
}

impl LossScale {
    /// What the loss is multiplied with.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Divides gradients by the scale, and moves it. Tells whether all are finite: otherwise the step is left out.
    pub fn unscale(&mut self, gradients: &mut Parameters) -> Result<bool> {
        let names: Vec<String> = gradients.iter().map(|(name, _)| name.to_owned()).collect();
        let mut finite = true;
        for name in names {
            for gradient in gradients.get_mut(&name)?.data_mut() {
                finite &= gradient.is_finite();
                *gradient = (f64::from(*gradient) / self.factor) as f32;
            }
        }
        self.good = if finite { self.good + 1 } else { 0 };
        if !finite {
            self.factor *= BACKOFF;
        } else if self.good == INTERVAL {
            self.good = 0;
            let grown = self.factor * GROWTH;
            // As PyTorch, whose scale is a float32: it stays where it would overflow.
            self.factor = if (grown as f32).is_finite() { grown } else { self.factor };
        }
        Ok(finite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Array;

    fn gradients(values: &[f32]) -> Parameters {
        let mut gradients = Parameters::new();
        gradients.insert("a", Array::new(vec![values.len()], values.to_vec()).unwrap());
        gradients
    }

    #[test]
    fn gradients_are_divided_by_the_scale() {
        let mut found = gradients(&[65536.0, -0.5]);
        assert!(LossScale::default().unscale(&mut found).unwrap());
        assert_eq!(found.get("a").unwrap().data(), [1.0, -0.5 / 65536.0]);
    }

    #[test]
    fn the_scale_is_halved_by_an_overflow_and_doubled_by_two_thousand_good_steps() {
        let mut scale = LossScale::default();
        for bad in [f32::INFINITY, f32::NAN] {
            assert!(!scale.unscale(&mut gradients(&[1.0, bad])).unwrap());
        }
        assert_eq!(scale.factor(), 16384.0);
        for _ in 0..1999 {
            assert!(scale.unscale(&mut gradients(&[1.0])).unwrap());
        }
        assert_eq!(scale.factor(), 16384.0);
        // An overflow begins the count anew.
        scale.unscale(&mut gradients(&[f32::NEG_INFINITY])).unwrap();
        for _ in 0..2000 {
            scale.unscale(&mut gradients(&[1.0])).unwrap();
        }
        assert_eq!(scale.factor(), 16384.0);
        for _ in 0..2000 {
            scale.unscale(&mut gradients(&[1.0])).unwrap();
        }
        assert_eq!(scale.factor(), 32768.0);
    }
}
