//! Which source line an instruction belongs to.
//!
//! Sources: `Objects/lnotab_notes.txt` (3.8, 3.9), PEP 626 (3.10), PEP 657 and `Objects/locations.md` (3.11 and later).

/// The line of the instruction at byte offset `instruction` of a code object of Python 3.`minor`, whose first line is `first`;
/// 0 when the table does not say. Cost: linear in the table.
pub fn line_of(minor: u32, table: &[u8], first: u32, instruction: u64) -> u32 {
    let line = match minor {
        ..=9 => by_lnotab(table, first, instruction),
        10 => by_ranges(table, first, instruction),
        _ => by_locations(table, first, instruction),
    };
    line.and_then(|line| u32::try_from(line).ok()).unwrap_or(0)
}

/// A table that gives the same lines and is as short as it can be: without columns, which are most of a table of 3.11 and later.
/// Older ones have none. Cost: linear in the table.
pub fn lines_alone(minor: u32, table: &[u8]) -> Vec<u8> {
    if minor <= 10 {
        return table.to_vec();
    }
    let mut alone = Alone::default();
    let mut bytes = table.iter().copied().peekable();
    while let Some(head) = bytes.next() {
        let (has_line, delta) = line_delta(head, &mut bytes);
        alone.add(has_line, delta, u64::from(head & 7) + 1);
    }
    alone.finish()
}

/// Entries of a table that is made. Neighbours on one line are one.
#[derive(Debug, Default)]
struct Alone {
    table: Vec<u8>,
    has_line: bool,
    delta: i64,
    units: u64,
    /// Of entries without a line, from the last one that has some.
    pending: i64,
}

impl Alone {
    fn add(&mut self, has_line: bool, delta: i64, units: u64) {
        let delta = delta.saturating_add(self.pending);
        if self.units > 0 && has_line == self.has_line && delta == 0 {
            self.units += units;
            return;
        }
        self.write();
        self.pending = if has_line { 0 } else { delta };
        (self.has_line, self.delta, self.units) = (has_line, delta, units);
    }

    /// Writes the entry: as several where it is longer than 8 units.
    fn write(&mut self) {
        while self.units > 0 {
            let units = self.units.min(8);
            self.table.push(0x80 | if self.has_line { 13 } else { 15 } << 3 | (units as u8 - 1));
            if self.has_line {
                put_signed_varint(&mut self.table, self.delta);
            }
            (self.units, self.delta) = (self.units - units, 0);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.write();
        self.table
    }
}

fn put_signed_varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = value.unsigned_abs() << 1 | u64::from(value < 0);
    while rest >= 0x40 {
        out.push(rest as u8 & 0x3f | 0x40);
        rest >>= 6;
    }
    out.push(rest as u8);
}

/// 3.8, 3.9: pairs of unsigned byte increment and signed line increment.
fn by_lnotab(table: &[u8], first: u32, instruction: u64) -> Option<i64> {
    let (mut address, mut line) = (0u64, i64::from(first));
    for pair in table.chunks_exact(2) {
        address += u64::from(pair[0]);
        if address > instruction {
            break;
        }
        line += i64::from(pair[1] as i8);
    }
    Some(line)
}

/// 3.10: pairs of byte length and signed line increment, -128 for "no line".
fn by_ranges(table: &[u8], first: u32, instruction: u64) -> Option<i64> {
    let (mut address, mut line) = (0u64, i64::from(first));
    for pair in table.chunks_exact(2) {
        let increment = pair[1] as i8;
        if increment != i8::MIN {
            line += i64::from(increment);
        }
        address += u64::from(pair[0]);
        if address > instruction {
            return (increment != i8::MIN).then_some(line);
        }
    }
    None
}

/// 3.11 and later: a first byte with a code (4 bits) and a length in code units (3 bits), then what the code asks for.
fn by_locations(table: &[u8], first: u32, instruction: u64) -> Option<i64> {
    let (mut address, mut line) = (0u64, i64::from(first));
    let mut bytes = table.iter().copied().peekable();
    while let Some(head) = bytes.next() {
        let (has_line, delta) = line_delta(head, &mut bytes);
        line = line.saturating_add(delta);
        address += 2 * (u64::from(head & 7) + 1);
        if address > instruction {
            return has_line.then_some(line);
        }
    }
    None
}

/// Whether an entry has a line, and how far it is from the one before; takes what is behind its first byte.
fn line_delta(head: u8, bytes: &mut std::iter::Peekable<impl Iterator<Item = u8>>) -> (bool, i64) {
    let code = head >> 3 & 15;
    let delta = match code {
        13 | 14 => signed_varint(bytes),
        10..=12 => i64::from(code - 10),
        _ => 0,
    };
    // The columns, up to the next head (its top bit is set), are of no interest here.
    while bytes.next_if(|byte| byte & 0x80 == 0).is_some() {}
    (code != 15, delta)
}

fn signed_varint(bytes: &mut impl Iterator<Item = u8>) -> i64 {
    let (mut value, mut shift) = (0i64, 0);
    for byte in bytes.by_ref() {
        if shift < 60 {
            value |= i64::from(byte & 0x3f) << shift;
        }
        shift += 6;
        if byte & 0x40 == 0 {
            break;
        }
    }
    if value & 1 == 1 { -(value >> 1) } else { value >> 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lnotab_counts_up_to_the_instruction() {
        // The example of lnotab_notes.txt: byte code offsets 0, 6, 50 and lines 1, 2, 7.
        let table = [6, 1, 44, 5];
        assert_eq!(by_lnotab(&table, 1, 0), Some(1));
        assert_eq!(by_lnotab(&table, 1, 6), Some(2));
        assert_eq!(by_lnotab(&table, 1, 51), Some(7));
    }

    #[test]
    fn each_version_has_its_form() {
        // `x = 1` on line 3, `y = 2` on line 4, as 3.8, 3.10 and 3.12 write it.
        assert_eq!(line_of(8, &[4, 1], 3, 6), 4);
        assert_eq!(line_of(10, &[4, 0, 4, 1], 3, 6), 4);
        assert_eq!(line_of(12, &[0x80 | 13 << 3 | 1, 0, 0x80 | 11 << 3 | 1, 0, 5], 3, 6), 4);
        assert_eq!(line_of(12, &[], 3, 6), 0);
    }

    #[test]
    fn without_columns_the_lines_are_the_same() {
        // all kinds of entries, and some that are none
        let mut random = 7_u32;
        for round in 0..300 {
            let table: Vec<u8> = (0..round)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (random >> 24) as u8
                })
                .collect();
            let alone = lines_alone(12, &table);
            for instruction in (0..4096).step_by(2) {
                assert_eq!(line_of(12, &alone, 900, instruction), line_of(12, &table, 900, instruction), "{table:?}");
            }
        }
        // two entries on one line, with columns
        assert_eq!(lines_alone(11, &[0x80 | 11 << 3, 1, 9, 0x81, 2, 5]), [0x80 | 13 << 3 | 2, 2]);
        assert_eq!(lines_alone(10, &[4, 0]), [4, 0]);
    }

    #[test]
    fn hostile_tables_end() {
        assert_eq!(by_locations(&[0xff; 64], 1, u64::MAX), None);
        assert_eq!(by_ranges(&[0, 128, 0], 1, 5), None);
        assert_eq!(by_locations(&[0x80 | 13 << 3, 0x7f, 0x7f, 0x7f], 1, 9), None);
    }
}
