//! What the collector costs and what to change: pauses as a histogram, findings, the result of `memsight gc`.

mod pauses;

pub use pauses::{GcBucket, GcPauses, PauseHistogram};
