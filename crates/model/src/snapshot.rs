//! The decoded heap: everything that the stages behind the decoder see.

use crate::{Address, ObjectId, ObjectTable, ReferenceTable, Region, TextTable};

/// Version of the JSON views and of the snapshot format.
pub const SCHEMA_VERSION: u32 = 1;

/// Number of a row in [`Snapshot::types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TypeId(pub u32);

/// Number of a name in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub u32);

/// Interned names: attributes, locals, fields, modules. Id 0 is the empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    list: Vec<String>,
    ids: std::collections::HashMap<String, NameId>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Names { list: Vec::new(), ids: Default::default() };
        names.intern("");
        names
    }
}

impl Names {
    /// The id of `name`, new or known.
    pub fn intern(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = NameId(self.list.len() as u32);
        self.list.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }
    /// The name of `id`; empty for an id that is not there.
    pub fn get(&self, id: NameId) -> &str {
        self.list.get(id.0 as usize).map_or("", String::as_str)
    }
    /// All names in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(String::as_str)
    }
}

/// What kind of thing a type's instances are, for views that treat some types specially.
/// A subclass has the kind of the built-in type that it extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum ObjectKind {
    /// An instance of a class without a built-in base, or a C type without a decoder.
    #[default]
    Other = 0,
    None = 1,
    Bool = 2,
    Int = 3,
    Float = 4,
    Complex = 5,
    Str = 6,
    Bytes = 7,
    ByteArray = 8,
    Tuple = 9,
    List = 10,
    Dict = 11,
    Set = 12,
    Deque = 13,
    Function = 14,
    Method = 15,
    Builtin = 16,
    Module = 17,
    Type = 18,
    Frame = 19,
    Generator = 20,
    Code = 21,
    Cell = 22,
    Weakref = 23,
    Exception = 24,
    Traceback = 25,
}

impl ObjectKind {
    /// Every kind, indexed by its number.
    pub const ALL: [ObjectKind; 26] = {
        use ObjectKind::*;
        [
            Other, None, Bool, Int, Float, Complex, Str, Bytes, ByteArray, Tuple, List, Dict, Set, Deque, Function,
            Method, Builtin, Module, Type, Frame, Generator, Code, Cell, Weakref, Exception, Traceback,
        ]
    };

    /// Whether instances hold an open number of items (what "containers by length" lists).
    pub fn is_container(self) -> bool {
        use ObjectKind::*;
        matches!(self, Tuple | List | Dict | Set | Deque)
    }
}

/// A Python type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TypeRecord {
    /// `module.qualname`; built-ins bare (`dict`).
    pub name: String,
    /// Where the type object is.
    pub address: Address,
    /// Its row, when it is in the object table.
    pub object: Option<ObjectId>,
    /// What its instances are.
    pub kind: ObjectKind,
    /// Created at run time (`class` statement or `PyType_FromSpec`), not a static C struct.
    pub heap: bool,
    /// Its references are decoded exactly; a conservative scan otherwise.
    pub exact: bool,
}

/// Why an object is alive without another object's reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RootKind {
    /// A module of `sys.modules`; the name is the module's.
    Module = 0,
    /// State of an interpreter: `sys.modules` itself, builtins, codecs, import state; the name says which.
    Interpreter = 1,
    /// A static type or another object inside an executable or library; the name is the type's.
    Static = 2,
    /// A local variable of a running frame; the name is the variable's.
    FrameLocal = 3,
    /// A temporary of a running frame.
    FrameStack = 4,
    /// A running frame's function, code, globals, builtins or frame object; the name says which.
    Frame = 5,
    /// State of a thread: its dict, context, exceptions, hooks; the name says which.
    Thread = 6,
    /// The table of interned strings.
    Interned = 7,
    /// Held from outside the Python heap: not reached from other roots, but with more references than found.
    External = 8,
    /// Not reachable: a cycle that the collector has yet to free, or something no decoder can see into.
    Unreachable = 9,
    /// Nothing known refers to it: its block of the allocator is in use and nobody's. Held by C code, or leaked by it.
    NobodyKnown = 10,
}

