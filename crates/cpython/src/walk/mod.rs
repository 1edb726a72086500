//! Which objects there are: the first walk, and where it begins.
//!
//! ```text
//! generations (the collector's lists) ──┐
//! roots, stacks (linetable) ────────────┴──> mark ──> slots: a bit for each object, then its number
//!                                             └──> tally: sums by type, where no rows are asked for
//! ```
//! [`scene`] is what they look at and decode with. [`window`] makes reading in order of address cheap, [`workers`] joins
//! those who share the work; the second walk needs all three as well.

pub(crate) mod generations;
pub(crate) mod linetable;
pub(crate) mod mark;
pub(crate) mod roots;
pub(crate) mod scene;
pub(crate) mod slots;
pub(crate) mod stacks;
pub(crate) mod tally;
pub(crate) mod window;
pub(crate) mod workers;
