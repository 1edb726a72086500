//! One file a verb.

pub mod completions;
pub mod doctor;
pub mod heap;
pub mod ps;
pub mod snapshot;
