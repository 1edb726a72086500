//! What compilers say of frames (`.eh_frame`: System V ABI, AMD64 supplement, 3.7; DWARF 5, 6.4), as rows of a table.

use std::ops::Range;

use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, FrameDescriptionEntry, LittleEndian, Operation, Pointer,
    Register, RegisterRule, UnwindContext, UnwindExpression, UnwindSection, X86_64,
};
use memsight_recorder::tables::{Rule, row};

use crate::native::Image;

type Bytes<'d> = EndianSlice<'d, LittleEndian>;
type Entry<'d> = FrameDescriptionEntry<Bytes<'d>>;

/// The most rows of a part: the largest libraries have some million.
const MOST: usize = 8 << 20;
/// Functions between two signs of life.
const STEP: usize = 1 << 10;

/// The tables of an image.
struct Tables<'d> {
    frames: EhFrame<Bytes<'d>>,
    bases: BaseAddresses,
}

/// The rows for the addresses `code` of an image, as the file has them; each row's place counts from their start. Cost: 0.1 us a
/// row. `beat` is called now and then.
pub(super) fn rows(image: &Image<'_>, code: &Range<u64>, beat: &mut dyn FnMut()) -> Vec<u64> {
    let mut rows = Vec::new();
    let Some((tables, entries)) = entries(image) else { return rows };
    let mut context = UnwindContext::new();
    let mut last = code.start;
    for (count, entry) in entries.iter().enumerate() {
        if count % STEP == 0 {
            beat();
        }
        let of_entry = entry.initial_address()..entry.end_address();
        if of_entry.start < last || of_entry.end > code.end || rows.len() > MOST {
            continue;
        }
        if of_entry.start > last {
            push(&mut rows, last - code.start, Rule::Unknown);
        }
        let Ok(mut table) = entry.rows(&tables.frames, &tables.bases, &mut context) else { continue };
        while let Ok(Some(found)) = table.next_row() {
            let rule = rule(entry, found, &tables.frames);
            push(&mut rows, found.start_address().max(code.start) - code.start, rule);
        }
        last = of_entry.end;
    }
    push(&mut rows, last - code.start, Rule::Unknown);
    rows
}

/// Adds a row, unless it says what the last one does.
fn push(rows: &mut Vec<u64>, place: u64, rule: Rule) {
    let (Ok(place), rule) = (u32::try_from(place), rule.pack()) else { return };
    match rows.last().copied() {
        Some(last) if last as u32 == rule => {}
        // it was for no instruction
        Some(last) if (last >> 32) as u32 == place => {
            rows.pop();
            rows.push(row(place, rule));
        }
        _ => rows.push(row(place, rule)),
    }
}

/// All entries of an image, by address.
fn entries<'d>(image: &Image<'d>) -> Option<(Tables<'d>, Vec<Entry<'d>>)> {
    let index = image.unwind_index()?;
    let bases = BaseAddresses::default().set_eh_frame_hdr(index);
    let header = EhFrameHdr::new(image.from(index)?, LittleEndian).parse(&bases, 8).ok()?;
    let start = match header.eh_frame_ptr() {
        Pointer::Direct(start) => start,
        Pointer::Indirect(_) => return None,
    };
    let frames = EhFrame::new(image.from(start)?, LittleEndian);
    let bases = bases.set_eh_frame(start);
    let (mut entries, table) = (Vec::new(), header.table()?);
    let mut each = table.iter(&bases);
    while let Ok(Some((_, place))) = each.next() {
        let Ok(offset) = table.pointer_to_offset(place) else { continue };
        if let Ok(entry) = frames.fde_from_offset(&bases, offset, EhFrame::cie_from_offset) {
            entries.push(entry);
        }
    }
    entries.sort_by_key(FrameDescriptionEntry::initial_address);
    Some((Tables { frames, bases }, entries))
}

/// What a row says, as far as a frame is found by stack and base pointer.
fn rule<'d>(entry: &Entry<'d>, found: &gimli::UnwindTableRow<usize>, frames: &EhFrame<Bytes<'d>>) -> Rule {
    if entry.is_signal_trampoline() {
        return Rule::Signal;
    }
    match found.register(X86_64::RA) {
        Some(RegisterRule::Offset(-8)) => {}
        Some(RegisterRule::Undefined) => return Rule::Oldest,
        _ => return Rule::Unknown,
    }
    let base = match found.register(X86_64::RBP) {
        None | Some(RegisterRule::SameValue | RegisterRule::Undefined) => Some(None),
        Some(RegisterRule::Offset(offset)) => i32::try_from(offset).ok().map(Some),
        _ => None,
    };
    match (found.cfa(), base) {
        (&CfaRule::RegisterAndOffset { register: X86_64::RSP, offset }, Some(base)) => {
            i32::try_from(offset).map_or(Rule::Unknown, |offset| Rule::Stack(offset, base))
        }
        (&CfaRule::RegisterAndOffset { register: X86_64::RBP, offset }, Some(base)) => {
            i32::try_from(offset).map_or(Rule::Unknown, |offset| Rule::Base(offset, base))
        }
        // a function that has aligned its stack: where the end of its frame was is stored below its base pointer, which points to
        // that of its caller (as GCC does it: a "dynamic realign argument pointer")
        (CfaRule::Expression(end), _) => stored(*end, frames).map_or(Rule::Unknown, Rule::Stored),
        _ => Rule::Unknown,
    }
}

/// The offset from the base pointer at which the end of a frame is stored.
fn stored<'d>(end: UnwindExpression<usize>, frames: &EhFrame<Bytes<'d>>) -> Option<i32> {
    let expression = end.get(frames).ok()?;
    let encoding = gimli::Encoding { address_size: 8, format: gimli::Format::Dwarf32, version: 4 };
    let mut operations = expression.operations(encoding);
    let at = match operations.next().ok()?? {
        Operation::RegisterOffset { register: Register(6), offset, .. } => i32::try_from(offset).ok()?,
        _ => return None,
    };
    let is_loaded = matches!(operations.next(), Ok(Some(Operation::Deref { .. })));
    (is_loaded && matches!(operations.next(), Ok(None))).then_some(at)
}
