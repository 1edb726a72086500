//! The USDT probes of the collector, as the interpreter's file describes them.
//!
//! Source: the notes of type 3 in `.note.stapsdt` (systemtap's `sys/sdt.h`): address of the probe, of `.stapsdt.base` when
//! it was linked, and of its semaphore; then provider, name and arguments as texts. Built in with `--with-dtrace`.

use memsight_model::Region;

use crate::find::elf::{Sections, u32_at, u64_at};
use crate::find::locate::Python;

/// A place in the interpreter where a collection begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcProbeSite {
    /// It ends there; it begins there otherwise.
    pub done: bool,
    /// Offset of the instruction in the file.
    pub offset: u64,
    /// Offset of the semaphore in the file; 0 when there is none.
    pub semaphore: u64,
    /// The generation (begin) or the number of objects freed (end), where the program keeps it then.
    pub argument: Option<Operand>,
}

/// An argument of a probe: `-4@112(%rsp)`, `-8@%r12`, `-4@$2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operand {
    /// Bytes: 1, 2, 4 or 8.
    pub size: usize,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Constant(i64),
    Register(String),
    Memory { base: String, offset: i64 },
}

impl Operand {
    fn parse(text: &str) -> Option<Operand> {
        let (size, place) = text.split_once('@')?;
        let size = size.trim_start_matches('-').parse().ok().filter(|size| [1, 2, 4, 8].contains(size))?;
        let place = match (place.strip_prefix('$'), place.strip_prefix('%'), place.strip_suffix(')')) {
            (Some(number), ..) => Place::Constant(number.parse().ok()?),
            (_, Some(name), _) => Place::Register(whole(name)?.to_owned()),
            (_, _, Some(memory)) => {
                let (offset, base) = memory.split_once("(%")?;
                let offset = if offset.is_empty() { 0 } else { offset.parse().ok()? };
                Place::Memory { base: whole(base)?.to_owned(), offset }
            }
            _ => return None,
        };
        Some(Operand { size, place })
    }

    /// Its value, with the registers and the memory at that moment.
    pub fn value<'m>(
        &self,
        register: impl Fn(&str) -> Option<u64>,
        memory: impl Fn(u64, usize) -> Option<&'m [u8]>,
    ) -> Option<i64> {
        let raw = match &self.place {
            Place::Constant(number) => return Some(*number),
            Place::Register(name) => register(name)?,
            Place::Memory { base, offset } => {
                let bytes = memory(register(base)?.wrapping_add_signed(*offset), self.size)?;
                bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
            }
        };
        let unused = 64 - 8 * self.size as u32;
        Some((raw << unused) as i64 >> unused)
    }
}

/// The 64-bit register that a name is a part of: `eax` is in `rax`, `r12d` in `r12`.
fn whole(name: &str) -> Option<&'static str> {
    const NAMES: [[&str; 4]; 16] = [
        ["rax", "eax", "ax", "al"],
        ["rbx", "ebx", "bx", "bl"],
        ["rcx", "ecx", "cx", "cl"],
        ["rdx", "edx", "dx", "dl"],
        ["rsi", "esi", "si", "sil"],
        ["rdi", "edi", "di", "dil"],
        ["rbp", "ebp", "bp", "bpl"],
        ["rsp", "esp", "sp", "spl"],
        ["r8", "r8d", "r8w", "r8b"],
        ["r9", "r9d", "r9w", "r9b"],
        ["r10", "r10d", "r10w", "r10b"],
        ["r11", "r11d", "r11w", "r11b"],
        ["r12", "r12d", "r12w", "r12b"],
        ["r13", "r13d", "r13w", "r13b"],
        ["r14", "r14d", "r14w", "r14b"],
        ["r15", "r15d", "r15w", "r15b"],
    ];
    NAMES.iter().find(|names| names.contains(&name)).map(|names| names[0])
}

