//! Where each version of CPython keeps what a stack is read from. A test holds these against the tables of `memsight-cpython`.

/// The offsets of one version, in bytes. Code is made for each, so that they are constants in it.
pub trait Layout {
    /// Minor version: 8 for 3.8.
    const MINOR: u32;
    /// Up to 3.11: `_PyRuntime.gilstate.tstate_current`, which is the thread that holds the GIL. Later a function is asked.
    const CURRENT: Option<usize>;
    /// `_PyRuntime`: not 0 once the interpreter has begun to end (`_PyRuntimeState_SetFinalizing`).
    const FINALIZING: usize;
    /// Where the thread state, or what it points to, leads to the newest frame.
    const TOP: Top;
    /// Frame: the one that called it, its code, its position.
    const PREVIOUS: usize;
    /// The frame's code object.
    const CODE: usize;
    /// Up to 3.10 an index, then the address of an instruction.
    const POSITION: usize;
    /// Who owns the frame; `None` where every frame is an object.
    const OWNER: Option<usize>;
    /// Owners from here on are no frames of Python code.
    const SHIM: u8;
    /// Code: its qualified name, or its name.
    const NAME: usize;
    /// Its file.
    const FILE: usize;
    /// Its first line.
    const FIRST_LINE: usize;
    /// Its table of lines.
    const LINES: usize;
    /// Where its instructions begin, from 3.11 on.
    const INSTRUCTIONS: usize;
    /// Where the characters of a str begin: of ASCII, of others.
    const TEXT: (usize, usize);
}

/// How the newest frame is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Top {
    /// At an offset in the thread state.
    Direct(usize),
    /// At an offset in a struct that an offset in the thread state leads to.
    Through(usize, usize),
}

/// The size of a bytes object and of a str, and where the bytes of the former begin.
pub const LENGTH: usize = 16;
/// Where the bytes of a bytes object begin.
pub const BYTES: usize = 32;
/// The state of a str: 3 bits of its kind from bit 2 on, bit 6 for ASCII.
pub const STATE: usize = 32;

/// The offsets of one version as values, for the test that holds them against the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in `Layout`")]
pub struct Offsets {
    pub minor: u32,
    pub current: Option<usize>,
    pub finalizing: usize,
    pub top: (usize, Option<usize>),
    pub frame: [usize; 3],
    pub owner: Option<usize>,
    pub shim: u8,
    pub code: [usize; 5],
    pub text: (usize, usize),
}

const fn offsets<L: Layout>() -> Offsets {
    Offsets {
        minor: L::MINOR,
        current: L::CURRENT,
        finalizing: L::FINALIZING,
        top: match L::TOP {
            Top::Direct(at) => (at, None),
            Top::Through(at, then) => (at, Some(then)),
        },
        frame: [L::PREVIOUS, L::CODE, L::POSITION],
        owner: L::OWNER,
        shim: L::SHIM,
        code: [L::NAME, L::FILE, L::FIRST_LINE, L::LINES, L::INSTRUCTIONS],
        text: L::TEXT,
    }
}

macro_rules! layouts {
    ($($name:ident, $minor:expr, $current:expr, $finalizing:expr, $top:expr, $frame:expr, $owner:expr, $shim:expr, $code:expr, $text:expr;)*) => {
        $(
            #[doc = concat!("CPython 3.", stringify!($minor))]
            #[derive(Debug)]
            pub enum $name {}
            impl Layout for $name {
                const MINOR: u32 = $minor;
                const CURRENT: Option<usize> = $current;
                const FINALIZING: usize = $finalizing;
                const TOP: Top = $top;
                const PREVIOUS: usize = $frame.0;
                const CODE: usize = $frame.1;
                const POSITION: usize = $frame.2;
                const OWNER: Option<usize> = $owner;
                const SHIM: u8 = $shim;
                const NAME: usize = $code.0;
                const FILE: usize = $code.1;
                const FIRST_LINE: usize = $code.2;
                const LINES: usize = $code.3;
                const INSTRUCTIONS: usize = $code.4;
                const TEXT: (usize, usize) = $text;
            }
        )*
        /// All of them.
        pub const LAYOUTS: &[Offsets] = &[$(offsets::<$name>()),*];
    };
}

// name, minor, current thread, finalizing, newest frame, (previous, code, position), owner, first shim,
// (name, file, first line, lines, instructions), text
layouts! {
    V38, 8, Some(1368), 16, Top::Direct(24), (24, 32, 104), None, u8::MAX, (112, 104, 40, 120, 0), (48, 72);
    V39, 9, Some(568), 16, Top::Direct(24), (24, 32, 104), None, u8::MAX, (112, 104, 40, 120, 0), (48, 72);
    V310, 10, Some(568), 16, Top::Direct(24), (24, 32, 96), None, u8::MAX, (112, 104, 40, 120, 0), (48, 72);
    V311, 11, Some(576), 24, Top::Through(56, 8), (48, 32, 56), Some(69), u8::MAX, (128, 112, 72, 136, 184), (48, 72);
    V312, 12, None, 24, Top::Through(56, 0), (8, 0, 56), Some(70), 3, (128, 112, 68, 136, 192), (40, 56);
    V313, 13, None, 608, Top::Direct(72), (8, 0, 56), Some(70), 3, (128, 112, 68, 136, 200), (40, 56);
    V314, 14, None, 784, Top::Direct(72), (8, 0, 56), Some(74), 3, (128, 112, 68, 136, 208), (40, 56);
    V315, 15, None, 912, Top::Direct(72), (8, 0, 56), Some(74), 3, (128, 112, 68, 136, 208), (40, 56);
}
