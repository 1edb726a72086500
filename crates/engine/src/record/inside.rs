//! Memory for recording that the process itself makes, for one that cannot open ours: it sees other processes, as in a container,
//! or is another user's. One of its threads calls `memfd_create`; what comes of that we open from outside.

#![allow(clippy::disallowed_methods, reason = "the engine looks at the process, and waits for it")]

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use memsight_cpython::function;
use memsight_model::Region;
use memsight_target::{Process, Visit};

use super::attach::{NAP, PATIENCE};
use crate::Error;

/// `MFD_CLOEXEC` (linux/memfd.h).
const CLOSED_BY_EXEC: u64 = 1;

/// A file in memory that a process has open under a number.
#[derive(Debug)]
pub(super) struct Inside {
    /// The same file, open here.
    pub file: File,
    /// Its number there.
    pub number: u32,
}

/// Whether the process `pid` cannot open what this one has open.
pub(super) fn is_needed(pid: u32) -> bool {
    let space = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let root = |pid: u32| std::fs::read_link(format!("/proc/{pid}/root")).ok();
    let owner = |pid: u32| status(pid, "Uid:").and_then(|ids| ids.get(1).copied());
    let own = std::process::id();
    space(pid) != space(own) || root(pid) != root(own) || owner(pid) != owner(own)
}

/// The id of a process as it sees it itself.
pub(super) fn own_id(pid: u32) -> u32 {
    status(pid, "NSpid:").and_then(|ids| ids.last().copied()).unwrap_or(pid)
}

/// The numbers of a line of the status file.
fn status(pid: u32, name: &str) -> Option<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect())
}

/// Has the process make a file in memory of this name. `visit` says where its threads may be.
pub(super) fn make(process: &Process, regions: &[Region], visit: &Visit, name: &str) -> Result<Inside, Error> {
    let is_c = |path: &str| {
        let file = path.rsplit('/').next().unwrap_or(path);
        file.starts_with("libc.so.6") || file.starts_with("libc-2.")
    };
    let function = function(&process.memory(), regions, &is_c, "memfd_create").ok_or(Error::NotRecordable)?;
    let before = numbers(process.pid(), name);
    Visit { function, text: name.as_bytes().to_vec(), number: CLOSED_BY_EXEC, ..visit.clone() }
        .make(process, PATIENCE)?;
    let began = Instant::now();
    loop {
        if let Some(number) = numbers(process.pid(), name).into_iter().find(|number| !before.contains(number)) {
            let path = PathBuf::from(format!("/proc/{}/fd/{number}", process.pid()));
            let file = File::options().read(true).write(true).open(path);
            return Ok(Inside { file: file.map_err(|source| Error::NoRing { source })?, number });
        }
        process.check_alive()?;
        if began.elapsed() > PATIENCE {
            return Err(Error::NoRing { source: io::ErrorKind::TimedOut.into() });
        }
        std::thread::sleep(NAP);
    }
}

/// The numbers of its files in memory of this name.
fn numbers(pid: u32, name: &str) -> Vec<u32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let is_it = |number: &u32| {
        let link = std::fs::read_link(format!("/proc/{pid}/fd/{number}"));
        link.is_ok_and(|link| link.to_string_lossy() == format!("/memfd:{name} (deleted)"))
    };
    let numbers = entries.into_iter().flatten().flatten();
    numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_it).collect()
}
