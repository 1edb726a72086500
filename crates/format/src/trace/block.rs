//! Blocks: what a trace is made of.

use std::fmt;
use std::io::{self, Read};

use zstd::stream::raw::{DParameter, Decoder, Encoder, Operation, OutBuffer};

/// How a trace begins: a byte that no text has, a name, and ends of lines that a transfer as text would change.
pub(super) const MAGIC: [u8; 12] = *b"\x89MSTRACE\r\n\x1a\n";
/// The version of the format.
pub(super) const VERSION: u32 = 1;
/// How the head of each block begins.
const MARK: [u8; 3] = *b"MSB";
/// Bytes of a block's head.
pub(super) const HEAD: usize = 16;
/// The most bytes of a block, packed or not.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// How hard zstd tries: its own default.
const LEVEL: i32 = 3;
/// How far back a block may refer to those before it, as a power of two: 8 MiB, of which memsight uses 2.
const WINDOW: u32 = 23;
/// Bytes that are packed into before they are appended.
const PART: usize = 64 << 10;

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
    /// Modules of native frames.
    Modules = 6,
    /// What is at places in them.
    Symbols = 7,
}

impl Kind {
    fn of(byte: u8) -> Option<Kind> {
        const KINDS: [Kind; 7] =
            [Kind::Head, Kind::Codes, Kind::Frames, Kind::Events, Kind::End, Kind::Modules, Kind::Symbols];
        KINDS.into_iter().find(|&kind| kind as u8 == byte)
    }
}

/// Packs blocks, each of which may refer to those before it.
pub(super) struct Packer {
    encoder: Encoder<'static>,
    part: Vec<u8>,
}

impl Packer {
    /// # Errors
    /// There is no memory.
    pub(super) fn new() -> io::Result<Packer> {
        Ok(Packer { encoder: Encoder::new(LEVEL)?, part: vec![0; PART] })
    }

    /// Appends a block with these bytes to `out`. All blocks of a trace are appended, one after the other.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, kind: Kind, bytes: &[u8]) -> io::Result<()> {
        let begin = out.len();
        out.extend_from_slice(&[0; HEAD]);
        let mut taken = 0;
        while taken < bytes.len() {
            let status = self.encoder.run_on_buffers(&bytes[taken..], &mut self.part)?;
            taken += status.bytes_read;
            out.extend_from_slice(&self.part[..status.bytes_written]);
        }
        loop {
            let mut part = OutBuffer::around(&mut self.part[..]);
            let left = self.encoder.flush(&mut part)?;
            out.extend_from_slice(part.as_slice());
            if left == 0 {
                break;
            }
        }
        let mut head = [0; HEAD];
        head[..3].copy_from_slice(&MARK);
        head[3] = kind as u8;
        let packed = out.len() - begin - HEAD;
        head[4..8].copy_from_slice(&(packed as u32).to_le_bytes());
        head[8..12].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        let sum = checksum(&head[..12], &out[begin + HEAD..]);
        head[12..].copy_from_slice(&sum.to_le_bytes());
        out[begin..begin + HEAD].copy_from_slice(&head);
        Ok(())
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Packer").finish_non_exhaustive()
    }
}

pub(super) fn checksum(head: &[u8], packed: &[u8]) -> u32 {
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

/// Unpacks blocks, each of which may refer to those before it.
pub(super) struct Unpacker(Decoder<'static>);

impl Unpacker {
    /// # Errors
    /// There is no memory.
    pub(super) fn new() -> io::Result<Unpacker> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW))?;
        Ok(Unpacker(decoder))
    }

    /// Reads the next block.
    ///
    /// # Errors
    /// Those of the file.
    pub(super) fn read(&mut self, file: &mut impl Read) -> io::Result<Next> {
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
        Ok(match (Kind::of(head[3]), self.unpacked(&packed, len)) {
            (_, None) => Next::Damaged,
            (None, _) => Next::Unknown,
            (Some(kind), Some(bytes)) => Next::Block(kind, bytes),
        })
    }

    /// The bytes of a block; `None` where they are not so many.
    fn unpacked(&mut self, packed: &[u8], len: usize) -> Option<Vec<u8>> {
        // room for one more: what is too long is seen, and nothing stays behind in the decoder
        let mut bytes = vec![0; len + 1];
        let (mut taken, mut written) = (0, 0);
        while taken < packed.len() {
            let status = self.0.run_on_buffers(packed.get(taken..)?, bytes.get_mut(written..)?).ok()?;
            if status.bytes_read == 0 && status.bytes_written == 0 {
                return None;
            }
            taken += status.bytes_read;
            written += status.bytes_written;
        }
        bytes.truncate(len);
        (written == len).then_some(bytes)
    }
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
