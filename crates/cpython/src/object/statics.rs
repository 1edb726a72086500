//! Static built-in types keep their dictionary in the interpreter from 3.12 on (`interp->types`,
//! `Objects/typeobject.c`: `managed_static_type_state`); their `tp_subclasses` is then an index + 1.

use memsight_model::{Address, ReadMemory};

use crate::layout::{Layout, StaticTypes as Table};
use crate::object::flag;

/// `_Py_TPFLAGS_STATIC_BUILTIN`.
const STATIC_BUILTIN: u64 = 1 << 1;
/// How far the array may have moved between patch releases.
const SEARCH: i64 = 1 << 14;

/// Where the state of static types is, of the main interpreter.
#[derive(Debug, Clone)]
pub(crate) struct StaticTypes {
    /// First entry for built-in types, and for types of extensions.
    arrays: Option<(Table, Address, Option<Address>)>,
}

impl StaticTypes {
    /// Finds the arrays in an interpreter, by the table and, where a patch release moved them, by their content:
    /// the entry of `type` itself names `type`.
    pub fn find<M: ReadMemory>(memory: &M, layout: &Layout, interpreter: Address) -> StaticTypes {
        let Some(table) = &layout.interpreter.static_types else { return StaticTypes { arrays: None } };
        let sysdict = interpreter.at(layout.interpreter.sysdict.into());
        let metatype = memory
            .pointer(sysdict)
            .and_then(|dict| memory.pointer(dict.at(layout.object.type_.into())))
            .and_then(|dict_type| memory.pointer(dict_type.at(layout.object.type_.into())));
        let Ok(metatype) = metatype else { return StaticTypes { arrays: None } };
        let shift = (0..SEARCH / 8).flat_map(|step| [8 * step, -8 * step]).find(|shift| {
            let first = interpreter.at(i64::from(table.builtins) + shift);
            entry(memory, layout, table, first, table.builtins_len, metatype).is_some()
        });
        let arrays = shift.map(|shift| {
            let first = interpreter.at(i64::from(table.builtins) + shift);
            let extensions = table.extensions.map(|offset| interpreter.at(i64::from(offset) + shift));
            (table.clone(), first, extensions)
        });
        StaticTypes { arrays }
    }

    fn entry<M: ReadMemory>(&self, memory: &M, layout: &Layout, type_: Address) -> Option<Address> {
        let (table, builtins, extensions) = self.arrays.as_ref()?;
        entry(memory, layout, table, *builtins, table.builtins_len, type_)
            .or_else(|| entry(memory, layout, table, (*extensions)?, table.extensions_len, type_))
    }

    /// `tp_dict` of a type, wherever it is kept.
    pub fn dict_of<M: ReadMemory>(&self, memory: &M, layout: &Layout, type_: Address) -> Option<Address> {
        let own = memory.pointer(type_.at(layout.type_object.dict.into())).ok()?;
        if !own.is_null() {
            return Some(own);
        }
        let entry = self.entry(memory, layout, type_)?;
        memory.pointer(entry.at(self.arrays.as_ref()?.0.tp_dict.into())).ok().filter(|dict| !dict.is_null())
    }

    /// `tp_subclasses` of a type (a dictionary of weak references), wherever it is kept.
    pub fn subclasses_of<M: ReadMemory>(&self, memory: &M, layout: &Layout, type_: Address) -> Option<Address> {
        let found = match self.entry(memory, layout, type_) {
            Some(entry) => memory.pointer(entry.at(self.arrays.as_ref()?.0.tp_subclasses.into())),
            None => memory.pointer(type_.at(layout.type_object.subclasses.into())),
        };
        // An index of a type whose array is not known is a small number.
        found.ok().filter(|dict| dict.0 >= 1 << 12)
    }

    /// What other interpreters than `main` keep of the static types: dictionaries and subclasses of their own.
    pub fn elsewhere<M: ReadMemory>(&self, memory: &M, main: Address, interpreters: &[Address]) -> Vec<Address> {
        let Some((table, builtins, extensions)) = &self.arrays else { return Vec::new() };
        let others = interpreters.iter().filter(|interpreter| **interpreter != main);
        let mut held = Vec::new();
        for other in others {
            let arrays = [(Some(*builtins), table.builtins_len), (*extensions, table.extensions_len)];
            for (first, len) in arrays.into_iter().filter_map(|(first, len)| Some((first?, len))) {
                let first = other.at(first.0.wrapping_sub(main.0) as i64);
                let entry = |index| first.at(index * i64::from(table.stride));
                let fields =
                    |entry: Address| [table.tp_dict, table.tp_subclasses].map(|offset| entry.at(offset.into()));
                let fields = (0..i64::from(len)).map(entry).flat_map(fields);
                held.extend(fields.filter_map(|at| memory.pointer(at).ok()).filter(|held| !held.is_null()));
            }
        }
        held
    }

    /// All static types that have an entry.
    pub fn all<M: ReadMemory>(&self, memory: &M) -> Vec<Address> {
        let Some((table, builtins, extensions)) = &self.arrays else { return Vec::new() };
        let entries = |first: Address, len: u16| {
            (0..i64::from(len)).map(move |i| first.at(i * i64::from(table.stride) + i64::from(table.type_)))
        };
        let mut slots: Vec<Address> = entries(*builtins, table.builtins_len).collect();
        slots.extend(extensions.iter().flat_map(|first| entries(*first, table.extensions_len)));
        slots.iter().filter_map(|at| memory.pointer(*at).ok()).filter(|type_| !type_.is_null()).collect()
    }
}

fn entry<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    table: &Table,
    first: Address,
    len: u16,
    type_: Address,
) -> Option<Address> {
    let flags = memory.word(type_.at(layout.type_object.flags.into())).ok()?;
    if flags & (STATIC_BUILTIN | flag::HEAPTYPE) != STATIC_BUILTIN {
        return None;
    }
    let index = memory.word(type_.at(layout.type_object.subclasses.into())).ok()?.checked_sub(1)?;
    if index >= u64::from(len) {
        return None;
    }
    let at = first.at(index as i64 * i64::from(table.stride));
    (memory.pointer(at.at(table.type_.into())).ok()? == type_).then_some(at)
}
