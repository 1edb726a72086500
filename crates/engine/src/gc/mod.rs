//! The garbage collector of a running process: its counters at a moment ([`GcProbe`]), its collections as they come
//! ([`GcWatch`]). The process is neither stopped nor changed, unless USDT probes are asked for.

mod probe;

pub use memsight_cpython::Version;
pub use probe::GcProbe;
