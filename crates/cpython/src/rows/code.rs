//! What code is called, and where generators stand.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use memsight_model::{Address, CodeRecord, GeneratorRecord, NameId, Names, ObjectId, ReadMemory};

use crate::layout::Layout;
use crate::object::references::{InterpreterFrame, generator_frame};
use crate::object::text;
use crate::object::types::AddressMap;
use crate::rows::emit::{Coded, Role, Shared};
use crate::walk::stacks::{instruction, line_at};

/// Characters kept of names of files and functions.
const NAME_CAP: u64 = 512;

/// Reads the names of the code among `coded`, and the lines of the generators; both come out in order of id, as `coded`
/// has them. Cost: in proportion to `coded` alone.
pub(crate) fn collect<M: ReadMemory>(shared: &Shared<M>, coded: &[Coded]) -> (Vec<CodeRecord>, Vec<GeneratorRecord>) {
    let (memory, layout) = (shared.scene.memory, shared.scene.layout);
    let mut names = shared.names.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // Strings of an honest process take no more than its memory; damaged ones may overlap.
    let left = shared.scene.slots.words().saturating_mul(8);
    let mut reader = Reader { memory, layout, names: &mut names, known: AddressMap::default(), left };
    let qualified = reader.qualified(coded);
    let mut code = Vec::new();
    let mut generators = Vec::new();
    let mut lines = HashMap::new();
    for &Coded { id, at, role } in coded {
        match role {
            Role::Code => code.extend(reader.code(id, at, &qualified)),
            Role::Generator => generators.extend(standing(memory, layout, id, at, &mut lines)),
            Role::Function => {}
        }
    }
    (code, generators)
}

struct Reader<'a, M> {
    memory: &'a M,
    layout: &'a Layout,
    names: &'a mut Names,
    /// Names of str objects by address: those of files are shared by all that is in one.
    known: AddressMap<Option<NameId>>,
    /// Bytes of text that may still be read.
    left: u64,
}

impl<M: ReadMemory> Reader<'_, M> {
    /// The text of the str that a field refers to.
    fn text(&mut self, field: Address) -> Option<NameId> {
        let str = self.memory.pointer(field).ok().filter(|str| !str.is_null())?;
        if let Some(&known) = self.known.get(&str.0) {
            return known;
        }
        let text = text::str_text(self.memory, self.layout, str, NAME_CAP)
            .filter(|text| self.left >= text.len() as u64)
            .inspect(|text| self.left -= text.len() as u64);
        let name = text.map(|text| self.names.intern(&text));
        self.known.insert(str.0, name);
        name
    }

    fn code(&mut self, id: ObjectId, at: Address, qualified: &AddressMap<NameId>) -> Option<CodeRecord> {
        let table = &self.layout.code;
        let own = self.text(at.at(table.qualname.unwrap_or(table.name).into()))?;
        let file = self.text(at.at(table.filename.into()))?;
        let line = self.memory.u32(at.at(table.firstlineno.into())).ok()?;
        Some(CodeRecord { object: id, name: qualified.get(&at.0).copied().unwrap_or(own), file, line })
    }

    /// Up to 3.10 code knows its bare name alone: what functions and generators say of the code that they run, if they are
    /// not called after another one (`functools.wraps`).
    fn qualified(&mut self, coded: &[Coded]) -> AddressMap<NameId> {
        let mut qualified = AddressMap::default();
        let layout = self.layout;
        if layout.code.qualname.is_some() {
            return qualified;
        }
        for &Coded { at, role, .. } in coded {
            let (code, name) = match (role, layout.generator.code) {
                (Role::Function, _) => (layout.function.code, layout.function.qualname),
                (Role::Generator, Some(code)) => (code, layout.generator.qualname),
                _ => continue,
            };
            let Ok(code) = self.memory.pointer(at.at(code.into())) else { continue };
            let Entry::Vacant(entry) = qualified.entry(code.0) else { continue };
            let (full, own) = (self.text(at.at(name.into())), self.text(code.at(layout.code.name.into())));
            if let (Some(full), Some(own)) = (full, own)
                && self.names.get(full).rsplit('.').next() == Some(self.names.get(own))
            {
                entry.insert(full);
            }
        }
        qualified
    }
}

/// The line of a generator that has not ended. `lines` has those of instructions that others stand at.
fn standing<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    id: ObjectId,
    at: Address,
    lines: &mut HashMap<(Address, u64), u32>,
) -> Option<GeneratorRecord> {
    let frame = generator_frame(memory, layout, at).ok()??;
    let view = InterpreterFrame::read(memory, layout, frame)?;
    // Up to 3.10 one that has not begun stands before its first instruction, on the line of its `def`.
    let begun = layout.code.code_adaptive.is_some() || memory.i32(frame.at(layout.frame.instruction.into())).ok()? >= 0;
    if !begun {
        let line = memory.u32(view.code.at(layout.code.firstlineno.into())).unwrap_or(0);
        return Some(GeneratorRecord { object: id, line });
    }
    let line = instruction(memory, layout, &view).map(|instruction| {
        *lines
            .entry((view.code, instruction))
            .or_insert_with(|| line_at(memory, layout, view.code, instruction).unwrap_or(0))
    });
    Some(GeneratorRecord { object: id, line: line.unwrap_or(0) })
}
