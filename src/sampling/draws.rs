//! Where random rules draw from: harkit's keyed stream, or one MT19937 over all videos as a report's
//! code had it.

use super::named;
use crate::error::Result;
use crate::random::{Mt19937, Stream};

/// Whose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// A stream for each (seed, epoch, video): results do not depend on order or threads.
    Harkit,
    /// `numpy.random.RandomState(seed)`, one stream over all videos.
    Numpy,
    /// `random.Random(seed)` of CPython, one stream over all videos.
    Python,
}

impl Dialect {
    pub fn named(name: &str) -> Result<Self> {
        named("stream", name, &[("harkit", Self::Harkit), ("numpy", Self::Numpy), ("python", Self::Python)])
    }
}

/// A stream and its dialect.
#[derive(Clone, Debug)]
pub enum Draws {
    Harkit(Stream),
    Numpy(Box<Mt19937>),
    Python(Box<Mt19937>),
}

/// Keeps the draws of this room apart from those of others with the same seed.
const ROOM: u64 = u64::from_be_bytes(*b"sampling");

impl Draws {
    /// The streams of a report go on from video to video, so `video` is for harkit's alone. A later
    /// epoch seeds them with `seed + epoch`.
    pub fn new(dialect: Dialect, seed: u64, epoch: u64, video: u64) -> Self {
        let epoch_seed = seed.wrapping_add(epoch);
        match dialect {
            Dialect::Harkit => Self::Harkit(Stream::keyed(seed, &[ROOM, epoch, video])),
            Dialect::Numpy => Self::Numpy(Box::new(Mt19937::from_seed(epoch_seed as u32))),
            Dialect::Python => Self::Python(Box::new(Mt19937::from_python_seed(epoch_seed))),
        }
    }

    /// Uniform in 0..n; n is from 1 to [`super::MAX_FRAMES`]. NumPy's `randint(n)`, CPython's
    /// `randrange(n)`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        match self {
            Self::Harkit(stream) => stream.below(n as u64) as usize,
            Self::Numpy(generator) => generator.numpy_interval(n as u32 - 1) as usize,
            Self::Python(generator) => generator.python_below(n as u32) as usize,
        }
    }

    /// `k` different values of 0..n, in drawn order; `k <= n`. NumPy's `choice(n, k, replace=False)`,
    /// CPython's `sample(range(n), k)`.
    pub(super) fn choose(&mut self, n: usize, k: usize) -> Vec<usize> {
        match self {
            Self::Harkit(stream) => stream.choose(n, k),
            Self::Numpy(generator) => {
                // The whole permutation is drawn whatever k is: that is what NumPy does.
                let mut permutation = generator.numpy_permutation(n);
                permutation.truncate(k);
                permutation
            }
            Self::Python(generator) => generator.python_sample(n, k),
        }
    }
}
