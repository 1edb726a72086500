//! Empty containers that instances keep, one each.

use std::collections::HashSet;

use memsight_model::{Contents, LabelKind, ObjectId, ObjectKind};

use super::places::Places;
use super::{Found, Taken, WasteRule};
use crate::Analysis;
use crate::words::{is_namespace, object_kind};

/// Values of attributes of instances, as far as they are containers with a row of their own.
pub(super) struct Attributes(HashSet<ObjectId>);

impl Analysis<'_> {
    /// The empty containers that are values of attributes. Takes the dictionaries of instances that slots could stand
    /// for. Cost: two passes over the references of instances and dictionaries.
    pub(super) fn attributes(&self, contents: &Contents, taken: &mut Taken) -> Attributes {
        let slotted: HashSet<u32> =
            contents.layouts.iter().filter(|row| row.bytes > row.slots_bytes).map(|row| row.type_id.0).collect();
        let empty: HashSet<ObjectId> =
            contents.slack.iter().filter(|row| row.used == 0).map(|row| row.object).collect();
        let snapshot = self.snapshot;
        let mut found = HashSet::new();
        for owner in snapshot.objects.ids().filter(|owner| self.is_instance(*owner)) {
            let row = snapshot.objects.types.get(owner.index()).map_or(0, |row| row.0);
            for (target, label) in snapshot.references.of(owner) {
                if label.kind() == LabelKind::Attribute && empty.contains(&target) {
                    found.insert(target);
                } else if is_namespace(snapshot, label, target) {
                    let values = snapshot.references.of(target).filter(|(_, label)| label.kind() == LabelKind::Value);
                    found.extend(values.map(|(value, _)| value).filter(|value| empty.contains(value)));
                    if slotted.contains(&row) {
                        taken.take(target);
                    }
                }
            }
        }
        Attributes(found)
    }

    /// An instance of a class of the program, not of a built-in type.
    fn is_instance(&self, object: ObjectId) -> bool {
        self.snapshot.type_of(object).is_some_and(|record| record.heap && record.kind == ObjectKind::Other)
    }

    /// Empty containers with one reference, from an attribute.
    pub(super) fn empty_containers(
        &self,
        contents: &Contents,
        attributes: &Attributes,
        taken: &mut Taken,
    ) -> Found<'_> {
        let mut found = Found::new(WasteRule::EmptyContainers, Places::new(self));
        for row in contents.slack.iter().filter(|row| row.used == 0 && attributes.0.contains(&row.object)) {
            let container = object_kind(self.snapshot, row.object) != ObjectKind::ByteArray;
            if container && self.snapshot.objects.refcounts.get(row.object) == 1 && taken.take(row.object) {
                let bytes = self.snapshot.objects.shallow.get(row.object);
                found.places.add(row.object, bytes, Some((0, row.allocated)));
            }
        }
        found
    }
}
