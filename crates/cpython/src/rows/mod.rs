//! The tables of a snapshot: the second walk.
//!
//! ```text
//! numbered objects ──> parts: a part of memory per core ──> emit: rows, references ──> room ──> texts
//! ```
//! [`blocks`], [`loose`] and [`claims`] note whose the blocks of the allocators are while rows are written. [`room`] drops
//! words found by scanning that can be no references, [`texts`] reads what keys and values say, [`code`] what code is
//! called, [`temporaries`] tells which words of running frames are references.

pub(crate) mod blocks;
pub(crate) mod claims;
pub(crate) mod code;
pub(crate) mod emit;
pub(crate) mod loose;
pub(crate) mod parts;
pub(crate) mod room;
pub(crate) mod temporaries;
pub(crate) mod texts;
pub(crate) mod threads;
