//! A command of ours and all that it starts, traced from the first to the last: the system calls of it.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::Command;

use libc::{c_int, c_uint, c_void};

/// What happens to a traced thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// It is about to end, and still has its memory.
    Ends,
    /// It has begun to execute a program, and its memory is new.
    Executes,
    /// It has made a process or a thread.
    Went,
    /// It stands with its whole process, as SIGSTOP and the like do.
    Halted,
    /// It stopped on its way to receive a signal.
    Signal(c_int),
    /// It is gone, with this status (as of `wait`), and has used this much of processors with those that it waited for.
    Gone {
        /// As `wait` gives it.
        status: c_int,
        /// User and system time in nanoseconds.
        cpu_ns: u64,
    },
}

/// Traced are all processes and threads that come from one, and they end when we do.
const OPTIONS: c_int = libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACEEXIT
    | libc::PTRACE_O_EXITKILL;

/// Has a command be traced from its first instruction on by the thread that starts it.
pub(crate) fn trace_me(command: &mut Command) {
    let ask = || {
        let none = std::ptr::null_mut::<c_void>();
        // SAFETY: the request takes nothing.
        let done = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, none, none) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec it makes one system call and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

/// Has all that comes from a stopped thread be traced.
pub(crate) fn follow(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, OPTIONS as usize)
}

/// Lets a stopped thread go on, with a signal unless that is 0. One that is gone needs nothing.
pub(crate) fn go_on(tid: u32, signal: c_int) {
    let _ = request(libc::PTRACE_CONT, tid, signal as usize);
}

fn request(what: c_uint, tid: u32, data: usize) -> io::Result<()> {
    let none = std::ptr::null_mut::<c_void>();
    // SAFETY: these requests take numbers only, which the kernel does not follow.
    let done = unsafe { libc::ptrace(what, tid as libc::pid_t, none, data as *mut c_void) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Waits until something has happened to a thread that the calling one traces: which. It is told by [`news`]; `None`: there is none
/// left.
pub(crate) fn next() -> Option<u32> {
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    loop {
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: the kernel fills `info`, which is ours.
        let done = unsafe { libc::waitid(libc::P_ALL, 0, info.as_mut_ptr(), options) };
        if done == 0 {
            // SAFETY: zeros and what the kernel wrote are values, and waitid fills the child's half of the union.
            return u32::try_from(unsafe { info.assume_init().si_pid() }).ok();
        }
        if io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
}

/// What has happened to a thread that [`next`] has named.
pub(crate) fn news(tid: u32) -> Option<News> {
    let mut status: c_int = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let options = libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD;
    // SAFETY: the kernel fills `status` and `usage`, which are ours.
    let found = unsafe { libc::wait4(tid as libc::pid_t, &mut status, options, usage.as_mut_ptr()) };
    if found <= 0 {
        return None;
    }
    if !libc::WIFSTOPPED(status) {
        // SAFETY: numbers only, for which zeros and whatever the kernel wrote are values.
        let usage = unsafe { usage.assume_init() };
        let ns = |time: libc::timeval| time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_usec.unsigned_abs() * 1_000;
        return Some(News::Gone { status, cpu_ns: ns(usage.ru_utime) + ns(usage.ru_stime) });
    }
    let signal = libc::WSTOPSIG(status);
    Some(match status >> 16 {
        libc::PTRACE_EVENT_EXIT => News::Ends,
        libc::PTRACE_EVENT_EXEC => News::Executes,
        0 if is_halt(tid, signal) => News::Halted,
        0 => News::Signal(signal),
        _ => News::Went,
    })
}

/// A stop of the whole process has no information on a signal (ptrace(2), "Group-stop").
fn is_halt(tid: u32, signal: c_int) -> bool {
    if !matches!(signal, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) {
        return false;
    }
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let none = std::ptr::null_mut::<c_void>();
    // SAFETY: the kernel writes one `siginfo_t` into `info`, which is ours.
    let done = unsafe { libc::ptrace(libc::PTRACE_GETSIGINFO, tid as libc::pid_t, none, info.as_mut_ptr()) };
    done == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}
