//! Memory of C code: whose it is, as the pointers that lead there tell.

use crate::{CBlocks, HolderKind, TypeId};

/// The memory of C code by owner. Blocks of the C heap, blocks of pymalloc that hold no object, and anonymous mappings
/// of no allocator; each block once, with the nearest of all that point there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeMemory {
    /// By type of the objects that own it, ascending.
    pub types: Vec<NativeType>,
    /// What no object owns, by who points there, most bytes first.
    pub places: Vec<NativePlace>,
}

/// What the objects of a type own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NativeType {
    /// The type.
    pub type_: TypeId,
    /// Objects of the type that own any.
    pub objects: u64,
    /// Whose memory it is part of.
    pub parts: NativeParts,
}

/// What something else than an object points to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativePlace {
    /// A variable of a library, the interpreter's state, a stack.
    pub kind: HolderKind,
    /// File name of the library; empty for the interpreter's state; of a stack the thread's number.
    pub name: String,
    /// Whose memory it is part of.
    pub parts: NativeParts,
}

/// Blocks by who handed them out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NativeParts {
    /// Blocks of the C heap.
    pub heap: CBlocks,
    /// Blocks of pymalloc.
    pub pymalloc: CBlocks,
    /// Parts of anonymous mappings of no allocator known.
    pub mappings: CBlocks,
}

impl NativeParts {
    /// All of them.
    pub fn total(&self) -> CBlocks {
        let mut total = self.heap;
        total.join(self.pymalloc);
        total.join(self.mappings);
        total
    }
}
