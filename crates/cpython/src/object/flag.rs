//! `tp_flags` of a type: the bits that are asked for (`Include/object.h`).

pub(crate) const INLINE_VALUES: u64 = 1 << 2;
pub(crate) const MANAGED_WEAKREF: u64 = 1 << 3;
pub(crate) const MANAGED_DICT: u64 = 1 << 4;
pub(crate) const HEAPTYPE: u64 = 1 << 9;
pub(crate) const HAVE_GC: u64 = 1 << 14;
pub(crate) const TUPLE_SUBCLASS: u64 = 1 << 26;
pub(crate) const TYPE_SUBCLASS: u64 = 1 << 31;
