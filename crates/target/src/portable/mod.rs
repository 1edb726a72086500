//! The names of this crate on systems other than Linux, so that the rest of the house compiles there. What the
//! `sysinfo` crate knows is in [`figures`]; no memory is read, so that the types of it can never be made.
//!
//! On Linux it compiles too, with `--cfg memsight_portable`, so that it does not rot where nobody builds for the others.

pub mod figures;

use std::alloc::{GlobalAlloc, Layout, System};
use std::marker::PhantomData;

use memsight_model::{Address, Fault, Progress, ReadMemory, Region};

use crate::diagnosis::{Check, Diagnosis, Subject, Verdict};
use crate::error::TargetError;
use crate::usage::Usage;

/// Of what there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Never {}

/// A call that this system does not have.
fn absent<T>(what: &'static str) -> Result<T, TargetError> {
    Err(TargetError::NotOnThisPlatform { what })
}

/// The allocator of the system, under the name of ours.
#[derive(Debug, Clone, Copy)]
pub struct LargePages;

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for LargePages {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }
}

/// Not known here.
pub fn stdout_was_closed() -> bool {
    false
}

/// Nothing to do: nothing can read us.
pub fn allow_reader(_pid: u32) {}

/// One check, which fails: memory is not read here.
pub fn diagnose(pid: u32) -> Diagnosis {
    let detail = "reading the memory of a process is only on Linux".to_owned();
    let checks = vec![Check { subject: Subject::Memory, verdict: Verdict::Bad, detail, command: None }];
    Diagnosis { pid, readable: false, denial: None, command: None, checks }
}

/// A process whose memory is read: never made.
#[derive(Debug)]
pub struct Process(Never);

#[allow(missing_docs, reason = "the names are those of Linux, and none can be called")]
impl Process {
    /// [`TargetError::NotOnThisPlatform`].
    pub fn open(_pid: u32) -> Result<Process, TargetError> {
        absent("the memory of a process")
    }

    pub fn pid(&self) -> u32 {
        match self.0 {}
    }

    pub fn check_alive(&self) -> Result<(), TargetError> {
        match self.0 {}
    }

    pub fn check_access(&self) -> Result<(), TargetError> {
        match self.0 {}
    }

    pub fn maps(&self) -> Result<Vec<Region>, TargetError> {
        match self.0 {}
    }

    pub fn memory(&self) -> LiveMemory {
        match self.0 {}
    }

    pub fn pinned_memory(&self) -> Result<PinnedMemory, TargetError> {
        match self.0 {}
    }

    pub fn file(&self, _region: &Region) -> Option<Vec<u8>> {
        match self.0 {}
    }

    pub fn command(&self) -> Vec<String> {
        match self.0 {}
    }

    pub fn private_bytes(&self) -> Result<u64, TargetError> {
        match self.0 {}
    }

    pub fn usage(&self) -> Result<Usage, TargetError> {
        match self.0 {}
    }

    pub fn stamp(&self) -> Option<memsight_model::ProcessStamp> {
        match self.0 {}
    }

    pub fn residence(&self) -> Result<memsight_model::Residence, TargetError> {
        match self.0 {}
    }

    pub fn resident_mappings(&self) -> Result<Vec<memsight_model::ResidentMapping>, TargetError> {
        match self.0 {}
    }

    pub fn stack_pointers(&self) -> Result<Vec<u64>, TargetError> {
        match self.0 {}
    }

    pub fn prepare(&self) -> Result<(), TargetError> {
        match self.0 {}
    }

    pub fn freeze(&self) -> Result<Frozen<'_>, TargetError> {
        match self.0 {}
    }

    pub fn fork(&self) -> Result<crate::Fork<'_>, TargetError> {
        match self.0 {}
    }

    pub fn probe(&self, _region: &Region, _sites: &[ProbeSite]) -> Result<Uprobes, TargetError> {
        match self.0 {}
    }

    pub fn capture_live(&self, _progress: &dyn Progress) -> Result<Image, TargetError> {
        match self.0 {}
    }
}

/// A stopped process: never made.
#[derive(Debug)]
pub struct Frozen<'p>(Never, PhantomData<&'p ()>);

#[allow(missing_docs, reason = "the names are those of Linux, and none can be called")]
impl Frozen<'_> {
    pub fn memory(&self) -> LiveMemory {
        match self.0 {}
    }

    pub fn capture(&self, _progress: &dyn Progress) -> Result<Image, TargetError> {
        match self.0 {}
    }

    pub fn resume(self) -> u64 {
        match self.0 {}
    }
}

/// The memory of a running process: never made.
#[derive(Debug, Clone)]
pub struct LiveMemory(Never);

/// The same through one open file: never made.
#[derive(Debug, Clone)]
pub struct PinnedMemory(Never);

/// A copy of memory: never made.
#[derive(Debug)]
pub struct Image(Never);

#[allow(missing_docs, reason = "the names are those of Linux, and none can be called")]
impl Image {
    pub fn regions(&self) -> &[Region] {
        match self.0 {}
    }

    pub fn stored_bytes(&self) -> u64 {
        match self.0 {}
    }

    pub fn copied_bytes(&self) -> u64 {
        match self.0 {}
    }

    pub fn unreadable_pages(&self) -> u64 {
        match self.0 {}
    }
}

/// An instruction to probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeSite {
    /// Its offset in the file.
    pub offset: u64,
    /// Offset of its semaphore in the file; 0 for none.
    pub semaphore: u64,
}

/// Probes in a process: never made.
#[derive(Debug)]
pub struct Uprobes(Never);

#[allow(missing_docs, reason = "the names are those of Linux, and none can be called")]
impl Uprobes {
    pub fn refresh(&mut self) -> Result<(), TargetError> {
        match self.0 {}
    }

    pub fn drain(&mut self) -> Vec<Hit> {
        match self.0 {}
    }

    pub fn lost(&self) -> u64 {
        match self.0 {}
    }
}

/// A thread came to a probed instruction: never made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Number of the site.
    pub site: usize,
    /// The thread.
    pub tid: u32,
    /// When.
    pub at_ns: u64,
    never: Never,
}

#[allow(missing_docs, reason = "the names are those of Linux, and none can be called")]
impl Hit {
    pub fn register(&self, _name: &str) -> Option<u64> {
        match self.never {}
    }

    pub fn stack(&self, _at: u64, _len: usize) -> Option<&[u8]> {
        match self.never {}
    }
}

impl ReadMemory for LiveMemory {
    fn read(&self, _at: Address, _out: &mut [u8]) -> Result<(), Fault> {
        match self.0 {}
    }
}

impl ReadMemory for PinnedMemory {
    fn read(&self, _at: Address, _out: &mut [u8]) -> Result<(), Fault> {
        match self.0 {}
    }
}

impl ReadMemory for Image {
    fn read(&self, _at: Address, _out: &mut [u8]) -> Result<(), Fault> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use memsight_model::Explain;

    use super::*;

    #[test]
    fn memory_is_a_typed_error() {
        let error = Process::open(std::process::id()).map(drop).expect_err("not here");
        assert_eq!(error.code(), "MS-E029");
        assert!(!diagnose(1).readable);
    }
}
