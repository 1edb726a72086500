//! Is now a good moment to look?

use memsight_model::{Address, ReadMemory};

use crate::error::PythonError;
use crate::find::locate::Python;

/// More interpreters or threads than any process has: ends a walk through corrupt lists.
pub(crate) const LIST_CAP: usize = 1 << 16;

/// State of the interpreters at the moment of the question. Cost: a few reads per interpreter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// A garbage collection runs in some interpreter: its lists are not whole.
    pub collecting: bool,
    /// A thread holds a GIL: it may be in the middle of changing an object. In a free-threaded build whose GIL is off:
    /// a thread is attached, which says the same of it.
    pub gil_locked: bool,
    /// Interpreters of the process.
    pub interpreters: u32,
}

impl Python {
    /// Addresses of the `PyInterpreterState`s, newest first.
    pub(crate) fn interpreters<M: ReadMemory>(&self, memory: &M) -> Result<Vec<Address>, PythonError> {
        let mut found = Vec::new();
        let mut at = memory.pointer(self.runtime.at(self.layout.runtime.interpreters_head.into()))?;
        while !at.is_null() && found.len() < LIST_CAP && !found.contains(&at) {
            found.push(at);
            at = memory.pointer(at.at(self.layout.interpreter.next.into()))?;
        }
        if found.is_empty() { Err(PythonError::NotReady) } else { Ok(found) }
    }

    /// Addresses of the `PyThreadState`s of an interpreter.
    pub(crate) fn threads<M: ReadMemory>(&self, memory: &M, interpreter: Address) -> Vec<Address> {
        let mut found = Vec::new();
        let mut next = memory.pointer(interpreter.at(self.layout.interpreter.threads_head.into()));
        while let Ok(at) = next {
            if at.is_null() || found.len() >= LIST_CAP {
                break;
            }
            found.push(at);
            next = memory.pointer(at.at(self.layout.thread.next.into()));
        }
        found
    }

    /// Address of the GC state that serves an interpreter.
    pub(crate) fn gc_state(&self, interpreter: Address) -> Address {
        match self.layout.interpreter.gc {
            Some(offset) => interpreter.at(offset.into()),
            None => self.runtime.at(self.layout.runtime.gc.unwrap_or(0).into()),
        }
    }

    /// The thread state that holds the GIL of `interpreter`, if one does.
    pub(crate) fn gil_holder<M: ReadMemory>(&self, memory: &M, interpreter: Address) -> Option<Address> {
        let gil = match (self.layout.interpreter.gil, self.layout.runtime.gil) {
            (Some(offset), _) => memory.pointer(interpreter.at(offset.into())).ok()?,
            (None, Some(offset)) => self.runtime.at(offset.into()),
            (None, None) => return None,
        };
        let table = &self.layout.gil;
        let off = table.enabled.is_some_and(|enabled| memory.i32(gil.at(enabled.into())) == Ok(0));
        if off || memory.i32(gil.at(table.locked.into())).ok()? <= 0 {
            return None;
        }
        memory.pointer(gil.at(table.holder.into())).ok()
    }

    /// Whether a thread of an interpreter may be changing objects although it holds no GIL, for there is none. Threads
    /// that wait, in a system call or for the collector to let them go on, are detached.
    fn is_attached<M: ReadMemory>(&self, memory: &M, interpreter: Address) -> bool {
        /// `_Py_THREAD_ATTACHED`.
        const ATTACHED: i32 = 1;
        let Some(state) = self.layout.thread.state.filter(|_| self.layout.is_free_threaded()) else { return false };
        let attached = |thread: Address| memory.i32(thread.at(state.into())) == Ok(ATTACHED);
        self.threads(memory, interpreter).into_iter().any(attached)
    }

    /// Looks whether the collector or Python code is at work.
    pub fn moment<M: ReadMemory>(&self, memory: &M) -> Result<Moment, PythonError> {
        let interpreters = self.interpreters(memory)?;
        let mut moment = Moment { collecting: false, gil_locked: false, interpreters: interpreters.len() as u32 };
        for interpreter in interpreters {
            let collecting = self.gc_state(interpreter).at(self.layout.gc.collecting.into());
            moment.collecting |= memory.i32(collecting)? != 0;
            moment.gil_locked |=
                self.gil_holder(memory, interpreter).is_some() || self.is_attached(memory, interpreter);
        }
        Ok(moment)
    }
}
