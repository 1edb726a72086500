//! The system calls that the standard library does not offer. All `unsafe` of this crate but the mapping of
//! [`crate::image::chunk`] is here and below, behind functions that are safe for every argument.

pub(crate) mod spawn;
pub(crate) mod trace;

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// Bytes of a page on x86-64.
pub(crate) const PAGE: u64 = 4096;

/// The most ranges one call of [`read_vectored`] takes (`IOV_MAX`).
pub(crate) const MAX_SPANS: usize = 1024;

/// A range of the target's address space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// First byte.
    pub at: u64,
    /// Number of bytes.
    pub len: usize,
}

/// What a thread that we trace has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// It stopped on its way to receive `signal`, which has to be handed to it when it goes on.
    Signal(i32),
    /// It stopped because we asked.
    Stopped,
    /// It stands with its whole process (SIGSTOP and the like).
    Halted,
    /// It stands at the beginning or the end of a system call.
    Call,
    /// It has made a child, and stands in the system call that did it.
    Cloned,
    /// It is gone.
    Gone,
}

/// Reads `spans` (at most [`MAX_SPANS`]) one after the other into `out`; the number of bytes read, which ends at
/// the first page that is not there.
pub(crate) fn read_vectored(pid: u32, spans: &[Span], out: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: out.as_mut_ptr().cast(), iov_len: out.len() };
    let remote = |span: &Span| libc::iovec { iov_base: span.at as *mut libc::c_void, iov_len: span.len };
    let one;
    let many;
    let remote: &[libc::iovec] = match spans {
        [span] => {
            one = [remote(span)];
            &one
        }
        _ => {
            many = spans.iter().take(MAX_SPANS).map(remote).collect::<Vec<_>>();
            &many
        }
    };
    // SAFETY: `local` describes `out`, which is exclusively borrowed and writable for the length of the call; the
    // kernel checks the remote ranges and never writes outside the local one.
    let read = unsafe {
        libc::process_vm_readv(pid as libc::pid_t, &local, 1, remote.as_ptr(), remote.len() as libc::c_ulong, 0)
    };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// Starts to trace thread `tid` without stopping it. It is let go when the calling thread ends.
pub(crate) fn seize(tid: u32) -> io::Result<()> {
    // no PTRACE_O_EXITKILL: when memsight dies, the target must go on
    ptrace(libc::PTRACE_SEIZE, tid, 0)
}

/// Asks a traced thread to stop.
pub(crate) fn interrupt(tid: u32) -> io::Result<()> {
    ptrace(libc::PTRACE_INTERRUPT, tid, 0)
}

/// Lets a stopped thread go on, with `signal` unless that is 0.
pub(crate) fn detach(tid: u32, signal: i32) -> io::Result<()> {
    ptrace(libc::PTRACE_DETACH, tid, signal)
}

