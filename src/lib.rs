//! harkit's core. The map of the house, from the ground up:
//!
//! * [`error`], [`clip`], [`random`], [`parallel`], `simd`: what every room stands on
//! * [`video`]: files and image folders to frames, and back
//! * [`sampling`]: which frames
//! * [`enhancement`]: how bright
//! * [`transforms`]: how large and where
//! * [`loading`]: a recipe over many videos: the four rooms above, fused and parallel
//! * [`stip`]: space-time interest points, from scale space to descriptors
//! * [`encoders`]: many descriptors to one vector: k-means, bag of words, Fisher vector, VLAD
//! * [`weights`]: checkpoint files to named tensors, and back
//! * [`nn`]: networks as graphs of named layers, run on candle or compiled for the processor
//! * [`models`]: architectures, each a function that builds such a graph
//! * [`training`]: losses and optimisers
//! * `py`: arguments in, arrays out (feature `python`)
//!
//! A room uses the floors below it and never its neighbours; `docs/architecture.md` draws it.

pub mod aligned;
pub mod clip;
pub mod encoders;
pub mod enhancement;
pub mod error;
pub mod loading;
pub mod models;
pub mod nn;
pub mod parallel;
pub mod random;
pub mod sampling;
mod simd;
pub mod stip;
pub mod training;
pub mod transforms;
pub mod video;
pub mod weights;

#[cfg(feature = "python")]
mod py;
