//! The syntax trees of scripts that run: whoever starts a script keeps its tree until it ends (`pyrun_file` in
//! `Python/pythonrun.c`), in blocks of an arena that only the stack leads to (`Python/pyarena.c`, the same in 3.8 to
//! 3.15).

use memsight_model::{Address, ReadMemory};

/// `struct _arena`: first block, current block, list of objects.
const OBJECTS: i64 = 16;
/// `struct _block`: bytes, bytes used, next block, memory behind this head.
const USED: i64 = 8;
const NEXT: i64 = 16;
const MEMORY: i64 = 24;
const HEAD: i64 = 32;
/// No tree has more blocks, of 8 KiB and more each.
const BLOCKS: usize = 1 << 16;

/// The blocks of the arena at `at`; none if there is no arena. `is_object` tells of an address whether an object is there.
pub(super) fn blocks<M: ReadMemory>(memory: &M, at: Address, is_object: impl Fn(Address) -> bool) -> Vec<Address> {
    let word = |at: Address| memory.pointer(at).ok();
    let mut found = Vec::new();
    if !at.0.is_multiple_of(8) || !word(at.at(OBJECTS)).is_some_and(is_object) {
        return found;
    }
    let mut next = word(at);
    while let Some(block) = next.filter(|block| !block.is_null() && found.len() < BLOCKS) {
        let (Some(bytes), Some(used)) = (word(block), word(block.at(USED))) else { return Vec::new() };
        if word(block.at(MEMORY)) != Some(block.at(HEAD)) || used > bytes {
            return Vec::new();
        }
        found.push(block);
        next = word(block.at(NEXT));
    }
    found
}
