//! Where the graph is entered from outside, for those who build it anew.

use memsight_model::{ObjectFlags, ObjectId, Root, RootKind, Snapshot};

use crate::Graph;
use crate::edges::Edges;
use crate::roots::Origin;
use crate::tree::Node;

impl Graph {
    /// The references from outside that keep objects alive: together with the strong references between objects, those
    /// of [`uncounted_table`] left out, they give the dominators of this graph.
    pub fn entries(&self, snapshot: &Snapshot) -> Vec<(Origin, ObjectId)> {
        // An interned string that objects hold is theirs; see `Roots`.
        let only_interned = |object: ObjectId| {
            let immortal = snapshot.objects.flags.get(object.index()).is_some_and(|f| f.has(ObjectFlags::IMMORTAL));
            immortal || self.tree().parent(self.tree().node(object)) == Node::ROOT
        };
        let counts = |root: &Root| root.kind != RootKind::Interned || only_interned(root.object);
        let given = (0..).zip(&snapshot.roots).filter(|(_, root)| counts(root));
        let mut entries: Vec<_> = given.map(|(row, root)| (Origin::Given(row), root.object)).collect();
        if let Some(row) = interned_row(snapshot) {
            let edges = Edges::new(snapshot);
            let members = edges.interned().map(ObjectId).filter(|object| only_interned(*object));
            entries.extend(members.map(|object| (Origin::Given(row), object)));
        }
        entries.extend(self.roots().external().iter().map(|object| (Origin::External, *object)));
        entries.extend(self.roots().unreachable().iter().map(|object| (Origin::Unreachable, *object)));
        entries
    }
}

/// The table of interned strings, whose references CPython does not count.
pub fn uncounted_table(snapshot: &Snapshot) -> Option<ObjectId> {
    let row = interned_row(snapshot)?;
    snapshot.roots.get(row as usize).map(|root| root.object)
}

/// The root that is the table of interned strings.
pub(crate) fn interned_row(snapshot: &Snapshot) -> Option<u32> {
    use memsight_model::ObjectKind::Dict;
    let is_table = |root: &Root| {
        root.kind == RootKind::Interned && snapshot.type_of(root.object).is_some_and(|record| record.kind == Dict)
    };
    snapshot.roots.iter().position(is_table).and_then(|row| u32::try_from(row).ok())
}
