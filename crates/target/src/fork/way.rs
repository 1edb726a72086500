//! The way back of a thread that makes a call for us: what it does by itself when nobody is left to lead it.
//!
//! Below its stack pointer, where the kernel itself writes whenever a signal is handled, lie three frames such as that of
//! a handler of a signal. The thread makes its call with its stack pointer at one of them, by an instruction that is
//! followed by a return: like the handler it returns into `sigreturn`, and the kernel gives it what the frame holds:
//!
//! ```text
//! clone ──ret──> sigreturn: COLLECT ──> wait4(the copy) ──ret──> sigreturn: BACK ──> where it was, as it was
//!   └ the copy: ──ret──> sigreturn: LEAVE ──> exit_group(0)
//! wait4 ──ret──> sigreturn: BACK
//! ```
//!
//! As long as the guard lives, none of this happens: it stops the thread at the end of its call and puts the registers
//! back, so that the kernel takes up what the thread was waiting for. A frame cannot say that; with it, an interrupted
//! call is made again, but one that the kernel would go on with (`nanosleep`, `poll` with a limit) returns EINTR.

use std::ops::Range;

use crate::sys::trace::{self, MOST_STATE, Registers};

use super::inject::Call;

/// Words of a frame: where it returns to, and a `struct ucontext` (arch/x86/include/uapi/asm/{ucontext,sigcontext}.h).
const FRAME: usize = 40;
/// The frames, lowest first: a signal that is handled meanwhile writes below the one in use.
const COLLECT: usize = 0;
const BACK: usize = 1;
const LEAVE: usize = 2;
/// The first word of what the floating-point unit holds, which all three share.
const STATE: usize = 3 * FRAME;
const MOST: usize = STATE + MOST_STATE;

/// Bytes below the stack pointer that belong to the running function (the ABI's red zone).
const RED_ZONE: u64 = 128;
/// What XRSTOR wants.
const ALIGNMENT: u64 = 64;
/// `UC_FP_XSTATE`, `UC_SIGCONTEXT_SS`, `UC_STRICT_RESTORE_SS`: everything is as the frame says.
const ALL: u64 = 7;
/// No mode of an alternative stack for signals: the kernel then leaves that of the thread.
const NO_CHANGE: u64 = 4;
/// The word of `di` in a frame, where `clone` puts the child's id as the first argument of the `wait4`.
const DI: usize = 14;
/// The id of no child, if there is none.
const NOBODY: u64 = i32::MAX as u64;

/// Words of an XSAVE area: the fields that tell `sigreturn` what it is, and which components are not in their initial
/// state (`struct _fpx_sw_bytes`, `struct xregs_state`).
const SOFTWARE: usize = 58;
const IN_USE: usize = 64;
/// The bytes of its oldest part and its header.
const LEGACY: u32 = 576;
/// `FP_XSTATE_MAGIC1`, `FP_XSTATE_MAGIC2`.
const MAGIC: [u64; 2] = [0x4650_5853, 0x4650_5845];
/// The component that the kernel keeps elsewhere, and says the truth about even if it is not marked: protection keys.
const KEYS: u64 = 1 << 9;

/// Where things are in a process.
#[derive(Debug)]
pub(super) struct Site {
    /// An instruction `syscall` that is followed by a return.
    pub call: u64,
    /// What a handler of a signal returns to.
    pub sigreturn: u64,
    /// Writable private memory; the stack of the first thread is known by its name.
    pub stacks: Vec<(Range<u64>, bool)>,
    /// Where each component of an XSAVE area ends.
    pub ends: [u32; 64],
}

/// The way back of one thread, ready to be written.
pub(super) struct Way {
    at: u64,
    words: [u64; MOST],
    len: usize,
}

impl Way {
    /// That of `tid`, which stands still with `registers` and `mask`; `None` when its state or its stack is not to be
    /// known.
    pub fn back(tid: u32, registers: &Registers, mask: u64, site: &Site) -> Option<Way> {
        let mut way = Way { at: 0, words: [0; MOST], len: 0 };
        let state = way.words.get_mut(STATE..)?;
        let whole = trace::extended_state(tid, state).ok()?;
        let used = describe(state, whole, &site.ends)?;
        way.len = STATE + used;
        let below = registers.rsp.checked_sub(RED_ZONE)?.checked_sub(8 * way.len as u64)?;
        way.at = below - below % ALIGNMENT;
        if !site.is_stack(way.at..registers.rsp, registers.fs_base) {
            return None;
        }
        let call = |number: i64, rdi| Registers {
            rip: site.call,
            rsp: way.frame(BACK),
            rax: number.cast_unsigned(),
            rdi,
            rsi: 0,
            rdx: libc::__WALL as u64,
            r10: 0,
            ..*registers
        };
        let (collect, leave) = (call(libc::SYS_wait4, NOBODY), call(libc::SYS_exit_group, 0));
        way.put(COLLECT, site, &collect, u64::MAX);
        way.put(BACK, site, &resumed(registers), mask);
        way.put(LEAVE, site, &leave, u64::MAX);
        Some(way)
    }

    /// Bytes that a text may have which a function is called with, its zero included.
    pub const TEXT: usize = 8 * FRAME;

