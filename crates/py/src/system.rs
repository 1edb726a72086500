//! All processes, and the machine's memory, for `python/memsight/_system.py`.

use memsight_engine::figures;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::enter::{brief, released};

/// The ids of all processes, ascending.
#[pyfunction]
pub(crate) fn pids(py: Python<'_>) -> PyResult<Vec<u32>> {
    released(py, None, figures::pids)
}

/// Whether there is a process with this id.
#[pyfunction]
pub(crate) fn pid_exists(pid: u32) -> bool {
    figures::pid_exists(pid)
}

/// Every process with its parent.
#[pyfunction]
pub(crate) fn parents(py: Python<'_>) -> PyResult<Vec<(u32, u32)>> {
    released(py, None, figures::parents)
}

/// When the machine started, in seconds since 1970.
#[pyfunction]
pub(crate) fn boot_time() -> f64 {
    figures::boot_time()
}

/// The fields of psutil's `virtual_memory`.
#[pyfunction]
pub(crate) fn virtual_memory(py: Python<'_>) -> PyResult<Bound<'_, PyTuple>> {
    let memory = brief(py, None, figures::virtual_memory)?;
    let first = (memory.total_bytes, memory.available_bytes, memory.percent).into_pyobject(py)?;
    let rest = PyTuple::new(
        py,
        [
            memory.used_bytes,
            memory.free_bytes,
            memory.active_bytes,
            memory.inactive_bytes,
            memory.buffers_bytes,
            memory.cached_bytes,
            memory.shared_bytes,
            memory.slab_bytes,
        ],
    )?;
    Ok(first.as_sequence().concat(rest.as_sequence())?.cast_into::<PyTuple>()?)
}

/// The fields of psutil's `swap_memory`.
#[pyfunction]
pub(crate) fn swap_memory(py: Python<'_>) -> PyResult<(u64, u64, u64, f64, u64, u64)> {
    let swap = brief(py, None, figures::swap_memory)?;
    Ok((swap.total_bytes, swap.used_bytes, swap.free_bytes, swap.percent, swap.sin_bytes, swap.sout_bytes))
}

/// Bytes that `malloc` has given out in this process: from arenas, in mappings of their own.
#[pyfunction]
pub(crate) fn heap_info(py: Python<'_>) -> PyResult<(u64, u64)> {
    released(py, None, figures::heap_info).map(|info| (info.heap_used_bytes, info.mmap_used_bytes))
}

/// Gives what `malloc` does not use back to the system; whether there was anything.
#[pyfunction]
pub(crate) fn heap_trim(py: Python<'_>) -> PyResult<bool> {
    released(py, None, figures::heap_trim)
}
