//! What lives inside a program whose allocations are recorded: hooks, stacks, and a ring in memory that is shared with whoever
//! reads ([`wire`]).
//!
//! The crate is compiled in two ways. As any crate of the workspace, for its readers and tests; and by itself, with
//! `--cfg memsight_loaded`, as the library that is loaded into the program (`build.rs`, [`LIBRARY`]), which has no dependency
//! but the C library: no allocation of ours, no thread, no panic that unwinds, and no system call for an event.
//!
//! ```text
//! preload, live ──> begin ──> hooks ──> exact, sampled, family ──> behind ──> event ──> stack ──> code ──> known
//!                                                               └─────────┴─────────┴──> thread ──> ring ──> wire
//! ```
//!
//! What is recorded: every allocation and free in Python's domains of memory and objects, by hooks (`PyMem_SetAllocator`), and
//! those of the malloc family outside of them, by taking its place (`LD_PRELOAD`). Each with the stack of Python frames at that
//! moment, read from the frames themselves, as of CPython 3.8 to 3.15, release builds with the GIL, x86-64.
#![cfg_attr(not(test), no_std)]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![cfg_attr(
    not(memsight_loaded),
    allow(dead_code, reason = "most of it is called by programs that the library is loaded into")
)]

mod begin;
mod behind;
mod code;
mod elf;
mod event;
mod exact;
mod family;
mod function;
mod got;
mod hooks;
mod known;
mod layout;
mod live;
mod lock;
mod preload;
mod python;
mod read;
mod ring;
mod sampled;
mod sampling;
mod stack;
mod sys;
mod thread;
pub mod wire;
mod words;

pub use layout::{LAYOUTS, Offsets};

/// The processor's time stamp, as [`wire::Event::Time`] has it: its lowest 60 bits.
pub fn stamp() -> u64 {
    sys::stamp() & ((1 << 60) - 1)
}

/// The library that is loaded into programs: an ELF file for any glibc from 2.14 on.
#[cfg(not(memsight_loaded))]
pub const LIBRARY: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/recorder.so"));

/// Nothing here panics; where the compiler cannot see that, the program ends as by `abort`.
#[cfg(memsight_loaded)]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: an instruction that no program survives.
    unsafe { core::arch::asm!("ud2", options(noreturn)) }
}

/// What the precompiled parts of `core` name for unwinding, which there is none of.
#[cfg(memsight_loaded)]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
