//! Who serves `PyObject_Malloc`: the table of allocators where the runtime has one (3.12 and later), and what stands
//! around the blocks.

use memsight_model::{Address, Allocator, Fault, Pymalloc, ReadMemory};

use super::state::State;
use crate::find::locate::Python;
use crate::layout::Obmalloc;
use crate::rows::loose::is_debug_mark;

/// Bytes of a `PyMemAllocatorEx`: context, malloc, calloc, realloc, free.
const ALLOCATOR: i64 = 40;
/// Bytes of a `debug_alloc_api_t`: the letter of the domain, and the allocator below.
const DEBUG_ALLOCATOR: i64 = 48;
/// Pools looked at for the marks of the debug hooks.
const SAMPLE: usize = 64;

impl Python {
    /// The allocator of objects. `tracemalloc` stands before another one and changes nothing of the blocks.
    pub(super) fn allocator<M: ReadMemory>(&self, memory: &M, states: &[State], pymalloc: &Pymalloc) -> Allocator {
        if !pymalloc.pools.is_empty() {
            return if has_debug_marks(memory, pymalloc) { Allocator::PymallocDebug } else { Allocator::Pymalloc };
        }
        match &self.layout.obmalloc {
            Some(table) => by_table(memory, self.runtime, table).unwrap_or_default(),
            // Nothing in Python works without small objects: pymalloc that is there and unused serves nobody.
            None if !states.is_empty() => Allocator::Malloc,
            None => Allocator::Pymalloc,
        }
    }
}

/// The allocator of a runtime whose pymalloc holds nothing.
fn by_table<M: ReadMemory>(memory: &M, runtime: Address, table: &Obmalloc) -> Result<Allocator, Fault> {
    let standard = runtime.at(table.allocators.into());
    let debug = runtime.at(table.debug_allocators.into());
    let (raw, objects) = (standard, standard.at(2 * ALLOCATOR));
    let context = memory.pointer(objects)?;
    let hooked = (debug..debug.at(3 * DEBUG_ALLOCATOR)).contains(&context);
    // The first function of the allocators, or of those below the debug hooks.
    let (raw, objects) = match hooked {
        true => (debug.at(16), debug.at(2 * DEBUG_ALLOCATOR + 16)),
        false => (raw.at(8), objects.at(8)),
    };
    let same = memory.word(raw)? == memory.word(objects)?;
    // tracemalloc (a context that is not the hooks') does not show what is below it.
    Ok(if same || (!context.is_null() && !hooked) { Allocator::Malloc } else { Allocator::Mimalloc })
}

/// Whether blocks have the marks of the debug hooks: a size, the letter of a domain and 7 bytes 0xFD in front of what the
/// program sees, and 0xDD all over once it is freed (`_PyMem_DebugRawAlloc`).
fn has_debug_marks<M: ReadMemory>(memory: &M, pymalloc: &Pymalloc) -> bool {
    const DEAD: u64 = 0xdddd_dddd_dddd_dddd;
    let step = pymalloc.pools.len().div_ceil(SAMPLE).max(1);
    let (mut marked, mut dead, mut plain) = (0, 0, 0);
    for pool in pymalloc.pools.iter().step_by(step) {
        match memory.word(pool.address.at(Pymalloc::POOL_HEAD as i64 + 8)) {
            Ok(word) if is_debug_mark(word) => marked += 1,
            Ok(DEAD) => dead += 1,
            _ => plain += 1,
        }
    }
    marked > 0 && marked + dead > plain
}
