//! Symbols of an ELF image: from its mapped dynamic section (survives `strip`, needs no file), else from the file's
//! section table (`.symtab`, `.PyRuntime`). Sources: elf(5), the gABI, and the GNU hash section as glibc reads it
//! (`elf/dl-lookup.c`).

use memsight_model::{Address, Fault, ReadMemory, Region};

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PF_W: u32 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;
const DT_GNU_HASH: u64 = 0x6fff_fef5;
const SYMBOL_SIZE: u64 = 24;
/// More program headers, dynamic entries or chained symbols than any real file has.
const CAP: u64 = 1 << 20;

/// More writable segments than any real file has.
const MOST_WRITABLE: usize = 64;
/// No library has more static data.
const LARGEST_DATA: u64 = 1 << 30;

/// An ELF image mapped into the target.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    bias: u64,
    dynamic: Option<u64>,
    /// Its writable segments in memory, zeroed data (.bss) included, ascending and apart. An arena of objects may lie right
    /// behind, in the same line of the maps.
    pub writable: Vec<(Address, Address)>,
}

impl Image {
    /// Reads the headers of the image whose first mapping is `region`; `None` when it is no 64-bit ELF.
    pub fn at<M: ReadMemory>(memory: &M, region: &Region) -> Option<Image> {
        let base = region.start;
        let mut header = [0u8; 64];
        memory.read(base, &mut header).ok()?;
        if header[..6] != [0x7f, b'E', b'L', b'F', 2, 1] {
            return None;
        }
        let table = base.checked_add(u64_at(&header, 32)?)?;
        let size = u64::from(u16_at(&header, 54)?);
        let count = u64::from(u16_at(&header, 56)?);
        let mut bias = None;
        let mut dynamic = None;
        let mut segments = Vec::new();
        for i in 0..count {
            let mut entry = [0u8; 56];
            memory.read(table.checked_add(i * size)?, &mut entry).ok()?;
            let (kind, offset, address) = (u32_at(&entry, 0)?, u64_at(&entry, 8)?, u64_at(&entry, 16)?);
            if kind == PT_LOAD && bias.is_none() && offset & !0xfff == region.offset {
                bias = Some(base.0.wrapping_sub(address & !0xfff));
            }
            if kind == PT_LOAD && u32_at(&entry, 4)? & PF_W != 0 && segments.len() < MOST_WRITABLE {
                segments.push((address, u64_at(&entry, 40)?.min(LARGEST_DATA)));
            }
            if kind == PT_DYNAMIC {
                dynamic = Some(address);
            }
        }
        let bias = bias?;
        let range = |(address, size): (u64, u64)| {
            let start = Address(address.wrapping_add(bias));
            Some((start, start.checked_add(size)?))
        };
        let writable = joined(segments.into_iter().filter_map(range).collect());
        Some(Image { bias, dynamic: dynamic.map(|address| address.wrapping_add(bias)), writable })
    }

    /// Address of a symbol of the dynamic symbol table.
    pub fn dynamic_symbol<M: ReadMemory>(&self, memory: &M, name: &str) -> Option<Address> {
        let (mut strings, mut symbols, mut gnu, mut hash) = (0, 0, 0, 0);
        let dynamic = Address(self.dynamic?);
        for i in 0..CAP {
            let entry = dynamic.checked_add(16 * i)?;
            let (tag, value) = (memory.word(entry).ok()?, memory.word(entry.at(8)).ok()?);
            match tag {
                0 => break,
                DT_STRTAB => strings = self.relocated(value),
                DT_SYMTAB => symbols = self.relocated(value),
                DT_GNU_HASH => gnu = self.relocated(value),
                DT_HASH => hash = self.relocated(value),
                _ => {}
            }
        }
        let table = Symbols { memory, strings, symbols, bias: self.bias };
        if gnu != 0 { table.by_gnu_hash(gnu, name).ok()? } else { table.by_hash(hash, name).ok()? }
    }

