//! What holds objects from outside the Python heap, as far as memory tells: the other half of a reference count.

use crate::{NameId, ObjectId};

/// How sure a [`Holder`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum HolderKind {
    /// A counted reference of the interpreter: its state, a thread's, a frame's, the first count of a static object.
    Counted = 0,
    /// A word in the state of the interpreter that equals the object's address, in a place that no table describes: caches,
    /// state of modules built in.
    State = 1,
    /// A word in the static data of an executable or library that equals the object's address; the name is the
    /// library's, with the symbol's where one is known.
    #[default]
    Variable = 2,
    /// A word on the value stack of a frame that runs and does not say how much of it is in use.
    Temporary = 3,
    /// A word on the C stack of a thread that equals the object's address.
    Stack = 4,
    /// The object is never freed, whatever its count: static, or a cached number of an interpreter.
    Permanent = 5,
}

impl HolderKind {
    /// Every kind, indexed by its number.
    pub const ALL: [HolderKind; 6] = {
        use HolderKind::*;
        [Counted, State, Variable, Temporary, Stack, Permanent]
    };
}

/// References, or words that may be references, to one object from one place outside the Python heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The object held.
    pub object: ObjectId,
    /// By what.
    pub kind: HolderKind,
    /// How many references or words.
    pub count: u32,
    /// Name of the place.
    pub name: NameId,
    /// Row of [`crate::Snapshot::threads`], for the places of a thread.
    pub thread: Option<u32>,
}
