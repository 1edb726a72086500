//! Which objects there are: the first walk, and where it begins.
//!
//! ```text
//! generations (the collector's lists) ──┐
//! roots, stacks (linetable) ────────────┴──> mark ──> slots: a bit for each object, then its number
//! ```
//! [`window`] makes reading in order of address cheap, [`workers`] joins those who share the work; the second walk needs
//! both as well.

pub(crate) mod generations;
pub(crate) mod linetable;
pub(crate) mod mark;
pub(crate) mod roots;
pub(crate) mod slots;
pub(crate) mod stacks;
pub(crate) mod window;
pub(crate) mod workers;
