//! Texts and numbers of objects: `str` (PEP 393), `int`, and looking up a name in a dictionary.

use memsight_model::{Address, ReadMemory};

use crate::layout::Layout;
use crate::object::dicts::DictView;

/// A `str` as read: where its characters are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StrView {
    /// Code points.
    pub length: u64,
    /// Bytes per code point: 1, 2 or 4; 0 for a legacy string that is not ready.
    pub kind: u8,
    pub compact: bool,
    pub ascii: bool,
    /// First character; null when a non-compact string has none.
    pub data: Address,
}

impl StrView {
    /// Reads the head of a `str`. `None` for unreadable memory or an impossible state.
    pub fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<StrView> {
        let unicode = &layout.unicode;
        let length = memory.word(at.at(unicode.length.into())).ok()?;
        let state = memory.u32(at.at(unicode.state.into())).ok()?;
        let state = state >> unicode.kind_bit;
        let kind = (state & 7) as u8;
        let (compact, ascii) = (state >> 3 & 1 == 1, state >> 4 & 1 == 1);
        if !matches!(kind, 0 | 1 | 2 | 4) || length > 1 << 40 {
            return None;
        }
        let data = match (compact, ascii) {
            (true, true) => at.at(unicode.ascii_size.into()),
            (true, false) => at.at(unicode.compact_size.into()),
            (false, _) => memory.pointer(at.at(unicode.data.into())).ok()?,
        };
        Some(StrView { length, kind, compact, ascii, data })
    }

    /// The first `cap` characters, with an ellipsis when there are more.
    pub fn text<M: ReadMemory>(&self, memory: &M, cap: u64) -> Option<String> {
        let count = self.length.min(cap) as usize;
        let width = usize::from(self.kind);
        if width == 0 {
            return None;
        }
        let mut bytes = vec![0u8; count * width];
        memory.read(self.data, &mut bytes).ok()?;
        let code_point = |chunk: &[u8]| chunk.iter().rev().fold(0u32, |sum, byte| sum << 8 | u32::from(*byte));
        let mut text: String = bytes
            .chunks_exact(width)
            .map(|chunk| char::from_u32(code_point(chunk)).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if self.length > cap {
            text.push('…');
        }
        Some(text)
    }
}

/// The text of a `str` object, at most `cap` characters.
pub(crate) fn str_text<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, cap: u64) -> Option<String> {
    StrView::read(memory, layout, at)?.text(memory, cap)
}

/// The number of 30-bit digits of an `int` and its sign (-1, 0, 1).
pub(crate) fn int_digits<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<(u64, i8)> {
    const OB_SIZE: i64 = 16;
    match layout.long.tag {
        Some(tag) => {
            let word = memory.word(at.at(tag.into())).ok()?;
            let sign = match word & 3 {
                0 => 1,
                2 => -1,
                _ => 0,
            };
            Some((word >> 3, sign))
        }
        None => {
            let size = memory.signed(at.at(OB_SIZE)).ok()?;
            Some((size.unsigned_abs(), size.signum() as i8))
        }
    }
}

/// The value of an `int` of up to three digits (90 bits, as far as it fits an i64).
pub(crate) fn small_int<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<i64> {
    let (digits, sign) = int_digits(memory, layout, at)?;
    if digits > 3 {
        return None;
    }
    let mut value: i128 = 0;
    for i in (0..digits).rev() {
        let digit = memory.u32(at.at(i64::from(layout.long.digits) + 4 * i as i64)).ok()?;
        value = (value << 30) | i128::from(digit & 0x3fff_ffff);
    }
    i64::try_from(value * i128::from(sign)).ok()
}

/// The value under the str key `name` of a dictionary. Cost: a walk over its entries.
pub(crate) fn lookup<M: ReadMemory>(memory: &M, layout: &Layout, dict: Address, name: &str) -> Option<Address> {
    /// Larger dictionaries than any namespace are not searched.
    const CAP: u64 = 1 << 20;
    let view = DictView::read(memory, layout, dict).ok()?;
    let is_name = |key| {
        let text = StrView::read(memory, layout, key)?;
        Some(text.length == name.len() as u64 && text.ascii && text.text(memory, text.length)? == name)
    };
    let mut found = None;
    view.each(memory, CAP, |_, key, value| {
        if found.is_none() && is_name(key) == Some(true) {
            found = Some(value);
        }
    })
    .ok()?;
    found
}
