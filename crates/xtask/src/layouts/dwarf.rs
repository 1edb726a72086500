//! Types out of the debug information of one ELF file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use gimli::{AttributeValue, EndianSlice, LittleEndian, constants as dw};
use object::{Object, ObjectSection};

type Reader<'b> = EndianSlice<'b, LittleEndian>;
type Die<'b> = gimli::DebuggingInformationEntry<Reader<'b>>;

/// Where a type stands in `.debug_info`.
pub type Offset = u64;

/// A type, as far as offsets need it.
#[derive(Debug)]
pub enum Type {
    /// A struct or a union. `complete` is false for a mere declaration.
    Record { name: Option<String>, size: u64, members: Vec<Member>, complete: bool },
    /// A pointer; `None` for `void *`.
    Pointer(Option<Offset>),
    /// A typedef or a qualifier.
    Alias(Option<Offset>),
    /// An array with the number of elements of each dimension (0 for a flexible one).
    Array { of: Option<Offset>, counts: Vec<u64> },
    /// A number, an enumeration: its size in bytes.
    Scalar(u64),
}

/// A member of a record. Anonymous structs and unions have no name.
#[derive(Debug)]
pub struct Member {
    pub name: Option<String>,
    pub offset: u64,
    /// First bit in the byte at `offset`; 0 unless it is a bit field.
    pub bit: u64,
    pub of: Option<Offset>,
}

/// All types of a file, by place and by name, and the values of its enumerators.
#[derive(Debug, Default)]
pub struct Types {
    pub by_offset: HashMap<Offset, Type>,
    /// Complete records and typedefs. Files may define a name more than once.
    pub by_name: HashMap<String, Vec<Offset>>,
    pub constants: HashMap<String, i64>,
}

impl Types {
    /// Reads the debug information of the ELF file at `path`. Costs about a second for 10 MB of it.
    pub fn of_file(path: &Path) -> Result<Types> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file = object::File::parse(&*bytes).with_context(|| format!("{} is no ELF file", path.display()))?;
        let section = |id: gimli::SectionId| -> Result<Cow<'_, [u8]>> {
            let section = file.section_by_name(id.name());
            Ok(section.map(|section| section.uncompressed_data()).transpose()?.unwrap_or_default())
        };
        let sections = gimli::DwarfSections::load(section)?;
        let dwarf = sections.borrow(|data| EndianSlice::new(data, LittleEndian));
        let mut types = Types::default();
        let mut units = dwarf.units();
        while let Some(header) = units.next()? {
            UnitReader::new(&dwarf, dwarf.unit(header)?).read_into(&mut types)?;
        }
        Ok(types)
    }
}

/// Reads the types of one unit.
struct UnitReader<'d, 'b> {
    dwarf: &'d gimli::Dwarf<Reader<'b>>,
    unit: gimli::Unit<Reader<'b>>,
    base: u64,
    /// Places of the entries that enclose the present one.
    parents: Vec<Offset>,
}

impl<'d, 'b> UnitReader<'d, 'b> {
    fn new(dwarf: &'d gimli::Dwarf<Reader<'b>>, unit: gimli::Unit<Reader<'b>>) -> Self {
        let base = unit.header.debug_info_offset().map_or(0, |offset| offset.0 as u64);
        UnitReader { dwarf, unit, base, parents: Vec::new() }
    }

    fn read_into(&mut self, types: &mut Types) -> Result<()> {
        let header = self.unit.header;
        let abbreviations = self.unit.abbreviations.clone();
        let mut entries = header.entries_raw(&abbreviations, None)?;
        let mut die = Die::null();
        while !entries.is_empty() {
            if !entries.read_entry(&mut die)? {
                continue;
            }
            let place = self.base + die.offset().0 as u64;
            self.parents.truncate(die.depth().max(0) as usize);
            self.entry(place, &die, types)?;
            self.parents.resize(die.depth().max(0) as usize, 0);
            self.parents.push(place);
        }
        Ok(())
    }