impl RootKind {
    /// Every kind, indexed by its number.
    pub const ALL: [RootKind; 11] = {
        use RootKind::*;
        [
            Module,
            Interpreter,
            Static,
            FrameLocal,
            FrameStack,
            Frame,
            Thread,
            Interned,
            External,
            Unreachable,
            NobodyKnown,
        ]
    };
}

/// A root of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The object that is held.
    pub object: ObjectId,
    /// By what.
    pub kind: RootKind,
    /// Name of the module, variable or field.
    pub name: NameId,
    /// Row of [`Snapshot::frames`], for the frame kinds.
    pub frame: Option<u32>,
    /// Row of [`Snapshot::threads`], for the frame and thread kinds.
    pub thread: Option<u32>,
}

/// A Python thread.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadRecord {
    /// Id of its interpreter (0 is the main one).
    pub interpreter: i64,
    /// The operating system's thread id, where known (3.11 and later tell it).
    pub native_id: Option<u64>,
    /// `threading.get_ident()`.
    pub ident: u64,
    /// Whether it held the GIL at the moment of the look.
    pub holds_gil: bool,
    /// What `threading` calls it, where the program knows it.
    pub name: Option<String>,
}

/// A Python frame that runs on a thread's stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FrameRecord {
    /// Row of [`Snapshot::threads`].
    pub thread: u32,
    /// Depth, 0 for the innermost.
    pub depth: u32,
    /// `co_qualname` (3.11 and later) or `co_name`.
    pub function: String,
    /// `co_filename`.
    pub file: String,
    /// Line being executed, 0 when unknown.
    pub line: u32,
}

impl FrameRecord {
    /// Whether its code is of the standard library or an installed package, as far as the path tells
    /// (`.../lib/python3.X/...`), and so hardly what the person who looks has written.
    pub fn is_of_a_library(&self) -> bool {
        ["/lib/python3.", "/lib64/python3."].iter().any(|folder| self.file.contains(folder))
            || self.file.starts_with("<frozen ")
    }
}

/// How the bytes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As a request: fork where that can be done, freeze otherwise. A look that was made is never of this mode.
    #[default]
    Auto,
    /// A copy-on-write copy of the process was made by the kernel in the pause, and read after it.
    Fork,
    /// Every thread paused while the bytes were copied.
    Freeze,
    /// The file of a process that has ended.
    Core,
    /// No pause: best effort, marked partial.
    Live,
}

/// What tells a process from every other one that had or will have its id.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct ProcessStamp {
    /// Id of the boot of the machine (`/proc/sys/kernel/random/boot_id`).
    pub boot_id: String,
    /// When the process started, in clock ticks since that boot (`/proc/PID/stat`).
    pub started_ticks: u64,
}

/// What was looked at, when, and at what cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Version of memsight that wrote it.
    pub memsight: String,
    /// Process id in memsight's PID namespace.
    pub pid: u32,
    /// `3.12.1`.
    pub python: String,
    /// When, in RFC 3339 (UTC).
    pub created: String,
    /// When, in nanoseconds since 1970: for the time between two looks, which may be short.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_ns: Option<u64>,
    /// Which process the id means, where that was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessStamp>,
    /// Resident set size in the pause (`/proc/PID/statm`); of a core file the bytes that it holds.
    pub rss_bytes: u64,
    /// Virtual size in the pause (`/proc/PID/statm`); of a core file the bytes that were mapped.
    pub vms_bytes: u64,
    /// How the bytes were read.
    pub mode: Mode,
    /// Why it was not read in the way that costs least, where that was wanted: `no room for a copy: ...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode_reason: Option<String>,
    /// How long the target stood still, all attempts together.
    pub pause_ns: u64,
    /// From the start of the look to its last result (a file: to the decoded heap).
    pub total_ns: u64,
    /// Moments tried until one was good.
    pub attempts: u32,
    /// A thread held the GIL in the pause (it was in the middle of Python code).
    pub gil_held: bool,
    /// Contents of strings, bytes and numbers are in the snapshot.
    pub values: bool,
    /// Interpreters of the process.
    pub interpreters: u32,
    /// The collectors of its interpreters, the main one first; empty where the writer did not look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collectors: Vec<crate::GcInterpreter>,
    /// What a core file says of the process that it is of; for [`Mode::Core`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Reasons why something may be missing; empty for a whole snapshot.
    pub partial: Vec<String>,
}