    /// The lowest address of it: what is called has its own frames below.
    pub fn lowest(&self) -> u64 {
        self.at
    }

    /// The registers for a call of `function` with a text and a number, from those of the thread: it returns to an instruction
    /// that returns, into `sigreturn`. So the stack is aligned as the ABI has it at the entry of a function: the frames themselves
    /// are for a system call.
    pub fn visit(&mut self, site: &Site, before: &Registers, (function, number): (u64, u64), text: &[u8]) -> Registers {
        /// `TF`, `DF`: no single steps, and strings go up.
        const FLAGS: u64 = 1 << 8 | 1 << 10;
        // behind `syscall`
        let back = site.call.wrapping_add(2);
        if let Some(last) = self.words.get_mut(BACK * FRAME - 1) {
            *last = back;
        }
        let place = self.words.get_mut(LEAVE * FRAME..(LEAVE + 1) * FRAME).unwrap_or_default();
        place.fill(0);
        for (word, bytes) in
            place.iter_mut().zip(text.get(..text.len().min(Way::TEXT - 1)).unwrap_or_default().chunks(8))
        {
            let mut eight = [0; 8];
            eight.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            *word = u64::from_le_bytes(eight);
        }
        let rsp = self.frame(BACK).wrapping_sub(8);
        let eflags = before.eflags & !FLAGS;
        let rdi = self.frame(LEAVE);
        Registers { rip: function, rsp, rax: 0, orig_rax: u64::MAX, rdi, rsi: number, eflags, ..*before }
    }

    /// Writes it where it belongs.
    pub fn lay(&self, tid: u32) -> std::io::Result<()> {
        trace::write(tid, self.at, self.words.get(..self.len).unwrap_or_default())
    }

    /// The registers for `call`, from those of the thread.
    pub fn registers(&self, call: Call, site: &Site, before: &Registers) -> Registers {
        /// The number of no system call: the kernel then has nothing to take up again.
        const NO_CALL: u64 = u64::MAX;
        let (rsp, [rdi, rsi, rdx]) = match call {
            Call::Clone => {
                // the files are shared, the child's id is noted, and no signal comes at its end
                let flags = (libc::CLONE_FILES | libc::CLONE_PARENT_SETTID) as u64;
                (self.frame(COLLECT), [flags, self.frame(LEAVE), self.frame(COLLECT) + 8 * DI as u64])
            }
            Call::Wait { child } => {
                (self.frame(BACK), [child.cast_unsigned(), 0, (libc::__WALL | libc::WNOHANG) as u64])
            }
        };
        let rax = call.number().cast_unsigned();
        Registers { rip: site.call, rsp, rax, orig_rax: NO_CALL, rdi, rsi, rdx, r10: 0, r8: 0, r9: 0, ..*before }
    }

    fn frame(&self, which: usize) -> u64 {
        self.at + 8 * (which * FRAME) as u64
    }

    fn put(&mut self, which: usize, site: &Site, r: &Registers, mask: u64) {
        let state = self.at + 8 * STATE as u64;
        let selectors = r.cs & 0xffff | (r.ss & 0xffff) << 48;
        #[rustfmt::skip]
        let frame: [u64; FRAME] = [
            site.sigreturn, ALL, 0, /* alternative stack */ 0, NO_CHANGE, 0,
            r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax, r.rcx, r.rsp,
            r.rip, r.eflags, selectors, 0, 0, 0, 0, state, 0, 0, 0, 0, 0, 0, 0, 0, mask, 0,
        ];
        if let Some(place) = self.words.get_mut(which * FRAME..(which + 1) * FRAME) {
            place.copy_from_slice(&frame);
        }
    }
}

impl Site {
    /// Where the memory ends that a stack pointer is in.
    pub fn end_of_stack(&self, at: u64) -> Option<u64> {
        self.stacks.iter().find(|(stack, _)| stack.contains(&at)).map(|(stack, _)| stack.end)
    }

    /// Whether a thread's stack goes on for so many bytes below `at`. That of the first thread grows as it is used.
    pub fn has_room(&self, at: u64, bytes: u64, thread: u64) -> bool {
        let first = self.stacks.iter().any(|(stack, first)| *first && stack.contains(&at));
        first || self.is_stack(at.saturating_sub(bytes)..at, thread)
    }

    /// Whether `range` is free room on a thread's own stack: that of the first thread, or one at whose top the C library
    /// keeps what it knows of the thread. A stack that is somewhere else, of a coroutine say, may be short, with other
    /// data below it.
    fn is_stack(&self, range: Range<u64>, thread: u64) -> bool {
        self.stacks.iter().any(|(stack, first)| {
            let within = stack.start <= range.start && range.end <= stack.end;
            within && (*first || (range.end < thread && stack.contains(&thread)))
        })
    }
}

