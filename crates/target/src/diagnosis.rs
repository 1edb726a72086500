//! What `memsight doctor` finds out.

use crate::error::Denial;

/// What was found out about the right to read a process.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnosis {
    /// The process.
    pub pid: u32,
    /// Its memory was read just now.
    pub readable: bool,
    /// What stands in the way, when something does.
    pub denial: Option<Denial>,
    /// The one command that helps.
    pub command: Option<String>,
    /// Everything that was looked at, in the order of the checks.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What.
    pub subject: Subject,
    /// How it came out.
    pub verdict: Verdict,
    /// A clause with the facts: `you are user 1000, the process runs as user 0`.
    pub detail: String,
    /// The command that changes it, for a verdict that is not good.
    pub command: Option<String>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// Is there such a process, with memory of its own?
    Process,
    /// Do the user and group ids match?
    Uid,
    /// Do we hold CAP_SYS_PTRACE?
    Capability,
    /// Does Yama restrict ptrace?
    PtraceScope,
    /// Does a system-call filter restrict us?
    Seccomp,
    /// Is it in our user namespace?
    UserNamespace,
    /// Is it in our PID namespace?
    PidNamespace,
    /// Has it kept itself readable (PR_SET_DUMPABLE)?
    Dumpable,
    /// Does another program trace it?
    Traced,
    /// The proof: a byte of its memory.
    Memory,
    /// Can it be copied by a fork, so that it stands still but for milliseconds?
    Fork,
    /// Is there a Python in it that memsight knows? Looked at where its memory can be read.
    Python,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing in the way.
    Good,
    /// Worth knowing; in the way only together with something else.
    Note,
    /// In the way.
    Bad,
}
