//! The least that is to be known of a process.

/// How much memory a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Usage {
    /// Resident set size in bytes (`/proc/PID/statm`, field 2).
    pub rss_bytes: u64,
    /// Virtual size in bytes (`/proc/PID/statm`, field 1).
    pub vms_bytes: u64,
}

/// What a run of a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// How the command itself ended.
    pub status: std::process::ExitStatus,
    /// The highest resident sets (`VmHWM`) of its processes, added up where they were there at the same time.
    pub peak_bytes: u64,
    /// How many processes there were.
    pub processes: u64,
    /// Processor time of it and of the processes that it waited for.
    pub cpu_ns: u64,
    /// From its start to its end.
    pub wall_ns: u64,
    /// It was ended because that was asked for.
    pub is_killed: bool,
}
