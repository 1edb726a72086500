//! ptrace(2) on single threads that stand still: their registers, masks and system calls.

use std::io;
use std::mem::{MaybeUninit, offset_of};

use libc::{c_int, c_long, c_uint, c_void, user_regs_struct};

/// The registers of a thread.
pub(crate) type Registers = user_regs_struct;

/// How a stop at a system call is reported with [`OPTIONS`]: SIGTRAP with a bit that no signal has.
pub(crate) const CALL: c_int = libc::SIGTRAP | 0x80;

/// What we want to know of a thread that makes a system call for us.
pub(crate) const OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK;

/// `ERESTARTNOHAND` (linux/errno.h): the call is made again unless a handler of a signal runs, which sees EINTR.
const AGAIN_UNLESS_HANDLED: i64 = -514;

/// Asks with a number for an address and a number for the data.
fn request(what: c_uint, tid: u32, address: usize, data: usize) -> io::Result<c_long> {
    // SAFETY: every caller in this module either passes numbers that the kernel does not follow, or the address of a
    // value of its own that has the size which the request writes or reads.
    let done = unsafe { libc::ptrace(what, tid as libc::pid_t, address as *mut c_void, data as *mut c_void) };
    if done == -1 { Err(io::Error::last_os_error()) } else { Ok(done) }
}

/// The registers of a thread that stands still.
pub(crate) fn registers(tid: u32) -> io::Result<Registers> {
    let mut registers = MaybeUninit::<Registers>::zeroed();
    request(libc::PTRACE_GETREGS, tid, 0, registers.as_mut_ptr() as usize)?;
    // SAFETY: numbers only, for which all zeros and whatever the kernel wrote are values.
    Ok(unsafe { registers.assume_init() })
}

/// Sets them, the number of the interrupted system call included.
pub(crate) fn set_registers(tid: u32, registers: &Registers) -> io::Result<()> {
    request(libc::PTRACE_SETREGS, tid, 0, std::ptr::from_ref(registers) as usize).map(drop)
}

/// Which signals it holds back, as bits; the ones that it will hold back when its system call is over.
pub(crate) fn mask(tid: u32) -> io::Result<u64> {
    let mut mask = 0_u64;
    request(libc::PTRACE_GETSIGMASK, tid, size_of::<u64>(), std::ptr::from_mut(&mut mask) as usize)?;
    Ok(mask)
}

pub(crate) fn set_mask(tid: u32, mask: u64) -> io::Result<()> {
    request(libc::PTRACE_SETSIGMASK, tid, size_of::<u64>(), std::ptr::from_ref(&mask) as usize).map(drop)
}

/// Sets [`OPTIONS`] and the like.
pub(crate) fn set_options(tid: u32, options: c_int) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, options as usize).map(drop)
}

/// Lets it go on to the next beginning or end of a system call.
pub(crate) fn run_to_call(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, 0).map(drop)
}

/// Lets it go on.
pub(crate) fn run(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, 0).map(drop)
}

/// The id of the child that it has just made, in our PID namespace.
pub(crate) fn child(tid: u32) -> io::Result<u32> {
    let mut id: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, std::ptr::from_mut(&mut id) as usize)?;
    u32::try_from(id).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The 8 bytes at `at` of its memory.
pub(crate) fn word(tid: u32, at: u64) -> io::Result<u64> {
    let mut word = 0_u64;
    // the system call itself stores the word where the data points to, unlike the function of the C library
    // SAFETY: the kernel writes 8 bytes, which `word` has; the address of the target is checked by it.
    let done = unsafe {
        libc::syscall(
            libc::SYS_ptrace,
            libc::c_long::from(libc::PTRACE_PEEKDATA),
            tid,
            at,
            std::ptr::from_mut(&mut word),
        )
    };
    if done == 0 { Ok(word) } else { Err(io::Error::last_os_error()) }
}

/// The most 8-byte words of [`extended_state`]: 11 KiB with the tiles of AMX.
pub(crate) const MOST_STATE: usize = 1536;

/// What its floating-point and vector registers hold, as an XSAVE area; the number of words.
pub(crate) fn extended_state(tid: u32, words: &mut [u64]) -> io::Result<usize> {
    /// elf.h
    const NT_X86_XSTATE: usize = 0x202;
    let mut place = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: size_of_val(words) };
    // the kernel writes at most `iov_len` bytes into `words`, and into `place` how many it has written
    request(libc::PTRACE_GETREGSET, tid, NT_X86_XSTATE, std::ptr::from_mut(&mut place) as usize)?;
    Ok(place.iov_len / size_of::<u64>())
}

/// Writes `words` to its memory at `at`, where it may itself write.
pub(crate) fn write(tid: u32, at: u64, words: &[u64]) -> io::Result<()> {
    let len = size_of_val(words);
    let local = libc::iovec { iov_base: words.as_ptr() as *mut c_void, iov_len: len };
    let remote = libc::iovec { iov_base: at as *mut c_void, iov_len: len };
    // SAFETY: the kernel reads `words`, which are ours, and checks the target's addresses.
    let written = unsafe { libc::process_vm_writev(tid as libc::pid_t, &local, 1, &remote, 1, 0) };
    match usize::try_from(written) {
        Ok(written) if written == len => Ok(()),
        Ok(_) => Err(io::ErrorKind::WriteZero.into()),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// Where its restartable sequences are described (rseq(2)); 0 when it has none. Linux 5.13 and later.
pub(crate) fn rseq(tid: u32) -> io::Result<u64> {
    let mut found = MaybeUninit::<libc::ptrace_rseq_configuration>::zeroed();
    request(
        libc::PTRACE_GET_RSEQ_CONFIGURATION,
        tid,
        size_of::<libc::ptrace_rseq_configuration>(),
        found.as_mut_ptr() as usize,
    )?;
    // SAFETY: numbers only, for which all zeros and whatever the kernel wrote are values.
    Ok(unsafe { found.assume_init() }.rseq_abi_pointer)
}

/// Has the kernel take up a system call again that it would let return EINTR because the thread was stopped, if the
/// call waits without a limit: then nobody can tell. One that waits for a time is left, since it would wait for all of
/// it once more.
pub(crate) fn take_up_again(tid: u32) {
    let Ok(registers) = registers(tid) else { return };
    if registers.rax.cast_signed() == -i64::from(libc::EINTR) && waits_for_ever(&registers) {
        let rax = offset_of!(Registers, rax);
        // one that is gone needs nothing
        let _ = request(libc::PTRACE_POKEUSER, tid, rax, AGAIN_UNLESS_HANDLED as usize);
    }
}

fn waits_for_ever(registers: &Registers) -> bool {
    match registers.orig_rax.cast_signed() {
        libc::SYS_epoll_wait | libc::SYS_epoll_pwait => (registers.r10 as i32) < 0,
        libc::SYS_epoll_pwait2 | libc::SYS_semtimedop => registers.r10 == 0,
        libc::SYS_rt_sigtimedwait => registers.rdx == 0,
        libc::SYS_io_getevents => registers.r8 == 0,
        libc::SYS_semop => true,
        _ => false,
    }
}
