//! What is recorded of a program's allocations: the records of a trace, in the order in which they are read.
//!
//! A trace is a head, then records. Code objects and stacks have numbers, and are told before what refers to them, or at the
//! latest before the end. Events are in the order in which they happened, up to what two threads did at the same moment.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// What holds for a whole trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The process.
    pub pid: u32,
    /// What it runs: the file name of its script or module, without arguments. Foreign text.
    pub program: String,
    /// The minor version of its Python, 8 for 3.8: how tables of lines are read.
    pub python_minor: u32,
    /// When recording began.
    pub started: Timestamp,
    /// Bytes between samples in the mean; 0 where every allocation is there (exact).
    pub sample_bytes: u64,
    /// Which traces it belongs to, where children are recorded, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

/// What traces of the processes of one run have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// The same in all of them, and in those of another run another: when it began, in nanoseconds since 1970.
    pub run: u64,
    /// The recorded process that this one came from; its own id where it is what another program of this process has become
    /// (`exec`), and 0 for the first.
    pub parent: u32,
}

/// Who was asked for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Python's domain of objects.
    Object,
    /// Python's domain of memory: what objects own.
    Memory,
    /// The C library: extensions, and the interpreter's own use.
    Raw,
}

/// A code object, as the interpreter had it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What [`Frame::code`] calls it; never 0.
    pub number: u32,
    /// Its qualified name (its name, up to 3.10). Foreign text.
    pub name: String,
    /// Its file. Foreign text.
    pub file: String,
    /// Its first line.
    pub first_line: u32,
    /// Its table of lines, in the form of the interpreter's version.
    pub lines: Vec<u8>,
}

/// Set in [`Frame::code`] of native frames: the other bits are the number of their module, 0 for what cannot be told.
pub const NATIVE: u32 = 1 << 31;

/// A file whose code native frames are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// What [`Frame::code`] calls it, apart from [`NATIVE`]; never 0.
    pub number: u32,
    /// Its path, as the program saw it. Foreign text.
    pub path: String,
    /// What its linker has named it by (`NT_GNU_BUILD_ID`); may be empty.
    pub build_id: Vec<u8>,
}

/// What is at a place in a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The module's number.
    pub module: u32,
    /// The address, as the file has it.
    pub offset: u32,
    /// The function, and before it those that the compiler has put into it there, the innermost first.
    pub functions: Vec<NativeFunction>,
}

/// A function of compiled code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeFunction {
    /// Its name, as in its source. Foreign text.
    pub name: String,
    /// The file of its source; empty where it is not known. Foreign text.
    pub file: String,
    /// The line; 0 where it is not known.
    pub line: u32,
}

/// A frame, on the frames that called it. Frames are numbered from 1 on in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The number of the frame that called it, told before; 0 for none.
    pub caller: u32,
    /// The number of its code object; 0 stands for all frames that a stack was too deep for. Of native frames see [`NATIVE`].
    pub code: u32,
    /// How far into its code it is, in units of 2 bytes. Of a native frame an address within the instruction, as its file has it.
    pub offset: u32,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// What follows was done by this thread (its id in the operating system).
    Thread(u32),
    /// What follows happened so many nanoseconds after the beginning, or later.
    Time(u64),
    /// A block was allocated.
    Allocated {
        /// By whom.
        domain: Domain,
        /// Where it is.
        address: u64,
        /// How many bytes were asked for.
        bytes: u64,
        /// The number of the newest frame at that moment; 0 where no Python code ran.
        stack: u32,
    },
    /// The block at this address was given back. One that was not told of is from before the recording, or not in the sample.
    Freed(u64),
    /// The interpreter begins to end: what is freed from here on is not freed by the program.
    Ending,
    /// The resident set of the process in bytes, as it was at the last [`Event::Time`].
    Resident(u64),
}

/// How a recording ended; without it the recorder itself was ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Nanoseconds from the beginning.
    pub duration_ns: u64,
    /// Events that were lost since the recorder could not keep up, or was gone for a while.
    pub lost_events: u64,
    /// The exit code of the program, if it ended by one.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
}

/// What stands in a trace behind its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A code object.
    Code(Code),
    /// A frame.
    Frame(Frame),
    /// A file whose code native frames are in.
    Module(Module),
    /// What is at a place in one.
    Symbol(Symbol),
    /// An event.
    Event(Event),
    /// The end.
    End(End),
}
