//! Cross-entropy of logits and labels, with label smoothing and class weights, and its gradient.
//!
//! As `torch.nn.functional.cross_entropy` (PyTorch 2.9): with smoothing e, C classes and weights w, item i of label y
//! costs `-(1 - e) w_y log p_iy - e / C sum_c w_c log p_ic`, and the loss is the sum of these over the sum of the
//! labels' weights. Smoothing is that of Szegedy et al. 2016, equation 3. Logits are `(N, C)`, row after row;
//! sums are taken in float64, in the order of the rows.

use crate::error::{Error, Result};

/// The settings, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropy {
    label_smoothing: f64,
    class_weights: Option<Vec<f64>>,
}

/// The loss of a batch, and what each logit changes it by.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    pub value: f64,
    /// `(N, C)`, as the logits.
    pub gradient: Vec<f32>,
}

impl CrossEntropy {
    /// `label_smoothing` of 0 to 1; a weight of 0 or more for each class, or none.
    pub fn new(label_smoothing: f64, class_weights: Option<Vec<f64>>) -> Result<Self> {
        if !(0.0..=1.0).contains(&label_smoothing) {
            return Err(Error::argument("label_smoothing", format!("must be 0 to 1, got {label_smoothing}")));
        }
        let weights = class_weights.iter().flatten();
        if let Some(bad) = weights.copied().find(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(Error::argument("class_weights", format!("must be finite and not negative, got {bad}")));
        }
        Ok(Self { label_smoothing, class_weights })
    }

    /// The loss of `logits`, `classes` values for each label.
    pub fn evaluate(&self, logits: &[f32], labels: &[usize], classes: usize) -> Result<Loss> {
        self.check(logits, labels, classes)?;
        let weight = |class: usize| self.class_weights.as_ref().map_or(1.0, |weights| weights[class]);
        let all: f64 = labels.iter().map(|&label| weight(label)).sum();
        if all == 0.0 {
            let message = "are 0 for every label of a batch, which then has no loss";
            return Err(Error::argument("class_weights", message));
        }
        let share = self.label_smoothing / classes as f64;
        let smooth: f64 = (0..classes).map(|class| share * weight(class)).sum();
        let mut value = 0.0;
        let mut gradient = Vec::with_capacity(logits.len());
        for (row, &label) in logits.chunks_exact(classes).zip(labels) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let above = |logit: f32| f64::from(logit) - f64::from(largest);
            let total: f64 = row.iter().map(|&logit| above(logit).exp()).sum();
            let hard = (1.0 - self.label_smoothing) * weight(label);
            for (class, &logit) in row.iter().enumerate() {
                let target = share * weight(class) + if class == label { hard } else { 0.0 };
                // A class without a target costs nothing, however unlikely it is.
                if target > 0.0 {
                    value -= target * (above(logit) - total.ln());
                }
                gradient.push(((above(logit).exp() / total * (hard + smooth) - target) / all) as f32);
            }
        }
        Ok(Loss { value: value / all, gradient })
    }

    fn check(&self, logits: &[f32], labels: &[usize], classes: usize) -> Result<()> {
        if let Some(weights) = &self.class_weights
            && weights.len() != classes
        {
            let message = format!("must be a number for each of the {classes} classes, got {}", weights.len());
            return Err(Error::argument("class_weights", message));
        }
        if classes == 0 || labels.is_empty() || logits.len() != labels.len() * classes {
            let message = format!("must be {} labels by {classes} classes, got {} values", labels.len(), logits.len());
            return Err(Error::argument("logits", message));
        }
        match labels.iter().find(|&&label| label >= classes) {
            Some(label) => Err(Error::argument("labels", format!("must be 0 to {}, got {label}", classes - 1))),
            None => Ok(()),
        }
    }
}
