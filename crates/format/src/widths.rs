//! How wide a row of each table is in memory.

use std::mem::size_of;
use std::ops::Range;

use memsight_model::{
    Arena, Boxed, COwnedType, CodeRecord, FrameRecord, GeneratorRecord, Holder, InstanceLayout, NativePlace,
    NativeType, Owned, OwnedBlock, Pin, Pool, Region, ResidentMapping, Root, Slack, ThreadRecord, TypeRecord, View,
};

use crate::tables::Table;

/// The least that the allocator gives for a text, and what it keeps of each.
const TEXT_BYTES: usize = 32;

/// Memory of a row, without its texts: half of it may be the room in which a list grows.
pub(crate) fn row_bytes(table: Table) -> u64 {
    let bytes = match table {
        // address, type and size in 4 bytes each, count and flags in one, the count with room to grow; where its references
        // begin, and whether it was seen among equal ones
        Table::Objects => 24,
        // target and label
        Table::References => 8,
        // twice in memory, as an entry of a list and of a map that grows: 24 and 33 bytes, and their two texts
        Table::Names => 256,
        // object and end
        Table::Texts => 16,
        // object and end of class
        Table::Equals => 16,
        // in a list, and in the one that is made of it
        Table::ResidentPages => 4 * size_of::<Range<u64>>(),
        Table::Types => 2 * size_of::<TypeRecord>() + TEXT_BYTES,
        Table::Roots => 2 * size_of::<Root>(),
        Table::Threads => 2 * size_of::<ThreadRecord>(),
        Table::Frames => 2 * (size_of::<FrameRecord>() + TEXT_BYTES),
        Table::Maps => 2 * size_of::<Region>() + TEXT_BYTES,
        Table::Holders => 2 * size_of::<Holder>(),
        Table::Code => 2 * size_of::<CodeRecord>(),
        Table::Generators => 2 * size_of::<GeneratorRecord>(),
        Table::Arenas => 2 * size_of::<Arena>(),
        Table::Pools => 2 * size_of::<Pool>(),
        Table::Blocks => 2 * size_of::<Owned>(),
        Table::Pins => 2 * size_of::<Pin>(),
        Table::Slack => 2 * size_of::<Slack>(),
        Table::Layouts => 2 * size_of::<InstanceLayout>(),
        Table::Boxed => 2 * size_of::<Boxed>(),
        Table::Views => 2 * size_of::<View>(),
        Table::Resident => 2 * size_of::<ResidentMapping>(),
        Table::CBlocks => 2 * size_of::<COwnedType>(),
        Table::CLarge => 2 * size_of::<OwnedBlock>(),
        Table::Native => 2 * size_of::<NativeType>().max(size_of::<NativePlace>()) + TEXT_BYTES,
    };
    bytes as u64
}
