//! The extension module `memsight._native`: what the hand-written Python package stands on.
//!
//! People use the typed functions in `python/memsight/`, never this module. Views cross the border as JSON, whose keys
//! the renderer defines once; tables cross it as Arrow capsules, without a copy.

mod arrow;
mod compare;
mod enter;
mod gc_watch;
mod heap;
mod monitor;
mod process;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod recorder;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "recorder_absent.rs"]
mod recorder;
mod system;
mod traces;
mod tracker;

use std::ffi::OsString;

use pyo3::prelude::*;

use enter::enter;

#[global_allocator]
static ALLOCATOR: memsight_engine::LargePages = memsight_engine::LargePages;

/// Runs the `memsight` command with `args` (the program's name first) and returns its exit code.
#[pyfunction]
fn main(py: Python<'_>, args: Vec<OsString>) -> i32 {
    // The command handles Ctrl-C itself, so this does not go through `enter`.
    py.detach(|| memsight_cli::main(args))
}

/// Lets process `pid` (and its descendants) read and trace this one where Yama would forbid it; `None` takes the
/// permission back. Without Yama there is nothing to permit, and nothing happens.
#[pyfunction]
#[pyo3(signature = (pid=None))]
fn allow_tracer(pid: Option<u32>) {
    memsight_engine::allow_reader(pid.unwrap_or(0));
}

/// The native half of memsight. Private: see the package `memsight`.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("TABLES", memsight_engine::format::TABLES)?;
    module.add_class::<heap::Heap>()?;
    module.add_class::<arrow::Table>()?;
    module.add_function(wrap_pyfunction!(heap::look, module)?)?;
    module.add_function(wrap_pyfunction!(heap::load, module)?)?;
    module.add_function(wrap_pyfunction!(compare::compare_heaps, module)?)?;
    module.add_function(wrap_pyfunction!(allow_tracer, module)?)?;
    module.add_class::<process::Handle>()?;
    module.add_class::<gc_watch::GcWatch>()?;
    module.add_class::<monitor::Monitor>()?;
    module.add_class::<tracker::Tracker>()?;
    module.add_function(wrap_pyfunction!(traces::trace, module)?)?;
    module.add_function(wrap_pyfunction!(monitor::sample, module)?)?;
    module.add_function(wrap_pyfunction!(system::pids, module)?)?;
    module.add_function(wrap_pyfunction!(system::pid_exists, module)?)?;
    module.add_function(wrap_pyfunction!(system::parents, module)?)?;
    module.add_function(wrap_pyfunction!(system::boot_time, module)?)?;
    module.add_function(wrap_pyfunction!(system::virtual_memory, module)?)?;
    module.add_function(wrap_pyfunction!(system::swap_memory, module)?)?;
    module.add_function(wrap_pyfunction!(system::heap_info, module)?)?;
    module.add_function(wrap_pyfunction!(system::heap_trim, module)?)?;
    module.add_function(wrap_pyfunction!(main, module)?)
}
