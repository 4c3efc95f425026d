//! How large and where: resize, crop, flip, rotate, zoom, normalise, one frame at a time.
//!
//! * [`draw`](mod@draw): random parameters become concrete ones ([`Fixed`]), by ours or by a report's stream
//! * [`plan`]: a list of concrete transforms, compiled for one frame size and fused
//! * [`resize`]: OpenCV's bilinear and area, Pillow's antialiased bilinear, byte for byte
//! * [`rotate`], [`warp`], [`contrast`], [`pad`]: Pillow's, Keras's and TensorFlow's
//! * [`pointwise`]: bytes to floats; [`window`]: crops, flips, channel order and the final write
//! * [`temporal`]: which frame stands where after a temporal transform; [`apply`](mod@apply): whole clips
//!
//! The parameters are drawn by whoever plans and applied by whoever works: the same parameters give
//! the same pixels on any thread. All frames of a clip share one draw. Frames are (H, W, C) with C = 1
//! or 3, bytes or floats; sizes are (height, width).

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

pub mod apply;
pub mod contrast;
pub mod draw;
pub mod pad;
pub mod plan;
pub mod pointwise;
pub mod resize;
pub mod rotate;
pub mod temporal;
pub mod warp;
pub mod window;

pub use apply::apply;
pub use draw::{Draws, MtStreams, draw, draw_one};
pub use plan::{Frame, Plan, Scratch};
pub use pointwise::Pointwise;
pub use resize::Interpolation;
pub use temporal::frame_indices;
pub use window::View;

/// The longest side of a frame: offsets then fit the 16.16 fixed point of the references.
pub const MAX_SIDE: usize = 32_767;

/// Height and width, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub height: usize,
    pub width: usize,
}

impl Size {
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width }
    }

    /// The size, if both sides are in 1..=[`MAX_SIDE`].
    pub fn checked(self) -> Result<Self> {
        if (1..=MAX_SIDE).contains(&self.height) && (1..=MAX_SIDE).contains(&self.width) {
            Ok(self)
        } else {
            Err(Error::argument("size", format!("must have sides in 1..={MAX_SIDE}, got {self}")))
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.height, self.width)
    }
}

/// A rectangle of pixels: rows top..top + height, columns left..left + width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    pub top: usize,
    pub left: usize,
    pub height: usize,
    pub width: usize,
}

impl Rect {
    pub fn size(&self) -> Size {
        Size::new(self.height, self.width)
    }

    /// The whole of a frame of `size`.
    pub fn whole(size: Size) -> Self {
        Self { top: 0, left: 0, height: size.height, width: size.width }
    }

    /// The rectangle, if it has pixels and lies inside a frame of `size`.
    pub fn inside(self, size: Size) -> Result<Self> {
        let fits = |start: usize, length: usize, end: usize| {
            length > 0 && start.checked_add(length).is_some_and(|stop| stop <= end)
        };
        if fits(self.top, self.height, size.height) && fits(self.left, self.width, size.width) {
            return Ok(self);
        }
        let Self { top, left, height, width } = self;
        Err(Error::argument(
            "size",
            format!(
                "of the crop must lie inside the frame of {size}, got {height} x {width} at top {top}, left {left}"
            ),
        ))
    }
}

/// What a rotation puts where the frame had nothing, and how it reads the frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Keras: mirrored at the edge, bilinear, in float32.
    Reflect,
    /// torchvision on PIL images: black, nearest pixel, in the type of the frame.
    Zero,
}

/// How a rule that two libraries have differs between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Long side int(long * scale + 0.5); centre offsets rounded down.
    Mmaction2,
    /// Long side int(size * long / short); centre offsets rounded half to even.
    Torchvision,
}