    fn entry(&self, place: Offset, die: &Die<'b>, types: &mut Types) -> Result<()> {
        match die.tag() {
            dw::DW_TAG_structure_type | dw::DW_TAG_union_type => {
                let name = self.name(die)?;
                let complete = die.attr(dw::DW_AT_declaration).is_none();
                if let (Some(name), true) = (&name, complete) {
                    types.by_name.entry(name.clone()).or_default().push(place);
                }
                let size = number(die, dw::DW_AT_byte_size).unwrap_or(0);
                types.by_offset.insert(place, Type::Record { name, size, members: Vec::new(), complete });
            }
            dw::DW_TAG_typedef => {
                if let Some(name) = self.name(die)? {
                    types.by_name.entry(name).or_default().push(place);
                }
                types.by_offset.insert(place, Type::Alias(self.target(die)));
            }
            dw::DW_TAG_const_type | dw::DW_TAG_volatile_type | dw::DW_TAG_atomic_type | dw::DW_TAG_restrict_type => {
                types.by_offset.insert(place, Type::Alias(self.target(die)));
            }
            dw::DW_TAG_pointer_type => {
                types.by_offset.insert(place, Type::Pointer(self.target(die)));
            }
            dw::DW_TAG_array_type => {
                types.by_offset.insert(place, Type::Array { of: self.target(die), counts: Vec::new() });
            }
            dw::DW_TAG_base_type | dw::DW_TAG_enumeration_type => {
                let size = number(die, dw::DW_AT_byte_size).unwrap_or(0);
                types.by_offset.insert(place, Type::Scalar(size));
            }
            dw::DW_TAG_member => self.member(die, types)?,
            dw::DW_TAG_subrange_type => self.dimension(die, types),
            dw::DW_TAG_enumerator => {
                let value = die.attr(dw::DW_AT_const_value).and_then(|value| value.sdata_value());
                if let (Some(name), Some(value)) = (self.name(die)?, value) {
                    types.constants.entry(name).or_insert(value);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn member(&self, die: &Die<'b>, types: &mut Types) -> Result<()> {
        let bits = number(die, dw::DW_AT_data_bit_offset);
        let offset = number(die, dw::DW_AT_data_member_location).or(bits.map(|bits| bits / 8)).unwrap_or(0);
        let member = Member { name: self.name(die)?, offset, bit: bits.unwrap_or(0) % 8, of: self.target(die) };
        if let Some(Type::Record { members, .. }) = self.parents.last().and_then(|at| types.by_offset.get_mut(at)) {
            members.push(member);
        }
        Ok(())
    }

    fn dimension(&self, die: &Die<'b>, types: &mut Types) {
        let last = number(die, dw::DW_AT_upper_bound).filter(|&last| last < u64::from(u32::MAX));
        let count = number(die, dw::DW_AT_count).or(last.map(|last| last + 1)).unwrap_or(0);
        if let Some(Type::Array { counts, .. }) = self.parents.last().and_then(|at| types.by_offset.get_mut(at)) {
            counts.push(count);
        }
    }

    fn name(&self, die: &Die<'b>) -> Result<Option<String>> {
        let Some(value) = die.attr_value(dw::DW_AT_name) else { return Ok(None) };
        let text = self.dwarf.attr_string(&self.unit, value)?;
        Ok(Some(String::from_utf8_lossy(text.slice()).into_owned()))
    }

    fn target(&self, die: &Die<'b>) -> Option<Offset> {
        match die.attr_value(dw::DW_AT_type)? {
            AttributeValue::UnitRef(offset) => Some(self.base + offset.0 as u64),
            AttributeValue::DebugInfoRef(offset) => Some(offset.0 as u64),
            _ => None,
        }
    }
}

fn number(die: &Die<'_>, name: gimli::DwAt) -> Option<u64> {
    die.attr(name)?.udata_value()
}
