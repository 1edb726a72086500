//! The results that people and scripts see. Serialised as they stand by `render`: a field here is a JSON key.
//!
//! Keys are stable within one `schema_version`; new ones may come beside them.

use memsight_model::Mode;
use serde::Serialize;

/// What every view says about the look it comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Header {
    /// [`memsight_model::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Process id.
    pub pid: u32,
    /// Version of the target's Python, `3.12.1`.
    pub python: String,
    /// When the target was looked at, RFC 3339.
    pub created: String,
    /// How the bytes were read.
    pub mode: Mode,
    /// Reasons why something may be missing; empty for a whole look.
    pub partial: Vec<String>,
}

/// One type of the histogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TypeRow {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Instances.
    pub count: u64,
    /// Sum of their shallow sizes (`sys.getsizeof`).
    pub shallow_bytes: u64,
    /// Sum of what they own outside the Python heap.
    pub external_bytes: u64,
    /// Sum of the C memory that their own memory points to.
    pub native_bytes: u64,
    /// Of these three, the bytes in private memory of the process: untouched pages, files and shared memory left out.
    pub resident_bytes: u64,
    /// What would be freed with all of them: retained sizes of the instances that no other instance of the type dominates.
    pub retained_bytes: u64,
    /// Those of them that are in private memory.
    pub retained_resident_bytes: u64,
    /// `retained_bytes` divided by `count`.
    pub mean_retained_bytes: u64,
    /// Part of all bytes in private memory that the type retains, 0 to 1.
    pub share: f64,
}

/// `types`: the histogram.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TypesView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Objects of all types.
    pub objects: u64,
    /// Sum of shallow sizes of all types.
    pub shallow_bytes: u64,
    /// Sum of external sizes of all types.
    pub external_bytes: u64,
    /// Sum of native sizes of all types.
    pub native_bytes: u64,
    /// Of these three, the bytes in private memory.
    pub resident_bytes: u64,
    /// Distinct types; `types` may show fewer.
    pub type_count: u64,
    /// The types, largest retained size first.
    pub types: Vec<TypeRow>,
    /// Functions, methods, coroutines and generators by the code that they run, where there are ten or more of one; largest
    /// retained size first.
    pub code: Vec<crate::code::CodeRow>,
}

/// One type of the shallow histogram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistogramRow {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Instances.
    pub count: u64,
    /// Sum of their shallow sizes (`sys.getsizeof`).
    pub shallow_bytes: u64,
    /// Sum of what they own outside the Python heap.
    pub external_bytes: u64,
    /// Part of all bytes (shallow and external), 0 to 1.
    pub share: f64,
}

/// `--types-only` (`types --shallow`): counts and sizes, without what references would tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistogramView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Objects of all types.
    pub objects: u64,
    /// Sum of shallow sizes of all types.
    pub shallow_bytes: u64,
    /// Sum of external sizes of all types.
    pub external_bytes: u64,
    /// Distinct types; `types` may show fewer.
    pub type_count: u64,
    /// The types, most bytes first.
    pub types: Vec<HistogramRow>,
}

/// A leak suspect: one object, or a group of one type, that retains at least the threshold.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Suspect {
    /// "250,000 instances of Session, kept by app.cache._entries (dict), hold 120.0 MiB (63.1%)".
    pub summary: String,
    /// Type of the object or of the group.
    #[serde(rename = "type")]
    pub type_name: String,
    /// 1 for an object, the group's size otherwise.
    pub count: u64,
    /// The code that most of them run, where they are functions, coroutines, tasks and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<crate::code::Source>,
    /// How many of them run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_count: Option<u64>,
    /// Where at least half of them wait, if they are tasks or coroutines: the innermost one that is awaited, its line now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_at: Option<crate::code::Source>,
    /// Where objects of several types gather: each type with what its objects keep, the one of `type` first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Inside>,
    /// Of `count`, those that the accumulation point keeps, where others of the group have other holders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_count: Option<u64>,
    /// What it keeps alive.
    pub retained_bytes: u64,
    /// Those of these bytes that are in private memory.
    pub retained_resident_bytes: u64,
    /// Of all bytes in private memory, 0 to 1.
    pub share: f64,
    /// From a root to the suspect (a group: to the object that keeps it), in words.
    pub path: Vec<String>,
    /// Where the bytes gather: the last object before the big drop of retained size.
    pub accumulation_point: Option<ObjectRef>,
    /// What it holds, by type, largest first.
    pub holds: Vec<TypeRow>,
    /// The type that most of these bytes are in, however deep: where one has at least half.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mostly: Option<Mostly>,
    /// The thread and frame whose local holds it, in words, if one does.
    pub thread: Option<String>,
    /// Words to search the source for: names on the path.
    pub keywords: Vec<String>,
    /// Numbers of earlier suspects (from 0) whose path this one shares.
    pub shares_path_with: Vec<u32>,
}

/// Objects of one type where objects of several types gather.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inside {
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many.
    pub count: u64,
    /// What they keep alive.
    pub bytes: u64,
}

/// Objects of one type that have most of some bytes in themselves.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Mostly {
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How many.
    pub count: u64,
    /// Their own sizes: shallow, external, native.
    pub bytes: u64,
    /// Of all bytes that the suspect holds, 0 to 1.
    pub share: f64,
}

