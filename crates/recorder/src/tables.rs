//! Tables by which native frames are found: of each part of the program's code, where the frame of an instruction ends and
//! where the base pointer of its caller is. Whoever reads the ring makes them, from what compilers put into files for that
//! purpose (`.eh_frame`), and places them behind the chunks; the program searches in them.
//!
//! ```text
//! head (4 KiB) | parts, the newest last | rows of a part, by address | rows of the next | ...
//! ```

use core::sync::atomic::AtomicU32;

/// Bytes before the first part.
pub const HEAD_BYTES: usize = 4096;
/// The most parts: programs have some hundred.
pub const PARTS: usize = 8192;
/// Where rows begin.
pub const ROWS_AT: usize = HEAD_BYTES + PARTS * size_of::<Part>();

/// The start of the tables.
#[repr(C)]
#[derive(Debug)]
pub struct Head {
    /// So many parts are there. They are never changed; a later one stands for an earlier one of the same addresses.
    pub parts: AtomicU32,
}

/// A part of the program's code: what is mapped of one file in one piece, or code that is in no file.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Its first address.
    pub start: u64,
    /// One past its last.
    pub end: u64,
    /// Where its rows begin, in bytes from the start of the tables.
    pub rows: u64,
    /// How many there are.
    pub count: u64,
}

impl Part {
    /// As it stands in the tables.
    pub fn words(&self) -> [u64; 4] {
        [self.start, self.end, self.rows, self.count]
    }
}

/// What holds from an instruction on. The return address lies below the end of the frame, as every `call` puts it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// It is not known.
    Unknown,
    /// Nobody called this.
    Oldest,
    /// The frame ends so many bytes above the stack pointer. The caller's base pointer lies at an offset from that end, or is
    /// unchanged.
    Stack(i32, Option<i32>),
    /// The same, above the base pointer.
    Base(i32, Option<i32>),
    /// The end of the frame is stored at an offset from the base pointer, which points to that of the caller: where a function
    /// has aligned its stack.
    Stored(i32),
    /// The kernel has called a handler of a signal, and put aside the registers.
    Signal,
}

const UNCHANGED: i32 = -0x800;

impl Rule {
    /// In 32 bits; what does not fit is unknown.
    pub fn pack(self) -> u32 {
        let word = |kind: u32, end: i32, base: Option<i32>| {
            let (end_words, base_words) = (end / 8, base.map_or(UNCHANGED, |base| base / 8));
            let fits = end % 8 == 0 && i16::try_from(end_words).is_ok() && base.is_none_or(|base| base % 8 == 0);
            let fits = fits && (UNCHANGED + 1..-UNCHANGED).contains(&base_words) | base.is_none();
            if fits { kind | (base_words as u32 & 0xfff) << 4 | (end_words as u32) << 16 } else { 0 }
        };
        match self {
            Rule::Unknown => 0,
            Rule::Oldest => 1,
            Rule::Stack(end, base) => word(2, end, base),
            Rule::Base(end, base) => word(3, end, base),
            Rule::Stored(end) => word(4, end, None),
            Rule::Signal => 5,
        }
    }

    /// Of such 32 bits.
    #[inline]
    pub fn unpack(word: u32) -> Rule {
        let end = (word as i32 >> 16) * 8;
        let base = match ((word << 16) as i32) >> 20 {
            UNCHANGED => None,
            words => Some(words * 8),
        };
        match word & 15 {
            1 => Rule::Oldest,
            2 => Rule::Stack(end, base),
            3 => Rule::Base(end, base),
            4 => Rule::Stored(end),
            5 => Rule::Signal,
            _ => Rule::Unknown,
        }
    }
}

/// A row: from which byte of the part on, and what holds there.
pub const fn row(offset: u32, rule: u32) -> u64 {
    (offset as u64) << 32 | rule as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_come_out_as_they_were_put_in() {
        let rules = [
            Rule::Unknown,
            Rule::Oldest,
            Rule::Signal,
            Rule::Stack(8, None),
            Rule::Stack(8 * 32767, Some(-16)),
            Rule::Base(16, Some(-16)),
            Rule::Base(-48, Some(8 * 2047)),
            Rule::Stored(-8),
        ];
        for rule in rules {
            assert_eq!(Rule::unpack(rule.pack()), rule);
        }
        for rule in [Rule::Stack(8 * 32768, None), Rule::Stack(12, None), Rule::Base(16, Some(-8 * 2048))] {
            assert_eq!(Rule::unpack(rule.pack()), Rule::Unknown);
        }
    }
}
