//! Short texts of objects: keys of dictionaries, so that paths can be read; everything short when values are asked for.

use memsight_model::{Address, AddressColumn, Escape, ObjectKind, ReadMemory, TextTable, is_hidden};

use crate::object::text;
use crate::rows::emit::Shared;
use crate::walk::slots::{Bits, Ranks, Slot, Slots};

/// Characters kept of a key, and of a value.
const KEY_CAP: u64 = 40;
const VALUE_CAP: u64 = 200;

/// The texts of the objects in `keys`, or of all when `values` is set.
pub(crate) fn collect<M: ReadMemory>(shared: &Shared<M>, keys: Bits, values: bool) -> TextTable {
    let all = Slots::slots_of(0..shared.scene.slots.chunk_count());
    let (chosen, cap) = if values { (&shared.ranks.bits, VALUE_CAP) } else { (&keys, KEY_CAP) };
    let mut texts = TextTable::default();
    for slot in chosen.ones(all) {
        if let (Some(id), Some(text)) = (shared.id_at(slot), text_of(shared, slot, cap)) {
            texts.push(id, &text);
        }
    }
    texts
}

/// The addresses of all objects.
pub(crate) fn addresses(slots: &Slots, ranks: &Ranks) -> AddressColumn {
    let mut column = AddressColumn::with_capacity(ranks.count as usize);
    let all = Slots::slots_of(0..slots.chunk_count());
    ranks.bits.ones(all).for_each(|slot| column.push(slots.address(slot)));
    column
}

/// A text as Python would write it: quoted for str and bytes, digits for numbers.
fn text_of<M: ReadMemory>(shared: &Shared<M>, slot: Slot, cap: u64) -> Option<String> {
    let (memory, layout) = (shared.scene.memory, shared.scene.layout);
    let at = shared.scene.slots.address(slot);
    let info =
        &shared.types.infos[shared.types.known(memory.pointer(at.at(layout.object.type_.into())).ok()?)? as usize];
    match info.kind {
        ObjectKind::Str => Some(quoted(&text::str_text(memory, layout, at, cap)?)),
        ObjectKind::Bytes => bytes_text(shared, at, cap),
        ObjectKind::Int => text::small_int(memory, layout, at).map(|number| number.to_string()),
        ObjectKind::Bool => text::small_int(memory, layout, at).map(|n| if n == 0 { "False" } else { "True" }.into()),
        ObjectKind::Float => {
            let bits = memory.word(at.at(layout.float.value.into())).ok()?;
            Some(format!("{:?}", f64::from_bits(bits)))
        }
        ObjectKind::None => Some("None".to_owned()),
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            // Escape sequences of a hostile target must not reach the terminal; as `repr` writes them.
            other if is_hidden(other) => out.push_str(&Escape(other).to_string()),
            other if other == quote => out.extend(['\\', other]),
            other => out.push(other),
        }
    }
    out.push(quote);
    out
}

fn bytes_text<M: ReadMemory>(shared: &Shared<M>, at: Address, cap: u64) -> Option<String> {
    let (memory, layout) = (shared.scene.memory, shared.scene.layout);
    let length = memory.word(layout.length_at(at)).ok()?;
    let mut bytes = vec![0; length.min(cap) as usize];
    memory.read(at.at(layout.bytes.value.into()), &mut bytes).ok()?;
    let more = if length > cap { "…" } else { "" };
    Some(format!("b'{}{more}'", bytes.escape_ascii()))
}
