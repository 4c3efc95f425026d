//! From transforms as written to concrete ones: sizes followed through the list, random parameters drawn.
//!
//! Each rule says what it draws and in which order, and takes its numbers from any [`Draws`]: ours
//! ([`Stream`], keyed by seed, video and clip) or the two Mersenne twisters that mmaction2 draws from
//! ([`MtStreams`]).

use super::{Fixed, FlipDraw, Rect, Rule, Size, Transform};
use crate::error::Result;
use crate::random::{Mt19937, Stream};

/// A source of random numbers.
pub trait Draws {
    /// Uniform in [0, 1).
    fn uniform(&mut self) -> f64;
    /// Uniform in 0..n; n is positive.
    fn below(&mut self, n: u32) -> u32;

    /// Uniform in [low, high).
    fn uniform_in(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.uniform()
    }
}

impl Draws for Stream {
    fn uniform(&mut self) -> f64 {
        self.uniform()
    }

    fn below(&mut self, n: u32) -> u32 {
        self.below(u64::from(n)) as u32
    }
}

/// The streams of a mmaction2 worker: uniforms come from NumPy's legacy global state, integers from
/// CPython's `random`. A sampler that shares the first draws from it in turn.
#[derive(Clone, Debug)]
pub struct MtStreams {
    pub numpy: Mt19937,
    pub python: Mt19937,
}

impl MtStreams {
    /// As after `numpy.random.seed(seed)` and `random.seed(seed)`.
    pub fn new(seed: u32) -> Self {
        Self { numpy: Mt19937::from_seed(seed), python: Mt19937::from_python_seed(u64::from(seed)) }
    }
}

impl Draws for MtStreams {
    fn uniform(&mut self) -> f64 {
        self.numpy.uniform()
    }

    fn below(&mut self, n: u32) -> u32 {
        self.python.python_below(n)
    }
}

/// The concrete transforms of a list for frames of `height` x `width`, in order. Temporal transforms
/// leave no trace here ([`super::frame_indices`]).
pub fn draw(list: &[Transform], height: usize, width: usize, draws: &mut impl Draws) -> Result<Vec<Fixed>> {
    let mut size = Size::new(height, width).checked()?;
    let mut fixed = Vec::with_capacity(list.len());
    for transform in list {
        if let Some(one) = draw_one(transform, size, draws)? {
            size = one.output_size(size)?;
            fixed.push(one);
        }
    }
    Ok(fixed)
}

/// The concrete transform for frames of `size`; nothing for a temporal one.
pub fn draw_one(transform: &Transform, size: Size, draws: &mut impl Draws) -> Result<Option<Fixed>> {
    Ok(Some(match transform {
        Transform::Fixed(fixed) => fixed.clone(),
        Transform::ResizeShort { short, rule, interpolation } => {
            Fixed::Resize { size: short_side(size, *short, *rule).checked()?, interpolation: *interpolation }
        }
        Transform::CenterCrop { size: crop, rule } => Fixed::Crop(centre(size, *crop, *rule)?),
        Transform::RandomCrop(crop) => Fixed::Crop(random_crop(size, *crop, draws)?),
        Transform::RandomResizedCrop { size: target, area, aspect, interpolation } => Fixed::ResizedCrop {
            crop: random_area(size, *area, *aspect, draws),
            size: *target,
            interpolation: *interpolation,
        },
        Transform::RandomFlip(rule) => random_flip(*rule, draws),
        Transform::RandomRotation { angle, fill } => Fixed::Rotate { angle: draws.uniform_in(*angle), fill: *fill },
        Transform::RandomZoom(low, high) => Fixed::Zoom(draws.uniform_in((*low, *high))),
        Transform::RandomContrast(low, high) => Fixed::Contrast(draws.uniform_in((*low, *high))),
        Transform::TemporalUpsample(_) => return Ok(None),
    }))
}

/// The size whose short side is `short`. mmaction2 (mmcv `rescale_size`): both sides
/// int(side * scale + 0.5); torchvision: the long side int(short * long / old short).
fn short_side(size: Size, short: usize, rule: Rule) -> Size {
    let Size { height, width } = size;
    let side = |side: usize| match rule {
        Rule::Mmaction2 => {
            let scale = short as f64 / height.min(width) as f64;
            (side as f64 * scale + 0.5) as usize
        }
        Rule::Torchvision if side == height.min(width) => short,
        Rule::Torchvision => ((short * side) as f64 / height.min(width) as f64) as usize,
    };
    Size::new(side(height), side(width))
}

fn centre(size: Size, crop: Size, rule: Rule) -> Result<Rect> {
    Rect::whole(crop).inside(size)?;
    let start = |rest: usize| match rule {
        Rule::Mmaction2 => rest / 2,
        Rule::Torchvision => (rest as f64 / 2.0).round_ties_even() as usize,
    };
    let (top, left) = (start(size.height - crop.height), start(size.width - crop.width));
    Ok(Rect { top, left, ..Rect::whole(crop) })
}

