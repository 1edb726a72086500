//! Objects that are held in a way which is itself the finding.

use memsight_heap::{Node, uncounted_table};
use memsight_model::{ObjectId, ObjectKind, RootKind};

use crate::Analysis;
use crate::words::object_kind;

/// Objects that nobody known holds, and strings that the table of interned strings alone holds, each with its way; of the
/// latter none when all that could be such weigh less than `least`. Cost: a pass over the roots, and paths where they are
/// needed.
pub(super) fn held(analysis: &Analysis<'_>, least: u64) -> Vec<(RootKind, ObjectId)> {
    let snapshot = analysis.snapshot;
    let of_kind = |kind| snapshot.roots.iter().filter(move |root| root.kind == kind).map(|root| root.object);
    let mut found: Vec<(RootKind, ObjectId)> =
        of_kind(RootKind::NobodyKnown).map(|object| (RootKind::NobodyKnown, object)).collect();
    let is_top = |object: &ObjectId| {
        let tree = analysis.graph.tree();
        object_kind(snapshot, *object) == ObjectKind::Str && tree.parent(tree.node(*object)) == Node::ROOT
    };
    let table = uncounted_table(snapshot);
    let members = table.into_iter().flat_map(|table| snapshot.references.of(table)).map(|(member, _)| member);
    let mut strings: Vec<ObjectId> = of_kind(RootKind::Interned).chain(members).filter(is_top).collect();
    strings.sort_unstable();
    strings.dedup();
    let weight: u64 = strings.iter().map(|object| analysis.graph.tree().own(analysis.graph.tree().node(*object))).sum();
    if weight >= least {
        let paths = analysis.graph.paths(snapshot);
        // Whoever else refers to one comes before the table on a path to it.
        let only_interned = |object: &ObjectId| match paths.last_step(snapshot, analysis.graph.roots(), *object) {
            Some(Ok(step)) => Some(step.owner) == table,
            Some(Err(origin)) => origin.kind(snapshot) == RootKind::Interned,
            None => false,
        };
        found.extend(strings.into_iter().filter(only_interned).map(|object| (RootKind::Interned, object)));
    }
    found
}
