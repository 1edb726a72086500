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
        let code = head >> 3 & 15;
        let has_line = match code {
            15 => false,
            13 | 14 => {
                line += signed_varint(&mut bytes);
                true
            }
            10..=12 => {
                line += i64::from(code - 10);
                true
            }
            _ => true,
        };
        // The columns, up to the next head (its top bit is set), are of no interest here.
        while bytes.next_if(|byte| byte & 0x80 == 0).is_some() {}
        address += 2 * (u64::from(head & 7) + 1);
        if address > instruction {
            return has_line.then_some(line);
        }
    }
    None
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
    fn hostile_tables_end() {
        assert_eq!(by_locations(&[0xff; 64], 1, u64::MAX), None);
        assert_eq!(by_ranges(&[0, 128, 0], 1, 5), None);
        assert_eq!(by_locations(&[0x80 | 13 << 3, 0x7f, 0x7f, 0x7f], 1, 9), None);
    }
}
