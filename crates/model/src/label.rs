//! What a reference is called, in 32 bits.

/// The largest payload of a [`Label`]; larger ones are stored as this.
pub const MAX_PAYLOAD: u32 = (1 << 27) - 1;

const UNTRAVERSED: u32 = 1 << 27;

/// How one object refers to another: a [`LabelKind`] (4 bits), whether the collector sees it (1 bit) and the
/// kind's payload (27 bits).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(pub u32);

/// The kinds of reference. The payload of each is in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LabelKind {
    /// A field of a C struct, such as `func_globals` or `__class__` \[`NameId`\].
    Field = 0,
    /// An attribute of an instance, class or module: `__dict__` entry, inline value or `__slots__` member \[`NameId`\].
    Attribute = 1,
    /// An item of a sequence \[index\].
    Index = 2,
    /// The key object of a dictionary entry \[entry number\].
    Key = 3,
    /// The value of a dictionary entry \[`ObjectId` of its key\].
    Value = 4,
    /// A member of a set \[entry number\].
    Member = 5,
    /// A local variable of a frame \[`NameId`\].
    Local = 6,
    /// A temporary on a frame's value stack \[depth\].
    Stack = 7,
    /// The content of a closure cell or a free variable \[`NameId`, 0 when unnamed\].
    Cell = 8,
    /// A weak reference: shown, never followed for retention \[`NameId`\].
    Weak = 9,
    /// Found by a conservative scan of the object's own words \[word number\].
    Inferred = 10,
}

impl Label {
    /// Builds a label; a payload over [`MAX_PAYLOAD`] saturates.
    pub fn new(kind: LabelKind, payload: u32) -> Label {
        Label(((kind as u32) << 28) | payload.min(MAX_PAYLOAD))
    }

    /// The kind; values that no version wrote read as [`LabelKind::Inferred`].
    pub fn kind(self) -> LabelKind {
        use LabelKind::*;
        const KINDS: [LabelKind; 11] =
            [Field, Attribute, Index, Key, Value, Member, Local, Stack, Cell, Weak, Inferred];
        KINDS.get((self.0 >> 28) as usize).copied().unwrap_or(Inferred)
    }

    /// The same label for a reference that CPython's own `tp_traverse` does not report, such as the str keys of a
    /// dictionary: `gc.get_referents` leaves it out, and the collector cannot break a cycle through it.
    pub fn untraversed(self) -> Label {
        Label(self.0 | UNTRAVERSED)
    }

    /// Whether CPython's `tp_traverse` reports the reference.
    pub fn is_traversed(self) -> bool {
        self.0 & UNTRAVERSED == 0
    }

    /// Whether the collector follows the reference: traversed, and strong.
    pub fn is_collected(self) -> bool {
        self.is_traversed() && self.is_strong()
    }

    /// The payload.
    pub fn payload(self) -> u32 {
        self.0 & MAX_PAYLOAD
    }

    /// Whether the reference keeps its referent alive.
    pub fn is_strong(self) -> bool {
        self.0 >> 28 != LabelKind::Weak as u32
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({})", self.kind(), self.payload())
    }
}
