//! Counting by type name.

use std::collections::HashMap;

use memsight_heap::Node;
use memsight_model::{ObjectId, TypeRecord};

use crate::Analysis;
use crate::views::TypeRow;

/// Types with equal names counted as one: reloaded modules and classes made in functions leave several.
#[derive(Debug)]
pub(crate) struct TypeGroups {
    /// Group of each row of the type table.
    of_type: Vec<u32>,
    /// A row of the type table for each group.
    first: Vec<u32>,
}

impl TypeGroups {
    pub(crate) fn new(types: &[TypeRecord]) -> TypeGroups {
        let mut groups = TypeGroups { of_type: Vec::with_capacity(types.len()), first: Vec::new() };
        let mut by_name: HashMap<&str, u32> = HashMap::new();
        for (row, record) in types.iter().enumerate() {
            let next = groups.first.len() as u32;
            let group = *by_name.entry(record.name.as_str()).or_insert(next);
            if group == next {
                groups.first.push(row as u32);
            }
            groups.of_type.push(group);
        }
        groups
    }

    /// Number of groups, and the group of objects whose type is unknown.
    fn len(&self) -> usize {
        self.first.len()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    count: u64,
    shallow: u64,
    external: u64,
    retained: u64,
    /// End of the subtree of the last outermost instance.
    covered: u32,
}

impl Analysis<'_> {
    /// The group of the type of `object`; the last one when it has no type.
    pub(crate) fn group(&self, object: ObjectId) -> u32 {
        let row = self.snapshot.objects.types.get(object.index());
        let group = row.and_then(|row| self.groups.of_type.get(row.0 as usize));
        group.copied().unwrap_or(self.groups.len() as u32)
    }

    /// Number of groups that [`Analysis::group`] tells apart.
    pub(crate) fn group_count(&self) -> usize {
        self.groups.len() + 1
    }

    /// A type of the group; the others have the same name.
    pub(crate) fn group_type(&self, group: u32) -> Option<&TypeRecord> {
        let row = self.groups.first.get(group as usize)?;
        self.snapshot.types.get(*row as usize)
    }

    /// Name of the group.
    pub(crate) fn group_name(&self, group: u32) -> &str {
        self.group_type(group).map_or("?", |record| &record.name)
    }

    /// Counts the objects of some slices of the dominator tree (ascending, disjoint) by type name, most retained first.
    /// An instance below another one of its type counts but retains nothing more, so that no byte is retained twice by
    /// a type. In preorder that is known from where the last outermost instance of the type ends.
    pub(crate) fn histogram(&self, slices: impl Iterator<Item = impl Iterator<Item = Node>>) -> Vec<TypeRow> {
        let tree = self.graph.tree();
        let mut counters = vec![Counter::default(); self.group_count()];
        for node in slices.flatten() {
            let Some(object) = tree.object(node) else { continue };
            let counter = &mut counters[self.group(object) as usize];
            let shallow = self.snapshot.objects.shallow.get(object);
            counter.count += 1;
            counter.shallow += shallow;
            counter.external += tree.own(node).saturating_sub(shallow);
            if node.0 >= counter.covered {
                counter.retained += tree.retained(node);
                counter.covered = tree.end(node).0;
            }
        }
        let used = (0..).zip(counters).filter(|(_, counter)| counter.count > 0);
        let mut rows: Vec<TypeRow> = used.map(|(group, counter)| self.row(group, counter)).collect();
        rows.sort_by(|a, b| {
            let size = |row: &TypeRow| (row.retained_bytes, row.shallow_bytes, row.external_bytes);
            size(b).cmp(&size(a)).then_with(|| a.type_name.cmp(&b.type_name))
        });
        rows
    }

    fn row(&self, group: u32, counter: Counter) -> TypeRow {
        TypeRow {
            type_name: self.group_name(group).to_owned(),
            count: counter.count,
            shallow_bytes: counter.shallow,
            external_bytes: counter.external,
            retained_bytes: counter.retained,
            mean_retained_bytes: counter.retained / counter.count.max(1),
            share: self.share(counter.retained),
        }
    }
}
