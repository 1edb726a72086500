//! What a thread waits for in the kernel, as its file `syscall` says (`proc_pid_syscall`, fs/proc/base.c): the number and
//! the six arguments of the call, the stack and the instruction pointer; `running`; or -1 where it waits outside of one.
//!
//! Any stop ends a wait in the kernel, be it by a debugger, a SIGSTOP or us. Most calls are taken up again as if nothing had
//! been; those here are not (signal(7), *Interruption of system calls and library functions by stop signals*, and the calls'
//! own code).

/// What a stop does to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// Nothing that its program could see.
    Nothing,
    /// It returns `EINTR` before its time, or begins to wait for all of its time once more.
    Anew,
    /// It may have done a part of its work, and returns that: less than it would have returned.
    Cut,
}

/// What a stop would do to the call in the file `syscall` of a thread.
pub(crate) fn harm(syscall: &[u8]) -> Harm {
    let Some((number, arguments)) = parse(syscall) else { return Harm::Nothing };
    let [_, _, third, fourth, fifth, _] = arguments;
    let if_all = |flags: u64| match flags & libc::MSG_WAITALL as u64 {
        0 => Harm::Anew,
        _ => Harm::Cut,
    };
    let if_limited = |limited: bool| if limited { Harm::Anew } else { Harm::Nothing };
    match number {
        libc::SYS_write
        | libc::SYS_writev
        | libc::SYS_pwritev2
        | libc::SYS_sendto
        | libc::SYS_sendmsg
        | libc::SYS_sendmmsg
        | libc::SYS_recvmmsg
        | libc::SYS_sendfile
        | libc::SYS_splice
        | libc::SYS_tee
        | libc::SYS_vmsplice
        | libc::SYS_copy_file_range
        | libc::SYS_io_uring_enter
        // of a socket that lingers (SO_LINGER)
        | libc::SYS_close => Harm::Cut,
        libc::SYS_recvfrom => if_all(fourth),
        libc::SYS_recvmsg => if_all(third),
        // sockets may have a limit (SO_RCVTIMEO, SO_SNDTIMEO), which nobody sees from outside
        libc::SYS_read | libc::SYS_readv | libc::SYS_accept | libc::SYS_accept4 | libc::SYS_connect => Harm::Anew,
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => if_limited(fourth.cast_signed() as i32 >= 0),
        libc::SYS_epoll_pwait2 | libc::SYS_semtimedop => if_limited(fourth != 0),
        libc::SYS_rt_sigtimedwait => if_limited(third != 0),
        libc::SYS_io_getevents => if_limited(fifth != 0),
        _ => Harm::Nothing,
    }
}

/// Whether a thread waits for the child of a vfork to start a program or end.
pub(crate) fn waits_in_vfork(syscall: &[u8]) -> bool {
    const CLONE_VFORK: u64 = 0x4000;
    match parse(syscall) {
        Some((libc::SYS_vfork, _)) => true,
        Some((libc::SYS_clone, [flags, ..])) => flags & CLONE_VFORK != 0,
        // its flags are in memory, but nothing else in it waits uninterruptibly
        Some((libc::SYS_clone3, _)) => true,
        _ => false,
    }
}

/// The number and the arguments of the call; `None` when the thread is in none.
fn parse(syscall: &[u8]) -> Option<(i64, [u64; 6])> {
    let mut words = std::str::from_utf8(syscall).ok()?.split_ascii_whitespace();
    let number = words.next()?.parse().ok().filter(|&number| number >= 0)?;
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vfork_is_seen() {
        assert!(waits_in_vfork(b"56 0x4111 0x0 0x0 0x7f 0x0 0x0 0x7ffe 0x7f11\n"));
        assert!(waits_in_vfork(b"58 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f11\n"));
        assert!(!waits_in_vfork(b"56 0x11 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f11\n"));
        assert!(!waits_in_vfork(b"running\n"));
        assert!(!waits_in_vfork(b""));
    }

    #[test]
    fn calls_that_a_stop_changes_are_known() {
        let of = |text: &str| harm(format!("{text} 0x7ffe 0x7f11\n").as_bytes());
        // write; recvfrom with and without MSG_WAITALL; recvmsg with it
        assert_eq!(of("1 0x4 0x7f00 0x100000 0x0 0x0 0x0"), Harm::Cut);
        assert_eq!(of("45 0x4 0x7f00 0x1000 0x100 0x0 0x0"), Harm::Cut);
        assert_eq!(of("45 0x4 0x7f00 0x1000 0x40 0x0 0x0"), Harm::Anew);
        assert_eq!(of("47 0x4 0x7f00 0x100 0x0 0x0 0x0"), Harm::Cut);
        // epoll_wait for ever, and for a second
        assert_eq!(of("232 0x4 0x7f00 0x10 0xffffffff 0x0 0x0"), Harm::Nothing);
        assert_eq!(of("232 0x4 0x7f00 0x10 0x3e8 0x0 0x0"), Harm::Anew);
        // futex
        assert_eq!(of("202 0x7f00 0x80 0x2 0x0 0x0 0x0"), Harm::Nothing);
        for text in ["running\n", "-1 0x7ffe 0x7f11\n", "", "1 0x4", "1 4 5 6 7 8 9 a b", "\u{fffd}"] {
            assert_eq!(harm(text.as_bytes()), Harm::Nothing, "{text}");
        }
    }
}