fn ptrace(request: libc::c_uint, tid: u32, data: i32) -> io::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these three requests take numbers only; no memory of ours is read or written.
    let done = unsafe { libc::ptrace(request, tid as libc::pid_t, none, libc::c_long::from(data)) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What `tid`, traced by the calling thread, has done since the last call; `None` when nothing. With `exits` its
/// end is collected too, which must be left to the parent when that is us.
pub(crate) fn wait(tid: u32, exits: bool) -> io::Result<Option<Event>> {
    let options = libc::WSTOPPED | libc::WNOHANG | libc::__WALL | if exits { libc::WEXITED } else { 0 };
    // SAFETY: `siginfo_t` is plain data for which all zeros is a value.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is ours, and the kernel fills nothing else.
    if unsafe { libc::waitid(libc::P_PID, tid, &mut info, options) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: waitid fills the child's half of the union, or nothing, and zeros are valid for both fields.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let stopped = matches!(info.si_code, libc::CLD_TRAPPED | libc::CLD_STOPPED);
    Ok(match (status >> 8, status & 0xff) {
        _ if pid == 0 => None,
        _ if !stopped => Some(Event::Gone),
        (libc::PTRACE_EVENT_STOP, libc::SIGTRAP) => Some(Event::Stopped),
        (libc::PTRACE_EVENT_STOP, _) => Some(Event::Halted),
        (libc::PTRACE_EVENT_CLONE | libc::PTRACE_EVENT_FORK, _) => Some(Event::Cloned),
        (_, trace::CALL) => Some(Event::Call),
        _ if info.si_code == libc::CLD_STOPPED => Some(Event::Halted),
        (_, signal) => Some(Event::Signal(signal & 0x7f)),
    })
}

/// The next entries of an open directory, as `getdents64` gives them; 0 after the last.
pub(crate) fn entries(directory: &File, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `buffer.len()` bytes into `buffer`, which is exclusively borrowed.
    let read = unsafe { libc::syscall(libc::SYS_getdents64, directory.as_raw_fd(), buffer.as_mut_ptr(), buffer.len()) };
    usize::try_from(read).map_err(|_| io::Error::last_os_error())
}

/// What [`scan_pages`] looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Pages that are in memory or in swap.
    Present,
    /// Of these, the ones that the process has written itself (not the mapped file's own).
    Written,
    /// Of those, the ones in memory.
    Resident,
}

/// A run of pages, as the kernel's `struct page_region`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PageRun {
    pub start: u64,
    pub end: u64,
    categories: u64,
}

/// The kernel's `struct pm_scan_arg` (include/uapi/linux/fs.h).
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;
const IS_FILE: u64 = 1 << 2;
const IS_PRESENT: u64 = 1 << 3;
const IS_SWAPPED: u64 = 1 << 4;
const IS_ZERO_PAGE: u64 = 1 << 5;

/// Asks `/proc/PID/pagemap` for the wanted pages between `start` and `end` without touching them: the number of
/// runs put into `runs`, and where the walk ended. Linux 6.7 and later. Cost: that of the present pages; holes
/// are skipped by whole page tables.
pub(crate) fn scan_pages(
    pagemap: &File,
    start: u64,
    end: u64,
    want: Want,
    runs: &mut [PageRun],
) -> io::Result<(usize, u64)> {
    let without = IS_ZERO_PAGE | if want == Want::Present { 0 } else { IS_FILE };
    let with = IS_PRESENT | if want == Want::Resident { 0 } else { IS_SWAPPED };
    let mut arguments = ScanArguments {
        size: size_of::<ScanArguments>() as u64,
        start,
        end,
        vec: runs.as_mut_ptr() as u64,
        vec_len: runs.len() as u64,
        category_inverted: without,
        category_mask: without,
        category_anyof_mask: with,
        ..Default::default()
    };
    // SAFETY: the kernel reads and writes `arguments`, whose size it is told, and at most `vec_len` elements of
    // `runs`, which is exclusively borrowed; `PageRun` is plain data with the kernel's layout.
    let found = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &mut arguments) };
    let found = usize::try_from(found).map_err(|_| io::Error::last_os_error())?;
    Ok((found.min(runs.len()), arguments.walk_end))
}

/// The effective user of this process.
pub(crate) fn own_uid() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// Lets process `pid` and its descendants read this one where Yama would allow it to our ancestors only.
pub(crate) fn allow_reader(pid: u32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_SET_PTRACER, libc::c_ulong::from(pid)) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Bytes of a page.
pub(crate) fn page_bytes() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| configured(libc::_SC_PAGESIZE).unwrap_or(PAGE))
}

/// The unit of `/proc/PID/stat`'s times.
pub(crate) fn ticks_a_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| configured(libc::_SC_CLK_TCK).unwrap_or(100))
}

fn configured(name: libc::c_int) -> Option<u64> {
    // SAFETY: takes a number, gives a number.
    let value = unsafe { libc::sysconf(name) };
    u64::try_from(value).ok().filter(|&value| value > 0)
}

