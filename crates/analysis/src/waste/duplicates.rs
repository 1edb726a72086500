//! Equal values: of each, one stays.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_model::{Contents, ObjectId, ObjectKind};

use super::places::Places;
use super::{EqualValue, Found, Taken, WasteRule};
use crate::Analysis;
use crate::words::{object_kind, type_name};

/// What can be saved of one value.
struct Class<'c> {
    saved: u64,
    /// The one that stays first; of the others those that no other kind has taken.
    members: &'c [ObjectId],
}

impl Analysis<'_> {
    pub(super) fn duplicates(&self, rule: WasteRule, contents: &Contents, taken: &mut Taken, top: usize) -> Found<'_> {
        let mut found = Found::new(rule, Places::new(self));
        let mut classes = Vec::new();
        for members in contents.equals.iter() {
            let Some((first, others)) = members.split_first() else { continue };
            if rule_of(object_kind(self.snapshot, *first)) != Some(rule) {
                continue;
            }
            // Where the one that was to stay is counted elsewhere, another one stays.
            let mut stays = !taken.has(*first);
            let mut saved = 0;
            for &object in others.iter().filter(|object| !taken.has(**object)) {
                if std::mem::replace(&mut stays, true) {
                    let bytes = self.snapshot.objects.shallow.get(object);
                    found.places.add(object, bytes, None);
                    saved += bytes;
                }
            }
            if saved > 0 {
                classes.push(Class { saved, members });
            }
            for object in others {
                taken.take(*object);
            }
        }
        found.value_count = classes.len() as u64;
        classes.sort_by_key(|class| (Reverse(class.saved), class.members.first().copied()));
        found.values = classes.iter().take(top).filter_map(|class| self.value(class, &mut found.places)).collect();
        found
    }

    fn value(&self, class: &Class<'_>, places: &mut Places<'_>) -> Option<EqualValue> {
        let (&first, others) = class.members.split_first()?;
        let mut shapes: HashMap<u32, u64> = HashMap::new();
        for object in others {
            *shapes.entry(places.shapes.of(*object)?).or_default() += 1;
        }
        let most = shapes.into_iter().max_by_key(|&(shape, count)| (count, Reverse(shape)))?;
        let text = self.snapshot.manifest.values.then(|| self.snapshot.texts.get(first)).flatten();
        Some(EqualValue {
            type_name: type_name(self.snapshot, first).to_owned(),
            copies: class.members.len() as u64,
            saved_bytes: class.saved,
            value: text.map(str::to_owned),
            path: places.shapes.words(most.0),
            example: self.object_ref(first),
        })
    }
}

fn rule_of(kind: ObjectKind) -> Option<WasteRule> {
    match kind {
        ObjectKind::Str => Some(WasteRule::DuplicateStrings),
        ObjectKind::Bytes => Some(WasteRule::DuplicateBytes),
        ObjectKind::Tuple => Some(WasteRule::DuplicateTuples),
        ObjectKind::Int | ObjectKind::Float | ObjectKind::Complex => Some(WasteRule::DuplicateNumbers),
        _ => None,
    }
}
