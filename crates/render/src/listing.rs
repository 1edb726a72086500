//! Results that do not come from a heap: the processes of the machine, the doctor's checks, an error.

use serde::Serialize;

/// `memsight ps`: the Python processes of the machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessesView {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The processes, by pid or in the order asked for.
    pub processes: Vec<ProcessRow>,
}

impl ProcessesView {
    /// An object a line, a process each, with the version of the schema in each.
    pub fn lines(&self) -> String {
        let line = |process| crate::json_line(&ProcessLine { schema_version: self.schema_version, process });
        self.processes.iter().map(line).collect()
    }
}

#[derive(Serialize)]
struct ProcessLine<'a> {
    schema_version: u32,
    #[serde(flatten)]
    process: &'a ProcessRow,
}

/// Which processes were asked for, as the person said it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessFilter<'a> {
    /// Text in the command line, the name or the pid.
    pub text: Option<&'a str>,
    /// A user.
    pub user: Option<&'a str>,
}

/// One Python process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessRow {
    /// Process id.
    pub pid: u32,
    /// Version of its Python, `3.12.1`; absent when it could not be read.
    pub version: Option<String>,
    /// Code of the error that hid the version.
    pub error: Option<String>,
    /// Resident set size.
    pub rss_bytes: u64,
    /// Command line.
    pub command: String,
    /// Short name; empty when unknown.
    pub name: String,
    /// Its user, the effective one.
    pub user: Option<u32>,
    /// CPU time so far, user and system, nanoseconds.
    pub cpu_ns: u64,
    /// When it was created, seconds since 1970.
    pub created: f64,
    /// Unique set size, where it was asked for and could be read.
    pub uss_bytes: Option<u64>,
}

/// A figure that the text has a column for, beside those that are always there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProcessFigure {
    /// Unique set size.
    Uss,
    /// CPU time.
    Cpu,
    /// Time since it was created; the moment that it is now, seconds since 1970.
    Age(f64),
}

/// `memsight doctor`: what stands between memsight and a process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DoctorView {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The process that was asked about; absent for the machine as a whole.
    pub pid: Option<u32>,
    /// Whether memsight can do its work there.
    pub usable: bool,
    /// One sentence: the answer.
    pub verdict: String,
    /// What was looked at, in the order of the checks.
    pub checks: Vec<CheckRow>,
}

/// One check of the doctor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// What was checked: `user`, `ptrace scope`.
    pub name: String,
    /// Its outcome.
    pub status: CheckStatus,
    /// What was found, in words.
    pub detail: String,
    /// The one command or sentence that helps.
    pub fix: Option<String>,
}

/// Outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// Nothing in the way.
    Ok,
    /// Not in the way here, or not known.
    Note,
    /// In the way.
    Problem,
}

/// What a script gets on stderr when something failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorView {
    /// Stable code, `MS-E012`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl ErrorView {
    /// `{"error": {"code", "message", "hint"}}`.
    pub fn json(&self) -> String {
        crate::json(&Envelope { error: self })
    }

    /// The same in one line.
    pub fn json_line(&self) -> String {
        crate::json_line(&Envelope { error: self })
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: &'a ErrorView,
}
