//! What has grown between two moments, as people and scripts see it.

use memsight_model::Mode;
use serde::Serialize;

use crate::code::Source;
use crate::rss::RssKind;
use crate::views::ObjectRef;

/// One look of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moment {
    /// Process id.
    pub pid: u32,
    /// Version of the target's Python.
    pub python: String,
    /// When, RFC 3339.
    pub created: String,
    /// How the bytes were read.
    pub mode: Mode,
    /// Reasons why something may be missing.
    pub partial: Vec<String>,
    /// Python objects.
    pub objects: u64,
    /// Shallow, external and native bytes of all objects.
    pub heap_bytes: u64,
    /// Those of them in private memory, as far as the look tells.
    pub heap_resident_bytes: u64,
    /// Resident set size.
    pub rss_bytes: u64,
}

/// By what objects of the two moments are told to be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// One process: the address, the type, and whatever else can be compared.
    Address,
    /// Two runs of a program: nothing but type and place.
    Place,
}

/// Objects and their shallow and external bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Their bytes, each byte once.
    pub bytes: u64,
}

/// How many objects came, went and stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Turnover {
    /// Not there at the first moment.
    pub new: Amount,
    /// No longer there at the last one.
    pub gone: Amount,
    /// There at both; their bytes at the last one.
    pub surviving: Amount,
}

/// What the pairs of objects rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// By what objects are told to be the same.
    pub basis: Basis,
    /// Surviving objects that their content confirms, or that never die.
    pub confirmed: u64,
    /// Surviving objects by address, type, size and holder alone.
    pub likely: u64,
    /// Values whose predecessor stood in the same place; counted as new and gone, not as surviving.
    pub replaced: u64,
    /// Addresses that another object has taken in between, as type, size, content or age tell.
    pub reused: u64,
    /// Addresses at which an object of the same type is in other hands; counted as gone and as new.
    pub moved: u64,
    /// The basis and its limits in words.
    pub statement: String,
}

/// What became larger, over the whole heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Growth {
    /// Objects more than at first; negative when fewer.
    pub objects: i64,
    /// Shallow, external and native bytes more.
    pub heap_bytes: i64,
    /// Those of them in private memory.
    pub heap_resident_bytes: i64,
    /// Resident bytes more.
    pub rss_bytes: i64,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something grows, and nothing says that it will end.
    Growing,
    /// Something has grown of which these looks cannot tell whether it will end: timers that are not due, a single step.
    Undecided,
    /// What grew grows more slowly now.
    Slowing,
    /// What grew is bounded, was made once, or has stopped growing: caches warmed up.
    WarmedUp,
    /// Nothing has grown that matters.
    Steady,
}

/// The answer in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What it comes to.
    pub kind: Outcome,
    /// In one sentence.
    pub summary: String,
    /// What limits the answer, and what would make it better.
    pub notes: Vec<String>,
    /// The command that tells more of what has grown; `None` where nothing has that matters.
    pub next: Option<String>,
}

/// How the growth at one place is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Grows, and nothing says that it will end.
    Growing,
    /// Cycles that no collection has freed yet, and none will by itself: the collector is off.
    Garbage,
    /// Timers that are not due yet: each goes when it is.
    InFlight,
    /// All of it came in the last interval: one step, so far.
    Step,
    /// Grows more slowly in the last interval than before.
    Slowing,
    /// Stands where nothing stood at the first moment: made once, as far as two looks can tell.
    FirstUse,
    /// In the hands of a running function.
    InUse,
    /// Free memory that an allocator keeps for the next blocks.
    Free,
    /// A cache with a bound, or something else that ends by itself.
    Bounded,
    /// Did not grow in the last interval.
    Stopped,
    /// Cycles that wait for the collector, which is on.
    Waiting,
    /// Entries come and go, and there are no more of them than chance has it.
    Turnover,
}

/// Growth of one type inside a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGrowth {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Instances more.
    pub count: i64,
    /// Shallow and external bytes more.
    pub bytes: i64,
}

/// A place in the program at which memory has grown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrowthSuspect {
    /// "grows by 1,234 Session (12.0 MiB) held by app.cache._entries (dict)".
    pub summary: String,
    /// How it is to be read.
    pub state: State,
    /// Why it is read so, where more than growth says it.
    pub reason: Option<String>,
    /// What it grows by.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Instances of that type more.
    pub count: i64,
    /// Bytes more: new ones less gone ones, and what survivors have gained.
    pub growth_bytes: i64,
    /// Of them in the last interval, where there are more than two looks.
    pub recent_bytes: Option<i64>,
    /// From a root to the holder, in words, merged where paths differ only in indices and keys.
    pub path: Vec<String>,
    /// The object that has grown, when one holds at least half of the growth.
    pub holder: Option<ObjectRef>,
    /// Objects that share in the growth at this path.
    pub holders: u64,
    /// What is new.
    pub new: Amount,
    /// What is gone.
    pub gone: Amount,
    /// Bytes that surviving objects have gained (or lost) themselves.
    pub resized_bytes: i64,
    /// What it grows by, by type, most bytes first.
    pub holds: Vec<HeldGrowth>,
}

