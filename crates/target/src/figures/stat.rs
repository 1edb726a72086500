//! `/proc/PID/stat`: state, parent, faults, times (`fs/proc/array.c`, `do_task_stat`; proc(5) numbers the fields).

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::field::{number, words};
use crate::sys;

/// `PF_KTHREAD` of the kernel's `task_struct.flags`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The kernel gives 15 bytes of a program's name, and up to 63 of the name of a thread of its own.
const LONGEST_NAME: usize = 64;

/// The short name of a process (`comm`), held without an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name {
    bytes: [u8; LONGEST_NAME],
    len: u8,
}

impl Name {
    fn new(text: &[u8]) -> Name {
        let len = text.len().min(LONGEST_NAME);
        let mut bytes = [0; LONGEST_NAME];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        Name { bytes, len: len as u8 }
    }

    /// As the kernel has it.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(self.bytes.get(..usize::from(self.len)).unwrap_or_default())
    }

    /// As text; bytes that are not UTF-8 are replaced. It is the target's choice: escape it before showing it.
    pub fn to_str(&self) -> Cow<'_, str> {
        self.as_os_str().to_string_lossy()
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat {
    /// `R`, `S`, `D`, `Z`, `T`, `t` ...: proc(5).
    pub state: char,
    /// The parent's process id; 0: none that we can see.
    pub parent: u32,
    /// Short name: 15 bytes at most for a program.
    pub name: Name,
    /// Minor page faults so far.
    pub minor_faults: u64,
    /// Major page faults so far: those that waited for a disk.
    pub major_faults: u64,
    /// CPU time so far in user mode, in clock ticks.
    pub user_ticks: u64,
    /// CPU time so far in the kernel, in clock ticks.
    pub system_ticks: u64,
    /// Threads.
    pub threads: u32,
    /// When it started, in clock ticks since boot: with the pid, its identity.
    pub started: u64,
    /// A thread of the kernel.
    pub kernel: bool,
    /// A thread other than the first of its process: such a one can be looked up by its id, though no listing has it.
    pub thread: bool,
}

impl ProcessStat {
    /// CPU time so far, user and system, in nanoseconds; as fine as a clock tick (10 ms).
    pub fn cpu_ns(&self) -> u64 {
        self.user_ticks.saturating_add(self.system_ticks).saturating_mul(1_000_000_000 / sys::ticks_a_second())
    }

    /// Whether it has ended and waits for its parent to notice.
    pub fn is_zombie(&self) -> bool {
        self.state == 'Z'
    }

    pub(super) fn parse(line: &[u8]) -> Option<ProcessStat> {
        // the second field is the name in brackets, which may hold brackets and spaces
        let open = line.iter().position(|&byte| byte == b'(')?;
        let close = line.iter().rposition(|&byte| byte == b')')?;
        let mut rest = words(line.get(close + 1..)?);
        let state = char::from(*rest.next()?.first()?);
        let parent = rest.next().and_then(number)?;
        let mut skip = |fields: usize| rest.nth(fields).and_then(number);
        let flags = skip(4)?;
        let (minor_faults, major_faults) = (skip(0)?, skip(1)?);
        let (user_ticks, system_ticks) = (skip(1)?, skip(0)?);
        let (threads, started) = (skip(4)?, skip(1)?);
        // `exit_signal`, field 38: the end of a mere thread is told to nobody
        let thread = rest.nth(15) == Some(b"-1");
        Some(ProcessStat {
            state,
            parent: u32::try_from(parent).ok()?,
            name: Name::new(line.get(open + 1..close)?),
            minor_faults,
            major_faults,
            user_ticks,
            system_ticks,
            threads: u32::try_from(threads).ok()?,
            started,
            kernel: flags & KERNEL_THREAD != 0,
            thread,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_shift_the_fields() {
        let line = b"7 (a) R (b) S 4 7 7 0 -1 2097216 11 0 12 0 13 14 0 0 20 0 15 0 12345 0 0\n";
        let stat = ProcessStat::parse(line).expect("well-formed");
        assert_eq!((stat.state, stat.parent, &*stat.name.to_str()), ('S', 4, "a) R (b"));
        assert_eq!((stat.minor_faults, stat.major_faults), (11, 12));
        assert_eq!((stat.user_ticks, stat.system_ticks, stat.threads), (13, 14, 15));
        assert_eq!((stat.started, stat.kernel), (12345, true));
    }

    #[test]
    fn a_thread_is_told_from_a_process() {
        let thread = std::thread::spawn(|| std::fs::read("/proc/thread-self/stat"));
        let line = thread.join().expect("no panic").expect("readable");
        assert!(ProcessStat::parse(&line).expect("well-formed").thread);
        let line = std::fs::read("/proc/self/stat").expect("readable");
        assert!(!ProcessStat::parse(&line).expect("well-formed").thread);
    }

    #[test]
    fn lines_that_are_cut_or_overflow_are_refused() {
        let line = b"7 (a) S 4 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 12345";
        assert!(ProcessStat::parse(line).is_some());
        for end in 0..b"7 (a) S 4 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 ".len() {
            assert_eq!(ProcessStat::parse(&line[..end]), None, "{end}");
        }
        assert_eq!(ProcessStat::parse(b") ("), None);
        assert_eq!(ProcessStat::parse(b"7 (a) S 99999999999 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 12345"), None);
    }
}
