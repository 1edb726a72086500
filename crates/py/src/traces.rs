//! Views of a trace, as the command's JSON.

use std::path::PathBuf;

use memsight_engine::analysis::profile::{At, By, Profile, Selection};
use memsight_engine::export::stack_rows;
use memsight_engine::format::trace::stacks_table;
use memsight_engine::{Error, open_large_blocks, open_trace};
use memsight_render::{flame_svg, json};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrow::Table;
use crate::enter::enter;

/// The view `view` of the trace at `path`, with at most `top` rows (0: all); of one thread, and without Python's small blocks
/// where that is asked for. `left` is `flamegraph` at the end.
#[pyfunction]
#[pyo3(signature = (path, view, top, thread=None, small_blocks=true))]
pub(crate) fn trace(
    py: Python<'_>,
    path: PathBuf,
    view: &str,
    top: usize,
    thread: Option<u32>,
    small_blocks: bool,
) -> PyResult<String> {
    let of: fn(&Profile, &Selection) -> Result<String, Error> = match view {
        "summary" => |profile, selection| Ok(json(&profile.summary(selection)?)),
        "lines" => |profile, selection| Ok(json(&profile.places(By::Line, selection)?)),
        "leaks" => |profile, selection| Ok(json(&profile.leaks(selection)?)),
        "flamegraph" | "left" => |profile, selection| Ok(json(&profile.flame(selection)?)),
        other => return Err(PyValueError::new_err(format!("there is no view {other:?} of a trace here"))),
    };
    let at = if matches!(view, "leaks" | "left") { At::End } else { At::Peak };
    enter(py, move |progress| {
        let open = if small_blocks { open_trace } else { open_large_blocks };
        of(&open(&path, at, false, progress)?, &Selection { top, thread, ..Selection::default() })
    })
}

/// The flame graph of the trace at `path` as an SVG document: of its peak, or of sums over the whole run.
#[pyfunction]
pub(crate) fn trace_flame(py: Python<'_>, path: PathBuf, at: &str) -> PyResult<Option<String>> {
    let at = moment(at)?;
    enter(py, move |progress| {
        let view = open_trace(&path, at, false, progress)?.flame(&Selection::default())?;
        // (there is none of nothing)
        Ok::<_, Error>(flame_svg(&view).ok())
    })
}

/// The stacks of the trace at `path` as a table.
#[pyfunction]
pub(crate) fn trace_table(py: Python<'_>, path: PathBuf, at: &str) -> PyResult<Table> {
    let at = moment(at)?;
    let batch = enter(py, move |progress| {
        let rows = stack_rows(&open_trace(&path, at, false, progress)?, &Selection::default())?;
        Ok::<_, Error>(stacks_table(&rows)?)
    })?;
    Ok(Table::new(batch))
}

fn moment(at: &str) -> PyResult<At> {
    match at {
        "peak" => Ok(At::Peak),
        "end" => Ok(At::End),
        "all" => Ok(At::All),
        other => Err(PyValueError::new_err(format!("at is 'peak', 'end' or 'all', not {other:?}"))),
    }
}
