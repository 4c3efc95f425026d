//! Learning: what an answer costs, and how parameters change.
//!
//! * [`loss`]: cross-entropy and its gradient
//! * [`optimiser`]: stochastic gradient descent, Adam and AdamW over parameters by name
//!
//! Both work on slices, and neither depends on the number of threads.

pub mod loss;
pub mod optimiser;

pub use loss::CrossEntropy;
pub use optimiser::{Convention, Optimiser, Rule, check_rate};
