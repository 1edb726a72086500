//! Views of a small part of an array or of bytes, where nothing else keeps the whole.

use std::collections::{BTreeMap, BTreeSet};

use memsight_model::{Contents, ObjectId};

use super::places::Places;
use super::{Found, Taken, WasteRule};
use crate::Analysis;

/// What looks at one object's memory.
#[derive(Default)]
struct Views {
    /// Each with the bytes that it shows; what two of them show counts twice.
    objects: Vec<(ObjectId, u64)>,
    /// Who refers to the object for them.
    holders: BTreeSet<ObjectId>,
}

impl Analysis<'_> {
    /// What copies of the views would save: the bytes of the object that they keep, less those that they show. Only objects
    /// all of whose references are for views, and that show less than half of them.
    pub(super) fn small_views(&self, contents: &Contents, taken: &mut Taken) -> Found<'_> {
        let mut bases: BTreeMap<ObjectId, Views> = BTreeMap::new();
        for view in &contents.views {
            let views = bases.entry(view.base).or_default();
            views.objects.push((view.object, view.bytes));
            views.holders.insert(view.holder);
        }
        let mut found = Found::new(WasteRule::SmallViews, Places::new(self));
        for (base, views) in bases {
            let objects = &self.snapshot.objects;
            let bytes = objects.shallow.get(base).saturating_add(objects.external.get(base));
            let only_views = u64::from(objects.refcounts.get(base)) == views.holders.len() as u64;
            if !only_views {
                continue;
            }
            let (count, shown) = self.shown(&views);
            if shown < bytes / 2 && taken.take(base) {
                found.places.add_base(base, count, shown, bytes);
            }
        }
        found
    }

    /// How many views show how many bytes. One that is there for other views alone (the array between a slice of
    /// `frombuffer` and its buffer) shows nothing.
    fn shown(&self, views: &Views) -> (u64, u64) {
        let members: BTreeSet<ObjectId> =
            views.objects.iter().map(|(object, _)| *object).chain(views.holders.iter().copied()).collect();
        let mut on_the_way: BTreeMap<ObjectId, u32> = BTreeMap::new();
        for (target, _) in members.iter().flat_map(|member| self.snapshot.references.of(*member)) {
            if members.contains(&target) {
                *on_the_way.entry(target).or_default() += 1;
            }
        }
        let counts = &self.snapshot.objects.refcounts;
        let shows = |object: &ObjectId| counts.get(*object) > on_the_way.get(object).copied().unwrap_or(0);
        views
            .objects
            .iter()
            .filter(|(object, _)| shows(object))
            .fold((0, 0), |(count, sum), (_, bytes)| (count + 1, u64::saturating_add(sum, *bytes)))
    }
}
