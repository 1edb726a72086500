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

/// A frame, on the frames that called it. Frames are numbered from 1 on in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame {
    /// The number of the frame that called it, told before; 0 for none.
    pub caller: u32,
    /// The number of its code object; 0 stands for all frames that a stack was too deep for.
    pub code: u32,
    /// How far into its code it is, in units of 2 bytes.
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
    /// An event.
    Event(Event),
    /// The end.
    End(End),
}
