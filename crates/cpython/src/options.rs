//! How to decode.

use memsight_model::{CHeap, PageRuns};

use crate::error::PythonError;

/// How to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeOptions<'a> {
    /// Keep the texts of strings, bytes and numbers, not only of dictionary keys.
    pub values: bool,
    /// Threads of the walks.
    pub threads: usize,
    /// Write the references. Without them there are no rows of objects, only their sums by type
    /// ([`memsight_model::Snapshot::sums`]).
    pub references: bool,
    /// Look at what objects hold, too: which are equal, and what could be held in less ([`memsight_model::Contents`]).
    /// Needs the references. Cost: a third walk, over the bytes of all strings and numbers.
    pub contents: bool,
    /// Find out which memory of pymalloc and of the C heap the objects take ([`memsight_model::Pymalloc`],
    /// [`memsight_model::COwned`]). Cost: about 20 ns an object.
    pub account: bool,
    /// Of pymalloc's blocks the sums are enough: whose those of at most 480 bytes are is not counted, which saves the time.
    pub sums: bool,
    /// Look for what holds objects from C ([`memsight_model::Holder`]). Needs the references. Cost: two passes over the
    /// objects, one over static data and stacks.
    pub holders: bool,
    /// There is no other moment, as in a core file: lists that a collection has in hand, or that are cut, are read as far
    /// as they go, and the manifest says so. Such a moment is an error otherwise.
    pub best_effort: bool,
    /// There will be another moment: objects that cannot be read whole are an error. Otherwise the manifest counts them.
    pub whole: bool,
    /// The C library's allocator as it stood: whose blocks its blocks are is found out then. Needs the references. Cost:
    /// a walk over the memory of C code that objects point to.
    pub c_heap: Option<&'a CHeap>,
    /// The pages of private memory that exist: large buffers of which a part was never touched are noted then.
    pub pages: Option<&'a PageRuns>,
}

impl Default for DecodeOptions<'_> {
    fn default() -> Self {
        DecodeOptions {
            values: false,
            threads: 2,
            references: true,
            contents: false,
            account: false,
            sums: false,
            holders: false,
            best_effort: false,
            whole: false,
            c_heap: None,
            pages: None,
        }
    }
}

impl DecodeOptions<'_> {
    /// Whether it will do that so many objects could not be read whole.
    pub(crate) fn accept(&self, partial: u64) -> Result<(), PythonError> {
        if self.whole && partial > 0 { Err(PythonError::HalfBuilt { objects: partial }) } else { Ok(()) }
    }
}
