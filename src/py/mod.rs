//! `harkit._core`: arguments in, arrays out. One file a room, no arithmetic.

use pyo3::prelude::*;

mod runtime;
pub(crate) mod transforms;

/// The number of threads of harkit's pool.
#[pyfunction]
fn num_threads() -> usize {
    crate::parallel::threads()
}

/// Sets the number of threads; 0 is the default.
#[pyfunction]
fn set_num_threads(threads: usize) {
    crate::parallel::set_threads(threads);
}

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::transforms::{transforms_apply, transforms_draw};
    #[pymodule_export]
    use super::{num_threads, set_num_threads};
}
