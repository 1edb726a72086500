//! `memsight doctor`: what stands between memsight and a process.

use memsight_engine::{Check, Diagnosis, PythonProcess, Subject, Verdict, diagnose, processes};
use memsight_model::SCHEMA_VERSION;
use memsight_render::text;
use memsight_render::{CheckRow, CheckStatus, DoctorView};

use crate::args::Doctor;
use crate::console::Console;
use crate::error::Error;

pub fn run(args: &Doctor, console: &Console) -> Result<(), Error> {
    let view = match args.pid.or(args.subject) {
        Some(pid) => process(diagnose(pid)),
        None => machine(&processes()?),
    };
    console.show(&view, text::doctor)?;
    if view.usable { Ok(()) } else { Err(Error::Unusable) }
}

/// The answer for one process.
fn process(diagnosis: Diagnosis) -> DoctorView {
    let verdict = match (&diagnosis.denial, diagnosis.checks.iter().find(|check| check.verdict == Verdict::Bad)) {
        (Some(denial), _) => format!("Not allowed: {denial}."),
        (None, Some(check)) if check.subject == Subject::Python => {
            format!("There is nothing to read: {}.", check.detail)
        }
        (None, Some(check)) => format!("In the way: {}.", check.detail),
        (None, None) => "Nothing is in the way.".to_owned(),
    };
    let usable = diagnosis.readable && diagnosis.checks.iter().all(|check| check.verdict != Verdict::Bad);
    let checks = diagnosis.checks.into_iter().map(row).collect();
    DoctorView { schema_version: SCHEMA_VERSION, pid: Some(diagnosis.pid), usable, verdict, checks }
}

fn row(check: Check) -> CheckRow {
    let status = match check.verdict {
        Verdict::Good => CheckStatus::Ok,
        Verdict::Note => CheckStatus::Note,
        Verdict::Bad => CheckStatus::Problem,
    };
    CheckRow { name: name(check.subject).to_owned(), status, detail: check.detail, fix: check.command }
}

fn name(subject: Subject) -> &'static str {
    match subject {
        Subject::Process => "process",
        Subject::Uid => "user",
        Subject::Capability => "capability",
        Subject::PtraceScope => "ptrace scope",
        Subject::Seccomp => "seccomp",
        Subject::UserNamespace => "user namespace",
        Subject::PidNamespace => "PID namespace",
        Subject::Dumpable => "dumpable",
        Subject::Traced => "tracer",
        Subject::Memory => "memory",
        Subject::Fork => "fork",
        Subject::Python => "Python",
        _ => "other",
    }
}

/// The answer for the machine: which of its Python processes can be read.
fn machine(processes: &[PythonProcess]) -> DoctorView {
    let readable = processes.iter().filter(|process| process.version.is_some()).count();
    let verdict = match processes.len() {
        0 => "No Python process is to be seen here; name one: memsight doctor PID.".to_owned(),
        all => format!("{readable} of {all} Python processes can be read."),
    };
    let checks = processes.iter().map(|process| match &process.version {
        Some(version) => CheckRow {
            name: format!("pid {}", process.pid),
            status: CheckStatus::Ok,
            detail: format!("Python {version}"),
            fix: None,
        },
        None => CheckRow {
            name: format!("pid {}", process.pid),
            status: CheckStatus::Problem,
            detail: format!("unreadable ({})", process.error.unwrap_or("unknown")),
            fix: Some(format!("memsight doctor {}", process.pid)),
        },
    });
    let usable = readable == processes.len();
    DoctorView { schema_version: SCHEMA_VERSION, pid: None, usable, verdict, checks: checks.collect() }
}
