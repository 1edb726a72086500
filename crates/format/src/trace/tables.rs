//! Code objects, frames, and what native frames are in, in their blocks.

use memsight_model::trace::{Code, Frame, Module, NativeFunction, Symbol};

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

/// Appends a module.
pub(super) fn put_module(out: &mut Vec<u8>, module: &Module) {
    put(out, module.number.into());
    put_bytes(out, module.path.as_bytes());
    put_bytes(out, &module.build_id);
}

/// The next module.
pub(super) fn module(column: &mut Column, block: &[u8]) -> Option<Module> {
    let number = column.small(block)?;
    let path = String::from_utf8_lossy(column.bytes(block)?).into_owned();
    Some(Module { number, path, build_id: column.bytes(block)?.to_vec() })
}

/// Appends what is at a place in a module.
pub(super) fn put_symbol(out: &mut Vec<u8>, symbol: &Symbol) {
    put(out, symbol.module.into());
    put(out, symbol.offset.into());
    put(out, symbol.functions.len() as u64);
    for function in &symbol.functions {
        put_bytes(out, function.name.as_bytes());
        put_bytes(out, function.file.as_bytes());
        put(out, function.line.into());
    }
}

/// The next of them.
pub(super) fn symbol(column: &mut Column, block: &[u8]) -> Option<Symbol> {
    let (module, offset, count) = (column.small(block)?, column.small(block)?, column.number(block)?);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut functions = Vec::new();
    // memory as there are bytes, not as the number says
    for _ in 0..count {
        let (name, file) = (text(column.bytes(block)?), text(column.bytes(block)?));
        functions.push(NativeFunction { name, file, line: column.small(block)? });
    }
    Some(Symbol { module, offset, functions })
}
