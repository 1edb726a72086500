//! What jemalloc keeps for threads: regions that look used and were freed (`tcache_t`).
//!
//! ```text
//! arena (in a base block) -> ring of tcache_slow_t: link 2, link of descriptor 2, bins
//! bin: top of its stack, requests, low water 2, full 2, empty 2      the stacks of all bins lie one behind the other
//! ```
//! A stack grows down from `empty`; what lies between its top and `empty` is cached. Of the three ends the low 16 bits are
//! kept. A cache is known by its first stacks, each of which ends where the next begins.
//!
//! Source: `cache_bin.h`, `tcache_structs.h`, 5.3.0 and 5.3.1.

use std::collections::HashSet;
use std::ops::Range;

use memsight_model::{Address, ReadMemory};

use super::Cached;
use super::statics::Scene;

/// Bytes of a `cache_bin_t`.
const BIN: u64 = 24;
/// Bins of small sizes, and of all at most.
const SMALL: usize = 36;
const BINS: usize = 128;
/// Caches of one arena; more are a loop.
const CAP: usize = 1 << 16;

/// The stack of one bin.
struct Stack {
    full: u64,
    top: u64,
    empty: u64,
}

impl Stack {
    fn read<M: ReadMemory>(scene: &Scene<'_, M>, at: u64) -> Option<Stack> {
        let [top, _, lows]: [u64; 3] = scene.array(at)?;
        let (full, empty) = (lows >> 16 & 0xffff, lows >> 32 & 0xffff);
        let full = top.checked_sub(top.wrapping_sub(full) & 0xffff)?;
        let empty = top.checked_add(empty.wrapping_sub(top) & 0xffff)?;
        let fits = top.is_multiple_of(8) && full.is_multiple_of(8) && empty.is_multiple_of(8) && empty - full < 1 << 16;
        fits.then_some(Stack { full, top, empty })
    }
}

/// The blocks that all caches of threads hold: found from the arenas, which are in `bases`.
pub(super) fn find<M: ReadMemory>(scene: &Scene<'_, M>, bases: &[Range<u64>]) -> Cached {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut cached = Cached::default();
    let is_base = |at: u64| bases.iter().any(|base| base.contains(&at));
    for base in bases {
        for (_, start) in scene.words(base.clone()) {
            // caches stand among a thread's own variables, never where pages begin, as extents do
            let mut at = start;
            for _ in 0..CAP {
                if at % 8 != 0 || at % 4096 == 0 || is_base(at) || scene.anonymous.area(at).is_none() {
                    break;
                }
                if !seen.insert(at) {
                    break;
                }
                let Some([next, _, _, _, bins]) = scene.array::<5>(at) else { break };
                let Some(stacks) = stacks(scene, bins) else { break };
                stacks.iter().for_each(|stack| take(scene, stack, &mut cached));
                at = next;
            }
        }
    }
    cached
}

/// The stacks of the bins at `at`, when it is a cache.
fn stacks<M: ReadMemory>(scene: &Scene<'_, M>, at: u64) -> Option<Vec<Stack>> {
    scene.anonymous.area(at)?;
    let mut stacks: Vec<Stack> = vec![Stack::read(scene, at)?];
    while stacks.len() < BINS {
        let place = at.checked_add(BIN * stacks.len() as u64)?;
        let Some(stack) = Stack::read(scene, place) else { break };
        if stacks.last().is_some_and(|last| last.empty != stack.full) {
            break;
        }
        stacks.push(stack);
    }
    (stacks.len() >= SMALL && stacks.iter().any(|stack| stack.full < stack.empty)).then_some(stacks)
}

fn take<M: ReadMemory>(scene: &Scene<'_, M>, stack: &Stack, cached: &mut Cached) {
    for place in (stack.top..stack.empty).step_by(8) {
        if let Ok(block) = scene.memory.word(Address(place)) {
            cached.insert(block);
        }
    }
}
