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

/// Frames that are not written yet, in three columns.
#[derive(Debug, Default)]
pub(super) struct FrameColumns {
    callers: Vec<u8>,
    codes: Vec<u8>,
    offsets: Vec<u8>,
    last_code: u32,
}

impl FrameColumns {
    /// Adds a frame, which has this number.
    pub(super) fn put(&mut self, number: u32, frame: Frame) {
        put_difference(&mut self.callers, number.into(), frame.caller.into());
        put_difference(&mut self.codes, self.last_code.into(), frame.code.into());
        put(&mut self.offsets, frame.offset.into());
        self.last_code = frame.code;
    }

    /// How many bytes they take.
    pub(super) fn len(&self) -> usize {
        self.callers.len() + self.codes.len() + self.offsets.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// All of them as one block, after which there are none.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let mut block = Vec::with_capacity(self.len() + 16);
        for column in [&mut self.callers, &mut self.codes, &mut self.offsets] {
            put_bytes(&mut block, column);
            column.clear();
        }
        self.last_code = 0;
        block
    }
}

/// Frames of a block.
#[derive(Debug)]
pub(super) struct Frames {
    block: Vec<u8>,
    callers: Column,
    codes: Column,
    offsets: Column,
    last_code: u32,
}

impl Frames {
    /// `None` where the block is none of frames.
    pub(super) fn of(block: Vec<u8>) -> Option<Frames> {
        let mut all = Column::of(&block);
        let (callers, codes, offsets) = (all.part(&block)?, all.part(&block)?, all.part(&block)?);
        Some(Frames { block, callers, codes, offsets, last_code: 0 })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    /// The next frame, which has this number: one that was told after its caller.
    pub(super) fn next(&mut self, number: u32) -> Option<Frame> {
        let caller = u32::try_from(self.callers.difference(&self.block, number.into())?).ok();
        let caller = caller.filter(|&caller| caller < number)?;
        self.last_code = u32::try_from(self.codes.difference(&self.block, self.last_code.into())?).ok()?;
        Some(Frame { caller, code: self.last_code, offset: self.offsets.small(&self.block)? })
    }
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
