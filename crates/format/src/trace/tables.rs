//! Code objects and frames, in their blocks.

use memsight_model::trace::{Code, Frame};

use super::numbers::{Column, put, put_bytes, put_difference};

/// Appends a code object.
pub(super) fn put_code(out: &mut Vec<u8>, code: &Code) {
    put(out, code.number.into());
    put(out, code.first_line.into());
    put_bytes(out, code.name.as_bytes());
    put_bytes(out, code.file.as_bytes());
    put_bytes(out, &code.lines);
}

/// The next code object.
pub(super) fn code(column: &mut Column, block: &[u8]) -> Option<Code> {
    let (number, first_line) = (column.small(block)?, column.small(block)?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (name, file) = (text(column.bytes(block)?), text(column.bytes(block)?));
    let lines = column.bytes(block)?.to_vec();
    Some(Code { number, name, file, first_line, lines })
}

/// Appends a frame, which has this number.
pub(super) fn put_frame(out: &mut Vec<u8>, number: u32, frame: Frame) {
    put_difference(out, number.into(), frame.caller.into());
    put(out, frame.code.into());
    put(out, frame.offset.into());
}

/// The next frame, which has this number: one that was told after its caller.
pub(super) fn frame(column: &mut Column, block: &[u8], number: u32) -> Option<Frame> {
    let caller = u32::try_from(column.difference(block, number.into())?).ok().filter(|&caller| caller < number)?;
    Some(Frame { caller, code: column.small(block)?, offset: column.small(block)? })
}