impl Manifest {
    /// Whether the interpreter was built without the GIL.
    pub fn is_free_threaded(&self) -> bool {
        is_free_threaded(&self.python)
    }
}

/// Whether a version such as [`Manifest::python`] is that of a build without the GIL (`3.14.10t`).
pub fn is_free_threaded(python: &str) -> bool {
    python.ends_with('t')
}

/// What a core file says of its process.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Ended {
    /// Its program and arguments, the first 80 bytes of them (`NT_PRPSINFO`).
    pub command: String,
    /// The signal that ended it (`NT_PRSTATUS`); 0 when it runs on, as after gcore.
    pub signal: u32,
    /// Its threads of the operating system.
    pub os_threads: u32,
    /// Bytes of its memory that the core holds. [`Manifest::rss_bytes`] is the same number: no core tells how much was
    /// resident, and this is near it.
    pub dumped_bytes: u64,
}

/// The decoded heap in flat tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What, when, at what cost.
    pub manifest: Manifest,
    /// Types.
    pub types: Vec<TypeRecord>,
    /// Objects.
    pub objects: ObjectTable,
    /// References.
    pub references: ReferenceTable,
    /// Where objects were only counted, their sums by row of `types`; the tables of objects are empty then.
    pub sums: Vec<TypeSum>,
    /// Names of attributes, locals, fields, modules.
    pub names: Names,
    /// Texts of dictionary keys, and of values when asked for.
    pub texts: TextTable,
    /// What code is called and where its source is, by object; empty where the writer did not look.
    pub code: Vec<crate::CodeRecord>,
    /// Generators and coroutines that have not ended, by object; likewise.
    pub generators: Vec<crate::GeneratorRecord>,
    /// Roots.
    pub roots: Vec<Root>,
    /// Python threads.
    pub threads: Vec<ThreadRecord>,
    /// Frames of all threads, innermost first within a thread.
    pub frames: Vec<FrameRecord>,
    /// Mappings of the process.
    pub maps: Vec<Region>,
    /// What holds objects from outside the Python heap; empty where it was not looked at.
    pub holders: Vec<crate::Holder>,
    /// The allocator of small objects, where it was looked at.
    pub pymalloc: Option<crate::Pymalloc>,
    /// What could be held in less, where contents were looked at.
    pub contents: Option<crate::Contents>,
    /// What was in memory, page by page, where it was looked at.
    pub residence: Option<crate::Residence>,
    /// The C library's allocator, where it was looked at.
    pub c_heap: Option<crate::CHeap>,
    /// What of the C heap belongs to objects, where it was looked at.
    pub c_owned: Option<crate::COwned>,
    /// Whose the memory of C code is, where it was looked at.
    pub native: Option<crate::NativeMemory>,
}

/// The objects of a type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TypeSum {
    /// How many.
    pub count: u64,
    /// Their shallow sizes.
    pub shallow_bytes: u64,
    /// What they own outside of themselves.
    pub external_bytes: u64,
}

impl TypeSum {
    /// Adds others.
    #[inline]
    pub fn join(&mut self, other: TypeSum) {
        self.count += other.count;
        self.shallow_bytes = self.shallow_bytes.saturating_add(other.shallow_bytes);
        self.external_bytes = self.external_bytes.saturating_add(other.external_bytes);
    }
}

impl Snapshot {
    /// The type of `object`.
    pub fn type_of(&self, object: ObjectId) -> Option<&TypeRecord> {
        let row = self.objects.types.get(object.index())?;
        self.types.get(row.0 as usize)
    }
}