impl Python {
    /// The first mapping of the file that holds the runtime: the one with the file's head.
    pub fn image<'r>(&self, regions: &'r [Region]) -> Option<&'r Region> {
        // Zeroed data lies behind the mapping of the file.
        let holder = regions
            .iter()
            .take_while(|region| region.start <= self.runtime)
            .filter(|region| region.inode != 0)
            .last()?;
        regions.iter().find(|region| region.inode == holder.inode && region.path == holder.path && region.offset == 0)
    }
}

/// The probes `gc__start` and `gc__done` of an interpreter's file; none when it was built without.
pub fn gc_probe_sites(file: &[u8]) -> Vec<GcProbeSite> {
    let sites = || {
        let sections = Sections::of(file)?;
        let (_, notes) = sections.section(".note.stapsdt")?;
        let base = sections.section(".stapsdt.base").map(|(address, _)| address);
        let (mut found, mut rest) = (Vec::new(), notes);
        while let Some((note, behind)) = note(rest) {
            found.extend(site(&sections, note, base));
            rest = behind;
        }
        Some(found)
    };
    sites().unwrap_or_default()
}

/// The description of the first note, and what is behind it.
fn note(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let padded = |len: u32| usize::try_from(len.checked_next_multiple_of(4)?).ok();
    let (name, description) = (padded(u32_at(bytes, 0)?)?, u32_at(bytes, 4)?);
    let start = name.checked_add(12)?;
    let end = start.checked_add(usize::try_from(description).ok()?)?;
    let behind = bytes.get(start.checked_add(padded(description)?)?..).unwrap_or_default();
    Some((bytes.get(start..end)?, behind))
}

fn site(sections: &Sections, note: &[u8], base: Option<u64>) -> Option<GcProbeSite> {
    let [location, linked, semaphore] = [u64_at(note, 0)?, u64_at(note, 8)?, u64_at(note, 16)?];
    let mut texts = note.get(24..)?.split(|byte| *byte == 0).map(std::str::from_utf8);
    let (provider, name, arguments) = (texts.next()?.ok()?, texts.next()?.ok()?, texts.next()?.ok()?);
    let done = match (provider, name) {
        ("python", "gc__start") => false,
        ("python", "gc__done") => true,
        _ => return None,
    };
    // A file that was linked again at another address has moved by this much.
    let moved = base.map_or(0, |base| base.wrapping_sub(linked));
    let offset = |address: u64| sections.offset_of(address.wrapping_add(moved));
    Some(GcProbeSite {
        done,
        offset: offset(location)?,
        semaphore: if semaphore == 0 { 0 } else { offset(semaphore)? },
        argument: arguments.split_ascii_whitespace().next().and_then(Operand::parse),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_as_compilers_write_them() {
        let registers = |name: &str| match name {
            "rsp" => Some(0x1000),
            "r12" => Some(7),
            "rax" => Some(0xffff_ffff),
            _ => None,
        };
        let stack = [1u8, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff];
        let memory = |at: u64, len: usize| stack.get(at.checked_sub(0x1000)? as usize..)?.get(..len);
        for (text, value) in [
            ("-4@(%rsp)", Some(1)),
            ("-4@4(%rsp)", Some(-2)),
            ("-8@%r12", Some(7)),
            ("-4@%eax", Some(-1)),
            ("-4@$2", Some(2)),
            ("-4@-8(%rsp)", None),
            ("-4@-292(%rbp)", None),
        ] {
            let operand = Operand::parse(text).expect(text);
            assert_eq!(operand.value(registers, memory), value, "{text}");
        }
        for text in ["", "4", "3@%eax", "4@%mm0", "8@name(%rip)", "4@("] {
            assert_eq!(Operand::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_without_notes_has_no_probes() {
        assert!(gc_probe_sites(b"").is_empty());
        assert!(gc_probe_sites(&[0x7f; 200]).is_empty());
        assert_eq!(note(&[8, 0, 0, 0, 255, 255, 255, 255, 3, 0, 0, 0]), None);
    }
}