/// `suspects`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SuspectsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// Part of all bytes from which something is a suspect, 0 to 1.
    pub threshold: f64,
    /// All bytes: shallow, external and native.
    pub total_bytes: u64,
    /// Those of them in private memory, of which `threshold` and `share` speak.
    pub resident_bytes: u64,
    /// Suspects, largest first; empty is an answer.
    pub suspects: Vec<Suspect>,
    /// Classes with the most bytes, with the mean retained size of an instance.
    pub instances: Vec<TypeRow>,
    /// Longest containers.
    pub containers: Vec<ContainerRow>,
}

/// An object in a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ObjectRef {
    /// Address, `0x7f12…`.
    pub address: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// A name a person can read: `app.cache._entries`, or the type with the address.
    pub name: String,
    /// Own size.
    pub shallow_bytes: u64,
    /// External size.
    pub external_bytes: u64,
    /// C memory that its own memory points to.
    pub native_bytes: u64,
    /// Of these three, the bytes in private memory of the process.
    pub resident_bytes: u64,
    /// What it keeps alive.
    pub retained_bytes: u64,
    /// Those of them that are in private memory.
    pub retained_resident_bytes: u64,
}

/// A container and its length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContainerRow {
    /// The container.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Items (dictionary: entries).
    pub length: u64,
}

/// A node of the dominator tree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DominatorRow {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Depth in the tree as shown, 0 at the top.
    pub depth: u32,
    /// Part of all bytes, 0 to 1.
    pub share: f64,
    /// Objects that it dominates directly.
    pub children: u64,
}

/// `dominators`: who keeps the most alive, with the largest children below each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DominatorsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// All bytes: shallow and external.
    pub total_bytes: u64,
    /// Rows in the order of the tree.
    pub dominators: Vec<DominatorRow>,
}

/// One path from a root.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathRow {
    /// Objects that end this path (more than 1 when paths of a type were merged).
    pub count: u64,
    /// The steps in words, the root first.
    pub path: Vec<String>,
    /// The objects passed, the root's first.
    pub objects: Vec<ObjectRef>,
}

/// `path ADDRESS|TYPE`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PathsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// What was asked for.
    pub query: String,
    /// Objects that match.
    pub matches: u64,
    /// Shortest paths, the most common first; equal shapes are merged.
    pub paths: Vec<PathRow>,
}

/// A reference from or to the object that is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferenceRow {
    /// What the reference is called: `_entries`, `[3]`, `'user:17'`, `local request`.
    pub label: String,
    /// `field`, `attribute`, `index`, `key`, `value`, `member`, `local`, `stack`, `cell`, `weak`, `inferred`; a root's kind.
    pub kind: String,
    /// The other end; absent when a root holds the object.
    pub object: Option<ObjectRef>,
}

/// `object ADDRESS`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Where its external bytes are when not in memory of its own: `file /path`, `shared memory`; absent otherwise, and
    /// where the look did not find out.
    pub external_kind: Option<String>,
    /// Its reference count; absent when immortal.
    pub refcount: Option<u64>,
    /// Immortal (PEP 683).
    pub immortal: bool,
    /// Generation of the collector, 3 for the permanent one; absent when untracked.
    pub generation: Option<u8>,
    /// Whether every reference from it is exact.
    pub exact: bool,
    /// The code that it is, runs or calls: of a function, method, coroutine, generator, frame, task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<crate::code::Source>,
    /// The line where a generator or coroutine stands that has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_at: Option<u32>,
    /// Text of a short string, number or bytes, where the look kept values.
    pub value: Option<String>,
    /// References from it; at most `--top`.
    pub referents: Vec<ReferenceRow>,
    /// How many there are.
    pub referent_count: u64,
    /// References to it, roots first; at most `--top`.
    pub referrers: Vec<ReferenceRow>,
    /// How many there are.
    pub referrer_count: u64,
}

/// A local variable of a frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LocalRow {
    /// Its name.
    pub variable: String,
    /// What it holds.
    #[serde(flatten)]
    pub object: ObjectRef,
}

/// A frame of a thread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrameRow {
    /// Function.
    pub function: String,
    /// Source file.
    pub file: String,
    /// Line, 0 when unknown.
    pub line: u32,
    /// How often it stands there in a row: 1, unless this is recursion, of which each function is told once.
    pub repeats: u64,
    /// Frames that repeat together, this one among them: 1 for a function that calls itself.
    pub cycle: u64,
    /// What its locals keep alive together, each byte once; with recursion those of all its calls.
    pub retained_bytes: u64,
    /// Its locals, largest first; with recursion the largest by each name.
    pub locals: Vec<LocalRow>,
}

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadRow {
    /// `threading.get_ident()`.
    pub ident: u64,
    /// What `threading` calls it; null for a thread that C code made, and in snapshots of older versions.
    pub name: Option<String>,
    /// The operating system's thread id.
    pub native_id: Option<u64>,
    /// Interpreter.
    pub interpreter: i64,
    /// Whether it held the GIL.
    pub holds_gil: bool,
    /// What its frames keep alive.
    pub retained_bytes: u64,
    /// Innermost frame first.
    pub frames: Vec<FrameRow>,
}

/// `threads`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// The threads.
    pub threads: Vec<ThreadRow>,
}
