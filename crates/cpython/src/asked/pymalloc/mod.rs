//! pymalloc seen from outside: arenas, pools, and whose blocks they hold.
//!
//! Source: `Objects/obmalloc.c`, `Include/internal/pycore_obmalloc.h`. An interpreter of 3.12 or later leads to its state;
//! before, the state is a handful of static variables without exported names, found by what they hold. Each arena must be
//! named by its pools, each pool by the numbers in its head; what is not in order is left out, and said.

mod allocator;
mod arenas;
mod frames;
mod state;

use memsight_model::{Address, Allocator, Pymalloc, ReadMemory};

use crate::find::locate::Python;
use crate::options::DecodeOptions;
use crate::walk::scene::Scene;
use state::State;

/// Classes of sizes: 16 to 512 bytes.
const CLASSES: u32 = 32;
/// Bytes between sizes.
const ALIGNMENT: u32 = 16;

/// Reasons why something is left out, each told once.
#[derive(Default)]
struct Missing(Vec<String>);

impl Missing {
    /// Notes `count` things, when there are some: `3 pools are not in order`.
    fn note(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.0.push(format!("{count} {what}"));
        }
    }
}

impl Python {
    /// Walks the arenas and pools of every interpreter, unless objects alone are counted. Whose blocks they hold is known only
    /// after the objects are.
    ///
    /// Cost: a read of 48 bytes a pool (16 KiB of memory); up to 3.11 also of the static data of the runtime's file.
    pub(crate) fn pymalloc<M: ReadMemory>(
        &self,
        scene: &Scene<M>,
        interpreters: &[Address],
        options: &DecodeOptions<'_>,
    ) -> Pymalloc {
        if !options.references {
            return Pymalloc::default();
        }
        if self.layout.is_free_threaded() {
            // It runs on mimalloc and nothing else (`Objects/obmalloc.c`).
            let frame_stacks = self.frame_stacks(scene.memory, interpreters);
            return Pymalloc { allocator: Allocator::Mimalloc, frame_stacks, ..Pymalloc::default() };
        }
        let mut missing = Missing::default();
        let states = self.obmalloc_states(scene, interpreters, &mut missing);
        let mut tables = Vec::new();
        for state in &states {
            tables.extend(arenas::read(scene, state, &mut missing));
        }
        let mut pymalloc = arenas::walk(scene, tables, &mut missing);
        pymalloc.raw_blocks = self.raw_blocks(&states, &pymalloc);
        pymalloc.allocator = self.allocator(scene.memory, &states, &pymalloc);
        if states.is_empty() {
            missing.0.push("the state of pymalloc was not found".to_owned());
        }
        pymalloc.missing = missing.0;
        pymalloc.frame_stacks = self.frame_stacks(scene.memory, interpreters);
        pymalloc
    }

    /// Where the threads of all interpreters keep the frames of Python functions, ascending; none up to 3.10, which has
    /// frames as objects.
    fn frame_stacks<M: ReadMemory>(&self, memory: &M, interpreters: &[Address]) -> Vec<(Address, u64)> {
        if self.layout.minor < 11 {
            return Vec::new();
        }
        let threads = interpreters.iter().flat_map(|interpreter| self.threads(memory, *interpreter));
        let mut found: Vec<(Address, u64)> =
            threads.flat_map(|thread| frames::chunks(memory, thread, self.layout.thread.size.into())).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Blocks handed on to the C heap, of all interpreters. 3.8 counts them together with its own.
    fn raw_blocks(&self, states: &[State], pymalloc: &Pymalloc) -> Option<u64> {
        let counted: Option<Vec<u64>> = states.iter().map(|state| state.raw_blocks).collect();
        let counted = counted.filter(|counted| !counted.is_empty())?;
        let own = match self.layout.minor {
            ..=8 => pymalloc.pools.iter().map(|pool| u64::from(pool.used)).sum(),
            _ => 0,
        };
        Some(counted.into_iter().fold(0u64, u64::saturating_add).saturating_sub(own))
    }

    /// The states of pymalloc, each once, the main interpreter's first.
    fn obmalloc_states<M: ReadMemory>(
        &self,
        scene: &Scene<M>,
        interpreters: &[Address],
        missing: &mut Missing,
    ) -> Vec<State> {
        let Some(table) = &self.layout.obmalloc else {
            return state::in_statics(scene, self.runtime).into_iter().collect();
        };
        let mut states: Vec<State> = Vec::new();
        for interpreter in interpreters.iter().rev() {
            let id = scene.memory.signed(interpreter.at(self.layout.interpreter.id.into())).unwrap_or(-1);
            match state::of_interpreter(scene, table, *interpreter, id) {
                // Interpreters may share one; 3.12 then leaves their own empty.
                Ok(Some(state)) if !states.iter().any(|known| known.at == state.at) => states.push(state),
                Ok(_) => {}
                Err(()) => missing.0.push(format!("the state of pymalloc of interpreter {id} was not found")),
            }
        }
        states
    }
}
