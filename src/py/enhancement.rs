//! stand-in until merged
use pyo3::prelude::*;
pub(crate) fn enhancement(_object: &Bound<'_, PyAny>) -> PyResult<crate::enhancement::Enhancement> {
    Err(pyo3::exceptions::PyNotImplementedError::new_err("soon"))
}
