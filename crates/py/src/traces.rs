//! Views of a trace, as the command's JSON.

use std::path::PathBuf;

use memsight_engine::analysis::profile::{At, By, Profile, Selection};
use memsight_engine::{Error, open_trace};
use memsight_render::json;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::enter::enter;

/// The view `view` of the trace at `path`, with at most `top` rows (0: all).
#[pyfunction]
pub(crate) fn trace(py: Python<'_>, path: PathBuf, view: &str, top: usize) -> PyResult<String> {
    let of: fn(&Profile, &Selection) -> Result<String, Error> = match view {
        "summary" => |profile, selection| Ok(json(&profile.summary(selection)?)),
        "lines" => |profile, selection| Ok(json(&profile.places(By::Line, selection)?)),
        "leaks" => |profile, selection| Ok(json(&profile.leaks(selection)?)),
        other => return Err(PyValueError::new_err(format!("there is no view {other:?} of a trace here"))),
    };
    let at = if view == "leaks" { At::End } else { At::Peak };
    enter(py, move |progress| {
        let profile = open_trace(&path, at, progress)?;
        of(&profile, &Selection { top, ..Selection::default() })
    })
}