    /// The code of a function of the dynamic symbol table.
    pub fn dynamic_function<M: ReadMemory>(&self, memory: &M, name: &str) -> Option<std::ops::Range<u64>> {
        let start = self.dynamic_symbol(memory, name)?.0;
        let dynamic = Address(self.dynamic?);
        let tag = |wanted: u64| {
            (0..CAP)
                .map_while(|i| dynamic.checked_add(16 * i))
                .map_while(|entry| {
                    let tag = memory.word(entry).ok().filter(|&tag| tag != 0)?;
                    Some((tag, memory.word(entry.at(8)).ok()?))
                })
                .find(|(tag, _)| *tag == wanted)
                .map(|(_, value)| self.relocated(value))
        };
        // The table of symbols lies before that of their names in what every linker makes.
        let (symbols, strings) = (tag(DT_SYMTAB)?, tag(DT_STRTAB)?);
        let count = strings.checked_sub(symbols)? / SYMBOL_SIZE;
        let size = (0..count.min(CAP)).find_map(|index| {
            let symbol = Address(symbols).checked_add(index * SYMBOL_SIZE)?;
            let value = memory.word(symbol.at(8)).ok()?.wrapping_add(self.bias);
            (value == start).then(|| memory.word(symbol.at(16)).ok()).flatten()
        })?;
        Some(start..start.checked_add(size)?)
    }

    /// glibc adds the bias to the pointers of the dynamic section in place; other loaders leave them.
    fn relocated(&self, value: u64) -> u64 {
        if value < self.bias { value.wrapping_add(self.bias) } else { value }
    }

    /// Address of a symbol of the file's `.symtab`, or of a whole section (`.PyRuntime`).
    pub fn symbol_of_file(&self, file: &[u8], symbol: &str, section: &str) -> Option<Address> {
        let sections = Sections::of(file)?;
        let at = sections.find_section(section).or_else(|| sections.find_symbol(symbol))?;
        Some(Address(at.wrapping_add(self.bias)))
    }
}

/// The static data of executables and libraries, .bss included, sorted: by their program headers, or by the mapping
/// of the file where those cannot be read.
pub(crate) fn static_memory<M: ReadMemory>(memory: &M, regions: &[Region]) -> Vec<(Address, Address)> {
    let mut ranges: Vec<(Address, Address)> = regions
        .iter()
        .filter(|region| region.write && region.inode != 0 && !region.shared)
        .map(|region| (region.start, region.end))
        .collect();
    for region in regions.iter().filter(|region| region.read && region.offset == 0 && region.path.starts_with('/')) {
        ranges.extend(Image::at(memory, region).into_iter().flat_map(|image| image.writable));
    }
    joined(ranges)
}

/// The same memory, sorted. Overlapping ranges become one, so that the last one that starts before an address tells.
fn joined(mut ranges: Vec<(Address, Address)>) -> Vec<(Address, Address)> {
    ranges.sort_unstable();
    let mut joined: Vec<(Address, Address)> = Vec::new();
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

struct Symbols<'m, M> {
    memory: &'m M,
    strings: u64,
    symbols: u64,
    bias: u64,
}

impl<M: ReadMemory> Symbols<'_, M> {
    fn by_gnu_hash(&self, table: u64, name: &str) -> Result<Option<Address>, Fault> {
        let table = Address(table);
        let (buckets, first, bloom) =
            (self.memory.u32(table)?, self.memory.u32(table.at(4))?, self.memory.u32(table.at(8))?);
        if buckets == 0 {
            return Ok(None);
        }
        let hash = name.bytes().fold(5381u32, |hash, byte| hash.wrapping_mul(33).wrapping_add(u32::from(byte)));
        let bucket_table = table.at(16 + 8 * i64::from(bloom));
        let chains = bucket_table.at(4 * i64::from(buckets));
        let mut index = self.memory.u32(bucket_table.at(4 * i64::from(hash % buckets)))?;
        if index < first {
            return Ok(None);
        }
        let end = index.saturating_add(CAP as u32);
        while index < end {
            let chain = self.memory.u32(chains.at(4 * i64::from(index - first)))?;
            if chain | 1 == hash | 1
                && let Some(found) = self.symbol_if(u64::from(index), name)?
            {
                return Ok(Some(found));
            }
            if chain & 1 == 1 {
                break;
            }
            index += 1;
        }
        Ok(None)
    }

    fn by_hash(&self, table: u64, name: &str) -> Result<Option<Address>, Fault> {
        if table == 0 {
            return Ok(None);
        }
        let count = u64::from(self.memory.u32(Address(table).at(4))?).min(CAP);
        for index in 0..count {
            if let Some(found) = self.symbol_if(index, name)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn symbol_if(&self, index: u64, name: &str) -> Result<Option<Address>, Fault> {
        let entry = Address(self.symbols.wrapping_add(SYMBOL_SIZE * index));
        let text = Address(self.strings.wrapping_add(u64::from(self.memory.u32(entry)?)));
        let value = self.memory.word(entry.at(8))?;
        if value == 0 || self.memory.c_string(text, name.len() + 1)? != name {
            return Ok(None);
        }
        Ok(Some(Address(value.wrapping_add(self.bias))))
    }
}

/// The section table of a file.
pub(crate) struct Sections<'f> {
    file: &'f [u8],
    table: usize,
    size: usize,
    count: usize,
    names: usize,
}

