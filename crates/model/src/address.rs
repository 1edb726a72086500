//! Addresses of the target.

use std::fmt;

/// An address in the target's address space. Foreign: never dereferenced, arithmetic is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Address(pub u64);

impl Address {
    /// The null pointer.
    pub const NULL: Address = Address(0);

    /// The address `bytes` further on; `None` past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Address> {
        self.0.checked_add(bytes).map(Address)
    }

    /// The address `bytes` before; `None` below zero.
    pub fn checked_sub(self, bytes: u64) -> Option<Address> {
        self.0.checked_sub(bytes).map(Address)
    }

    /// The address at a signed offset, wrapping: for offsets of layout tables, where a wild result simply faults.
    pub fn at(self, offset: i64) -> Address {
        Address(self.0.wrapping_add_signed(offset))
    }

    /// Whether this is the null pointer.
    pub fn is_null(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl From<u64> for Address {
    fn from(raw: u64) -> Self {
        Address(raw)
    }
}
