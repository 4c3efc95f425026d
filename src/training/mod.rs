//! Learning: what an answer costs, and how parameters change.
//!
//! * [`loss`]: cross-entropy and its gradient
//! * [`optimiser`]: stochastic gradient descent, Adam and AdamW over parameters by name
//! * [`scaling`]: the scale of a loss whose gradients are float16
//! * [`step`]: what a batch says about the parameters
//!
//! Both work on slices, and neither depends on the number of threads.

pub mod loss;
pub mod optimiser;
pub mod scaling;
pub mod step;

pub use loss::CrossEntropy;
pub use optimiser::{Convention, Optimiser, Rule, check_rate, clip_norm};
pub use scaling::LossScale;
pub use step::{Batch, Step, differentiate, differentiate_eagerly};
