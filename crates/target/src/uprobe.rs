//! Probes at instructions of one process, by the kernel's uprobes (`perf_event_open` with the PMU `uprobe`).
//!
//! The kernel puts a breakpoint over each probed instruction, in the memory of this process alone, and raises the
//! semaphore by which USDT probes are switched on. Both are undone when the last descriptor is closed, so also when we are
//! killed. Needs CAP_PERFMON or root. Source: `kernel/events/uprobes.c`, perf_event_open(2).

use std::ffi::CString;
use std::io;

use memsight_model::Region;
use perf_event::events::Software;
use perf_event::{Builder, Clock, SampleFlag, Sampler};

use crate::error::TargetError;
use crate::process::Process;
use crate::procfs;

/// Bytes of the stack that come with a hit.
const STACK: u32 = 1024;
/// Bytes for the hits of one thread at one site between two drains; a hit takes 1.3 KiB.
const BUFFER: usize = 128 << 10;
/// Threads that are probed; more would need too much memory of the kernel.
const MOST_THREADS: usize = 256;
/// The user's registers as the kernel numbers them (`asm/perf_regs.h`): all but the segments.
const REGISTERS: [(&str, u32); 16] = [
    ("rax", 0),
    ("rbx", 1),
    ("rcx", 2),
    ("rdx", 3),
    ("rsi", 4),
    ("rdi", 5),
    ("rbp", 6),
    ("rsp", 7),
    ("r8", 16),
    ("r9", 17),
    ("r10", 18),
    ("r11", 19),
    ("r12", 20),
    ("r13", 21),
    ("r14", 22),
    ("r15", 23),
];

/// An instruction to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSite {
    /// Its offset in the file.
    pub offset: u64,
    /// Offset of its semaphore in the file; 0 for none.
    pub semaphore: u64,
}

/// A thread came to a probed instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Number of the site.
    pub site: usize,
    /// The thread.
    pub tid: u32,
    /// When, in nanoseconds of `CLOCK_MONOTONIC`.
    pub at_ns: u64,
    registers: [u64; REGISTERS.len()],
    stack: Vec<u8>,
}

impl Hit {
    /// A register by its name: `rax`.
    pub fn register(&self, name: &str) -> Option<u64> {
        let at = REGISTERS.iter().position(|(known, _)| *known == name)?;
        self.registers.get(at).copied()
    }

    /// Bytes of the stack at an address, where they are among those that came along.
    pub fn stack(&self, at: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(at.checked_sub(self.register("rsp")?)?).ok()?;
        self.stack.get(from..from.checked_add(len)?)
    }
}

fn kind() -> io::Result<u32> {
    let text = std::fs::read_to_string("/sys/bus/event_source/devices/uprobe/type")?;
    text.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
}

/// Probes in one process; taken out when it is dropped.
pub struct Uprobes {
    pid: u32,
    /// Number of the PMU.
    kind: u32,
    path: CString,
    sites: Vec<ProbeSite>,
    threads: Vec<(u32, Vec<Sampler>)>,
    lost: u64,
}

impl std::fmt::Debug for Uprobes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Uprobes").field("pid", &self.pid).field("sites", &self.sites).finish_non_exhaustive()
    }
}

impl Process {
    /// Probes `sites` of the file that is mapped at `region`, in every thread of this process.
    pub fn probe(&self, region: &Region, sites: &[ProbeSite]) -> Result<Uprobes, TargetError> {
        let path = format!("/proc/{}/map_files/{:x}-{:x}", self.pid(), region.start.0, region.end.0);
        let failed = |source| TargetError::Io { pid: self.pid(), what: "probes", source };
        let path = CString::new(path).map_err(|error| failed(error.into()))?;
        let kind = kind().map_err(failed)?;
        let mut probes = Uprobes { pid: self.pid(), kind, path, sites: sites.to_vec(), threads: Vec::new(), lost: 0 };
        probes.refresh()?;
        self.check_alive()?;
        Ok(probes)
    }
}

impl Uprobes {
    /// Probes the threads that were started meanwhile, and lets go of those that ended. Cost: a read of the list of
    /// threads, and two system calls for each new one and site.
    pub fn refresh(&mut self) -> Result<(), TargetError> {
        let alive = procfs::threads(self.pid)?;
        // Hits of a thread that ended have been drained or are lost with it; few collect and end at once.
        self.threads.retain(|(tid, _)| alive.binary_search(tid).is_ok());
        for tid in alive {
            if self.threads.len() >= MOST_THREADS || self.threads.iter().any(|(known, _)| *known == tid) {
                continue;
            }
            match self.sites.iter().map(|site| self.sampler(tid, site)).collect::<io::Result<Vec<_>>>() {
                Ok(samplers) => self.threads.push((tid, samplers)),
                // It ended since it was listed.
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                Err(source) => return Err(TargetError::Io { pid: self.pid, what: "probes", source }),
            }
        }
        Ok(())
    }

    fn sampler(&self, tid: u32, site: &ProbeSite) -> io::Result<Sampler> {
        // Made over into a probe below: the crate's own `UProbe` knows no semaphore.
        let mut builder = Builder::new(Software::DUMMY);
        builder.observe_pid(tid as libc::pid_t).any_cpu();
        builder.sample(SampleFlag::TID | SampleFlag::TIME | SampleFlag::REGS_USER | SampleFlag::STACK_USER);
        builder.sample_period(1).clockid(Clock::MONOTONIC);
        let attributes = builder.attrs_mut();
        attributes.type_ = self.kind;
        // The format of the PMU: config:32-63 is the offset of the semaphore.
        attributes.config = site.semaphore << 32;
        // The kernel reads the path during `build`; it lives in `self`.
        attributes.config1 = self.path.as_ptr() as u64;
        attributes.config2 = site.offset;
        attributes.sample_regs_user = REGISTERS.iter().map(|(_, bit)| 1u64 << bit).sum();
        attributes.sample_stack_user = STACK;
        let mut counter = builder.build()?;
        counter.enable()?;
        counter.sampled(BUFFER)
    }

    /// Whether a thread is probed.
    pub fn watches(&self, tid: u32) -> bool {
        self.threads.iter().any(|(known, _)| *known == tid)
    }

    /// Takes the hits since the last call, by time. The sites of a thread are drained in the order they were given.
    pub fn drain(&mut self) -> Vec<Hit> {
        let mut hits = Vec::new();
        for (_, samplers) in &mut self.threads {
            for (site, sampler) in samplers.iter_mut().enumerate() {
                while let Some(record) = sampler.next_record() {
                    match record.parse_record() {
                        Ok(perf_event::data::Record::Sample(sample)) => hits.extend(hit(site, &sample)),
                        Ok(perf_event::data::Record::Lost(lost)) => self.lost = self.lost.saturating_add(lost.lost),
                        _ => {}
                    }
                }
            }
        }
        hits.sort_by_key(|hit| hit.at_ns);
        hits
    }

    /// Hits that found no room between two drains.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

fn hit(site: usize, sample: &perf_event::data::Sample) -> Option<Hit> {
    let values = &sample.regs_user()?.regs;
    let mut registers = [0; REGISTERS.len()];
    registers.iter_mut().zip(values.iter()).for_each(|(register, value)| *register = *value);
    let stack = sample.stack_user().unwrap_or_default().to_vec();
    Some(Hit { site, tid: sample.tid()?, at_ns: sample.time()?, registers, stack })
}