/// Makes an XSAVE area from `whole` words of ptrace(2)'s, which have nothing for `sigreturn`; the words to be kept.
fn describe(state: &mut [u64], whole: usize, ends: &[u32; 64]) -> Option<usize> {
    let supported = *state.get(SOFTWARE)?;
    let in_use = *state.get(IN_USE)? | supported & KEYS;
    let component = |(place, &end): (usize, &u32)| if in_use >> place & 1 == 1 { end } else { 0 };
    let end = ends.iter().enumerate().skip(2).map(component).max()?.max(LEGACY);
    let words = end.div_ceil(8) as usize;
    let bytes = 8 * words as u64;
    *state.get_mut(IN_USE)? = in_use;
    let [first, last] = MAGIC;
    let about = [first | (bytes + 4) << 32, supported, bytes, 0, 0, 0];
    state.get_mut(SOFTWARE..SOFTWARE + about.len())?.copy_from_slice(&about);
    *state.get_mut(words)? = last;
    (words <= whole).then_some(words + 1)
}

/// Whether the kernel goes on with the thread's call, which a frame cannot have it do.
pub(super) fn goes_on(registers: &Registers) -> bool {
    /// `ERESTART_RESTARTBLOCK` (linux/errno.h).
    const GOES_ON: i64 = -516;
    registers.orig_rax.cast_signed() >= 0 && registers.rax.cast_signed() == GOES_ON
}

/// The registers as the kernel makes them on the way out of a stop: with an interrupted call made again.
fn resumed(before: &Registers) -> Registers {
    if goes_on(before) {
        return Registers { rax: (-i64::from(libc::EINTR)).cast_unsigned(), ..*before };
    }
    // `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`
    let again = before.orig_rax.cast_signed() >= 0 && (-514..=-512).contains(&before.rax.cast_signed());
    // the instruction has two bytes
    if again { Registers { rax: before.orig_rax, rip: before.rip.wrapping_sub(2), ..*before } } else { *before }
}

/// Where each component of an XSAVE area ends, by number (CPUID leaf 13).
pub(super) fn component_ends() -> [u32; 64] {
    const LEAF: u32 = 13;
    let mut ends = [0; 64];
    let (most, _) = std::arch::x86_64::__get_cpuid_max(0);
    if most >= LEAF {
        for (number, end) in (0..).zip(&mut ends).skip(2) {
            let about = std::arch::x86_64::__cpuid_count(LEAF, number);
            *end = about.ebx.saturating_add(about.eax);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers() -> Registers {
        // SAFETY: numbers only, for which zero is a value.
        let zero: Registers = unsafe { std::mem::zeroed() };
        Registers { rip: 0x1002, rsp: 0x7000_0000, fs_base: 0x7000_8000, rax: 3, orig_rax: u64::MAX, ..zero }
    }

    #[test]
    fn an_interrupted_call_is_made_again() {
        let waiting = |rax: i64, orig_rax| Registers { rax: rax.cast_unsigned(), orig_rax, ..registers() };
        for code in [-512, -513, -514] {
            let resumed = resumed(&waiting(code, 7));
            assert_eq!((resumed.rax, resumed.rip), (7, 0x1000));
        }
        let slept = resumed(&waiting(-516, 35));
        assert_eq!((slept.rax.cast_signed(), slept.rip), (-4, 0x1002));
        // not within a call: a number like any other
        assert_eq!(resumed(&waiting(-512, u64::MAX)).rax.cast_signed(), -512);
        assert_eq!(resumed(&waiting(12, 0)).rax, 12);
    }

    #[test]
    fn only_a_threads_own_stack_will_do() {
        let (own, heap) = (0x6fff_0000..0x7001_0000, 0x5000_0000..0x6000_0000);
        let first = 0x7ffe_0000_0000..0x7fff_0000_0000;
        let stacks = vec![(own, false), (heap, false), (first, true)];
        let site = Site { call: 0, sigreturn: 0, stacks, ends: [0; 64] };
        assert!(site.is_stack(0x6fff_f000..0x7000_0000, 0x7000_8000));
        assert!(!site.is_stack(0x6fff_f000..0x7000_9000, 0x7000_8000), "above what the library keeps");
        assert!(!site.is_stack(0x6ffe_f000..0x7000_0000, 0x7000_8000), "too low");
        assert!(!site.is_stack(0x5000_1000..0x5000_2000, 0x7000_8000), "a coroutine");
        assert!(site.is_stack(0x7ffe_1000_0000..0x7ffe_1000_1000, 0x7000_8000));
    }

    #[test]
    fn no_more_than_what_is_in_use_is_kept_of_the_state() {
        let mut ends = [0; 64];
        (ends[2], ends[7], ends[9]) = (832, 2688, 2696);
        for (supported, in_use, bytes) in [(7, 3, 576), (7, 7, 832), (0xe7, 0x83, 2688), (0x2e7, 3, 2696)] {
            let mut state = [9; MOST_STATE];
            (state[SOFTWARE], state[IN_USE]) = (supported, in_use);
            let words = describe(&mut state, 337, &ends).unwrap();
            assert_eq!(8 * (words - 1) as u64, bytes);
            assert_eq!((state[60], state[words - 1], state[words]), (bytes, 0x4650_5845, 9));
            assert_eq!(state[58] >> 32, bytes + 4);
        }
        assert!(describe(&mut [0; MOST_STATE], 20, &ends).is_none(), "the kernel gave less");
    }
}
