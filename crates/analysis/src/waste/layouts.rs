//! Instances that `__slots__` would make smaller.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_model::{Contents, InstanceLayout, LabelKind, ObjectId};

use super::places::Places;
use super::{Found, WasteRule};
use crate::Analysis;
use crate::words::{bare_key, is_namespace, key_of, label};

/// Names of attributes that are listed.
const NAMES: usize = 12;

/// The instances of a class by the shape of their paths, with the first of each.
type ByShape = HashMap<u32, (u64, ObjectId)>;

impl Analysis<'_> {
    pub(super) fn layout_waste(&self, contents: &Contents) -> Found<'_> {
        let mut found = Found::new(WasteRule::InstanceDicts, Places::new(self));
        let smaller = contents.layouts.iter().filter(|row| row.bytes > row.slots_bytes);
        let mut classes: HashMap<u32, (&InstanceLayout, ByShape)> =
            smaller.map(|row| (row.type_id.0, (row, HashMap::new()))).collect();
        for object in self.snapshot.objects.ids() {
            let Some(row) = self.snapshot.objects.types.get(object.index()) else { continue };
            if let Some((_, shapes)) = classes.get_mut(&row.0) {
                let shape = found.places.shapes.of(object).unwrap_or(u32::MAX);
                shapes.entry(shape).or_insert((0, object)).0 += 1;
            }
        }
        for (layout, shapes) in classes.into_values() {
            let Some((shape, (_, example))) = shapes.into_iter().max_by_key(|(_, (n, first))| (*n, Reverse(*first)))
            else {
                continue;
            };
            let saved = layout.bytes - layout.slots_bytes;
            found.places.insert(shape, layout.instances, saved, layout.attributes.into(), example);
            found.places.texts.insert(self.group(example), self.attribute_names(example).join(", "));
        }
        found
    }

    /// The names of an instance's attributes.
    fn attribute_names(&self, object: ObjectId) -> Vec<String> {
        let snapshot = self.snapshot;
        let mut names = Vec::new();
        for (target, reference) in snapshot.references.of(object) {
            if is_namespace(snapshot, reference, target) {
                let values = snapshot.references.of(target).filter(|(_, label)| label.kind() == LabelKind::Value);
                names.extend(values.map(|(_, label)| bare_key(snapshot, key_of(label))));
            } else if reference.kind() == LabelKind::Attribute {
                names.push(label(snapshot, reference));
            }
        }
        if names.len() > NAMES {
            let more = names.len() - NAMES;
            names.truncate(NAMES);
            names.push(format!("{more} more"));
        }
        names
    }
}
