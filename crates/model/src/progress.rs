//! Telling a person how far a long job is, and letting them stop it.

/// Receives progress; implementations must be cheap and must not fail.
pub trait Progress: Sync {
    /// A new phase begins ("reading memory"), of `total` units where known.
    fn phase(&self, name: &'static str, total: Option<u64>);
    /// `done` units of the phase are done.
    fn advance(&self, done: u64);
    /// Whether the person asked to stop.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Progress that nobody watches.
pub struct Quiet;

impl Progress for Quiet {
    fn phase(&self, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
