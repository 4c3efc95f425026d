//! `harkit._core`: arguments in, arrays out. One file a room, no arithmetic.

use pyo3::prelude::*;

use crate::error::Error;
use runtime::OrRaise;

mod runtime;
mod video;

/// The number of threads of harkit's pool.
#[pyfunction]
fn num_threads() -> usize {
    crate::parallel::threads()
}

/// Sets the number of threads; 0 is the default.
#[pyfunction]
fn set_num_threads(py: Python<'_>, threads: i64) -> PyResult<()> {
    let known = usize::try_from(threads).ok().filter(|&threads| threads <= crate::parallel::MOST_THREADS);
    let known = known.ok_or_else(|| {
        let most = crate::parallel::MOST_THREADS;
        Error::argument("threads", format!("must be 0 (the default) to {most}, got {threads}"))
    });
    known.map(crate::parallel::set_threads).or_raise(py)
}

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::video::{Reader, write_clip};
    #[pymodule_export]
    use super::{num_threads, set_num_threads};
}
