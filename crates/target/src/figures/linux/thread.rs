//! The calling thread itself: for those who look at a process thousands of times a second.

use crate::sys;

/// The slice asked for: the kernel's least, in nanoseconds.
const SLICE_NS: u64 = 100_000;

/// Processor time of the calling thread, in nanoseconds (`CLOCK_THREAD_CPUTIME_ID`). Cost: a system call, 0.2 us.
pub fn thread_cpu_ns() -> u64 {
    sys::clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Asks for short slices of time for the calling thread (`sched_runtime` of sched_setattr(2), Linux 6.12 and later): it
/// gets a processor sooner after it woke up, and no more of it. Policy and priority stay as they are; older kernels, and
/// threads under another policy than `SCHED_OTHER`, leave it all as it was.
pub fn wake_promptly() {
    let size = size_of::<libc::sched_attr>() as u32;
    // SAFETY: a struct of numbers, for which zeros are values.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: thread 0 is the calling one; the kernel fills at most `size` bytes of `attributes`, which is ours.
    let got = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    if got != 0 || attributes.sched_policy != libc::SCHED_OTHER as u32 {
        return;
    }
    attributes.size = size;
    attributes.sched_runtime = SLICE_NS;
    // SAFETY: the kernel reads `size` bytes of `attributes`; when it refuses, nothing has changed.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_thread_keeps_its_policy_and_pays_for_what_it_does() {
        std::thread::spawn(|| {
            let before = thread_cpu_ns();
            wake_promptly();
            // SAFETY: asks for the policy of the calling thread.
            assert_eq!(unsafe { libc::sched_getscheduler(0) }, libc::SCHED_OTHER);
            assert!(thread_cpu_ns() > before);
        })
        .join()
        .expect("it ends well");
    }
}
