//! The least that is to be known of a process.

/// How much memory a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Usage {
    /// Resident set size in bytes (`/proc/PID/statm`, field 2).
    pub rss_bytes: u64,
    /// Virtual size in bytes (`/proc/PID/statm`, field 1).
    pub vms_bytes: u64,
}
