//! Objects whose memory may hold references that nobody sees, where a cycle through them would be garbage.

use std::collections::{HashMap, HashSet};

use memsight_heap::{Garbage as Found, is_looked_at};
use memsight_model::{ObjectFlags, ObjectId};
use serde::Serialize;

use crate::Analysis;

/// Objects of a C type whose struct is not known and which own C memory.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HiddenRow {
    /// `module.qualname`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Those that hang from objects of whom nobody known has a reference.
    pub count: u64,
}

/// What no reference from outside leads to, and the collector does not find either.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unseen {
    /// What may be garbage.
    pub hidden: Vec<HiddenRow>,
    /// Objects that are never freed.
    pub stuck: u64,
    /// Shallow, external and native bytes of these.
    pub stuck_bytes: u64,
}

impl Analysis<'_> {
    /// What is garbage, or may be, without being found. Tracked objects that only C memory holds, as far as is known, may be
    /// held by what they lead to, if that owns C memory of an unknown struct. Objects in unreachable cycles that the
    /// collector takes to be held are of types that do not tell it of their references. Cost: linear in these objects.
    pub(super) fn unseen(&self, found: &Found) -> Unseen {
        let (objects, tree, roots) = (&self.snapshot.objects, self.graph.tree(), self.graph.roots());
        let flags = |id: ObjectId| objects.flags.get(id.index()).copied().unwrap_or_default();
        let hides = |id: ObjectId| flags(id).has(ObjectFlags::TRACKED) && flags(id).has(ObjectFlags::INFERRED);
        // memory that several share counts for one of them
        let owners = objects.native.0.iter().filter(|(id, bytes)| *bytes > 0 && hides(*id));
        let groups: HashSet<u32> = owners.map(|(id, _)| self.group(*id)).collect();
        let (mut counts, mut unseen) = (HashMap::<u32, u64>::new(), Unseen::default());
        let mut count_hiding = |root: ObjectId| {
            let below = tree.subtree(tree.node(root)).filter_map(|node| tree.object(node));
            let hiding = below.filter(|id| hides(*id)).map(|id| self.group(id)).filter(|group| groups.contains(group));
            hiding.inspect(|group| *counts.entry(*group).or_default() += 1).count()
        };
        let is_found = |id: ObjectId| found.collected.binary_search(&id).is_ok();
        for root in roots.external().iter().filter(|id| is_looked_at(flags(**id))) {
            count_hiding(*root);
        }
        for &root in roots.unreachable().iter().filter(|id| is_looked_at(flags(**id)) && !is_found(**id)) {
            if count_hiding(root) == 0 {
                unseen.stuck += tree.subtree(tree.node(root)).len() as u64;
                unseen.stuck_bytes = unseen.stuck_bytes.saturating_add(tree.retained(tree.node(root)));
            }
        }
        let row = |(group, count)| HiddenRow { type_name: self.group_name(group).to_owned(), count };
        unseen.hidden = counts.into_iter().map(row).collect();
        unseen.hidden.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.type_name.cmp(&b.type_name)));
        unseen
    }
}