/// Growth of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeGrowth {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Instances at first.
    pub count_then: u64,
    /// Instances at last.
    pub count_now: u64,
    /// Instances that are new.
    pub new: u64,
    /// Instances that are gone.
    pub gone: u64,
    /// Shallow and external bytes at first.
    pub bytes_then: u64,
    /// Shallow and external bytes at last.
    pub bytes_now: u64,
    /// Bytes more.
    pub growth_bytes: i64,
    /// Retained bytes at first.
    pub retained_then_bytes: u64,
    /// Retained bytes at last.
    pub retained_now_bytes: u64,
}

/// Functions, coroutines, tasks and the like of one code, of which there are more than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CodeGrowth {
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The code that they run.
    #[serde(flatten)]
    pub source: Source,
    /// How many at first.
    pub count_then: u64,
    /// How many at last.
    pub count_now: u64,
    /// What all of them retained at first.
    pub retained_then_bytes: u64,
    /// What all of them retain at last.
    pub retained_now_bytes: u64,
}

/// Growth at one merged path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathGrowth {
    /// From a root, in words.
    pub path: Vec<String>,
    /// How it is to be read.
    pub state: State,
    /// What is new below it.
    pub new: Amount,
    /// What is gone.
    pub gone: Amount,
    /// Bytes more, with what survivors have gained themselves.
    pub growth_bytes: i64,
}

/// A container that has grown: the same object at both moments, or its successor in the same place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContainerGrowth {
    /// The container as it is now.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Items at first.
    pub length_then: u64,
    /// Items at last.
    pub length_now: u64,
    /// Retained bytes at first.
    pub retained_then_bytes: u64,
    /// Bytes that new items brought, less those of gone ones, and what it gained itself.
    pub growth_bytes: i64,
}

/// Growth of one line of the account of RSS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemoryGrowth {
    /// Which line: the `kind` of the view `rss`.
    pub kind: RssKind,
    /// Its name.
    pub name: String,
    /// Resident bytes at first.
    pub bytes_then: u64,
    /// Resident bytes at last.
    pub bytes_now: u64,
    /// Bytes more.
    pub growth_bytes: i64,
    /// Of them in the last interval, where there are more than two looks.
    pub recent_bytes: Option<i64>,
    /// Objects, blocks or mappings at first.
    pub count_then: u64,
    /// Objects, blocks or mappings at last.
    pub count_now: u64,
    /// How it is to be read; `None` where it has not grown by the threshold, and for objects, which the suspects tell.
    pub state: Option<State>,
    /// Why it is read so, where more than growth says it.
    pub reason: Option<String>,
    /// What of it has grown most: types, files, kinds of blocks.
    pub parts: Vec<PartGrowth>,
}

/// Growth of a part of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartGrowth {
    /// Its name.
    pub name: String,
    /// Bytes more.
    pub growth_bytes: i64,
}

/// What waits for the collector, at the first and the last moment: no part of growth while the collector is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// What a full collection would have freed at first.
    pub then: Amount,
    /// What it would free at last.
    pub now: Amount,
    /// Full collections in between; `None` where a look does not say.
    pub full_collections: Option<u64>,
    /// Whether collections come by themselves; `None` where the last look does not say.
    pub automatic: Option<bool>,
}

/// `memsight compare`: what has grown, where, and what it means.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompareView {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The looks, earliest first; what has grown is told from the first to the last.
    pub moments: Vec<Moment>,
    /// They were given in another order.
    pub swapped: bool,
    /// From the first to the last look, where both say so to the nanosecond.
    pub interval_ns: Option<u64>,
    /// The answer in words.
    pub verdict: Verdict,
    /// The whole heap.
    pub growth: Growth,
    /// The account of RSS, line by line; empty where a look does not say what was in memory.
    pub memory: Vec<MemoryGrowth>,
    /// Bytes from which growth of a line outside of objects matters.
    pub memory_threshold_bytes: u64,
    /// Garbage that waits for a collection; `None` where it cannot be told (free-threaded builds).
    pub pending: Option<Pending>,
    /// What came, went and stayed.
    pub turnover: Turnover,
    /// By what objects are told to be the same.
    pub identity: Identity,
    /// Bytes from which growth at a place is a suspect.
    pub threshold_bytes: u64,
    /// Where memory has grown, worst first; empty is an answer.
    pub suspects: Vec<GrowthSuspect>,
    /// Types by growth.
    pub types: Vec<TypeGrowth>,
    /// Types that have changed; `types` may show fewer.
    pub type_count: u64,
    /// What runs, by its code, where there are ten or more of one more than before: the most more first.
    pub code: Vec<CodeGrowth>,
    /// Codes of which there are so many more; `code` may show fewer.
    pub code_count: u64,
    /// Merged paths by growth.
    pub paths: Vec<PathGrowth>,
    /// Paths at which something changed; `paths` may show fewer.
    pub path_count: u64,
    /// Containers that have grown by `threshold_bytes` or more, by growth.
    pub containers: Vec<ContainerGrowth>,
    /// Containers that have grown by so much; `containers` may show fewer.
    pub container_count: u64,
}
