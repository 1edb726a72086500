//! Why a process cannot be read, found out by looking: `memsight doctor`.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::diagnosis::{Check, Diagnosis, Subject, Verdict};
use crate::error::Denial;
use crate::live::LiveMemory;
use crate::process::Process;
use crate::procfs::{self, Stat};
use crate::sys::{self, Span};

/// CAP_SYS_PTRACE (capability.h).
const CAP_SYS_PTRACE: u32 = 19;

/// The facts that the checks and the denial are judged by.
struct Facts {
    own_uid: u32,
    /// Real, effective and saved uid of the target.
    uids: Vec<u32>,
    capable: bool,
    /// The target may do what we may not.
    privileged: bool,
    scope: Option<u8>,
    filtered: bool,
    refused_by_filter: bool,
    same_user_namespace: Option<bool>,
    same_pid_namespace: Option<bool>,
    dumpable: bool,
    tracer: Option<u32>,
}

impl Facts {
    fn of(pid: u32) -> Facts {
        let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let target = procfs::text_quietly(pid, "status");
        let capabilities = |status: &str, which| {
            procfs::field(status, which).and_then(|set| u64::from_str_radix(set, 16).ok()).unwrap_or(0)
        };
        let uids: Vec<u32> = procfs::field(&target, "Uid")
            .map(|ids| ids.split_ascii_whitespace().take(3).filter_map(|id| id.parse().ok()).collect())
            .unwrap_or_default();
        let owner = fs::metadata(format!("/proc/{pid}/mem")).map(|about| about.uid()).ok();
        let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").ok();
        let filtered = procfs::number(&own, "Seccomp").unwrap_or(0) != 0;
        Facts {
            own_uid: sys::own_uid(),
            // files of a process that is not dumpable belong to root
            dumpable: owner.is_none_or(|owner| uids.get(1).is_none_or(|&effective| owner == effective)),
            uids,
            capable: capabilities(&own, "CapEff") >> CAP_SYS_PTRACE & 1 == 1,
            privileged: capabilities(&target, "CapPrm") & !capabilities(&own, "CapPrm") != 0,
            scope: scope.and_then(|text| text.trim().parse().ok()),
            filtered,
            refused_by_filter: filtered && refuses_own_memory(),
            same_user_namespace: same_namespace(pid, "user"),
            same_pid_namespace: same_namespace(pid, "pid"),
            tracer: procfs::tracer(&target),
        }
    }

    fn same_user(&self) -> bool {
        self.uids.iter().all(|&uid| uid == self.own_uid)
    }

    /// The cause of a refusal that has happened.
    fn denial(&self) -> Denial {
        let unlike = self.uids.iter().copied().find(|&uid| uid != self.own_uid);
        match self.scope {
            _ if self.refused_by_filter => Denial::Seccomp,
            Some(level @ 3..) => Denial::PtraceScope { level },
            _ if self.capable && self.same_user_namespace != Some(true) => Denial::Namespace,
            _ if self.capable => Denial::SecurityModule,
            _ if unlike.is_some() && self.same_user_namespace == Some(false) => Denial::Namespace,
            _ if unlike.is_some() => Denial::Uid { target: unlike.unwrap_or_default(), own: self.own_uid },
            _ if self.privileged || !self.dumpable => Denial::Capability,
            Some(level @ 1..) => Denial::PtraceScope { level },
            _ if self.same_user_namespace == Some(false) => Denial::Namespace,
            _ => Denial::SecurityModule,
        }
    }
}

/// What stands in the way of reading `pid`, after the system has refused it.
pub(crate) fn denial(pid: u32) -> Denial {
    Facts::of(pid).denial()
}

/// Looks at everything that decides whether `pid` can be read, and tries it. Changes nothing.
pub fn diagnose(pid: u32) -> Diagnosis {
    let process = process_check(pid);
    if process.verdict == Verdict::Bad {
        return Diagnosis {
            pid,
            readable: false,
            denial: None,
            command: process.command.clone(),
            checks: vec![process],
        };
    }
    let facts = Facts::of(pid);
    let memory = try_memory(pid);
    let readable = memory.is_ok();
    let refused = matches!(memory, Err(libc::EPERM | libc::EACCES));
    let denial = refused.then(|| facts.denial());
    let mut checks = vec![process];
    checks.extend(rights(&facts, pid, readable));
    checks.extend(surroundings(&facts, pid, readable));
    checks.push(match memory {
        Ok(()) => good(Subject::Memory, "one byte of its memory was read".to_owned()),
        Err(error) => Check {
            subject: Subject::Memory,
            verdict: Verdict::Bad,
            detail: format!("reading its memory failed: {}", std::io::Error::from_raw_os_error(error)),
            command: denial.map(|denial| denial.command(pid)),
        },
    });
    checks.extend(readable.then(|| fork_check(pid)).flatten());
    let command = match facts.tracer {
        Some(tracer) if readable => Some(format!("ps -p {tracer}")),
        _ => denial.map(|denial| denial.command(pid)),
    };
    Diagnosis { pid, readable, denial, command, checks }
}

fn process_check(pid: u32) -> Check {
    let bad = |detail: &str, command: &str| Check {
        subject: Subject::Process,
        verdict: Verdict::Bad,
        detail: detail.to_owned(),
        command: Some(command.to_owned()),
    };
    match Stat::of(pid) {
        Err(_) => bad("there is no such process", "memsight ps"),
        Ok(stat) if stat.is_dead() => bad("it has ended already (a zombie)", "memsight ps"),
        Ok(stat) if stat.kernel => bad("it is a thread of the kernel", "memsight ps"),
        Ok(stat) => good(Subject::Process, format!("it exists, in state {}", stat.state)),
    }
}

