//! A process of ours that shares nothing with us but a socket.

use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use libc::{c_int, c_uint, c_void};

/// Bytes of a message.
pub(crate) const MESSAGE: usize = 64;

/// Two ends of a line for whole messages; programs that are started from here get neither.
pub(crate) fn line() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the kernel writes two descriptors into `ends`.
    let done =
        unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) };
    if done != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made both for us, and nobody else knows them.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Runs `work` in a new process of one thread, which then ends; the id of the process. It has a copy of our memory, a
/// session of its own, holds back every signal, and of our files has only those of `keep`. No signal comes when it
/// ends, and only [`collect`] notices that it did.
///
/// `work` must not allocate, lock or panic: other threads of ours may have held any lock at that moment.
pub(crate) fn fork(keep: &mut [RawFd], work: impl FnOnce()) -> io::Result<u32> {
    keep.sort_unstable();
    let all = !0_u64;
    let mut before = 0_u64;
    mask_signals(&all, Some(&mut before))?;
    // SAFETY: without flags this is fork(2) but for the signal at its end and the handlers of `pthread_atfork`; the
    // child runs on a copy of this thread's stack, does nothing that needs another thread, and never returns.
    let made = unsafe { libc::syscall(libc::SYS_clone, 0, 0, 0, 0, 0) };
    let error = io::Error::last_os_error();
    if made == 0 {
        leave_alone(keep);
        work();
        leave();
    }
    let restored = mask_signals(&before, None);
    let pid = u32::try_from(made).map_err(|_| error)?;
    restored.map(|()| pid)
}

/// Sets which signals the calling thread holds back: the kernel's own call, as the library's keeps some for itself.
fn mask_signals(mask: &u64, before: Option<&mut u64>) -> io::Result<()> {
    let before = before.map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: the kernel reads 8 bytes and writes 8 bytes, which both numbers have, or nothing where there is none.
    let done = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, std::ptr::from_ref(mask), before, size_of::<u64>())
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A new session, a name of its own, and no files but `keep`, in ascending order.
fn leave_alone(keep: &[RawFd]) {
    // SAFETY: takes nothing; fails only for the leader of a group, which a new process is not.
    unsafe { libc::setsid() };
    // SAFETY: the name ends with a zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"memsight-guard".as_ptr()) };
    let mut from = 0;
    for &kept in keep.iter().chain([&RawFd::MAX]) {
        if kept > from {
            // SAFETY: takes numbers only; this process uses none of the files that it closes. A kernel that does not
            // know the call leaves them open, which only keeps them open a little longer.
            unsafe { libc::syscall(libc::SYS_close_range, from as c_uint, (kept - 1) as c_uint, 0) };
        }
        from = kept.saturating_add(1);
    }
}

/// Collects the end of a process that [`fork`] made; blocks until then.
pub(crate) fn collect(pid: u32) {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        // SAFETY: the kernel fills `info`, which is ours and is not read.
        let done = unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), libc::WEXITED | libc::__WALL) };
        if done == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return;
        }
    }
}

/// Ends the calling process, one that [`fork`] made, at once: whoever it traces goes on.
pub(crate) fn leave() -> ! {
    // SAFETY: ends the process; nothing of ours runs at its exit.
    unsafe { libc::_exit(0) }
}

/// Who started this process.
pub(crate) fn parent() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::getppid() as u32 }
}

/// Ends process `pid`.
pub(crate) fn kill(pid: u32) {
    // SAFETY: takes numbers only.
    unsafe { libc::kill(pid as libc::pid_t, libc::SIGKILL) };
}

/// Waits until there is something to receive, or the other end is closed, or `limit` is over; whether it is not.
pub(crate) fn ready(line: &OwnedFd, limit: Duration) -> bool {
    let mut wanted = libc::pollfd { fd: line.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let limit = c_int::try_from(limit.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: the kernel writes `revents` of the one element.
    unsafe { libc::poll(&mut wanted, 1, limit) > 0 }
}

/// Room for one descriptor beside a message, aligned as a `cmsghdr` must be.
#[repr(C, align(8))]
struct Beside([u8; 32]);

/// Sends a message, with a file if there is one.
pub(crate) fn send(line: &OwnedFd, message: &[u8; MESSAGE], file: Option<&File>) -> io::Result<()> {
    let mut bytes = libc::iovec { iov_base: message.as_ptr() as *mut c_void, iov_len: MESSAGE };
    let mut beside = Beside([0; 32]);
    // SAFETY: plain data, for which all zeros is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &mut bytes;
    header.msg_iovlen = 1;
    if let Some(file) = file {
        header.msg_control = beside.0.as_mut_ptr().cast();
        // SAFETY: arithmetic on a number.
        header.msg_controllen = unsafe { libc::CMSG_SPACE(size_of::<RawFd>() as c_uint) } as _;
        // SAFETY: `msg_control` is aligned and has room for a header and a descriptor, 24 bytes of 32; both are
        // written through the pointers that the macros compute from it.
        unsafe {
            let first = libc::CMSG_FIRSTHDR(&header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as c_uint) as _;
            libc::CMSG_DATA(first).cast::<RawFd>().write_unaligned(file.as_raw_fd());
        }
    }
    // SAFETY: `header` describes `message` and `beside`, which live through the call; the kernel only reads them. No
    // signal comes when the other end is gone.
    let sent = unsafe { libc::sendmsg(line.as_raw_fd(), &header, libc::MSG_NOSIGNAL) };
    if sent == MESSAGE as isize { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The next message, and the file that came with it; `None` when the other end is gone.
pub(crate) fn receive(line: &OwnedFd) -> io::Result<Option<([u8; MESSAGE], Option<File>)>> {
    let mut message = [0; MESSAGE];
    let mut bytes = libc::iovec { iov_base: message.as_mut_ptr().cast(), iov_len: MESSAGE };
    let mut beside = Beside([0; 32]);
    // SAFETY: plain data, for which all zeros is a value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_iov = &mut bytes;
    header.msg_iovlen = 1;
    header.msg_control = beside.0.as_mut_ptr().cast();
    header.msg_controllen = beside.0.len() as _;
    let received = loop {
        // SAFETY: `header` describes `message` and `beside`, which are ours and live through the call.
        let received = unsafe { libc::recvmsg(line.as_raw_fd(), &mut header, libc::MSG_CMSG_CLOEXEC) };
        if received >= 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            break received;
        }
    };
    if received < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has filled `beside` as far as `msg_controllen` says, which the macro respects; a header of
    // this kind is followed by at least one descriptor, which was made for us.
    let file = unsafe {
        let first = libc::CMSG_FIRSTHDR(&header);
        let rights = !first.is_null() && (*first).cmsg_type == libc::SCM_RIGHTS;
        rights.then(|| File::from_raw_fd(libc::CMSG_DATA(first).cast::<RawFd>().read_unaligned()))
    };
    Ok((received == MESSAGE as isize).then_some((message, file)))
}
