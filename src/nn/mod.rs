//! Neural networks.
pub mod cpu;
