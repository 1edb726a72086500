//! One object and its neighbours.

use memsight_heap::{Origin, referrers};
use memsight_model::{Label, ObjectFlags, ObjectId};

use crate::code::{line_of, source_of};
use crate::views::{ObjectView, ReferenceRow};
use crate::words::{label, label_kind, root, root_kind};
use crate::{Analysis, AnalysisError, limit};

impl Analysis<'_> {
    /// The object at an address (`0x...` or decimal), with at most `top` referents and referrers. Cost: one pass over all
    /// references.
    pub fn object(&self, query: &str, top: usize) -> Result<ObjectView, AnalysisError> {
        let object = self.parse_object(query)?;
        let top = limit(top);
        let snapshot = self.snapshot;
        let flags = snapshot.objects.flags.get(object.index()).copied().unwrap_or_default();
        let immortal = flags.has(ObjectFlags::IMMORTAL);
        let refcount = (!immortal).then(|| u64::from(snapshot.objects.refcounts.get(object)));
        let (referrers, referrer_count) = self.referrers(object, top);
        Ok(ObjectView {
            header: self.header(),
            object: self.object_ref(object),
            external_kind: self.external_kind(object),
            refcount,
            immortal,
            generation: flags.generation(),
            exact: !flags.has(ObjectFlags::INFERRED) && !flags.has(ObjectFlags::PARTIAL),
            code: source_of(snapshot, object),
            stands_at: line_of(snapshot, object),
            value: snapshot.manifest.values.then(|| snapshot.texts.get(object).map(str::to_owned)).flatten(),
            referents: snapshot.references.of(object).take(top).map(|(to, name)| self.reference(to, name)).collect(),
            referent_count: snapshot.references.of(object).len() as u64,
            referrers,
            referrer_count,
        })
    }

    /// Where the external bytes of an object are that has mapped them itself.
    fn external_kind(&self, object: ObjectId) -> Option<String> {
        let external = self.snapshot.objects.external.get(object);
        let mut large = self.snapshot.c_owned.iter().flat_map(|owned| &owned.large);
        let block = large.find(|block| block.object == object && block.bytes == external && external > 0)?;
        let next = self.snapshot.maps.partition_point(|map| map.start <= block.address);
        let map = self.snapshot.maps.get(next.checked_sub(1)?).filter(|map| map.contains(block.address))?;
        crate::rss::backing(map)
    }

    fn reference(&self, other: ObjectId, name: Label) -> ReferenceRow {
        ReferenceRow {
            label: label(self.snapshot, name),
            kind: label_kind(name.kind()).to_owned(),
            object: Some(self.object_ref(other)),
        }
    }

    /// Roots first, then objects by address.
    fn referrers(&self, object: ObjectId, top: usize) -> (Vec<ReferenceRow>, u64) {
        let origins = self.origins(object);
        let mut count = origins.len() as u64;
        let mut rows: Vec<ReferenceRow> = origins.into_iter().take(top).map(|origin| self.root_row(origin)).collect();
        referrers(self.snapshot, object, |owner, name| {
            count += 1;
            if rows.len() < top {
                rows.push(self.reference(owner, name));
            }
        });
        (rows, count)
    }

    /// The roots that hold the object itself.
    pub(crate) fn origins(&self, object: ObjectId) -> Vec<Origin> {
        let given = (0..).zip(&self.snapshot.roots).filter(|(_, root)| root.object == object);
        let mut origins: Vec<Origin> = given.map(|(row, _)| Origin::Given(row)).collect();
        let roots = self.graph.roots();
        origins.extend(roots.external().contains(&object).then_some(Origin::External));
        origins.extend(roots.unreachable().contains(&object).then_some(Origin::Unreachable));
        origins
    }

    fn root_row(&self, origin: Origin) -> ReferenceRow {
        ReferenceRow {
            label: root(self.snapshot, origin),
            kind: root_kind(origin.kind(self.snapshot)).to_owned(),
            object: None,
        }
    }
}
