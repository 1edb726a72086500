//! Everything at one glance.

use memsight_model::{Ended, ObjectFlags};
use serde::Serialize;

use crate::Analysis;
use crate::rss::RssGroup;
use crate::views::{Header, Suspect, TypeRow, TypesView};

/// `memsight heap PID`: everything at one glance.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Overview {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Resident set size.
    pub rss_bytes: u64,
    /// Virtual size.
    pub vms_bytes: u64,
    /// How long the target stood still.
    pub pause_ns: u64,
    /// Why it was not read in the way that costs least, where that was wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
    /// The whole look, analysis included.
    pub total_ns: u64,
    /// Moments tried until one was good.
    pub attempts: u32,
    /// A thread held the GIL in the pause.
    pub gil_held: bool,
    /// Python objects.
    pub objects: u64,
    /// References between them.
    pub references: u64,
    /// Of them tracked by the garbage collector.
    pub tracked: u64,
    /// Interpreters.
    pub interpreters: u32,
    /// Python threads.
    pub threads: u64,
    /// Sum of shallow sizes.
    pub shallow_bytes: u64,
    /// Sum of external sizes.
    pub external_bytes: u64,
    /// Sum of native sizes.
    pub native_bytes: u64,
    /// Of these three, the bytes in private memory.
    pub resident_bytes: u64,
    /// Distinct types.
    pub type_count: u64,
    /// Top types by retained size.
    pub types: Vec<TypeRow>,
    /// Suspects, empty when there is none.
    pub suspects: Vec<Suspect>,
    /// What a core file says of its process; absent where a process was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub core: Option<CoreFile>,
    /// RSS by what it is made of, six sorts; empty where it was not looked at. `rss` has every line.
    pub memory: Vec<RssGroup>,
}

/// The process that a core file is of, and how much of its memory the file holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CoreFile {
    /// Its program and arguments, the first 80 bytes of them.
    pub command: String,
    /// The signal that ended it; 0 when it ran on, as after gcore.
    pub signal: u32,
    /// Its threads of the operating system.
    pub os_threads: u32,
    /// Bytes of its memory that the core holds, holes left out. What the core lacks and why is in `partial`.
    pub dumped_bytes: u64,
    /// Bytes that it had mapped: files, and addresses that were never touched, included.
    pub mapped_bytes: u64,
}

impl Analysis<'_> {
    /// Everything at one glance: sizes, top types by retained size, suspects.
    pub fn overview(&self, top: usize) -> Overview {
        let manifest = &self.snapshot.manifest;
        let (types, suspects, memory) = std::thread::scope(|scope| {
            let types = scope.spawn(|| {
                // what suspects are described with, while they are looked for
                self.graph.paths(self.snapshot);
                self.types_alone(top)
            });
            let suspects = self.find_suspects(top);
            let memory = self.snapshot.residence.as_ref().map(|_| self.rss(1).groups());
            (types.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), suspects, memory)
        });
        let TypesView {
            header,
            objects,
            shallow_bytes,
            external_bytes,
            native_bytes,
            resident_bytes,
            type_count,
            types,
            code: _,
        } = types;
        Overview {
            header,
            rss_bytes: manifest.rss_bytes,
            vms_bytes: manifest.vms_bytes,
            pause_ns: manifest.pause_ns,
            mode_reason: manifest.mode_reason.clone(),
            total_ns: manifest.total_ns,
            attempts: manifest.attempts,
            gil_held: manifest.gil_held,
            objects,
            references: self.snapshot.references.len() as u64,
            tracked: self.snapshot.objects.flags.iter().filter(|flags| flags.has(ObjectFlags::TRACKED)).count() as u64,
            interpreters: manifest.interpreters,
            threads: self.snapshot.threads.len() as u64,
            shallow_bytes,
            external_bytes,
            native_bytes,
            resident_bytes,
            type_count,
            types,
            suspects,
            core: manifest.ended.as_ref().map(|ended| core_file(ended, manifest.vms_bytes)),
            memory: memory.unwrap_or_default(),
        }
    }
}

fn core_file(ended: &Ended, mapped_bytes: u64) -> CoreFile {
    CoreFile {
        command: ended.command.clone(),
        signal: ended.signal,
        os_threads: ended.os_threads,
        dumped_bytes: ended.dumped_bytes,
        mapped_bytes,
    }
}
