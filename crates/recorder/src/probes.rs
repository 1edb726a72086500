//! Probes that profilers of the machine may put their own code at: `otel_memory:alloc(block, bytes, weight)` for each allocation of
//! the sample, `otel_memory:free(block)` when such a one is given back, as OpenTelemetry's eBPF profiler reads them
//! (open-telemetry/opentelemetry-ebpf-profiler, design-docs/00003-memory-profiling). Each is an instruction that does nothing, and
//! a note in the library's file that says where it is and in which registers the arguments are (the format of SystemTap's
//! `sys/sdt.h`). Where everything is recorded there is no sample, and so no probe.

use core::arch::asm;

use crate::{sampling, wire};

/// An instruction that does nothing, with its note. The values of registers are those of `sys/sdt.h`: `SIZE@REGISTER`.
macro_rules! probe {
    ($name:literal, $arguments:literal, $($register:tt = $value:expr),*) => {
        asm!(
            "990: nop",
            ".pushsection .note.stapsdt,\"\",\"note\"",
            ".balign 4",
            ".4byte 992f-991f, 994f-993f, 3",
            "991: .asciz \"stapsdt\"",
            "992: .balign 4",
            "993: .8byte 990b",
            ".8byte memsight_recorder_probes",
            // no counter of who is there: what a probe costs is nothing beside a sample
            ".8byte 0",
            ".asciz \"otel_memory\"",
            concat!(".asciz \"", $name, "\""),
            concat!(".asciz \"", $arguments, "\""),
            "994: .balign 4",
            ".popsection",
            $(in($register) $value,)*
            options(nostack, preserves_flags, readonly),
        )
    };
}

// By its address in the file and in memory readers see whether the file was linked anew since the notes were made.
core::arch::global_asm!(
    ".pushsection .stapsdt.base,\"aR\",@progbits",
    ".globl memsight_recorder_probes",
    ".hidden memsight_recorder_probes",
    "memsight_recorder_probes: .space 1",
    ".size memsight_recorder_probes,1",
    ".popsection",
);

/// An allocation of the sample. It stands for as many bytes as its own, divided by the chance that it had.
#[inline(never)]
pub fn alloc(block: usize, bytes: usize) {
    let weight = (bytes as f64 / wire::chance(bytes as u64, sampling::mean())) as u64;
    // SAFETY: an instruction that does nothing.
    unsafe { probe!("alloc", "8@%rdi 8@%rsi 8@%rdx", "rdi" = block, "rsi" = bytes, "rdx" = weight) }
}

/// One is given back.
#[inline(never)]
pub fn free(block: usize) {
    // SAFETY: an instruction that does nothing.
    unsafe { probe!("free", "8@%rdi", "rdi" = block) }
}
