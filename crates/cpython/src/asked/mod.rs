//! What a view asks for besides the heap: each room on its own, and none is needed for rows and references.
//!
//! Before the first walk [`places`] says where C code may keep references, and [`pymalloc`] which pools there are.
//! During it [`unowned`] finds objects in blocks that are nobody's. After the second, [`native`] says whose the memory
//! of C code is, [`holders`] what holds objects from outside of the heap, [`contents`] what could be held in less.
//! [`gc`] reads the collector's own numbers, without any walk.

pub(crate) mod contents;
pub(crate) mod gc;
pub(crate) mod holders;
pub(crate) mod native;
pub(crate) mod places;
pub(crate) mod pymalloc;
pub(crate) mod unowned;
