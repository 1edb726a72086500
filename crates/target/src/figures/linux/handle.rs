//! One process and its figures.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use memsight_model::{MemoryInfo, Rollup, StatusFigures};

use super::kept::{Directory, Repeated};
use super::types::{Ids, MapFigures, ProcessStat, undeleted};
use super::{field, machine, rollup, smaps, statm, status};
use crate::diagnose;
use crate::error::{Denial, TargetError};
use crate::sys;

/// A program's name is cut to this many bytes by the kernel (`TASK_COMM_LEN` without the zero).
const CUT_NAME: usize = 15;

/// One process of the machine, recognised by its id and start time, and its figures. Zombies and threads of the kernel
/// have one too. Each call gives the present; once the process is gone each gives [`TargetError::TargetExited`],
/// even when another process has got its id. Costs are those of Linux 6 on a machine of 2024.
#[derive(Debug)]
pub struct Handle {
    pid: u32,
    started: u64,
    directory: Directory,
    stat: Repeated,
    statm: Repeated,
    /// Why its memory map may not be read: found out once, for that is dear.
    denial: OnceLock<Denial>,
}

impl Handle {
    /// The process `pid`. Needs no rights. Cost: two files opened, one read, about 8 µs.
    pub fn open(pid: u32) -> Result<Handle, TargetError> {
        let missing = |error: io::Error| match error.raw_os_error() {
            Some(libc::ENOENT | libc::ESRCH) => TargetError::NoSuchProcess { pid },
            Some(libc::EACCES | libc::EPERM) => TargetError::NotPermitted { pid, cause: diagnose::denial(pid) },
            _ => TargetError::Io { pid, what: "stat", source: error },
        };
        let directory = Directory::open(pid).map_err(missing)?;
        let mut buffer = [0; STAT];
        let line = directory.read(c"stat", &mut buffer).map_err(missing)?;
        let stat = ProcessStat::parse(line).ok_or(TargetError::Malformed { pid, what: "stat" })?;
        Ok(Handle {
            pid,
            started: stat.started,
            directory,
            stat: Repeated::new(c"stat"),
            statm: Repeated::new(c"statm"),
            denial: OnceLock::new(),
        })
    }

    /// Its id in our PID namespace.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started, in clock ticks since boot: with the id, its identity. Never changes.
    pub fn started(&self) -> u64 {
        self.started
    }

    /// When it started, in seconds since 1970 by the wall's clock as it is set now: psutil's `create_time`. As fine as a
    /// clock tick (10 ms). Cost: 0.1 µs.
    pub fn created(&self) -> f64 {
        self.started as f64 / sys::ticks_a_second() as f64 + machine::boot_time()
    }

    /// Whether it still runs; a zombie counts, another process with its id does not. Cost: one read.
    pub fn is_running(&self) -> bool {
        self.stat().is_ok()
    }

    /// State, parent, faults, times. Cost: one read, 3 µs.
    pub fn stat(&self) -> Result<ProcessStat, TargetError> {
        let mut buffer = [0; STAT];
        let (line, bound) =
            self.stat.read(&self.directory, &mut buffer).map_err(|error| self.failure("stat", error))?;
        let stat = ProcessStat::parse(line).ok_or(TargetError::Malformed { pid: self.pid, what: "stat" })?;
        match bound || stat.started == self.started {
            true => Ok(stat),
            false => Err(TargetError::TargetExited { pid: self.pid }),
        }
    }

    /// psutil's `memory_info`; zeros for a zombie and a thread of the kernel. Cost: one read, 1 µs.
    pub fn memory(&self) -> Result<MemoryInfo, TargetError> {
        let mut buffer = [0; 256];
        let (line, bound) =
            self.statm.read(&self.directory, &mut buffer).map_err(|error| self.failure("statm", error))?;
        let info = statm::parse(line, sys::page_bytes());
        let info = info.ok_or(TargetError::Malformed { pid: self.pid, what: "statm" })?;
        if bound { Ok(info) } else { self.checked(info) }
    }