/// The checks of who we are and who it is.
fn rights(facts: &Facts, pid: u32, readable: bool) -> Vec<Check> {
    let weigh = |fine: bool| match (fine, readable) {
        (true, _) => Verdict::Good,
        // what did not prevent the read is not in the way
        (false, true) => Verdict::Note,
        (false, false) => Verdict::Bad,
    };
    let check = |subject, fine: bool, detail: String, denial: Denial| {
        let command = (!fine && !readable).then(|| denial.command(pid));
        Check { subject, verdict: weigh(fine), detail, command }
    };
    let target = facts.uids.iter().copied().find(|&uid| uid != facts.own_uid).unwrap_or(facts.own_uid);
    let uid = Denial::Uid { target, own: facts.own_uid };
    let has = if facts.capable { "holds" } else { "does not hold" };
    let scope = facts.scope.unwrap_or(0);
    vec![
        check(
            Subject::Uid,
            facts.same_user() || facts.capable,
            format!("you are user {}, it runs as user {target}", facts.own_uid),
            uid,
        ),
        Check {
            subject: Subject::Capability,
            verdict: if facts.capable { Verdict::Good } else { Verdict::Note },
            detail: format!("memsight {has} CAP_SYS_PTRACE"),
            command: None,
        },
        check(
            Subject::PtraceScope,
            scope == 0 || (facts.capable && scope < 3),
            facts
                .scope
                .map_or("the kernel has no Yama".to_owned(), |level| format!("kernel.yama.ptrace_scope is {level}")),
            Denial::PtraceScope { level: scope },
        ),
        check(
            Subject::Dumpable,
            facts.dumpable || facts.capable,
            if facts.dumpable { "it lets itself be read" } else { "it has made itself unreadable (not dumpable)" }
                .to_owned(),
            Denial::Capability,
        ),
    ]
}

/// The checks of what is around us and it.
fn surroundings(facts: &Facts, pid: u32, readable: bool) -> Vec<Check> {
    let filter = match (facts.filtered, facts.refused_by_filter) {
        (false, _) => good(Subject::Seccomp, "no system-call filter is around memsight".to_owned()),
        (true, false) => Check {
            subject: Subject::Seccomp,
            verdict: Verdict::Note,
            detail: "a system-call filter is around memsight; it allows process_vm_readv".to_owned(),
            command: None,
        },
        (true, true) => Check {
            subject: Subject::Seccomp,
            verdict: if readable { Verdict::Note } else { Verdict::Bad },
            detail: "a system-call filter forbids process_vm_readv".to_owned(),
            command: Some(Denial::Seccomp.command(pid)),
        },
    };
    let namespace = |subject, same: Option<bool>, name: &str| match same {
        Some(true) => good(subject, format!("it is in our {name} namespace")),
        Some(false) => note(subject, format!("it is in another {name} namespace (a container)")),
        None => note(subject, format!("its {name} namespace is hidden from us")),
    };
    let traced = match facts.tracer {
        None => good(Subject::Traced, "nothing traces it".to_owned()),
        Some(tracer) => Check {
            subject: Subject::Traced,
            verdict: Verdict::Bad,
            detail: format!("process {tracer} traces it, so that memsight cannot pause it"),
            command: Some(format!("ps -p {tracer}")),
        },
    };
    vec![
        filter,
        namespace(Subject::UserNamespace, facts.same_user_namespace, "user"),
        namespace(Subject::PidNamespace, facts.same_pid_namespace, "PID"),
        traced,
    ]
}

/// Whether the least of pauses will do; `None` when it has ended meanwhile.
fn fork_check(pid: u32) -> Option<Check> {
    let process = Process::open(pid).ok()?;
    Some(match crate::fork::obstacle(&process).ok()? {
        None => good(Subject::Fork, "it can be copied by a fork, and stands still for that alone".to_owned()),
        Some(cause) => note(Subject::Fork, format!("it stands still while its memory is copied, not forked: {cause}")),
    })
}

fn good(subject: Subject, detail: String) -> Check {
    Check { subject, verdict: Verdict::Good, detail, command: None }
}

fn note(subject: Subject, detail: String) -> Check {
    Check { subject, verdict: Verdict::Note, detail, command: None }
}

/// Reads a byte of the target, or gives the system's error number.
fn try_memory(pid: u32) -> Result<(), i32> {
    let number = |error: std::io::Error| error.raw_os_error().unwrap_or(libc::EIO);
    let maps = fs::read(format!("/proc/{pid}/maps")).map_err(number)?;
    let regions = crate::maps::parse(&maps);
    let at = crate::maps::touched(&regions).ok_or(libc::ESRCH)?;
    match LiveMemory::new(pid).read_spans(&[Span { at: at.0, len: 1 }], &mut [0]) {
        Ok(1) => Ok(()),
        Ok(_) => Err(libc::EFAULT),
        Err(error) => Err(number(error)),
    }
}

/// Whether we may not even read ourselves.
fn refuses_own_memory() -> bool {
    let byte = 1_u8;
    let span = Span { at: std::ptr::from_ref(&byte) as u64, len: 1 };
    sys::read_vectored(std::process::id(), &[span], &mut [0])
        .is_err_and(|error| matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)))
}

fn same_namespace(pid: u32, kind: &str) -> Option<bool> {
    let own = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
    let other = fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok()?;
    Some(own == other)
}
