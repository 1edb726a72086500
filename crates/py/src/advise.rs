//! Advice on source.

use std::path::PathBuf;

use memsight_engine::advise::{AdviseOptions, Evidence, Fixes, Habits, SettingsFrom, minor_of};
use memsight_render::json;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::enter;

/// The JSON of what was found in `paths`; files are changed where `fix` is "safe" or "unsafe".
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "the arguments of the Python function, one by one")]
pub(crate) fn advise(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    select: Vec<String>,
    extend_select: Vec<String>,
    ignore: Vec<String>,
    all: bool,
    target_version: Option<&str>,
    fix: Option<&str>,
    config: Option<PathBuf>,
    isolated: bool,
    baseline: Option<PathBuf>,
) -> PyResult<String> {
    let target_minor = match target_version.map(|text| minor_of(text).ok_or(text)).transpose() {
        Ok(minor) => minor,
        Err(text) => {
            let message = format!("target_version is a Python from \"3.8\" to \"3.15\", not \"{text}\"");
            return Err(PyValueError::new_err(message));
        }
    };
    let fix = match fix {
        Some("safe") => Fixes::Safe,
        Some(_) => Fixes::Unsafe,
        None => Fixes::None,
    };
    let settings = match config {
        Some(path) => SettingsFrom::File(path),
        None if isolated => SettingsFrom::Nowhere,
        None => SettingsFrom::Found,
    };
    let habits = Habits { settings, extend_select, baseline, ..Habits::default() };
    let evidence = Evidence::default();
    let options = AdviseOptions { paths, select, ignore, all, target_minor, fix, habits, evidence };
    enter(py, move |progress| {
        let advised = memsight_engine::advise::advise(&options, progress)?;
        advised.write()?;
        Ok::<_, memsight_engine::Error>(json(&advised.view))
    })
}
