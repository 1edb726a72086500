//! Room in the tables of containers that their items do not need.

use memsight_model::{Contents, ObjectKind};

use super::places::Places;
use super::{Found, Taken, WasteRule};
use crate::Analysis;
use crate::words::object_kind;

impl Analysis<'_> {
    pub(super) fn table_waste(&self, rule: WasteRule, contents: &Contents, taken: &Taken) -> Found<'_> {
        let mut found = Found::new(rule, Places::new(self));
        for row in &contents.slack {
            let ours = rule_of(object_kind(self.snapshot, row.object)) == Some(rule) && !taken.has(row.object);
            if ours && row.saved_bytes() > 0 {
                found.places.add(row.object, row.saved_bytes(), Some((row.used, row.allocated)));
            }
        }
        found
    }
}

fn rule_of(kind: ObjectKind) -> Option<WasteRule> {
    match kind {
        ObjectKind::List => Some(WasteRule::OverallocatedLists),
        ObjectKind::Dict => Some(WasteRule::SparseDicts),
        ObjectKind::Set => Some(WasteRule::OverallocatedSets),
        ObjectKind::Deque | ObjectKind::ByteArray => Some(WasteRule::OverallocatedBuffers),
        _ => None,
    }
}
