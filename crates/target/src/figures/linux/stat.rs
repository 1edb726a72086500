//! `/proc/PID/stat`: state, parent, faults, times (`fs/proc/array.c`, `do_task_stat`; proc(5) numbers the fields).

use super::field::{number, words};
use super::types::{Name, ProcessStat};

/// `PF_KTHREAD` of the kernel's `task_struct.flags`.
const KERNEL_THREAD: u64 = 0x0020_0000;

impl ProcessStat {
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
        let signal = rest.nth(15);
        let (thread, silent) = (signal == Some(b"-1"), signal == Some(b"0"));
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
            silent,
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
        assert_eq!((stat.started, stat.kernel, stat.silent), (12345, true, false));
    }

    #[test]
    fn the_signal_at_the_end_tells_who_is_silent() {
        let line = |signal: &str| {
            let zeros = "0 ".repeat(15);
            format!("7 (a) S 4 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 12345 {zeros}{signal} 1 0 0\n")
        };
        for (signal, thread, silent) in [("17", false, false), ("0", false, true), ("-1", true, false)] {
            let stat = ProcessStat::parse(line(signal).as_bytes()).expect("well-formed");
            assert_eq!((stat.thread, stat.silent), (thread, silent), "{signal}");
        }
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
