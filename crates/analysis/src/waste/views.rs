//! Views of a small part of an array or of bytes, where nothing else keeps the whole.

use std::collections::{BTreeMap, BTreeSet};

use memsight_model::{Contents, ObjectId};

use super::places::Places;
use super::{Found, Taken, WasteRule};
use crate::Analysis;

/// What looks at one object's memory.
#[derive(Default)]
struct Views {
    count: u64,
    /// Bytes that they show; what two of them show counts twice.
    bytes: u64,
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
            views.count += 1;
            views.bytes = views.bytes.saturating_add(view.bytes);
            views.holders.insert(view.holder);
        }
        let mut found = Found::new(WasteRule::SmallViews, Places::new(self));
        for (base, views) in bases {
            let objects = &self.snapshot.objects;
            let bytes = objects.shallow.get(base).saturating_add(objects.external.get(base));
            let only_views = u64::from(objects.refcounts.get(base)) == views.holders.len() as u64;
            if only_views && views.bytes < bytes / 2 && taken.take(base) {
                found.places.add_base(base, views.count, views.bytes, bytes);
            }
        }
        found
    }
}
