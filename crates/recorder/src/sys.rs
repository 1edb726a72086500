//! The few system calls that are made inside the program: when recording starts, and once for each thread. None is made for an
//! event. They are made directly, since the C library's names have versions that an older one lacks.

use core::arch::asm;

const MMAP: usize = 9;
const MUNMAP: usize = 11;
const OPEN: usize = 2;
const CLOSE: usize = 3;
const GETPID: usize = 39;
const GETTID: usize = 186;
const CLOCK_GETTIME: usize = 228;
const NANOSLEEP: usize = 35;
const MPROTECT: usize = 10;
const PROCESS_VM_WRITEV: usize = 311;

const PAGE: usize = 4096;
const READ: usize = 1;
const READ_WRITE: usize = 3;
const SHARED: usize = 1;
const PRIVATE_ANONYMOUS: usize = 0x22;
const O_RDWR_CLOEXEC: usize = 0o2 | 0o2_000_000;

/// A system call. Its result, or an error below zero.
///
/// # Safety
/// The call with these arguments must not harm memory that others rely on.
unsafe fn call(number: usize, a: [usize; 6]) -> isize {
    let result;
    // SAFETY: the instruction changes rcx and r11 besides its result; what it does to memory is the caller's to know.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

fn is_error(result: isize) -> bool {
    (-4095..0).contains(&result)
}

/// Fresh memory of zeros, which is taken from the machine as it is touched.
pub fn fresh(bytes: usize) -> Option<*mut u8> {
    // SAFETY: a new mapping at a place that the kernel chooses.
    let result = unsafe { call(MMAP, [0, bytes, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0]) };
    (!is_error(result)).then_some(result as *mut u8)
}

/// Gives back what [`fresh`] gave.
///
/// # Safety
/// `at` and `bytes` are those of a mapping of ours that nobody uses any more.
pub unsafe fn give_back(at: *mut u8, bytes: usize) {
    // SAFETY: the mapping is ours, and unused.
    unsafe { call(MUNMAP, [at as usize, bytes, 0, 0, 0, 0]) };
}

/// Maps the first `bytes` of the file at `path` (ends with a zero), to be read and written by all who do.
pub fn share(path: &[u8], bytes: usize) -> Option<*mut u8> {
    debug_assert_eq!(path.last(), Some(&0));
    // SAFETY: `path` ends with a zero; the file that is opened is closed again at once.
    let file = unsafe { call(OPEN, [path.as_ptr() as usize, O_RDWR_CLOEXEC, 0, 0, 0, 0]) };
    if is_error(file) {
        return None;
    }
    // SAFETY: a new mapping at a place that the kernel chooses.
    let result = unsafe { call(MMAP, [0, bytes, READ_WRITE, SHARED, file as usize, 0]) };
    // SAFETY: the file is ours.
    unsafe { call(CLOSE, [file as usize, 0, 0, 0, 0, 0]) };
    (!is_error(result)).then_some(result as *mut u8)
}

/// Has the page of `address` written to, or read only.
///
/// # Safety
/// Whoever writes to it bears that.
pub unsafe fn protect(address: usize, writable: bool) -> bool {
    let how = if writable { READ_WRITE } else { READ };
    // SAFETY: the caller has seen to it.
    !is_error(unsafe { call(MPROTECT, [address & !(PAGE - 1), PAGE, how, 0, 0, 0]) })
}

/// Whether this process may write to the word at `address`: it writes what is there.
///
/// # Safety
/// The address is that of a word of this process, which nobody changes now.
pub unsafe fn is_writable(address: usize) -> bool {
    let word = [address, size_of::<usize>()];
    let place = word.as_ptr() as usize;
    // SAFETY: from the word to the word, in this process.
    let written = unsafe { call(PROCESS_VM_WRITEV, [process() as usize, place, 1, place, 1, 0]) };
    written == size_of::<usize>() as isize
}

/// The id of this process.
pub fn process() -> u32 {
    // SAFETY: takes and changes nothing.
    (unsafe { call(GETPID, [0; 6]) }) as u32
}

/// The id of this thread.
pub fn thread() -> u32 {
    // SAFETY: takes and changes nothing.
    (unsafe { call(GETTID, [0; 6]) }) as u32
}

/// Sleeps for so many nanoseconds, less than a second, or until a signal comes.
pub fn nap(nanoseconds: u64) {
    let time = [0_u64, nanoseconds];
    // SAFETY: reads `time`, which lives until the call returns.
    unsafe { call(NANOSLEEP, [time.as_ptr() as usize, 0, 0, 0, 0, 0]) };
}

/// The monotonic clock in nanoseconds.
pub fn clock() -> u64 {
    let mut time = [0_u64; 2];
    // SAFETY: writes two words to `time`.
    unsafe { call(CLOCK_GETTIME, [1, time.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    time[0].wrapping_mul(1_000_000_000).wrapping_add(time[1])
}

/// The processor's time stamp. It may be older than what was done just before, and is not newer than what is stored after it.
#[inline]
pub fn stamp() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The processor's time stamp, newer than all that was loaded before: than the lock under which a block was got (Intel SDM 2B,
/// RDTSC, has the fence).
#[inline]
pub fn stamp_after() -> u64 {
    // SAFETY: every x86-64 processor has the instruction.
    unsafe { core::arch::x86_64::_mm_lfence() };
    stamp()
}
