//! Snapshots in memory beside each other.

use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::compare::{CompareOptions, compare};
use memsight_model::Quiet;
use memsight_render::json;
use pyo3::prelude::*;

use crate::enter;
use crate::heap::Heap;

/// The JSON of what has grown between the earliest and the latest of `heaps`.
#[pyfunction]
#[pyo3(signature = (heaps, runs, top), name = "compare")]
pub(crate) fn compare_heaps(py: Python<'_>, heaps: Vec<Py<Heap>>, runs: bool, top: usize) -> PyResult<String> {
    let heaps: Vec<&Heap> = heaps.iter().map(Py::get).collect();
    let options = CompareOptions { runs, top };
    enter(py, move |_| gather(&heaps, &[], &options))
}

/// Borrows one analysis after the other, and compares when it has all.
fn gather(
    heaps: &[&Heap],
    looks: &[&Analysis<'_>],
    options: &CompareOptions,
) -> Result<String, memsight_engine::Error> {
    match heaps.split_first() {
        None => Ok(json(&compare(looks, options, &Quiet)?)),
        Some((heap, rest)) => heap.with_analysis(|analysis| {
            let looks: Vec<&Analysis<'_>> = looks.iter().copied().chain([analysis]).collect();
            gather(rest, &looks, options)
        }),
    }
}
