//! Each family of layers: its steps, and how units of it become steps, forward and backward.

mod attention;
mod convolution;
mod dropout;
pub(super) mod elementwise;
mod fold;
mod layer_norm;
pub(super) mod layout;
mod linear;
mod lstm;
mod norm;
mod pool;
