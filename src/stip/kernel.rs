//! Gaussian kernels and what lies beyond the edge of an axis.

/// One half of a symmetric kernel: `weights[k]` belongs to the samples at distance k on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    weights: Vec<f32>,
}

impl Kernel {
    /// exp(-x^2 / (2 variance)) at x = -radius ..= radius over its sum, every step in float32.
    pub fn gaussian(variance: f32, radius: usize) -> Self {
        let value = |x: usize| (-((x * x) as f32) / (2.0 * variance)).exp();
        let sum: f32 = (0..=2 * radius).map(|i| value(i.abs_diff(radius))).sum();
        Self { weights: (0..=radius).map(|x| value(x) / sum).collect() }
    }

    pub fn radius(&self) -> usize {
        self.weights.len() - 1
    }

    pub fn weights(&self) -> &[f32] {
        &self.weights
    }
}

/// How far a kernel reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Radius {
    /// So many samples, whatever the variance.
    Samples(usize),
    /// So many standard deviations, rounded up.
    Deviations(f32),
}

impl Radius {
    pub fn of(self, variance: f32) -> usize {
        match self {
            Self::Samples(samples) => samples,
            Self::Deviations(deviations) => (deviations * variance.sqrt()).ceil() as usize,
        }
    }
}

/// What a sample outside an axis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Zero: weights are not renormalised, edges darken.
    Zero,
    /// d c b a | a b c d | d c b a (SciPy's "reflect"). Where the axis is shorter than the kernel's radius,
    /// the edge is repeated instead.
    Reflect,
    /// a a a a | a b c d | d d d d.
    Nearest,
}

impl Border {
    /// Which sample of an axis of `length` stands at `index`, for a kernel of `radius`.
    pub fn source(self, index: isize, length: usize, radius: usize) -> Option<usize> {
        if let Ok(inside) = usize::try_from(index)
            && inside < length
        {
            return Some(inside);
        }
        let last = length.checked_sub(1)?;
        match self {
            Self::Zero => None,
            Self::Reflect if length >= radius => {
                let mirrored = if index < 0 { -1 - index } else { 2 * length as isize - 1 - index };
                Some((mirrored.max(0) as usize).min(last))
            }
            Self::Reflect | Self::Nearest => Some(if index < 0 { 0 } else { last }),
        }
    }

    /// The sources of -radius .. length + radius.
    pub fn table(self, length: usize, radius: usize) -> Vec<Option<usize>> {
        let reach = radius as isize;
        (-reach..length as isize + reach).map(|index| self.source(index, length, radius)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_sum_to_one_and_fall_off() {
        for (variance, radius) in [(0.01, 2), (2.25, 3), (9.0, 3), (128.0, 34)] {
            let kernel = Kernel::gaussian(variance, radius);
            let weights = kernel.weights();
            assert_eq!(kernel.radius(), radius);
            let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
            assert!(weights.windows(2).all(|pair| pair[0] > pair[1] || pair[0] == 0.0));
        }
        assert_eq!(Radius::Deviations(3.0).of(4.0), 6);
        assert_eq!(Radius::Deviations(3.0).of(8.0), 9);
        assert_eq!(Radius::Samples(3).of(100.0), 3);
    }

    #[test]
    fn what_lies_beyond_an_edge() {
        let around = |border: Border| border.table(4, 3);
        let all = |sources: [usize; 10]| sources.map(Some).to_vec();
        assert_eq!(around(Border::Reflect), all([2, 1, 0, 0, 1, 2, 3, 3, 2, 1]));
        assert_eq!(around(Border::Nearest), all([0, 0, 0, 0, 1, 2, 3, 3, 3, 3]));
        assert_eq!(around(Border::Zero)[..4], [None, None, None, Some(0)]);
        assert_eq!(Border::Reflect.table(2, 3), [0, 0, 0, 0, 1, 1, 1, 1].map(Some));
        assert_eq!(Border::Nearest.source(-1, 0, 3), None);
    }
}
