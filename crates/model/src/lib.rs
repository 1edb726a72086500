//! The vocabulary of memsight: what every other crate talks about.
//!
//! Nothing here does I/O or knows a version of CPython. [`ReadMemory`] is the one door to the bytes of a
//! target; [`Snapshot`] is the decoded heap in flat tables, the only thing that stages behind the decoder see.
#![forbid(unsafe_code)]

mod address;
mod blocks;
mod code;
mod contents;
mod figures;
mod finding;
mod gc;
mod hidden;
mod holders;
mod label;
mod memory;
pub mod metrics;
mod native;
mod objects;
mod progress;
mod pymalloc;
mod residence;
mod snapshot;
mod subject;
mod texts;
pub mod trace;
mod units;

pub use address::Address;
pub use blocks::Blocks;
pub use code::{CodeRecord, GeneratorRecord};
pub use contents::{Boxed, Contents, Equals, InstanceLayout, Slack, View};
pub use figures::{
    ContainerSample, MachineSample, MemoryInfo, Pressure, ProcessSample, Rollup, Sample, StatusFigures, SwapMemory,
    Timestamp, Totals, Unavailable, VirtualMemory,
};
pub use finding::{Confidence, Finding, Severity};
pub use gc::{GcEvent, GcGeneration, GcInterpreter, GcReading, PauseSource};
pub use hidden::{Escape, is_hidden, pieces, quoted, visible, visible_json};
pub use holders::{Holder, HolderKind};
pub use label::{Label, LabelKind, MAX_PAYLOAD};
pub use memory::{Fault, ReadMemory, Region, fill_by_reads};
pub use native::{NativeMemory, NativeParts, NativePlace, NativeType};
pub use objects::{AddressColumn, Counts, ExternalSizes, ObjectFlags, ObjectId, ObjectTable, ReferenceTable, Sizes};
pub use progress::{Progress, Quiet};
pub use pymalloc::{Allocator, Arena, Owned, Pin, Pool, Pymalloc};
pub use residence::{
    CAllocator, CArena, CBlocks, CHeap, CMapping, COwned, COwnedType, CPointed, OwnedBlock, PageCursor, PageRuns,
    Residence, ResidentMapping,
};
pub use snapshot::{
    Ended, FrameRecord, Manifest, Mode, NameId, Names, ObjectKind, ProcessStamp, Root, RootKind, SCHEMA_VERSION,
    Snapshot, ThreadRecord, TypeId, TypeRecord, TypeSum, is_free_threaded,
};
pub use subject::is_pid;
pub use texts::TextTable;
pub use units::{Bytes, count, duration};

/// An error that explains itself: a stable code and what to do next.
///
/// Every error enum of the workspace implements it; the text of the error is its `Display`.
pub trait Explain: std::error::Error {
    /// Stable code such as `MS-E012`, listed in `docs/reference/errors.md`.
    fn code(&self) -> &'static str;
    /// What the reader can do about it, a sentence or a command.
    fn hint(&self) -> String;
}
