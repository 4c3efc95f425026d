//! Space-time interest points: where a grey volume changes in space and in time at once.
//!
//! Scale space -> gradients -> second moments -> Harris-3D response -> selection -> description, each a step
//! that can be taken by itself.

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
