//! Code objects: told once, by a number, with what lines and names are found by. Their addresses are used again as soon as they
//! are freed, for other code too, so that every free asks whether it is of one ([`crate::known`]).

use core::sync::atomic::{AtomicU64, Ordering};

use crate::got;
use crate::known;
use crate::layout::{BYTES, LENGTH, Layout, STATE};
use crate::read::{u32_at, word_at};
use crate::thread::Thread;
use crate::wire::{self, Kind, MAX_LINES, MAX_NAME};

/// In place of the number of a code object that is none of Python's: of a frame that the interpreter puts in by itself.
pub const SHIM: u64 = u64::MAX;

/// The number of the next one.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A block is freed of which something may be known; its size if it was in the sample.
#[cold]
pub fn freed(block: usize) -> Option<usize> {
    let forgotten = known::forget(block);
    if forgotten.code {
        known::next_generation();
    }
    forgotten.sampled
}

/// The number of the code object at `code`, which is told if it was not; or [`SHIM`]. May begin a new chunk.
///
/// # Safety
/// There is a code object of the layout, which lives as long as this takes.
#[inline]
pub unsafe fn number<L: Layout>(thread: &mut Thread, code: usize) -> u64 {
    match thread.code(code) {
        Some(number) => number,
        // SAFETY: as above.
        None => unsafe { tell::<L>(thread, code) },
    }
}

#[cold]
unsafe fn tell<L: Layout>(thread: &mut Thread, code: usize) -> u64 {
    // Such code has one text for its name and its file (`_Py_MakeShimCode`, Objects/codeobject.c, 3.13 and later).
    // SAFETY: as of `number`.
    if unsafe { word_at(code + L::NAME) == word_at(code + L::FILE) } {
        thread.keep_code(code, SHIM);
        return SHIM;
    }
    let mut is_new = false;
    let number = known::number_of(code, || {
        is_new = true;
        NEXT.fetch_add(1, Ordering::Relaxed)
    });
    let number = number.unwrap_or(0);
    if is_new {
        // new code may have come with new libraries
        if got::is_used() {
            got::follow();
        }
        // SAFETY: as of `number`.
        unsafe { write::<L>(thread, code, number) };
    }
    thread.keep_code(code, number);
    number
}

/// Writes the record of a code object. That of another thread may be read later than what refers to it: readers put names to
/// numbers at the end.
unsafe fn write<L: Layout>(thread: &mut Thread, code: usize, number: u64) {
    // SAFETY: the fields of a code object: two str, a bytes, an int.
    unsafe {
        let table = word_at(code + L::LINES);
        let lines = word_at(table + LENGTH).min(MAX_LINES);
        thread.need(3 + (2 * MAX_NAME + lines).div_ceil(8));
        let record = thread.writer.place();
        let bytes = record.add(3).cast::<u8>();
        let name = text::<L>(word_at(code + L::NAME), bytes);
        let file = text::<L>(word_at(code + L::FILE), bytes.add(name));
        bytes.add(name + file).copy_from_nonoverlapping((table + BYTES) as *const u8, lines);
        let words = 3 + (name + file + lines).div_ceil(8);
        record.add(1).write(number << 32 | u64::from(u32_at(code + L::FIRST_LINE)));
        record.add(2).write(wire::lengths(name, file, lines));
        // the head last: a record that is cut by the end of the program is none
        record.write(wire::word(Kind::Code, 0, words as u64));
        thread.writer.advance(words);
    }
}

/// Writes the characters of the str at `text` as UTF-8, up to [`MAX_NAME`] bytes; how many.
unsafe fn text<L: Layout>(text: usize, out: *mut u8) -> usize {
    // SAFETY: a compact str, and room for `MAX_NAME` bytes.
    unsafe {
        let (count, state) = (word_at(text + LENGTH), u32_at(text + STATE));
        let (width, ascii) = ((state >> 2 & 7) as usize, state >> 6 & 1 == 1);
        let start = text + if ascii { L::TEXT.0 } else { L::TEXT.1 };
        let mut done = 0;
        for index in 0..count {
            let at = start + index * width;
            let letter = match width {
                1 => u32::from(*(at as *const u8)),
                2 => u32::from(*(at as *const u16)),
                4 => *(at as *const u32),
                _ => break,
            };
            // surrogates, which names of files may have
            let letter = char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
            if done + letter.len_utf8() > MAX_NAME {
                break;
            }
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                out.add(done).write(byte);
                done += 1;
            }
        }
        done
    }
}
