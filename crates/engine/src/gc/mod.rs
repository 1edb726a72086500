//! The garbage collector of a running process: its counters at a moment ([`GcProbe`]), its collections as they come
//! ([`GcWatch`]). The process is neither stopped nor changed, unless USDT probes are asked for.

mod allowance;
mod family;
mod follow;
mod pace;
mod poller;
mod probe;
mod rings;
mod sampled;
mod usdt;
mod watch;

pub use family::family;
pub use follow::{End, Tick};
pub use memsight_cpython::Version;
pub use probe::GcProbe;
pub use watch::{ALLOWANCE, GcWatch, Missed, Pauses, Poll};
