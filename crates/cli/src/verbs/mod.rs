//! One file a verb.

pub mod advise;
pub mod agent;
pub mod attach;
mod command;
pub mod compare;
pub mod completions;
pub mod doctor;
pub mod export;
pub mod gc;
pub mod heap;
pub mod man;
mod options;
pub mod ps;
pub mod run;
pub mod snapshot;
pub mod top;
pub mod trace;
pub mod watch;
