//! What the pages of a Parquet file say they become, read before any of them is unpacked.
//!
//! ```text
//! column of a row group:  [header | dictionary page] [header | page] [header | page] ...
//! ```
//!
//! The Parquet reader reserves what a header asks for. Here, headers are read alone, and by a stricter reader than
//! that one: fields in their order, as every writer has them, so that both see the same numbers.

use std::fs::File;

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

/// Headers are 20 to 60 bytes, without the statistics that our files do not have in them.
const MAX_HEADER: usize = 4096;

/// `Encoding` in `parquet.thrift`: PLAIN, PLAIN_DICTIONARY, RLE, DELTA_BINARY_PACKED, RLE_DICTIONARY. With them, values are
/// no larger than their page, or stand in its dictionary. With others, such as DELTA_BYTE_ARRAY, a byte can be a copy
/// of all before.
const ENCODINGS: [i32; 5] = [0, 2, 3, 5, 8];

/// The least that a value of a dictionary takes in its page: 4 bytes of a number, or the length of a text.
const LEAST_VALUE: u64 = 4;

/// A view of a text in a dictionary, 16 bytes, for each [`LEAST_VALUE`] of its page.
const DICTIONARY_RATIO: u64 = 16 / LEAST_VALUE;

/// A page, as its header says.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    is_dictionary: bool,
    packed: u64,
    unpacked: u64,
    values: u64,
    encoding: i32,
    /// Length of the header.
    header: usize,
}

/// Memory that the pages of these columns of a row group take while it is read.
pub(crate) fn group_bytes(file: &File, group: &RowGroupMetaData, columns: &[usize]) -> Result<u64, String> {
    let mut sum = 0u64;
    for column in columns.iter().filter_map(|column| group.columns().get(*column)) {
        sum = sum.saturating_add(column_bytes(file, column)?);
    }
    Ok(sum)
}

fn column_bytes(file: &File, column: &ColumnChunkMetaData) -> Result<u64, String> {
    let name = column.column_path();
    let is_packed = match column.compression() {
        Compression::LZ4_RAW => true,
        Compression::UNCOMPRESSED => false,
        other => return Err(format!("column {name} is packed with {other}, not LZ4_RAW")),
    };
    let (mut at, mut left) = column.byte_range();
    let mut sum = 0u64;
    while left > 0 {
        let length = left.min(MAX_HEADER as u64) as usize;
        let bytes = file.get_bytes(at, length).map_err(|error| error.to_string())?;
        let page = header(&bytes).ok_or_else(|| format!("a page of column {name} has no valid header"))?;
        let whole = page.packed.saturating_add(page.header as u64);
        let fits = whole <= left && (is_packed || page.packed == page.unpacked);
        let counts = !page.is_dictionary || page.values <= page.unpacked / LEAST_VALUE;
        if !fits || !counts || !ENCODINGS.contains(&page.encoding) {
            return Err(format!("a page of column {name} has a header that cannot be true"));
        }
        let views = if page.is_dictionary { page.unpacked.saturating_mul(DICTIONARY_RATIO) } else { 0 };
        sum = sum.saturating_add(page.packed).saturating_add(page.unpacked).saturating_add(views);
        (at, left) = (at.saturating_add(whole), left - whole);
    }
    Ok(sum)
}

/// The header of a page: `PageHeader` in `parquet.thrift`, in Thrift's compact protocol.
fn header(bytes: &[u8]) -> Option<Page> {
    let mut thrift = Thrift { bytes, at: 0 };
    let (mut kind, mut unpacked, mut packed) = (None, None, None);
    let mut inner = [None; 10];
    let mut inner_of = None;
    let mut id = 0;
    while let Some(wire) = thrift.field(&mut id)? {
        match (id, wire) {
            (1, Thrift::INT) => kind = Some(thrift.int()?),
            (2, Thrift::INT) => unpacked = Some(thrift.int()?),
            (3, Thrift::INT) => packed = Some(thrift.int()?),
            (4, Thrift::INT) => drop(thrift.int()?),
            (5 | 7 | 8, Thrift::STRUCT) if inner_of.is_none() => (inner, inner_of) = (thrift.ints()?, Some(id)),
            _ => return None,
        }
    }
    // data_page_header, dictionary_page_header and data_page_header_v2, with where each has its encoding
    let (is_dictionary, encoding) = match (kind?, inner_of?) {
        (0, 5) => (false, 2),
        (2, 7) => (true, 2),
        (3, 8) => (false, 4),
        _ => return None,
    };
    let size = |number: i32| u64::try_from(number).ok();
    Some(Page {
        is_dictionary,
        packed: size(packed?)?,
        unpacked: size(unpacked?)?,
        values: size((*inner.get(1)?)?)?,
        encoding: (*inner.get(encoding)?)?,
        header: thrift.at,
    })
}