fn random_crop(size: Size, crop: Size, draws: &mut impl Draws) -> Result<Rect> {
    Rect::whole(crop).inside(size)?;
    let left = draws.below((size.width - crop.width + 1) as u32) as usize;
    let top = draws.below((size.height - crop.height + 1) as u32) as usize;
    Ok(Rect { top, left, ..Rect::whole(crop) })
}

/// Tries of a random area before the middle is taken.
const TRIES: usize = 10;

/// mmaction2 1.2 `RandomResizedCrop.get_crop_bbox`: ten log-uniform aspects (width / height), ten
/// areas, then a place for the first pair that fits, x before y; the middle square if none does.
fn random_area(size: Size, area: (f64, f64), aspect: (f64, f64), draws: &mut impl Draws) -> Rect {
    let Size { height, width } = size;
    let logs = (aspect.0.ln(), aspect.1.ln());
    let aspects: [f64; TRIES] = std::array::from_fn(|_| draws.uniform_in(logs).exp());
    let areas: [f64; TRIES] = std::array::from_fn(|_| draws.uniform_in(area) * (height * width) as f64);
    for (aspect, area) in aspects.into_iter().zip(areas) {
        let side = |square: f64| square.sqrt().round_ties_even() as usize;
        let (w, h) = (side(area * aspect), side(area / aspect));
        // In frames of a few pixels a side can round to 0; mmaction2 would return an empty crop.
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let left = draws.below((width - w + 1) as u32) as usize;
            let top = draws.below((height - h + 1) as u32) as usize;
            return Rect { top, left, height: h, width: w };
        }
    }
    let side = height.min(width);
    Rect { top: (height - side) / 2, left: (width - side) / 2, height: side, width: side }
}

fn random_flip(rule: FlipDraw, draws: &mut impl Draws) -> Fixed {
    let mut happens = |probability: f64| draws.uniform() < probability;
    let (horizontal, vertical) = match rule {
        FlipDraw::Horizontal(probability) => (happens(probability), false),
        FlipDraw::Vertical(probability) => (false, happens(probability)),
        FlipDraw::Shared => {
            let both = happens(0.5);
            (both, both)
        }
        FlipDraw::Independent => (happens(0.5), happens(0.5)),
    };
    Fixed::Flip { horizontal, vertical }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transforms::Interpolation;

    /// mmaction2's `UniformSampleFrames` in train mode, for what it draws: 40 of `n` frames.
    fn sample_40(n: u32, stream: &mut Mt19937) -> u32 {
        let clip = 40;
        if n < clip {
            let start = stream.numpy_interval(n - 1);
            (0..clip).map(|i| (start + i) % n).sum()
        } else if n < 2 * clip {
            let drawn = stream.numpy_permutation(clip as usize + 1);
            let skipped = &drawn[..(n - clip) as usize];
            (0..clip).map(|i| i + skipped.iter().filter(|&&d| d <= i as usize).count() as u32).sum()
        } else {
            let border = |i: u32| i * n / clip;
            (0..clip).map(|i| border(i) + stream.numpy_interval(border(i + 1) - border(i) - 1)).sum()
        }
    }

    #[test]
    fn a_whole_mmaction2_stream_gives_the_crops_of_the_report() {
        // Golden `train_stream` of the report dark-csn: mmaction2 1.2.0, both streams seeded with 0.
        let golden = [
            (100, 1969, [24, 24, 59, 58], 0.170_909_585_136_045_15),
            (54, 1038, [26, 2, 58, 26], 0.131_797_862_404_392_17),
            (80, 1574, [8, 0, 65, 64], 0.298_282_325_956_030_77),
            (20, 380, [25, 6, 79, 64], 0.779_051_019_609_035_7),
        ];
        let crop = Transform::RandomResizedCrop {
            size: Size::new(56, 56),
            area: (0.08, 1.0),
            aspect: (0.75, 4.0 / 3.0),
            interpolation: Interpolation::Bilinear,
        };
        let mut streams = MtStreams::new(0);
        for (n, sum, corners, flip) in golden {
            assert_eq!(sample_40(n, &mut streams.numpy), sum);
            let drawn = draw(std::slice::from_ref(&crop), 64, 85, &mut streams).unwrap();
            let [Fixed::ResizedCrop { crop, .. }] = &drawn[..] else { panic!("{drawn:?}") };
            assert_eq!([crop.left, crop.top, crop.left + crop.width, crop.top + crop.height], corners);
            assert!((streams.uniform() - flip).abs() < 1e-15);
        }
    }
}