/// The largest RSS that one of the children of this process had that have ended and were waited for, and of theirs; bytes.
pub(crate) fn largest_child_bytes() -> u64 {
    // SAFETY: a struct of numbers, for which zeros are values.
    let mut usage: libc::rusage = unsafe { mem::zeroed() };
    // SAFETY: the kernel fills `usage`, which is ours; it cannot fail for this constant.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    u64::try_from(usage.ru_maxrss).unwrap_or(0).saturating_mul(1024)
}

/// A clock in nanoseconds.
pub(crate) fn clock(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel fills `time`, which is ours; for a clock that it does not know it stays 0.
    unsafe { libc::clock_gettime(clock, &mut time) };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(time.tv_nsec).unwrap_or(0))
}

/// Opens a directory for nothing but to open files below it.
pub(crate) fn open_directory(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY).open(path)
}

/// Opens the file `name` in `directory` for reading.
pub(crate) fn open_below(directory: &File, name: &CStr) -> io::Result<File> {
    // SAFETY: `name` ends with a zero; the descriptor is open as long as `directory` is borrowed.
    let opened = unsafe { libc::openat(directory.as_raw_fd(), name.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
    if opened < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just given us this descriptor, nobody else has it.
    Ok(unsafe { File::from_raw_fd(opened) })
}

fn file_limits() -> Option<libc::rlimit> {
    let mut limits = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel fills `limits`, which is ours.
    let done = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limits) };
    (done == 0).then_some(limits)
}

/// How many files this process may have open.
pub(crate) fn file_limit() -> u64 {
    file_limits().map_or(256, |limits| limits.rlim_cur)
}

/// A second descriptor of an open file, with a number of at least `least`, which programs started from here do not get.
pub(crate) fn duplicate_above(file: &File, least: i32) -> io::Result<File> {
    // SAFETY: takes numbers only.
    let descriptor = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Raises it as far as we may.
pub(crate) fn raise_file_limit() -> io::Result<()> {
    let Some(limits) = file_limits() else { return Err(io::Error::last_os_error()) };
    let raised = libc::rlimit { rlim_cur: limits.rlim_max, ..limits };
    // SAFETY: the kernel reads `raised` and keeps nothing of it.
    let done = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A function of the C library that not every version has.
fn symbol(name: &CStr) -> Option<NonNull<libc::c_void>> {
    // SAFETY: `name` ends with a zero; looking up a name changes nothing.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

/// Bytes that `malloc` has handed out, of arenas and as mappings; `None`: not glibc.
pub(crate) fn heap_info() -> Option<(u64, u64)> {
    /// glibc's `struct mallinfo2` (malloc.h), and `struct mallinfo` with another integer.
    #[repr(C)]
    struct Mallinfo<T> {
        _before: [T; 4],
        mapped: T,
        _between: [T; 2],
        used: T,
        _after: [T; 2],
    }
    if let Some(found) = symbol(c"mallinfo2") {
        // SAFETY: since glibc 2.33 `mallinfo2` takes nothing and returns a struct of ten `size_t`.
        let call = unsafe { mem::transmute::<NonNull<libc::c_void>, extern "C" fn() -> Mallinfo<usize>>(found) };
        let info = call();
        return Some((info.used as u64, info.mapped as u64));
    }
    let found = symbol(c"mallinfo")?;
    // SAFETY: in every glibc `mallinfo` takes nothing and returns a struct of ten `int`.
    let call = unsafe { mem::transmute::<NonNull<libc::c_void>, extern "C" fn() -> Mallinfo<u32>>(found) };
    let info = call();
    Some((u64::from(info.used), u64::from(info.mapped)))
}

/// Gives unused memory of `malloc` back; whether there was any. `None`: not glibc.
pub(crate) fn heap_trim() -> Option<bool> {
    let found = symbol(c"malloc_trim")?;
    // SAFETY: in every glibc `malloc_trim` takes a `size_t` and returns an `int`.
    let call = unsafe { mem::transmute::<NonNull<libc::c_void>, extern "C" fn(usize) -> libc::c_int>(found) };
    Some(call(0) != 0)
}
