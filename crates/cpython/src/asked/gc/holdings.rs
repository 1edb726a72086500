//! What the collector holds that no counter tells: the permanent generation and `gc.garbage`.

use memsight_model::{Address, GcReading, ReadMemory};

use crate::error::PythonError;
use crate::find::locate::Python;
use crate::object::head::Head;
use crate::walk::generations::{FLAGS, GC_HEAD};
use crate::walk::window::Window;

/// Frozen objects that are counted at most.
const CAP: u64 = 1 << 24;
/// Walks that may meet a change before the count is given up.
const WALKS: u32 = 3;

impl Python {
    /// Fills in `permanent`, what of it is immortal, and `garbage` of a reading of [`Python::gc`]; they stay `None` where
    /// they could not be had: the list changed under every walk, has more than 16 million objects, or is none
    /// (free-threaded builds).
    ///
    /// Cost: a read of a page for every 20 to 60 frozen objects; nothing where nothing is frozen.
    pub fn gc_holdings<M: ReadMemory>(&self, memory: &M, reading: &mut GcReading) -> Result<(), PythonError> {
        for (id, gc) in self.gc_states(memory)? {
            let Some(interpreter) = reading.interpreters.iter_mut().find(|interpreter| interpreter.id == id) else {
                continue;
            };
            // A free-threaded build has no list of them.
            let walks = if self.layout.is_free_threaded() { 0 } else { WALKS };
            let head = gc.at(self.layout.gc.permanent.into());
            let held = (0..walks).find_map(|_| self.permanent(memory, head));
            (interpreter.permanent, interpreter.permanent_immortal) = held.unzip();
            interpreter.garbage = self.garbage(memory, gc);
        }
        Ok(())
    }

    /// `len(gc.garbage)`: 0 before the list is made.
    fn garbage<M: ReadMemory>(&self, memory: &M, gc: Address) -> Option<u64> {
        let list = memory.pointer(gc.at(self.layout.gc.garbage.into())).ok()?;
        if list.is_null() {
            return Some(0);
        }
        // ob_size of a PyVarObject
        memory.word(self.layout.length_at(list)).ok().filter(|length| *length < 1 << 40)
    }

    /// Objects on the list with that head, and how many of them are immortal; `None` when it changed under the walk, is
    /// corrupt or too long.
    ///
    /// 3.12 moves every immortal object that a collection meets to this list (`update_refs` in `Modules/gcmodule.c`): the
    /// tuples of static types, 375 of them in 3.12.1. Later versions stop to track them instead.
    fn permanent<M: ReadMemory>(&self, memory: &M, head: Address) -> Option<(u64, u64)> {
        let window = Window::new(memory);
        let (mut previous, mut at) = (head, Address(memory.word(head).ok()? & !FLAGS));
        let mut immortal = 0;
        for objects in 0..CAP {
            if at == head {
                return Some((objects, immortal));
            }
            window.turn_to(at);
            let (next, back) = (window.word(at).ok()? & !FLAGS, window.word(at.at(8)).ok()? & !FLAGS);
            if back != previous.0 {
                return None;
            }
            let object = Head::read(&window, &self.layout, at.at(GC_HEAD as i64)).ok()?;
            immortal += u64::from(object.is_immortal());
            (previous, at) = (at, Address(next));
        }
        None
    }
}
