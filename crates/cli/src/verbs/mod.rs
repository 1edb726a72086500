//! One file a verb.

pub mod agent;
pub mod completions;
pub mod doctor;
pub mod gc;
pub mod heap;
pub mod ps;
pub mod snapshot;
pub mod top;
pub mod watch;
