//! Who made an object: the recorded allocations of its own block and of those that it owns.

use memsight_model::{Address, Birth, LiveBlocks, ObjectId, ReadMemory};

use crate::object::owned::each_buffer;
use crate::object::references::Decoder;
use crate::object::types::TypeInfo;

/// Notes the blocks of an object of which something is known. An object begins inside its block, behind its heads; what cannot
/// be read of its buffers is nobody's.
pub(crate) fn note<M: ReadMemory>(
    births: &mut Vec<Birth>,
    live: &LiveBlocks,
    decoder: &Decoder<M>,
    id: ObjectId,
    (at, info): (Address, &TypeInfo),
) {
    let own = live.holding(at);
    births.extend(own.map(|block| Birth::new(id, block.frame, block.bytes, false)));
    let _ = each_buffer(decoder, at, info, &mut |buffer| {
        let block = live.holding(buffer).filter(|block| own.is_none_or(|own| own != *block));
        births.extend(block.map(|block| Birth::new(id, block.frame, block.bytes, true)));
    });
}