/// Reads Thrift's compact protocol.
struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Thrift<'_> {
    const INT: u8 = 5;
    const STRUCT: u8 = 12;
    /// Statistics within the header of a page are the deepest there is.
    const MAX_DEPTH: u32 = 4;

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(count).ok()?)?;
        self.at = (end <= self.bytes.len()).then_some(end)?;
        Some(())
    }

    /// A number of at most `most` bytes with seven bits each.
    fn number(&mut self, most: u32) -> Option<u64> {
        let mut number = 0;
        for place in 0..most {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn int(&mut self) -> Option<i32> {
        let number = u32::try_from(self.number(5)?).ok()?;
        Some((number >> 1) as i32 ^ -((number & 1) as i32))
    }

    /// The type of the next field, and its number into `id`; `None` at the end of the struct.
    fn field(&mut self, id: &mut u8) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let (step, wire) = (byte >> 4, byte & 15);
        *id = id.checked_add(step).filter(|_| step > 0)?;
        Some(Some(wire))
    }

    /// The integers among the fields of a struct, by their number.
    fn ints(&mut self) -> Option<[Option<i32>; 10]> {
        let mut ints = [None; 10];
        let mut id = 0;
        while let Some(wire) = self.field(&mut id)? {
            match wire {
                Self::INT => *ints.get_mut(usize::from(id))? = Some(self.int()?),
                wire => self.skip(wire, Self::MAX_DEPTH)?,
            }
        }
        Some(ints)
    }

    fn skip(&mut self, wire: u8, depth: u32) -> Option<()> {
        match wire {
            // a truth value is its type
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.number(10).map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.number(5)?;
                self.pass(length)
            }
            Self::STRUCT => {
                let (mut id, depth) = (0, depth.checked_sub(1)?);
                while let Some(wire) = self.field(&mut id)? {
                    self.skip(wire, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_to_their_end() {
        // DATA_PAGE, 100 bytes, 40 packed, 7 values in PLAIN with levels in RLE
        let page = [0x15, 0, 0x15, 200, 1, 0x15, 80, 0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0, 99];
        let found = Page { is_dictionary: false, packed: 40, unpacked: 100, values: 7, encoding: 0, header: 18 };
        assert_eq!(header(&page), Some(found));
        for length in 0..18 {
            assert_eq!(header(&page[..length]), None, "{length}");
        }
        // DICTIONARY_PAGE with a checksum
        let page = [0x15, 4, 0x15, 16, 0x15, 16, 0x15, 2, 0x3c, 0x15, 4, 0x15, 0, 0x11, 0, 0];
        let found = Page { is_dictionary: true, packed: 8, unpacked: 8, values: 2, encoding: 0, header: 16 };
        assert_eq!(header(&page), Some(found));
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let page = |fields: &[u8]| header(&[fields, &[0x2c, 0x15, 14, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]].concat());
        assert!(page(&[0x15, 0, 0x15, 2, 0x15, 2]).is_some());
        // a size twice, by its full number; one that is negative; one that is too long; a page of no known kind
        assert_eq!(page(&[0x15, 0, 0x15, 2, 0x05, 4, 8, 0x15, 2]), None);
        assert_eq!(page(&[0x15, 0, 0x15, 1, 0x15, 2]), None);
        assert_eq!(page(&[0x15, 0, 0x15, 255, 255, 255, 255, 127, 0x15, 2]), None);
        assert_eq!(page(&[0x15, 2, 0x15, 2, 0x15, 2]), None);
        assert_eq!(header(&[0; 64]), None);
    }
}
