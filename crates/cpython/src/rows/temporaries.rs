//! Temporaries of running frames: the list that a comprehension builds, what a loop goes through, arguments of a call that
//! waits.
//!
//! How much of the value stack of such a frame is in use stands in a register of the processor, and what is above is left
//! from before. So a word there is a reference if its object has one that nothing else explains.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_model::{Address, Label, ObjectFlags, ObjectId, ObjectTable, ReadMemory, ReferenceTable, RootKind};

use crate::object::references::Held;
use crate::rows::emit::Shared;
use crate::rows::parts::Emitted;
use crate::walk::roots::{RootName, Seed};
use crate::walk::stacks::OpenStack;
use crate::walk::workers::joined;

/// Objects with more references than this are everybody's (`None` up to 3.11, classes): others hold them besides, and to
/// count who does would take a while.
const MOST: u32 = 1 << 12;

/// A word of a value stack that is the address of an object.
struct Word {
    at: Address,
    object: ObjectId,
    /// Its place on the stack.
    depth: u64,
    stack: OpenStack,
}

/// The temporaries, as roots. Cost: a pass over the references, shared by so many threads.
pub(crate) fn find<M: ReadMemory>(
    shared: &Shared<M>,
    stacks: &[OpenStack],
    seeds: &[Seed],
    emitted: &Emitted,
    threads: usize,
) -> Vec<Seed> {
    let Emitted { objects, references, .. } = emitted;
    let mut words = words(shared, stacks, objects);
    if words.is_empty() {
        return Vec::new();
    }
    let mut left: HashMap<ObjectId, u32> =
        words.iter().map(|word| (word.object, objects.refcounts.get(word.object))).collect();
    let known = seeds.iter().filter(|seed| seed.counted).filter_map(|seed| shared.id_of(seed.object));
    for object in known.chain(referents(&left, objects.len(), references, threads)) {
        left.entry(object).and_modify(|left| *left = left.saturating_sub(1));
    }
    // Where fewer references are left than words: the lower one is, the more likely it is in use, and a caller has handed on
    // what its callee has.
    words.sort_by_key(|word| (word.depth, word.stack.thread, Reverse(word.stack.frame)));
    words.retain(|word| {
        left.get_mut(&word.object).and_then(|left| left.checked_sub(1).map(|less| *left = less)).is_some()
    });
    words.iter().map(root).collect()
}

/// The words of objects that somebody may hold alone.
fn words<M: ReadMemory>(shared: &Shared<M>, stacks: &[OpenStack], objects: &ObjectTable) -> Vec<Word> {
    let immortal = |id: ObjectId| objects.flags.get(id.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL));
    let own = |id: &ObjectId| !immortal(*id) && objects.refcounts.get(*id) <= MOST;
    let mut words = Vec::new();
    for &stack in stacks {
        for depth in 0..stack.words {
            let Ok(word) = shared.scene.memory.word(stack.at.at(8 * depth as i64)) else { break };
            let Held { object: at, counted } = Held::of(shared.scene.layout, word);
            let object = shared.id_of(at).filter(|id| counted && own(id));
            words.extend(object.map(|object| Word { at, object, depth, stack }));
        }
    }
    words
}

/// The strong references to any of the `wanted`: the referent of each.
fn referents(
    wanted: &HashMap<ObjectId, u32>,
    objects: usize,
    references: &ReferenceTable,
    threads: usize,
) -> Vec<ObjectId> {
    // A bit for each object: most references lead elsewhere, and this many bits fit into the cache.
    let mut bits = vec![0u64; objects.div_ceil(64)];
    for id in wanted.keys() {
        bits[id.index() / 64] |= 1 << (id.0 % 64);
    }
    let is_wanted = |id: &ObjectId| bits.get(id.index() / 64).is_some_and(|word| word >> (id.0 % 64) & 1 == 1);
    let part = references.targets.len().div_ceil(threads.max(1)).max(1);
    let parts = references.targets.chunks(part).zip(references.labels.chunks(part));
    let work = |(targets, labels): (&[ObjectId], &[Label])| -> Vec<ObjectId> {
        let pairs = targets.iter().zip(labels);
        pairs.filter(|(target, label)| is_wanted(target) && label.is_strong()).map(|(target, _)| *target).collect()
    };
    let work = &work;
    std::thread::scope(|scope| joined(parts.map(|part| scope.spawn(move || work(part))).collect())).concat()
}

fn root(word: &Word) -> Seed {
    Seed {
        object: word.at,
        kind: RootKind::FrameStack,
        name: RootName::Text("value stack"),
        frame: Some(word.stack.frame),
        thread: Some(word.stack.thread),
        counted: false,
    }
}
