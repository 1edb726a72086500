//! Names of code: what functions, methods, coroutines and generators are called, and where they stand.

use crate::{NameId, ObjectId};

/// What a code object says of its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeRecord {
    /// The code object.
    pub object: ObjectId,
    /// `co_qualname` (3.11 and later); before, `__qualname__` of a function or generator that runs it, or else `co_name`.
    pub name: NameId,
    /// `co_filename`.
    pub file: NameId,
    /// `co_firstlineno`.
    pub line: u32,
}

/// A generator, coroutine or async generator that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneratorRecord {
    /// The object.
    pub object: ObjectId,
    /// The line where it stands (`f_lineno` of its frame), 0 when unknown.
    pub line: u32,
}
