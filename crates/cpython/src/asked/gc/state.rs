//! The GC state of one interpreter, read in one piece.

use memsight_model::{Address, GcGeneration, GcInterpreter, ReadMemory};

use crate::error::PythonError;
use crate::find::locate::Python;
use crate::layout::{Gc, Maybe, Offset};

/// The bytes of a `struct _gc_runtime_state`.
pub(super) struct State<'p> {
    pub(super) at: Address,
    python: &'p Python,
    bytes: Vec<u8>,
}

impl<'p> State<'p> {
    pub(super) fn read<M: ReadMemory>(python: &'p Python, memory: &M, at: Address) -> Result<State<'p>, PythonError> {
        let mut bytes = vec![0; python.layout.gc.size.into()];
        memory.read(at, &mut bytes)?;
        Ok(State { at, python, bytes })
    }

    /// What can be said from these bytes alone; the statistics only where they stand inline (up to 3.14).
    pub(super) fn interpreter(&self, id: i64) -> Result<GcInterpreter, PythonError> {
        let gc = &self.python.layout.gc;
        let optional = |offset: Maybe| offset.filter(|at| at + 8 <= gc.size).map(|at| self.word(at)).transpose();
        Ok(GcInterpreter {
            id,
            enabled: self.int(gc.enabled)? != 0,
            // `int enabled; int debug;` in every version.
            debug: self.int(gc.enabled + 4)? as u32,
            collecting: self.int(gc.collecting)? != 0,
            generations: (0..3).map(|number| self.generation(gc, number)).collect::<Result<_, _>>()?,
            long_lived_total: optional(gc.long_lived_total)?.map(|word| word as i64),
            long_lived_pending: optional(gc.long_lived_pending)?.map(|word| word as i64),
            permanent: None,
            permanent_immortal: None,
            garbage: None,
        })
    }

    fn generation(&self, gc: &Gc, number: u16) -> Result<GcGeneration, PythonError> {
        let pointer = gc.first_head().map(|offset| self.word(offset)).transpose()?;
        let head = gc.young(self.at, pointer.map(Address)) + number * gc.generation_size;
        let mut found = GcGeneration {
            count: self.int(head + gc.count)?.into(),
            threshold: self.int(head + gc.threshold)?.into(),
            ..GcGeneration::default()
        };
        if gc.rings.is_none() {
            let stat = gc.stats + number * gc.stat.size;
            found.collections = self.word(stat + gc.stat.collections)?;
            found.collected = self.word(stat + gc.stat.collected)?;
            found.uncollectable = self.word(stat + gc.stat.uncollectable)?;
        }
        Ok(found)
    }

    pub(super) fn word(&self, offset: Offset) -> Result<u64, PythonError> {
        word_at(&self.bytes, offset.into()).ok_or_else(|| self.python.unrecognised(self.at))
    }

    fn int(&self, offset: Offset) -> Result<i32, PythonError> {
        let bytes = self.bytes.get(usize::from(offset)..).and_then(<[u8]>::first_chunk);
        bytes.map(|bytes| i32::from_le_bytes(*bytes)).ok_or_else(|| self.python.unrecognised(self.at))
    }
}

impl Python {
    /// The error for a GC state that ends before a field of its table.
    pub(super) fn unrecognised(&self, at: Address) -> PythonError {
        PythonError::Unrecognised {
            at,
            version: self.version().to_string(),
            what: "the collector's state is too short",
        }
    }
}

/// The word at an offset of foreign bytes.
pub(super) fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}
