//! The small text files of `/proc/PID`.

use std::io;

use crate::diagnose;
use crate::error::TargetError;

/// A file of a process, whole.
pub(crate) fn read(pid: u32, file: &'static str) -> Result<Vec<u8>, TargetError> {
    std::fs::read(format!("/proc/{pid}/{file}")).map_err(|source| failure(pid, file, source))
}

/// The same as text; bytes that are not UTF-8 are replaced.
pub(crate) fn text(pid: u32, file: &'static str) -> Result<String, TargetError> {
    read(pid, file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The same, empty when it cannot be read: for looking around after a failure.
pub(crate) fn text_quietly(pid: u32, file: &str) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a failure to read `what` of a process means.
pub(crate) fn failure(pid: u32, what: &'static str, source: io::Error) -> TargetError {
    match source.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) => TargetError::TargetExited { pid },
        Some(libc::EACCES | libc::EPERM) => TargetError::NotPermitted { pid, cause: diagnose::denial(pid) },
        _ => TargetError::Io { pid, what, source },
    }
}

/// What `/proc/PID/stat` says (proc(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// `R`, `S`, `D`, `Z`, `T`, `t` ...
    pub state: char,
    /// The parent's process id.
    pub parent: u32,
    /// When it started, in clock ticks since boot: with the pid, its identity.
    pub started: u64,
    /// A thread of the kernel.
    pub kernel: bool,
    /// Its parent gets no signal when it ends: so it is with no process that a program starts in the usual ways.
    pub silent: bool,
}

/// `PF_KTHREAD` of the kernel's `task_struct.flags`.
const KERNEL_THREAD: u64 = 0x0020_0000;

impl Stat {
    /// Of a process.
    pub fn of(pid: u32) -> Result<Stat, TargetError> {
        let bytes = read(pid, "stat")?;
        Stat::parse(&bytes).ok_or_else(|| malformed(pid, "stat"))
    }

    fn parse(bytes: &[u8]) -> Option<Stat> {
        // the second field is the program's name in brackets, which may hold brackets and spaces
        let after = bytes.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(bytes.get(after + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Stat {
            state: fields.first()?.chars().next()?,
            parent: u32::try_from(number(1)?).ok()?,
            started: number(19)?,
            kernel: number(6)? & KERNEL_THREAD != 0,
            silent: number(35) == Some(0),
        })
    }

    /// Whether it has ended and only its entry is left.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// The state in a stat file, or in the beginning of one; without memory of the heap. The second field is the program's name in
/// brackets, which may hold brackets and spaces.
pub(crate) fn state(stat: &[u8]) -> Option<char> {
    let after = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(after + 2).map(|&state| char::from(state))
}

/// The rest of the line of a status file that begins with `name`, given with the end of the line before it; without
/// memory of the heap.
pub(crate) fn line<'s>(status: &'s [u8], name: &[u8]) -> Option<&'s [u8]> {
    let at = status.windows(name.len()).position(|window| window == name)?;
    status.get(at + name.len()..)?.split(|&byte| byte == b'\n').next()
}

/// The value of a line such as `TracerPid: 0` of a status file.
pub(crate) fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The first number of such a line.
pub(crate) fn number(status: &str, name: &str) -> Option<u32> {
    field(status, name)?.split_ascii_whitespace().next()?.parse().ok()
}

/// The process that traces the thread with this status file, unless none does or it is outside our PID
/// namespace, where it shows as 0.
pub(crate) fn tracer(status: &str) -> Option<u32> {
    // the field is there, and a number, for every thread; the tracer is a thread, people know its process
    let tid = number(status, "TracerPid")?;
    if tid == 0 {
        return None;
    }
    Some(number(&text_quietly(tid, "status"), "Tgid").unwrap_or(tid))
}

/// The threads of a process.
pub(crate) fn threads(pid: u32) -> Result<Vec<u32>, TargetError> {
    numbers(&format!("/proc/{pid}/task")).map_err(|source| failure(pid, "its threads", source))
}

/// The entries of a directory that are numbers, ascending.
pub(crate) fn numbers(directory: &str) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        found.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

fn malformed(pid: u32, what: &'static str) -> TargetError {
    TargetError::Io { pid, what, source: io::Error::from(io::ErrorKind::InvalidData) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let line = b"7 (a) R (b) S 4 7 7 0 -1 2097216 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17";
        let stat = Stat::parse(line).expect("well-formed");
        assert_eq!(stat, Stat { state: 'S', parent: 4, started: 12345, kernel: true, silent: false });
        assert_eq!(Stat::parse(b"7 (a"), None);
        assert_eq!(Stat::parse(b"7 (a) S"), None);
    }

    #[test]
    fn status_lines_are_found_by_their_whole_name() {
        let status = "Name:\tUid:\nTracerPid:\t12\nUid:\t5\t6\t7\t8\n";
        assert_eq!(number(status, "TracerPid"), Some(12));
        assert_eq!(number(status, "Uid"), Some(5));
        assert_eq!(number(status, "Pid"), None);
    }
}
