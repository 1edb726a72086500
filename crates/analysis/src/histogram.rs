//! Counting by type name.

use std::collections::HashMap;
use std::iter::Peekable;
use std::ops::Range;

use memsight_heap::{DominatorTree, Node};
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
    native: u64,
    resident: u64,
    retained: u64,
    retained_resident: u64,
    /// End of the subtree of the last outermost instance.
    covered: u32,
}

impl Counter {
    /// Counts an object of so many bytes of its own, `own` of them in all.
    fn add(&mut self, shallow: u64, own: u64, native: u64, untouched: u64) {
        self.count += 1;
        self.shallow += shallow;
        self.external += own.saturating_sub(shallow.saturating_add(native));
        self.native += native;
        self.resident += own.saturating_sub(untouched);
    }

    /// Adds what was counted elsewhere.
    fn join(&mut self, other: Counter) {
        self.count += other.count;
        self.shallow += other.shallow;
        self.external += other.external;
        self.native += other.native;
        self.resident += other.resident;
        self.retained += other.retained;
        self.retained_resident += other.retained_resident;
    }

    /// Counts what an outermost instance retains.
    fn keep(&mut self, tree: &DominatorTree, node: Node) {
        self.retained += tree.retained(node);
        self.retained_resident += tree.resident(node);
        self.covered = tree.end(node).0;
    }
}

/// Fewer nodes are counted by one thread.
const FEW: u32 = 1 << 15;

/// Slices with about half of all nodes, and the rest; nothing is left where there are few. The last of the first half may
/// have been cut.
fn halves(mut slices: Vec<Range<Node>>) -> (Vec<Range<Node>>, Vec<Range<Node>>) {
    let nodes = |slice: &Range<Node>| slice.end.0.saturating_sub(slice.start.0);
    let all: u32 = slices.iter().map(nodes).sum();
    if all < FEW {
        return (slices, Vec::new());
    }
    let mut left = all / 2;
    let whole = slices.iter().take_while(|slice| left.checked_sub(nodes(slice)).inspect(|rest| left = *rest).is_some());
    let mut second = slices.split_off(whole.count());
    if let Some(slice) = second.first_mut() {
        let cut = Node(slice.start.0 + left);
        slices.push(slice.start..cut);
        slice.start = cut;
    }
    (slices, second)
}

/// What a list has for a node, where the nodes asked for ascend as those of the list do.
fn at(list: &mut Peekable<impl Iterator<Item = (Node, u64)>>, node: Node) -> u64 {
    while list.next_if(|(other, _)| *other < node).is_some() {}
    list.next_if(|(other, _)| *other == node).map_or(0, |(_, bytes)| bytes)
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
    pub(crate) fn histogram(&self, slices: impl Iterator<Item = Range<Node>>) -> Vec<TypeRow> {
        let (first, second) = halves(slices.collect());
        let native = self.native();
        let count = |half: &[Range<Node>], start| self.count(half, self.covers(start), &native);
        let (mut counters, others) = std::thread::scope(|scope| {
            let others = (!second.is_empty()).then(|| scope.spawn(|| count(&second, first.last())));
            let counters = count(&first, None);
            (counters, others.map(|others| others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
        });
        counters.iter_mut().zip(others.into_iter().flatten()).for_each(|(counter, other)| counter.join(other));
        let used = (0..).zip(counters).filter(|(_, counter)| counter.count > 0);
        let mut rows: Vec<TypeRow> = used.map(|(group, counter)| self.row(group, counter)).collect();
        rows.sort_by(|a, b| {
            let size = |row: &TypeRow| (row.retained_resident_bytes, row.retained_bytes, row.resident_bytes);
            size(b).cmp(&size(a)).then_with(|| a.type_name.cmp(&b.type_name))
        });
        rows
    }

    /// Counts the objects of some slices by group, where instances in front of them are those that cover.
    fn count(&self, slices: &[Range<Node>], mut counters: Vec<Counter>, native: &[(Node, u64)]) -> Vec<Counter> {
        let tree = self.graph.tree();
        let (mut native, mut untouched) = (native.iter().copied().peekable(), tree.untouched().peekable());
        for slice in slices {
            for node in (slice.start.0..slice.end.0).map(Node) {
                let Some(object) = tree.object(node) else { continue };
                let counter = &mut counters[self.group(object) as usize];
                let (shallow, own) = (self.snapshot.objects.shallow.get(object), tree.own(node));
                let (of_c, untouched) = (at(&mut native, node), at(&mut untouched, node));
                counter.add(shallow, own, of_c, untouched);
                if node.0 >= counter.covered {
                    counter.keep(tree, node);
                }
            }
        }
        counters
    }

    /// Counters at the end of a slice that was cut there: those that are instances of a type in the slice, and have what
    /// comes next below them, cover it.
    fn covers(&self, cut: Option<&Range<Node>>) -> Vec<Counter> {
        let tree = self.graph.tree();
        let mut counters = vec![Counter::default(); self.group_count()];
        let Some(Range { start, end }) = cut else { return counters };
        let mut above = tree.parent(*end);
        while above != Node::ROOT && above >= *start {
            if let Some(object) = tree.object(above) {
                counters[self.group(object) as usize].covered = tree.end(above).0;
            }
            above = tree.parent(above);
        }
        counters
    }

    /// The nodes with memory of C code and its bytes, ascending.
    fn native(&self) -> Vec<(Node, u64)> {
        let owners = self.snapshot.objects.native.0.iter();
        let mut owners: Vec<(Node, u64)> =
            owners.map(|&(object, bytes)| (self.graph.tree().node(object), bytes)).collect();
        owners.sort_unstable();
        owners
    }

    fn row(&self, group: u32, counter: Counter) -> TypeRow {
        TypeRow {
            type_name: self.group_name(group).to_owned(),
            count: counter.count,
            shallow_bytes: counter.shallow,
            external_bytes: counter.external,
            native_bytes: counter.native,
            resident_bytes: counter.resident,
            retained_bytes: counter.retained,
            retained_resident_bytes: counter.retained_resident,
            mean_retained_bytes: counter.retained / counter.count.max(1),
            share: self.share(counter.retained_resident),
        }
    }
}
