//! Lists beside the suspects: the largest classes, the longest containers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use memsight_heap::Node;
use memsight_model::{LabelKind, ObjectId, ObjectKind, TypeRecord};

use crate::Analysis;
use crate::views::{ContainerRow, TypeRow};
use crate::words::object_kind;

/// Containers listed when no limit is asked for: most of all lists and dictionaries are short and many.
const CONTAINERS: usize = 1000;

/// The least share of a class that is listed: smaller ones stand as 0.0% there.
const LEAST_SHARE: f64 = 0.000_5;

/// Whether instances are what a program models its data with: a class of Python or of a library, not a built-in and
/// nothing that programs are made of (modules, classes, functions).
pub(crate) fn is_class(record: &TypeRecord) -> bool {
    let data = !matches!(record.kind, ObjectKind::Module | ObjectKind::Type | ObjectKind::Function | ObjectKind::Code);
    data && (record.heap || record.name.contains('.'))
}

impl Analysis<'_> {
    /// Classes with the most retained bytes and the mean of an instance. Cost: one pass over the objects.
    pub(crate) fn instances(&self, top: usize) -> Vec<TypeRow> {
        let classes: std::collections::HashSet<&str> =
            self.snapshot.types.iter().filter(|record| is_class(record)).map(|record| record.name.as_str()).collect();
        let mut rows = self.histogram(std::iter::once(self.graph.tree().range(Node::ROOT)));
        rows.retain(|row| classes.contains(row.type_name.as_str()) && row.share >= LEAST_SHARE);
        rows.truncate(top);
        rows
    }

    /// The longest containers. Cost: one pass over those objects that have more references than the shortest of the
    /// result.
    pub(crate) fn containers(&self, top: usize) -> Vec<ContainerRow> {
        let top = top.min(CONTAINERS);
        let mut longest: BinaryHeap<Reverse<(u64, Reverse<ObjectId>)>> = BinaryHeap::new();
        for object in self.snapshot.objects.ids() {
            let least = longest.peek().filter(|_| longest.len() == top).map_or(0, |shortest| shortest.0.0);
            if self.snapshot.references.range(object).len() as u64 <= least
                || !object_kind(self.snapshot, object).is_container()
            {
                continue;
            }
            longest.push(Reverse((self.length(object), Reverse(object))));
            if longest.len() > top {
                longest.pop();
            }
        }
        let mut longest: Vec<(u64, ObjectId)> =
            longest.into_iter().map(|Reverse((length, Reverse(object)))| (length, object)).collect();
        longest.sort_by_key(|&(length, object)| (Reverse(length), object));
        let row = |(length, object)| ContainerRow { object: self.container_ref(object), length };
        longest.into_iter().filter(|(length, _)| *length > 0).map(row).collect()
    }

    /// Items of a container.
    pub(crate) fn length(&self, object: ObjectId) -> u64 {
        let item = |kind| matches!(kind, LabelKind::Index | LabelKind::Value | LabelKind::Member);
        self.snapshot.references.of(object).filter(|(_, label)| item(label.kind())).count() as u64
    }
}
