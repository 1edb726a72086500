//! Where pymalloc keeps its state.

use memsight_model::{Address, ReadMemory};

use super::{ALIGNMENT, CLASSES, arenas};
use crate::layout::{Obmalloc, ObmallocState};
use crate::walk::scene::Scene;

/// Words of `usedpools`: two for each size.
const USED_POOLS: usize = 2 * CLASSES as usize;
/// How far the state may have moved between patch releases.
const SEARCH: i64 = 1 << 14;
/// No file has more static data.
const LARGEST_DATA: u64 = 64 << 20;
/// The smallest page, to which every pool is aligned.
const PAGE: u64 = 4096;
/// `nextpool` and `prevpool` in a `struct pool_header`.
const NEXT_POOL: i64 = 16;
const PREVIOUS_POOL: i64 = 24;

/// The state of pymalloc of one interpreter, or of all.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// Where it is: the start of `usedpools`.
    pub at: Address,
    /// `struct arena_object *arenas`; null before the first block.
    pub arenas: Address,
    /// Entries of `arenas`, where known.
    pub maxarenas: Option<u32>,
    /// `narenas_currently_allocated`, where known.
    pub allocated: Option<u64>,
    /// `raw_allocated_blocks`, where known.
    pub raw_blocks: Option<u64>,
    /// Id of the interpreter; 0 when it is everybody's.
    pub interpreter: i64,
}

/// The state that `interpreter` leads to; `None` when it uses another interpreter's.
pub(super) fn of_interpreter<M: ReadMemory>(
    scene: &Scene<M>,
    table: &Obmalloc,
    interpreter: Address,
    id: i64,
) -> Result<Option<State>, ()> {
    let memory = scene.memory;
    let place = |shift: i64| match table.state {
        ObmallocState::Inline(offset) => Some(interpreter.at(i64::from(offset) + shift)),
        ObmallocState::Pointer(offset) => memory.pointer(interpreter.at(i64::from(offset) + shift)).ok(),
    };
    let is_state = |at: &Address| has_used_pools(memory, *at);
    let at = match place(0).filter(is_state) {
        Some(at) => at,
        None if matches!(table.state, ObmallocState::Inline(_)) && place(0).is_some_and(|at| is_blank(memory, at)) => {
            return Ok(None);
        }
        None => (1..SEARCH / 8).flat_map(|step| [8 * step, -8 * step]).filter_map(place).find(is_state).ok_or(())?,
    };
    let word = |offset: u16| memory.word(at.at(offset.into()));
    let read = || -> Result<State, memsight_model::Fault> {
        Ok(State {
            at,
            arenas: Address(word(table.arenas)?),
            maxarenas: Some(memory.u32(at.at(table.maxarenas.into()))?),
            allocated: Some(word(table.allocated)?),
            raw_blocks: Some(word(table.raw_blocks)?),
            interpreter: id,
        })
    };
    read().map(Some).map_err(|_| ())
}

fn is_blank<M: ReadMemory>(memory: &M, at: Address) -> bool {
    let mut words = [0; USED_POOLS];
    memory.fill(at, &mut words).is_ok() && words.iter().all(|word| *word == 0)
}

/// Whether `usedpools` is at `at`: for each size the two ends of a ring of pools. Where it is empty, both point to where
/// a pool would begin whose links (two words on) are these; else the pools at the ends link back there.
fn has_used_pools<M: ReadMemory>(memory: &M, at: Address) -> bool {
    let mut words = [0; USED_POOLS];
    if at.0 & 7 != 0 || memory.fill(at, &mut words).is_err() {
        return false;
    }
    words.chunks_exact(2).enumerate().all(|(class, ends)| {
        let own = ring(at, class);
        ends.iter()
            .zip([PREVIOUS_POOL, NEXT_POOL])
            .all(|(end, link)| *end == own || (end % PAGE == 0 && memory.word(Address(*end).at(link)) == Ok(own)))
    })
}

/// What an empty ring points at.
fn ring(at: Address, class: usize) -> u64 {
    at.0.wrapping_add(16 * class as u64).wrapping_sub(NEXT_POOL as u64)
}

