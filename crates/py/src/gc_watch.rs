//! The callback of `memsight.gc_watch()`: what the collector does, counted from inside at next to no cost.
//!
//! CPython calls every entry of `gc.callbacks` before and after a collection (`Modules/gcmodule.c`, later
//! `Python/gc.c`: `invoke_gc_callback`). This one reads the clock and adds to a histogram of fixed size: nothing is
//! allocated, so that it never causes a collection, and nothing is waited for.

use std::sync::{Mutex, PoisonError, TryLockError};

use memsight_engine::analysis::gc::PauseHistogram;
use memsight_engine::figures;
use memsight_model::PauseSource;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Generations of every version, the incremental collector's included.
const GENERATIONS: usize = 3;

/// Collections of one generation.
#[derive(Clone, Default)]
struct Generation {
    collected: u64,
    uncollectable: u64,
    pauses: PauseHistogram,
}

#[derive(Clone, Default)]
struct State {
    generations: [Generation; GENERATIONS],
    all: PauseHistogram,
    /// When the collection that runs began; collections of an interpreter never overlap.
    began_ns: Option<u64>,
}

/// An entry of `gc.callbacks`. After a fork the child's copy goes on by itself.
#[pyclass(frozen, module = "memsight._native")]
pub(crate) struct GcWatch {
    state: Mutex<State>,
}

#[pymethods]
impl GcWatch {
    #[new]
    fn new() -> GcWatch {
        GcWatch { state: Mutex::default() }
    }

    /// What the collector calls. Never fails: an exception here would be printed in the middle of any statement.
    fn __call__(&self, py: Python<'_>, phase: &Bound<'_, PyAny>, info: &Bound<'_, PyAny>) {
        let now = figures::now().monotonic_ns;
        // The state is free but when a reader is interrupted by a collection of its own; that one is not counted.
        let Some(mut state) = self.free() else { return };
        if phase.eq(intern!(py, "start")).unwrap_or(false) {
            // The work of this call belongs to the watch, not to the pause.
            state.began_ns = Some(figures::now().monotonic_ns);
            return;
        }
        let Some(began) = state.began_ns.take() else { return };
        let duration = now.saturating_sub(began);
        let number = |key| info.cast::<PyDict>().ok()?.get_item(key).ok()??.extract::<u64>().ok();
        let generation = number(intern!(py, "generation")).unwrap_or(0).min(GENERATIONS as u64 - 1) as usize;
        let (collected, uncollectable) = (number(intern!(py, "collected")), number(intern!(py, "uncollectable")));
        state.all.add(duration, 0);
        let generation = &mut state.generations[generation];
        generation.pauses.add(duration, 0);
        generation.collected = generation.collected.saturating_add(collected.unwrap_or(0));
        generation.uncollectable = generation.uncollectable.saturating_add(uncollectable.unwrap_or(0));
    }

    /// Collected, uncollectable and the pauses as JSON, of each generation; and the pauses of all.
    fn read(&self) -> (Vec<(u64, u64, String)>, String) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let generations = state.generations.iter();
        let rows = generations.map(|one| (one.collected, one.uncollectable, pauses(&one.pauses))).collect();
        (rows, pauses(&state.all))
    }

    /// Forgets a collection whose end will not be told.
    fn drop_open(&self) {
        if let Some(mut state) = self.free() {
            state.began_ns = None;
        }
    }
}

impl GcWatch {
    fn free(&self) -> Option<std::sync::MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(state)) => Some(state.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

fn pauses(histogram: &PauseHistogram) -> String {
    memsight_render::json_line(&histogram.pauses(PauseSource::Callbacks, None))
}
