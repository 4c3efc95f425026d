//! Space-time interest points: where a grey volume changes in space and in time at once.
//!
//! Scale space -> gradients -> second moments -> Harris-3D response -> selection -> description, each a step
//! that can be taken by itself ([`steps`]). [`detect`], [`Detector`] and [`describe`] run them fused, over windows
//! that slide along time.
//!
//! * [`settings`], [`kernel`]: every number of the method
//! * [`frames`]: what comes in
//! * `ring`, `blur`, `gradient`, `rows`: windows, kernels and loops
//! * `pyramid`, `chain`, `select`, `scales`, [`detector`]: frames to responses to points
//! * [`flow`]: where pixels go
//! * [`histograms`]: gradients and flow around a point as its descriptor
//! * [`jets`]: derivatives at a point as its descriptor
//!
//! Sources: Laptev, "On space-time interest points", IJCV 2005; Schuldt, Laptev and Caputo, ICPR 2004.

pub mod detector;
pub mod flow;
pub mod frames;
pub mod histograms;
pub mod jets;
pub mod kernel;
pub mod settings;
pub mod steps;

mod blur;
mod chain;
mod gradient;
mod pyramid;
mod ring;
mod rows;
mod scales;
mod select;

pub use detector::{Detector, detect};
pub use flow::{FlowSettings, optical_flow};
pub use frames::{Frames, Values};
pub use histograms::{Blocks, HistogramDescriber, HistogramSettings, Normalization, describe_histograms};
pub use jets::{Describer, Jet, describe};
pub use kernel::{Border, Radius};
pub use settings::{Derivatives, Reduction, Scale, Selection, Settings, Smoothing, Threshold};

/// An interest point, in frames and pixels of the volume it was found in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub t: i32,
    pub y: i32,
    pub x: i32,
    /// Variances of the local scale: pixels squared, frames squared.
    pub sigma2: f32,
    pub tau2: f32,
    pub response: f32,
}
