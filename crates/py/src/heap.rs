//! A snapshot in memory, with its analysis, for Python.

use std::path::PathBuf;
use std::time::Duration;

use memsight_engine::analysis::Analysis;
use memsight_engine::format::{self, Limits, Snapshot, WriteOptions};
use memsight_engine::{CoreFiles, Error, LookOptions};
use memsight_model::{Mode, Quiet};
use memsight_render::{dot, json};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arrow::Table;
use crate::enter;

self_cell::self_cell!(
    /// The analysis borrows the snapshot and keeps what it has computed, so both live and go together.
    struct Analysed {
        owner: Snapshot,
        #[not_covariant]
        dependent: Analysis,
    }
);

/// A heap that was looked at or loaded.
#[pyclass(frozen, module = "memsight._native")]
pub(crate) struct Heap {
    inner: Analysed,
}

impl Heap {
    fn new(snapshot: Snapshot) -> Heap {
        Heap { inner: Analysed::new(snapshot, |snapshot| Analysis::new(snapshot, &Quiet)) }
    }

    /// Borrows one analysis after the other, and looks what they agree on when it has all.
    fn agreed(&self, heaps: &[&Heap], looks: &[&Analysis<'_>], top: usize) -> Result<String, Error> {
        match heaps.split_first() {
            None => self.with_analysis(|analysis| Ok(json(&analysis.refcounts_after(looks, top)?))),
            Some((heap, rest)) => heap.with_analysis(|analysis| {
                let looks: Vec<&Analysis<'_>> = looks.iter().copied().chain([analysis]).collect();
                self.agreed(rest, &looks, top)
            }),
        }
    }

    /// Lends the analysis.
    pub(crate) fn with_analysis<T>(&self, job: impl FnOnce(&Analysis<'_>) -> T) -> T {
        self.inner.with_dependent(|_, analysis| job(analysis))
    }
}

/// Looks at the Python heap of another process. `mode` is `auto`, `fork`, `freeze` or `live`; `max_pause` is in seconds.
#[pyfunction]
#[pyo3(signature = (pid, mode, values, max_pause))]
pub(crate) fn look(py: Python<'_>, pid: u32, mode: &str, values: bool, max_pause: Option<f64>) -> PyResult<Heap> {
    let mode = match mode {
        "auto" => Mode::Auto,
        "fork" => Mode::Fork,
        "freeze" => Mode::Freeze,
        "live" => Mode::Live,
        other => {
            return Err(PyValueError::new_err(format!(
                "mode is \"auto\", \"fork\", \"freeze\" or \"live\", not {other:?}"
            )));
        }
    };
    let max_pause = max_pause.map(Duration::try_from_secs_f64).transpose();
    let max_pause = max_pause.map_err(|error| PyValueError::new_err(format!("max_pause: {error}")))?;
    let options = LookOptions { mode, max_pause, values, ..LookOptions::default() }.whole();
    enter(py, move |progress| memsight_engine::look(pid, &options, progress).map(Heap::new))
}

/// Reads a snapshot folder or a core file; `exe` and `sysroot` are where the files of the core's process are.
#[pyfunction]
#[pyo3(signature = (path, exe, sysroot, values, max_memory))]
pub(crate) fn load(
    py: Python<'_>,
    path: PathBuf,
    exe: Option<PathBuf>,
    sysroot: Option<PathBuf>,
    values: bool,
    max_memory: Option<u64>,
) -> PyResult<Heap> {
    let limits = Limits { memory: max_memory };
    let options = LookOptions { values, limits, ..LookOptions::default() }.whole();
    let files = CoreFiles { exe, sysroot };
    enter(py, move |progress| memsight_engine::open_file(&path, &files, &options, progress).map(Heap::new))
}

#[pymethods]
impl Heap {
    /// The JSON of the view `name` with at most `top` rows of each kind; `query` for `path` and `object`.
    #[pyo3(signature = (name, query, top))]
    fn view(&self, py: Python<'_>, name: &str, query: &str, top: usize) -> PyResult<String> {
        let view = match name {
            "overview" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.overview(top))),
            "types" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.types(top))),
            "suspects" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.suspects(top))),
            "dominators" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.dominators(top))),
            "threads" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.threads(top))),
            "tasks" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.tasks(top))),
            "garbage" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.garbage(top)?)),
            "cycles" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.cycles(top))),
            "refcounts" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.refcounts(top)?)),
            "rss" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.rss(top))),
            "waste" => |analysis: &Analysis<'_>, _: &str, top| Ok(json(&analysis.waste(top)?)),
            "path" => |analysis: &Analysis<'_>, query: &str, top| Ok(json(&analysis.path(query, top)?)),
            "object" => |analysis: &Analysis<'_>, query: &str, top| Ok(json(&analysis.object(query, top)?)),
            other => return Err(PyValueError::new_err(format!("no view is called {other:?}"))),
        };
        let view: fn(&Analysis<'_>, &str, usize) -> Result<String, Error> = view;
        enter(py, move |_| self.inner.with_dependent(|_, analysis| view(analysis, query, top)))
    }

    /// The graph around an object: as JSON, and as DOT.
    #[pyo3(signature = (query, depth, top))]
    fn graph(&self, py: Python<'_>, query: &str, depth: u32, top: usize) -> PyResult<(String, String)> {
        enter(py, move |_| {
            self.with_analysis(|analysis| {
                let view = analysis.around(query, depth, top)?;
                Ok::<_, Error>((json(&view), dot::graph(&view)))
            })
        })
    }

    /// The JSON of `refcounts`: what this look and earlier ones agree on.
    #[pyo3(signature = (earlier, top))]
    fn refcounts_after(&self, py: Python<'_>, earlier: Vec<Py<Heap>>, top: usize) -> PyResult<String> {
        let earlier: Vec<&Heap> = earlier.iter().map(Py::get).collect();
        enter(py, move |_| self.agreed(&earlier, &[], top))
    }

    /// Writes the snapshot as a folder of Parquet tables.
    #[pyo3(signature = (path, force))]
    fn save(&self, py: Python<'_>, path: PathBuf, force: bool) -> PyResult<()> {
        enter(py, move |_| format::write(self.inner.borrow_owner(), &path, &WriteOptions { force }))
    }

    /// One table, ready for Arrow.
    fn table(&self, py: Python<'_>, name: &str) -> PyResult<Table> {
        enter(py, move |_| format::table(self.inner.borrow_owner(), name).map(Table::new))
    }

    /// Process id, version of Python, time of the look and number of objects: for a representation.
    fn about(&self) -> (u32, String, String, usize) {
        let snapshot = self.inner.borrow_owner();
        let manifest = &snapshot.manifest;
        (manifest.pid, manifest.python.clone(), manifest.created.clone(), snapshot.objects.len())
    }
}