/// A transform whose pixels depend on nothing but the frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Fixed {
    Resize {
        size: Size,
        interpolation: Interpolation,
    },
    Crop(Rect),
    ResizedCrop {
        crop: Rect,
        size: Size,
        interpolation: Interpolation,
    },
    /// Three views: left, right, middle (or top, bottom, middle), as mmaction2.
    ThreeCrop(Size),
    Flip {
        horizontal: bool,
        vertical: bool,
    },
    /// Counter-clockwise, in degrees.
    Rotate {
        angle: f64,
        fill: Fill,
    },
    /// Keras's zoom: a factor above 1 shows more of the scene (and mirrors the rest).
    Zoom(f64),
    Contrast(f64),
    ResizeWithPad(Size),
    /// Reverses the order of three channels: RGB to BGR and back.
    Bgr,
    Pointwise(Pointwise),
}

/// How mirror images are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FlipDraw {
    /// Left and right change places with this probability.
    Horizontal(f64),
    /// Top and bottom change places with this probability.
    Vertical(f64),
    /// Keras 3.6 and later: one draw of 1/2 turns the frame by 180 degrees or leaves it.
    Shared,
    /// Keras up to 3.5: one draw of 1/2 for each direction.
    Independent,
}

/// A transform as a user writes it: fixed, dependent on the frame's size, random, or temporal.
#[derive(Clone, Debug, PartialEq)]
pub enum Transform {
    Fixed(Fixed),
    ResizeShort {
        short: usize,
        rule: Rule,
        interpolation: Interpolation,
    },
    CenterCrop {
        size: Size,
        rule: Rule,
    },
    RandomCrop(Size),
    /// A crop of random area (a fraction of the frame) and aspect (width / height), resized.
    RandomResizedCrop {
        size: Size,
        area: (f64, f64),
        aspect: (f64, f64),
        interpolation: Interpolation,
    },
    RandomFlip(FlipDraw),
    /// An angle in degrees.
    RandomRotation {
        angle: (f64, f64),
        fill: Fill,
    },
    RandomZoom(f64, f64),
    RandomContrast(f64, f64),
    /// Nearest frames, to so many.
    TemporalUpsample(usize),
}

impl Transform {
    pub fn is_random(&self) -> bool {
        matches!(
            self,
            Self::RandomCrop(_)
                | Self::RandomResizedCrop { .. }
                | Self::RandomFlip(_)
                | Self::RandomRotation { .. }
                | Self::RandomZoom(..)
                | Self::RandomContrast(..)
        )
    }
}

impl Fixed {
    /// The size that a frame of `size` has afterwards; an error where the two do not go together.
    pub fn output_size(&self, size: Size) -> Result<Size> {
        match self {
            Self::Resize { size, .. } | Self::ResizeWithPad(size) => size.checked(),
            Self::Crop(rect) => rect.inside(size).map(|rect| rect.size()),
            Self::ResizedCrop { crop, size: target, .. } => crop.inside(size).and_then(|_| target.checked()),
            Self::ThreeCrop(crop) => window::three_crops(*crop, size).map(|_| *crop),
            Self::Flip { .. }
            | Self::Rotate { .. }
            | Self::Zoom(_)
            | Self::Contrast(_)
            | Self::Bgr
            | Self::Pointwise(_) => Ok(size),
        }
    }

    /// The name that errors call it by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Resize { .. } => "Resize",
            Self::Crop(_) => "Crop",
            Self::ResizedCrop { .. } => "ResizedCrop",
            Self::ThreeCrop(_) => "ThreeCrop",
            Self::Flip { .. } => "Flip",
            Self::Rotate { .. } => "Rotate",
            Self::Zoom(_) => "Zoom",
            Self::Contrast(_) => "Contrast",
            Self::ResizeWithPad(_) => "ResizeWithPad",
            Self::Bgr => "Bgr",
            Self::Pointwise(pointwise) => pointwise.name(),
        }
    }
}

/// The error of a transform that takes bytes, given floats.
fn bytes_only(name: &str) -> Error {
    Error::new(
        ErrorKind::Type,
        format!("`{name}` takes uint8 frames, got float32; put it before the transforms that give float32"),
    )
}
