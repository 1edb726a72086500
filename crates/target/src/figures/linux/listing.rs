//! Which processes there are.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use super::field::{number, words};
use super::status;
use super::types::ProcessStat;
use crate::error::TargetError;
use crate::procfs;
use crate::turn::GUARD;

pub use crate::process::pids;

/// Whether there is a process (not a thread) with this id that we may see. Cost: one file read, 15 µs.
pub fn pid_exists(pid: u32) -> bool {
    // a thread has a directory too, which is not listed
    match std::fs::read(format!("/proc/{pid}/status")) {
        Ok(text) => status::first_number(&text, b"Tgid") == Some(u64::from(pid)),
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => false,
        Err(_) => pids().is_ok_and(|pids| pids.contains(&pid)),
    }
}

/// Every process that we can see with its parent, ascending: `(pid, parent)`. Those that end meanwhile, or are hidden from
/// us, are left out. Cost: 7 µs a process.
pub fn parents() -> Result<Vec<(u32, u32)>, TargetError> {
    Ok(pids()?.into_iter().filter_map(|pid| Some((pid, stat_of(pid)?.parent))).collect())
}

/// `/proc/PID/stat` of a process, or of a thread, that no handle is kept of; `None`: it is gone, or hidden from us. Cost:
/// one file opened and read, 7 µs.
pub fn stat_of(pid: u32) -> Option<ProcessStat> {
    let mut buffer = [0; 1280];
    let read = File::open(format!("/proc/{pid}/stat")).ok()?.read(&mut buffer).ok()?;
    ProcessStat::parse(buffer.get(..read)?)
}

/// Whether a process is part of a look at another one, whoever looks: a copy of the target, which is a child of it and
/// never runs, or the guard of such a copy. Neither belongs to the program that is looked at. Cost: nothing for a process
/// whose end its parent is told of, as nearly all are; else a small file or two.
pub fn is_of_a_look(pid: u32, stat: &ProcessStat) -> bool {
    if !stat.silent || stat.kernel || stat.thread {
        return false;
    }
    if is_guard(stat) {
        return true;
    }
    if matches!(stat.state, 'Z' | 'X') {
        // one that was ended, and waits for its parent to be had collect it
        return stat_of(stat.parent).is_some_and(|parent| parent.name == stat.name);
    }
    match procfs::number(&procfs::text_quietly(pid, "status"), "TracerPid") {
        // a tracer outside of our PID namespace has no id here; a copy stands still from its first moment on
        Some(0) => stat.state == 't',
        Some(tracer) => procfs::text_quietly(tracer, "comm").trim_end() == GUARD,
        None => false,
    }
}

/// Whether a process is the guard of a copy: a child of who looks, whose pages it shares.
pub fn is_guard(stat: &ProcessStat) -> bool {
    stat.silent && stat.name.to_str() == GUARD
}

/// The id that was given last, to a process or a thread, in our PID namespace: while it stays, none was born. Cost: one
/// read of a file that is kept open, 1 µs.
pub fn last_pid() -> Result<u32, TargetError> {
    static FILE: OnceLock<File> = OnceLock::new();
    let failure = |source| TargetError::Machine { what: "/proc/loadavg", source };
    let file = match FILE.get() {
        Some(file) => file,
        None => {
            let file = File::open("/proc/loadavg").map_err(failure)?;
            FILE.get_or_init(|| file)
        }
    };
    let mut buffer = [0; 128];
    let read = file.read_at(&mut buffer, 0).map_err(failure)?;
    let last = words(buffer.get(..read).unwrap_or_default()).nth(4).and_then(number);
    let last = last.and_then(|last| u32::try_from(last).ok());
    last.ok_or_else(|| failure(io::Error::from(io::ErrorKind::InvalidData)))
}
