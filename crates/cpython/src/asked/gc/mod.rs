//! What the collector counts: the numbers of the `gc` module, in a few reads and without stopping anybody.
//!
//! Source: `struct _gc_runtime_state` (`pycore_gc.h`, later `pycore_interp_structs.h`), `gc_get_stats_impl` and
//! `gc_get_count_impl` in `Modules/gcmodule.c`. Each interpreter's state is read in one piece, so that its numbers belong
//! to one moment up to what the processor reorders.

mod holdings;
mod probes;
mod rings;
mod state;

use memsight_model::{Address, GcInterpreter, GcReading, ReadMemory};

use crate::error::PythonError;
use crate::find::locate::Python;
use crate::find::moment::LIST_CAP;
use state::State;

pub use probes::{GcProbeSite, Operand, gc_probe_sites};
pub use rings::{GcRecord, GcRing, GcRingsSeen};

impl Python {
    /// The counters of every interpreter's collector, the main one first. `at_ns` is left to the caller, `permanent`
    /// and `garbage` to [`Python::gc_holdings`].
    ///
    /// Cost: a read for the list and two or three an interpreter (three more from 3.15 on): 5 us for a
    /// process with one, 8 to 10 us from 3.15 on.
    pub fn gc<M: ReadMemory>(&self, memory: &M) -> Result<GcReading, PythonError> {
        let states = self.gc_states(memory)?;
        let read = |(id, gc): &(i64, Address)| self.gc_of(memory, *id, *gc);
        Ok(GcReading { at_ns: 0, interpreters: states.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// The same with what they hold, for a snapshot; nothing where the counters are torn, for the heap is worth having
    /// without them.
    pub(crate) fn collectors<M: ReadMemory>(&self, memory: &M) -> Vec<GcInterpreter> {
        let read = || {
            let mut reading = self.gc(memory)?;
            self.gc_holdings(memory, &mut reading)?;
            Ok::<_, PythonError>(reading.interpreters)
        };
        read().unwrap_or_default()
    }

    fn gc_of<M: ReadMemory>(&self, memory: &M, id: i64, gc: Address) -> Result<GcInterpreter, PythonError> {
        let state = State::read(self, memory, gc)?;
        let mut interpreter = state.interpreter(id)?;
        if let Some(rings) = &self.layout.gc.rings {
            let (_, whole) = self.ring_bytes(memory, &state, rings)?;
            for (number, generation) in interpreter.generations.iter_mut().enumerate() {
                self.newest(rings, &whole.bytes, number, generation);
            }
        }
        Ok(interpreter)
    }

    /// Id and GC state of every interpreter that has one of its own, the main interpreter first.
    fn gc_states<M: ReadMemory>(&self, memory: &M) -> Result<Vec<(i64, Address)>, PythonError> {
        let mut found: Vec<(i64, Address)> = Vec::with_capacity(1);
        let mut at = memory.pointer(self.runtime.at(self.layout.runtime.interpreters_head.into()))?;
        while !at.is_null() && found.len() < LIST_CAP && !found.iter().any(|(_, gc)| *gc == self.gc_state(at)) {
            let (id, next) = self.identity(memory, at)?;
            found.push((id, self.gc_state(at)));
            at = next;
        }
        found.reverse();
        match (found.first_mut(), self.layout.interpreter.gc) {
            (None, _) => Err(PythonError::NotReady),
            // Up to 3.8 all share one collector, which is shown as the main interpreter's.
            (Some(first), None) => {
                first.0 = 0;
                Ok(found)
            }
            (Some(_), Some(_)) => Ok(found),
        }
    }

    /// The id of an interpreter and the next one in the list: in one read where they stand next to each other.
    fn identity<M: ReadMemory>(&self, memory: &M, at: Address) -> Result<(i64, Address), PythonError> {
        let (id, next) = (self.layout.interpreter.id, self.layout.interpreter.next);
        let first = id.min(next);
        let mut words = [0u64; 2];
        if id.abs_diff(next) == 8 {
            memory.fill(at.at(first.into()), &mut words)?;
        } else {
            words = [memory.word(at.at(first.into()))?, memory.word(at.at(id.max(next).into()))?];
        }
        let [low, high] = words;
        Ok(if id < next { (low as i64, Address(high)) } else { (high as i64, Address(low)) })
    }
}