    /// USS, PSS, swap and so on, summed over its mappings; zeros for a zombie and a thread of the kernel. Where the kernel
    /// has no rollup of it the sum over `smaps` is given. Needs the right to read its memory.
    /// Cost: the kernel walks its page tables: 20 µs and more, 1 ms for each GiB that is not in huge pages.
    pub fn rollup(&self) -> Result<Rollup, TargetError> {
        let mut buffer = [0; 4096];
        // not a kept file: that would stay with the memory map that the process had when it was opened, which for a
        // child between vfork and exec is its parent's
        match self.directory.read(c"smaps_rollup", &mut buffer) {
            Ok(text) => {
                let rollup = rollup::parse(text);
                self.checked_if_unbound(rollup)
            }
            // it has no memory map, or the kernel is older than 4.14
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
                self.maps().map(|maps| smaps::sum(&maps))
            }
            Err(error) => Err(self.failure("smaps_rollup", error)),
        }
    }

    /// Peaks, kinds of memory, threads. Cost: one file opened and read, 15 µs.
    pub fn status(&self) -> Result<StatusFigures, TargetError> {
        self.with_file(c"status", "status", |text| Some(status::figures(text)))
    }

    /// Its users and groups. Cost as [`Handle::status`].
    pub fn ids(&self) -> Result<Ids, TargetError> {
        self.with_file(c"status", "status", status::ids)
    }

    /// Its mappings with their figures, ascending. None for a zombie and a thread of the kernel. Needs the right to read its
    /// memory. Cost: the kernel walks its page tables, and 2 µs a mapping.
    pub fn maps(&self) -> Result<Vec<MapFigures>, TargetError> {
        self.with_file(c"smaps", "smaps", |text| Some(smaps::parse(text)))
    }

    /// How much the kernel would like to kill it when memory runs out: 0 never, 1000 and more first.
    pub fn oom_score(&self) -> Result<i32, TargetError> {
        self.with_file(c"oom_score", "oom_score", |text| {
            field::words(text).next().and_then(field::number).and_then(|score| i32::try_from(score).ok())
        })
    }

    /// Its name as psutil gives it: the kernel's, or, where that is cut, the whole from the command. The target's choice.
    pub fn name(&self) -> Result<OsString, TargetError> {
        let name = self.stat()?.name;
        let name = name.as_os_str();
        if name.len() < CUT_NAME {
            return Ok(name.to_owned());
        }
        let command = self.command().unwrap_or_default();
        let whole = command.first().and_then(|first| first.as_bytes().rsplit(|&byte| byte == b'/').next());
        let whole = whole.filter(|whole| whole.starts_with(name.as_bytes()));
        Ok(whole.map_or_else(|| name.to_owned(), |whole| OsStr::from_bytes(whole).to_owned()))
    }

    /// Its program and arguments as psutil gives them; empty for a thread of the kernel; of a zombie there is none, a typed
    /// error. The target's choice.
    pub fn command(&self) -> Result<Vec<OsString>, TargetError> {
        let bytes = self.with_file(c"cmdline", "cmdline", |bytes| Some(bytes.to_vec()))?;
        match bytes.is_empty() && self.stat()?.is_zombie() {
            true => Err(TargetError::Zombie { pid: self.pid }),
            false => Ok(arguments(&bytes)),
        }
    }

    /// The value of a variable of the environment that it was started with. Needs the right to read its memory.
    pub fn variable(&self, name: &str) -> Result<Option<OsString>, TargetError> {
        self.with_file(c"environ", "environ", |text| {
            let mut variables = text.split(|&byte| byte == 0);
            Some(
                variables
                    .find_map(|variable| variable.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
                    .map(|value| OsString::from_vec(value.to_vec())),
            )
        })
    }

    /// The file of its program as psutil gives it: empty where there is none, as for a thread of the kernel; of a zombie it
    /// is a typed error. Needs the right to read its memory.
    pub fn exe(&self) -> Result<PathBuf, TargetError> {
        let path = match std::fs::read_link(format!("/proc/{}/exe", self.pid)) {
            Ok(path) => path,
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
                return match self.stat()?.is_zombie() {
                    true => Err(TargetError::Zombie { pid: self.pid }),
                    false => Ok(PathBuf::new()),
                };
            }
            Err(error) => return Err(self.failure("exe", error)),
        };
        let path = Path::new(&*undeleted(path.as_os_str().as_bytes())).to_owned();
        self.checked(path)
    }

    fn with_file<T>(
        &self,
        file: &CStr,
        what: &'static str,
        parse: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, TargetError> {
        let bytes = self.directory.read_all(file).map_err(|error| self.failure(what, error))?;
        let value = parse(&bytes).ok_or(TargetError::Malformed { pid: self.pid, what })?;
        self.checked_if_unbound(value)
    }

    fn checked_if_unbound<T>(&self, value: T) -> Result<T, TargetError> {
        if self.directory.is_bound() { Ok(value) } else { self.checked(value) }
    }

    /// A value that was read by path, if the path was this process's: it cannot have been another's before when it is ours
    /// after.
    fn checked<T>(&self, value: T) -> Result<T, TargetError> {
        self.stat().map(|_| value)
    }

    fn failure(&self, what: &'static str, source: io::Error) -> TargetError {
        let pid = self.pid;
        match source.raw_os_error() {
            Some(libc::ENOENT | libc::ESRCH) => {
                match what != "stat" && self.stat().is_ok_and(|stat| stat.is_zombie()) {
                    true => TargetError::Zombie { pid },
                    false => TargetError::TargetExited { pid },
                }
            }
            Some(libc::EACCES | libc::EPERM) => {
                TargetError::NotPermitted { pid, cause: *self.denial.get_or_init(|| diagnose::denial(pid)) }
            }
            _ => TargetError::Io { pid, what, source },
        }
    }
}

/// Room for `/proc/PID/stat`: a name of 64 bytes and 51 numbers of at most 20 digits.
const STAT: usize = 1280;

/// The words of a command line as psutil divides it: at zeros, and at spaces where the program has written a line of its
/// own over it.
fn arguments(bytes: &[u8]) -> Vec<OsString> {
    if bytes.is_empty() {
        return Vec::new();
    }
    let separator = if bytes.ends_with(&[0]) { 0 } else { b' ' };
    let line = bytes.strip_suffix(&[separator]).unwrap_or(bytes);
    let split = |separator: u8| -> Vec<OsString> {
        line.split(|&byte| byte == separator).map(|word| OsStr::from_bytes(word).to_owned()).collect()
    };
    let words = split(separator);
    if separator == 0 && words.len() == 1 && line.contains(&b' ') { split(b' ') } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_are_divided_as_psutil_does() {
        let divided =
            |bytes: &[u8]| arguments(bytes).iter().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>();
        assert_eq!(divided(b""), Vec::<String>::new());
        assert_eq!(divided(b"foo\0bar\0"), ["foo", "bar"]);
        assert_eq!(divided(b"foo\0bar\0\0"), ["foo", "bar", ""]);
        assert_eq!(divided(b"foo bar "), ["foo", "bar"]);
        assert_eq!(divided(b"foo bar  "), ["foo", "bar", ""]);
        assert_eq!(divided(b"foo bar\0"), ["foo", "bar"]);
        assert_eq!(divided(b"foo\0bar"), ["foo\0bar"]);
        assert_eq!(divided(b"\0"), [""]);
    }
}
