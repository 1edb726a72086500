//! Numbers of few bytes: 7 bits a byte, the lowest first, the high bit set on all but the last (as LEB128).

/// Appends a number.
#[inline]
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the difference of two numbers, small for near ones: 0, -1, 1, -2, ... are 0, 1, 2, 3, ...
#[inline]
pub(super) fn put_difference(out: &mut Vec<u8>, from: u64, to: u64) {
    let difference = to.wrapping_sub(from) as i64;
    put(out, (difference << 1 ^ difference >> 63) as u64);
}

/// Appends bytes behind their number.
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// What is left of a column. Every `None` is one that ends too early or says what cannot be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Column {
    at: usize,
    end: usize,
}

impl Column {
    /// The bytes `at..end` of a block, which has them.
    pub(super) fn of(block: &[u8]) -> Column {
        Column { at: 0, end: block.len() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    #[inline]
    pub(super) fn byte(&mut self, block: &[u8]) -> Option<u8> {
        let byte = *block.get(self.at..self.end)?.first()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    pub(super) fn number(&mut self, block: &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(block)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn small(&mut self, block: &[u8]) -> Option<u32> {
        u32::try_from(self.number(block)?).ok()
    }

    #[inline]
    pub(super) fn difference(&mut self, block: &[u8], from: u64) -> Option<u64> {
        let number = self.number(block)?;
        Some(from.wrapping_add(number >> 1 ^ (number & 1).wrapping_neg()))
    }

    /// The bytes behind their number.
    pub(super) fn bytes<'b>(&mut self, block: &'b [u8]) -> Option<&'b [u8]> {
        let part = self.part(block)?;
        block.get(part.at..part.end)
    }

    /// The same as a column.
    pub(super) fn part(&mut self, block: &[u8]) -> Option<Column> {
        let len = usize::try_from(self.number(block)?).ok()?;
        let end = self.at.checked_add(len).filter(|&end| end <= self.end)?;
        let part = Column { at: self.at, end };
        self.at = end;
        Some(part)
    }
}
