//! What the collector costs and what to change: pauses as a histogram, findings, the result of `memsight gc`.

mod evidence;
mod findings;
mod full;
mod pauses;
mod view;

pub use evidence::{Family, GcEvidence, TimedFull};
pub use findings::findings;
pub use pauses::{GcBucket, GcPauses, PauseHistogram};
pub use view::{GcLine, GcView};
