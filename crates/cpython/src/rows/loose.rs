//! Blocks of objects that pymalloc did not serve: those of other allocators, which are listed, and glibc's, recognised by the
//! head that it puts in front of each.
//!
//! The head is the chunk's size with three flags (`malloc/malloc.c`); it counts as one only when the chunk behind it says
//! that this one is in use. Where the allocator behind `malloc` is not looked into, an object takes what it is said to.

use memsight_model::{Address, Blocks, COwned, COwnedType, ObjectId, OwnedBlock, ReadMemory, TypeId};

use crate::object::types::AddressMap;

const PREV_INUSE: u64 = 1;
const IS_MMAPPED: u64 = 2;
const FLAGS: u64 = 7;
const HEAD: u64 = 16;
/// The most that stands in a block before what it holds.
const FRONT: u64 = 64;
const PAGE: u64 = 4096;
/// No chunk is larger than the address space.
const CAP: u64 = 1 << 47;

/// Blocks counted by one worker.
#[derive(Debug, Default)]
pub(super) struct Loose {
    types: AddressMap<COwnedType>,
    large: Vec<OwnedBlock>,
}

/// What a block may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// An object, which with its buffers has so many bytes; 0 when it is in no allocator's memory.
    Object(u64),
    /// A buffer of one.
    Buffer,
}

impl Loose {
    /// Counts the block that begins at `at`, if it is one, as that of an object itself or of a buffer.
    pub fn take<M: ReadMemory>(
        &mut self,
        memory: &M,
        blocks: &Blocks,
        at: Address,
        (object, type_): (ObjectId, TypeId),
        part: Part,
    ) {
        // in front of an object stand its links and values, and the words of debug hooks
        let block = blocks.holding(at).filter(|(start, _)| at.0 - start.0 <= FRONT);
        let (at, bytes) = match (block, blocks.unread, part) {
            (Some(block), _, _) => block,
            (None, true, Part::Object(whole)) if whole > 0 => (at, whole),
            (None, true, _) => return,
            (None, false, _) => {
                let at = below_hooks(memory, at);
                let Some(bytes) = chunk(memory, at) else { return };
                (at, bytes)
            }
        };
        let is_buffer = part == Part::Buffer;
        if bytes >= COwned::LARGE {
            return self.large.push(OwnedBlock { object, address: at, bytes });
        }
        // Shifted, for the hash of addresses leaves out the lowest bits.
        let row = self.types.entry(u64::from(type_.0) << 3).or_default();
        row.type_ = type_;
        let (count, sum) = match is_buffer {
            true => (&mut row.buffers, &mut row.buffer_bytes),
            false => (&mut row.objects, &mut row.object_bytes),
        };
        *count += 1;
        *sum += bytes;
    }

    /// Counts memory that an object has mapped itself.
    pub fn mapping(&mut self, object: ObjectId, address: Address, bytes: u64) {
        if !address.is_null() && bytes > 0 {
            self.large.push(OwnedBlock { object, address, bytes });
        }
    }

    /// Adds another worker's.
    pub fn join(&mut self, other: Loose) {
        for (key, row) in other.types {
            let sum = self.types.entry(key).or_default();
            sum.type_ = row.type_;
            sum.objects += row.objects;
            sum.object_bytes += row.object_bytes;
            sum.buffers += row.buffers;
            sum.buffer_bytes += row.buffer_bytes;
        }
        self.large.extend(other.large);
    }

    /// All of them.
    pub fn finish(mut self) -> COwned {
        let mut types: Vec<COwnedType> = self.types.into_values().collect();
        types.sort_unstable_by_key(|row| row.type_);
        self.large.sort_unstable_by_key(|block| (block.address, block.object));
        self.large.dedup_by_key(|block| block.address);
        COwned { types, large: self.large }
    }
}

/// Whether a word is the second that a debug hook puts in front of a block: the letter of a domain and 7 bytes 0xFD.
pub(crate) fn is_debug_mark(word: u64) -> bool {
    const FORBIDDEN: u64 = 0xfdfd_fdfd_fdfd_fd00;
    word & !0xff == FORBIDDEN && b"rmo".contains(&(word as u8))
}

/// Where the C library's block begins that the debug hooks gave as `at`: each puts two words in front, the second of them
/// a mark. There are two where pymalloc is hooked and hands a large block on, for the C heap below it is hooked, too.
fn below_hooks<M: ReadMemory>(memory: &M, at: Address) -> Address {
    const HOOKS: usize = 2;
    let hooked = |at: &Address| memory.word(at.at(-8)).is_ok_and(is_debug_mark);
    (0..HOOKS).fold(at, |at, _| if hooked(&at) { at.at(-(HEAD as i64)) } else { at })
}

/// Bytes of the chunk whose program's part begins at `at`.
fn chunk<M: ReadMemory>(memory: &M, at: Address) -> Option<u64> {
    let head = memory.word(at.at(-8)).ok()?;
    let (size, start) = (head & !FLAGS, at.0.checked_sub(HEAD)?);
    if !(32..=CAP).contains(&size) || !at.0.is_multiple_of(16) {
        return None;
    }
    if head & FLAGS == IS_MMAPPED {
        return [size, size + HEAD].into_iter().find(|bytes| start.is_multiple_of(PAGE) && bytes.is_multiple_of(PAGE));
    }
    let next = memory.word(Address(start.checked_add(size + 8)?)).ok()?;
    let fits = head & IS_MMAPPED == 0 && size.is_multiple_of(16) && next & PREV_INUSE != 0 && next & !FLAGS >= 16;
    fits.then_some(size)
}
