//! What a C type says of its own struct: its `PyMemberDef`s name fields, and tell objects from numbers.
//!
//! Sources: `Include/structmember.h` (`descrobject.h` from 3.12 on), `Objects/typeobject.c`.

use memsight_model::{Address, ReadMemory};

use crate::layout::Layout;

/// A word of the struct of a C type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Bytes from the beginning of the object, a multiple of 8.
    pub offset: u32,
    /// What the object there is called; `None` where no object is.
    pub object: Option<&'static str>,
}

/// More members than a struct has.
const CAP: i64 = 1 << 10;
/// Types on the way to `object`.
const BASES: usize = 16;
/// sizeof(PyMemberDef): name, int type, offset, flags, doc.
const SIZE: i64 = 40;

/// The words that a C type and its bases tell of, each once. What Python shows as an object is one that the struct
/// holds: no type of CPython, and none of the extensions tried, hands out a borrowed one.
pub(crate) fn of<M: ReadMemory>(memory: &M, layout: &Layout, class: Address) -> Vec<Member> {
    /// `tp_members`, `tp_getset` and `tp_base` stand in this order in every version.
    const BEFORE_BASE: i64 = 16;
    let mut found: Vec<Member> = Vec::new();
    let mut at = class;
    for _ in 0..BASES {
        let field = i64::from(layout.type_object.base);
        let table = memory.pointer(at.at(field - BEFORE_BASE)).unwrap_or_default();
        for index in 0..CAP {
            let Some(member) = (!table.is_null()).then(|| one(memory, table.at(SIZE * index))).flatten() else { break };
            if let Some(member) = member
                && i64::from(member.offset) >= i64::from(layout.object.size)
                && !found.iter().any(|known| known.offset == member.offset)
            {
                found.push(member);
            }
        }
        match memory.pointer(at.at(field)) {
            Ok(base) if !base.is_null() => at = base,
            _ => break,
        }
    }
    found
}

/// A definition; nothing at the end of the table, and nothing within for one that says nothing of a word.
fn one<M: ReadMemory>(memory: &M, at: Address) -> Option<Option<Member>> {
    // T_OBJECT, T_OBJECT_EX; T_STRING_INPLACE and T_NONE, which say nothing of a word; the others are numbers and pointers
    // to characters. Part of a word is as good as the word: an address would fill it.
    const OBJECT: i32 = 6;
    const OBJECT_EX: i32 = 16;
    const NUMBERS: [std::ops::RangeInclusive<i32>; 4] = [0..=5, 7..=12, 14..=14, 17..=19];
    let name = memory.pointer(at).ok().filter(|name| !name.is_null())?;
    let (kind, offset) = (memory.i32(at.at(8)).ok()?, memory.signed(at.at(16)).ok()?);
    let name = memory.c_string(name, 128).ok()?;
    // `__dictoffset__` and its like are numbers that tell where something else is.
    let offset = u32::try_from(offset).ok().filter(|offset| *offset < 1 << 20 && !name.starts_with("__"));
    Some(offset.and_then(|offset| match kind {
        OBJECT | OBJECT_EX => {
            (offset % 8 == 0).then(|| Member { offset, object: Some(crate::object::names::keep(&name)) })
        }
        _ if NUMBERS.iter().any(|kinds| kinds.contains(&kind)) => Some(Member { offset: offset & !7, object: None }),
        _ => None,
    }))
}