impl<'f> Sections<'f> {
    pub fn of(file: &'f [u8]) -> Option<Sections<'f>> {
        let table = usize::try_from(u64_at(file, 40)?).ok()?;
        let (size, count) = (usize::from(u16_at(file, 58)?), usize::from(u16_at(file, 60)?));
        let mut sections = Sections { file, table, size, count, names: 0 };
        let names = sections.header(usize::from(u16_at(file, 62)?))?;
        sections.names = usize::try_from(u64_at(names, 24)?).ok()?;
        Some(sections)
    }

    fn header(&self, index: usize) -> Option<&'f [u8]> {
        let start = self.table.checked_add(index.checked_mul(self.size)?)?;
        self.file.get(start..start.checked_add(64)?)
    }

    fn name_is(&self, at: usize, name: &str) -> bool {
        at.checked_add(name.len()).and_then(|end| {
            let text = self.file.get(at..end)?;
            Some(text == name.as_bytes() && self.file.get(end) == Some(&0))
        }) == Some(true)
    }

    fn find_section(&self, name: &str) -> Option<u64> {
        u64_at(self.named(name)?, 16)
    }

    /// The header of a section.
    fn named(&self, name: &str) -> Option<&'f [u8]> {
        (0..self.count).filter_map(|i| self.header(i)).find(|header| {
            let text = u32_at(header, 0).and_then(|at| self.names.checked_add(at as usize));
            text.is_some_and(|text| self.name_is(text, name))
        })
    }

    /// Address and bytes of a section.
    pub fn section(&self, name: &str) -> Option<(u64, &'f [u8])> {
        let header = self.named(name)?;
        let start = usize::try_from(u64_at(header, 24)?).ok()?;
        let end = start.checked_add(usize::try_from(u64_at(header, 32)?).ok()?)?;
        Some((u64_at(header, 16)?, self.file.get(start..end)?))
    }

    /// Where in the file an address of the linked image is.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        let headers = (0..self.count).filter_map(|i| self.header(i));
        headers.filter(|header| u64_at(header, 16).is_some_and(|start| start != 0)).find_map(|header| {
            let (start, offset, size) = (u64_at(header, 16)?, u64_at(header, 24)?, u64_at(header, 32)?);
            let within = address.checked_sub(start)?;
            (within < size).then(|| offset.checked_add(within))?
        })
    }

    fn find_symbol(&self, name: &str) -> Option<u64> {
        const SHT_SYMTAB: u32 = 2;
        for header in (0..self.count).filter_map(|i| self.header(i)) {
            if u32_at(header, 4)? != SHT_SYMTAB {
                continue;
            }
            let strings = usize::try_from(u64_at(self.header(u32_at(header, 40)? as usize)?, 24)?).ok()?;
            let start = usize::try_from(u64_at(header, 24)?).ok()?;
            let end = start.checked_add(usize::try_from(u64_at(header, 32)?).ok()?)?;
            for entry in self.file.get(start..end)?.chunks_exact(SYMBOL_SIZE as usize) {
                let text = strings.checked_add(u32_at(entry, 0)? as usize)?;
                let value = u64_at(entry, 8)?;
                if value != 0 && self.name_is(text, name) {
                    return Some(value);
                }
            }
        }
        None
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}
