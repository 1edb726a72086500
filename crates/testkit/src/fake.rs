//! Memory that was saved or made up.

use std::collections::BTreeMap;
use std::path::Path;

use memsight_model::{Address, Fault, ReadMemory, Region};
use serde::{Deserialize, Serialize};

use crate::TestkitError;

/// Bytes at addresses, for tests of the decoder and for the fuzzer.
///
/// Saved as one line of JSON (regions and lengths of the pieces) and then the bytes of the pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FakeMemory {
    /// What `/proc/PID/maps` would say; not tied to the pieces.
    pub regions: Vec<Region>,
    pieces: BTreeMap<u64, Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    regions: Vec<(u64, u64, u8, u64, u64, String)>,
    pieces: Vec<(u64, usize)>,
}

impl FakeMemory {
    /// Puts bytes at an address. Pieces must not overlap; touching ones are read through.
    pub fn put(&mut self, at: Address, bytes: Vec<u8>) {
        self.pieces.insert(at.0, bytes);
    }

    /// Puts little-endian words at an address.
    pub fn put_words(&mut self, at: Address, words: &[u64]) {
        self.put(at, words.iter().flat_map(|word| word.to_le_bytes()).collect());
    }

    /// Bytes stored.
    pub fn stored_bytes(&self) -> u64 {
        self.pieces.values().map(|piece| piece.len() as u64).sum()
    }

    /// The stored byte number `index`, counted over all pieces, for a fuzzer to change.
    pub fn byte_mut(&mut self, mut index: u64) -> Option<&mut u8> {
        for piece in self.pieces.values_mut() {
            match usize::try_from(index).ok().filter(|&index| index < piece.len()) {
                Some(index) => return piece.get_mut(index),
                None => index -= piece.len() as u64,
            }
        }
        None
    }

    /// Copies what can be read of the private writable regions of `memory`, at most `cap` bytes of each.
    pub fn capture(memory: &impl ReadMemory, regions: Vec<Region>, cap: u64) -> FakeMemory {
        let mut pieces = BTreeMap::new();
        for region in regions.iter().filter(|region| region.read && region.write && !region.shared) {
            let mut bytes = vec![0; region.len().min(cap) as usize];
            if memory.read(region.start, &mut bytes).is_ok() {
                pieces.insert(region.start.0, bytes);
            }
        }
        FakeMemory { regions, pieces }
    }

    /// The same without pages that hold nothing but zeros, to be saved; [`fill`](Self::fill) brings them back.
    pub fn sparse(&self) -> FakeMemory {
        const PAGE: usize = 4096;
        let pages = self.pieces.iter().flat_map(|(at, piece)| {
            piece.chunks(PAGE).enumerate().map(move |(index, page)| (at + (PAGE * index) as u64, page))
        });
        let pieces = pages.filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        FakeMemory { regions: self.regions.clone(), pieces: pieces.map(|(at, page)| (at, page.to_vec())).collect() }
    }

    /// The same with zeros wherever a region has nothing.
    pub fn fill(&self) -> FakeMemory {
        let whole = |region: &Region| {
            let mut bytes = vec![0; region.len() as usize];
            for (at, piece) in self.pieces.range(region.start.0..region.end.0) {
                let from = (at - region.start.0) as usize;
                let until = bytes.len().min(from + piece.len());
                bytes[from..until].copy_from_slice(&piece[..until - from]);
            }
            (region.start.0, bytes)
        };
        FakeMemory { regions: self.regions.clone(), pieces: self.regions.iter().map(whole).collect() }
    }

