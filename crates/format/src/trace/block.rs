//! Blocks: what a trace is made of.

use std::io::{self, Read};

/// How a trace begins: a byte that no text has, a name, and ends of lines that a transfer as text would change.
pub(super) const MAGIC: [u8; 12] = *b"\x89MSTRACE\r\n\x1a\n";
/// The version of the format.
pub(super) const VERSION: u32 = 1;
/// How the head of each block begins.
const MARK: [u8; 3] = *b"MSB";
/// Bytes of a block's head.
pub(super) const HEAD: usize = 16;
/// The most bytes of a block, packed or not.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// What is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// `Head` as JSON.
    Head = 1,
    /// Code objects.
    Codes = 2,
    /// Frames.
    Frames = 3,
    /// Events.
    Events = 4,
    /// `End` as JSON.
    End = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        [Kind::Head, Kind::Codes, Kind::Frames, Kind::Events, Kind::End].into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// Appends a block with these bytes to `out`.
pub(super) fn append(out: &mut Vec<u8>, kind: Kind, bytes: &[u8]) {
    let packed = lz4_flex::block::compress(bytes);
    let mut head = [0; HEAD];
    head[..3].copy_from_slice(&MARK);
    head[3] = kind as u8;
    head[4..8].copy_from_slice(&(packed.len() as u32).to_le_bytes());
    head[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    let sum = checksum(&head[..12], &packed);
    head[12..].copy_from_slice(&sum.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(&packed);
}

fn checksum(head: &[u8], packed: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(head);
    sum.update(packed);
    sum.finalize()
}

/// What comes next in a trace.
#[derive(Debug)]
pub(super) enum Next {
    /// A block.
    Block(Kind, Vec<u8>),
    /// A whole block of a kind that a later version has.
    Unknown,
    /// The file ends here.
    Nothing,
    /// The file ends within a block, or holds what is none.
    Damaged,
}

/// Reads the next block.
///
/// # Errors
/// Those of the file.
pub(super) fn read(file: &mut impl Read) -> io::Result<Next> {
    let mut head = [0; HEAD];
    match fill(file, &mut head)? {
        0 => return Ok(Next::Nothing),
        HEAD if head[..3] == MARK => {}
        _ => return Ok(Next::Damaged),
    }
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (packed_len, len) = (number(4) as usize, number(8) as usize);
    if packed_len > MAX_BYTES || len > MAX_BYTES {
        return Ok(Next::Damaged);
    }
    // memory as there are bytes, not as the head says
    let mut packed = Vec::new();
    file.take(packed_len as u64).read_to_end(&mut packed)?;
    if packed.len() != packed_len || checksum(&head[..12], &packed) != number(12) {
        return Ok(Next::Damaged);
    }
    // LZ4 makes at most 255 bytes of one
    if len / 256 > packed_len {
        return Ok(Next::Damaged);
    }
    Ok(match (Kind::of(head[3]), lz4_flex::block::decompress(&packed, len)) {
        (_, Err(_)) => Next::Damaged,
        (_, Ok(bytes)) if bytes.len() != len => Next::Damaged,
        (None, _) => Next::Unknown,
        (Some(kind), Ok(bytes)) => Next::Block(kind, bytes),
    })
}

/// Reads as many bytes as there are.
pub(super) fn fill(file: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read(&mut bytes[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