/// The state as static variables of the file that the runtime is in (up to 3.11).
///
/// `arenas` is the one pointer there to an array whose entries are named by the pools of their arenas: a pool's head has
/// the number of its arena. `usedpools` points at itself.
pub(super) fn in_statics<M: ReadMemory>(scene: &Scene<M>, runtime: Address) -> Option<State> {
    let (start, words) = static_words(scene, runtime)?;
    let address = |index: usize| start.at(8 * index as i64);
    let may_be = |index: &usize| {
        words.get(*index).is_some_and(|word| *word != 0 && (*word == ring(address(*index), 0) || word % PAGE == 0))
    };
    let at = (0..words.len()).filter(may_be).map(address).find(|at| has_used_pools(scene.memory, *at));
    let mut tried = std::collections::HashSet::new();
    let mut candidates = words.iter().filter(|word| **word % 16 == 0 && scene.slots.slot(Address(**word)).is_some());
    let arenas = candidates.find(|word| tried.insert(**word) && arenas::is_table(scene, Address(**word)));
    let Some(arenas) = arenas.map(|word| Address(*word)) else {
        // Without an arena there is no array; usedpools alone tells that pymalloc is there and unused.
        let unused = at.filter(|at| is_unused(*at, &words, start))?;
        let arenas = Address::NULL;
        return Some(State { at: unused, arenas, maxarenas: None, allocated: None, raw_blocks: None, interpreter: 0 });
    };
    let mut state =
        State { at: at.unwrap_or(arenas), arenas, maxarenas: None, allocated: None, raw_blocks: None, interpreter: 0 };
    let count = arenas::count(scene, &state);
    let places = words.iter().enumerate().filter(|(_, word)| **word == arenas.0).map(|(index, _)| index);
    if let Some((allocated, raw)) = places.filter_map(|index| counters(&words, index, count)).next() {
        (state.allocated, state.raw_blocks) = (Some(allocated), Some(raw));
    }
    Some(state)
}

/// Whether no ring of `usedpools` has a pool.
fn is_unused(at: Address, words: &[u64], start: Address) -> bool {
    let first = (at.0 - start.0) as usize / 8;
    let rings = words.get(first..first + USED_POOLS).unwrap_or_default().chunks_exact(2).enumerate();
    rings.into_iter().all(|(class, ends)| ends.iter().all(|end| *end == ring(at, class)))
}

/// `narenas_currently_allocated` and `raw_allocated_blocks`, where the compiler laid the variables out in their order in
/// the file (3.9 to 3.11): raw_allocated_blocks, narenas_highwater, ntimes_arena_allocated, narenas_currently_allocated,
/// nfp2lasta\[65\], and three words later arenas. The counts must agree with `count` arenas and with each other.
fn counters(words: &[u64], arenas: usize, count: u64) -> Option<(u64, u64)> {
    const NFP2LASTA: usize = 65;
    let allocated = arenas.checked_sub(NFP2LASTA + 4)?;
    let [raw, highwater, times, now] = *words.get(allocated.checked_sub(3)?..=allocated)? else { return None };
    let ordered = now == count && now <= highwater && highwater <= times && times < 1 << 48;
    // nfp2lasta: the last arena with that many free pools, inside the array or null.
    let array = words.get(arenas)?;
    let links = words.get(allocated + 1..allocated + 1 + NFP2LASTA)?;
    let linked = links.iter().all(|link| *link == 0 || link.wrapping_sub(*array) % arenas::ENTRY == 0);
    (ordered && linked && raw < 1 << 48).then_some((now, raw))
}

/// The words of the static data around the runtime; what was never touched is zero.
fn static_words<M: ReadMemory>(scene: &Scene<M>, runtime: Address) -> Option<(Address, Vec<u64>)> {
    let (start, end) = *scene.files.iter().find(|(start, end)| (*start..*end).contains(&runtime))?;
    let start = Address(start.0.checked_next_multiple_of(u64::from(ALIGNMENT))?);
    let len = end.0.checked_sub(start.0)?.min(LARGEST_DATA);
    let mut words = vec![0; (len / 8) as usize];
    for (index, block) in words.chunks_mut(PAGE as usize / 8).enumerate() {
        // A page that is not there was never written to.
        let _ = scene.memory.fill(start.at((index as u64 * PAGE) as i64), block);
    }
    Some((start, words))
}