    /// The saved form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = Header {
            regions: self.regions.iter().map(packed).collect(),
            pieces: self.pieces.iter().map(|(at, piece)| (*at, piece.len())).collect(),
        };
        let mut bytes = serde_json::to_vec(&header).unwrap_or_default();
        bytes.push(b'\n');
        self.pieces.values().for_each(|piece| bytes.extend_from_slice(piece));
        bytes
    }

    /// Reads the saved form; `None` when it is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Option<FakeMemory> {
        let line = bytes.iter().position(|&byte| byte == b'\n')?;
        let header: Header = serde_json::from_slice(bytes.get(..line)?).ok()?;
        let mut rest = bytes.get(line + 1..)?;
        let mut pieces = BTreeMap::new();
        for (at, len) in header.pieces {
            let (piece, left) = rest.split_at_checked(len)?;
            rest = left;
            pieces.insert(at, piece.to_vec());
        }
        Some(FakeMemory { regions: header.regions.into_iter().map(unpacked).collect(), pieces })
    }

    /// Saves to a file.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, self.to_bytes())
    }

    /// Loads a saved file.
    pub fn load(path: &Path) -> Result<FakeMemory, TestkitError> {
        let bytes = std::fs::read(path).map_err(|source| TestkitError::Read { path: path.to_owned(), source })?;
        FakeMemory::from_bytes(&bytes)
            .ok_or_else(|| TestkitError::Malformed { what: "memory image", why: path.display().to_string() })
    }
}

impl ReadMemory for FakeMemory {
    fn read(&self, at: Address, out: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { at, len: out.len() };
        let mut done = 0;
        while done < out.len() {
            let here = at.0.checked_add(done as u64).ok_or(fault)?;
            let (&start, piece) = self.pieces.range(..=here).next_back().ok_or(fault)?;
            let skip = usize::try_from(here - start).map_err(|_| fault)?;
            let source = piece.get(skip..).filter(|source| !source.is_empty()).ok_or(fault)?;
            let count = source.len().min(out.len() - done);
            out[done..done + count].copy_from_slice(&source[..count]);
            done += count;
        }
        Ok(())
    }
}

fn packed(region: &Region) -> (u64, u64, u8, u64, u64, String) {
    let bits = [region.read, region.write, region.execute, region.shared];
    let flags = bits.iter().enumerate().fold(0, |flags, (bit, &set)| flags | (u8::from(set) << bit));
    (region.start.0, region.end.0, flags, region.offset, region.inode, region.path.clone())
}

fn unpacked((start, end, flags, offset, inode, path): (u64, u64, u8, u64, u64, String)) -> Region {
    let set = |bit: u8| flags & (1 << bit) != 0;
    Region {
        start: Address(start),
        end: Address(end),
        read: set(0),
        write: set(1),
        execute: set(2),
        shared: set(3),
        offset,
        inode,
        path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> FakeMemory {
        let region =
            Region { start: Address(0x1000), end: Address(0x2000), read: true, write: true, ..Region::default() };
        let mut memory = FakeMemory { regions: vec![region], ..FakeMemory::default() };
        memory.put_words(Address(0x1000), &[1, 2]);
        memory.put_words(Address(0x1010), &[3]);
        memory.put(Address(0x3000), vec![7; 3]);
        memory
    }

    #[test]
    fn reads_go_through_touching_pieces_and_stop_at_gaps() {
        let memory = memory();
        let mut words = Vec::new();
        assert!(memory.words(Address(0x1000), 3, &mut words).is_ok());
        assert_eq!(words, [1, 2, 3]);
        assert_eq!(memory.word(Address(0x100c)), Ok(3 << 32));
        assert!(memory.word(Address(0x1011)).is_err());
        assert!(memory.u32(Address(0x3000)).is_err());
        assert!(memory.u8(Address(u64::MAX)).is_err());
    }

    #[test]
    fn saved_memory_comes_back_and_truncated_files_do_not() {
        let memory = memory();
        let bytes = memory.to_bytes();
        assert_eq!(FakeMemory::from_bytes(&bytes), Some(memory));
        assert_eq!(FakeMemory::from_bytes(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn pages_of_zeros_need_not_be_saved() {
        let mut memory = memory();
        memory.put(Address(0x1018), vec![0; 0xfe8]);
        let whole = memory.fill();
        assert_eq!(whole.stored_bytes(), 0x1000);
        assert_eq!(whole.sparse().fill(), whole);
        let blank = FakeMemory { regions: whole.regions.clone(), ..FakeMemory::default() };
        assert_eq!(blank.fill().sparse().stored_bytes(), 0);
    }

    #[test]
    fn every_stored_byte_can_be_changed() {
        let mut memory = memory();
        assert_eq!(memory.byte_mut(26).copied(), Some(7));
        assert_eq!(memory.byte_mut(memory.stored_bytes()), None);
    }
}
