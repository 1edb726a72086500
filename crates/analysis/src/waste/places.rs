//! Objects with something to save, by type and by the shape of their shortest path.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_model::ObjectId;

use super::WastePlace;
use crate::Analysis;
use crate::shapes::Shapes;

/// Objects of one type whose paths have one shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) count: u64,
    pub(super) saved: u64,
    pub(super) used: Option<u64>,
    pub(super) allocated: Option<u64>,
    pub(super) views: Option<u64>,
    /// The one with the most to save, and how much that is.
    pub(super) example: ObjectId,
    most: u64,
}

/// Collects places. Cost: one step an object.
pub(super) struct Places<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) shapes: Shapes<'a>,
    /// By group of types and shape.
    places: HashMap<(u32, u32), Place>,
    /// Names of attributes, for instances.
    pub(super) texts: HashMap<u32, String>,
}

impl<'a> Places<'a> {
    pub(super) fn new(analysis: &'a Analysis<'a>) -> Places<'a> {
        Places { analysis, shapes: Shapes::new(analysis), places: HashMap::new(), texts: HashMap::new() }
    }

    /// Adds an object with what it would save; `table`: items and room. Returns the shape of its path.
    pub(super) fn add(&mut self, object: ObjectId, saved: u64, table: Option<(u64, u64)>) -> u32 {
        let shape = self.shapes.of(object).unwrap_or(u32::MAX);
        let (used, allocated) = table.unzip();
        let one = Place { count: 1, saved, used, allocated, views: None, example: object, most: saved };
        self.merge(object, shape, one);
        shape
    }

    /// Adds an object of `bytes` that `views` keep, which show no more than `shown` of them.
    pub(super) fn add_base(&mut self, base: ObjectId, views: u64, shown: u64, bytes: u64) {
        let shape = self.shapes.of(base).unwrap_or(u32::MAX);
        let saved = bytes.saturating_sub(shown);
        let (used, allocated, views) = (Some(shown), Some(bytes), Some(views));
        self.merge(base, shape, Place { count: 1, saved, used, allocated, views, example: base, most: saved });
    }

    fn merge(&mut self, object: ObjectId, shape: u32, one: Place) {
        let key = (self.analysis.group(object), shape);
        self.places.entry(key).and_modify(|place| place.merge(one)).or_insert(one);
    }

    /// Adds a place that was summed up elsewhere.
    pub(super) fn insert(&mut self, shape: u32, count: u64, saved: u64, used: u64, example: ObjectId) {
        let place = Place { count, saved, used: Some(used), allocated: None, views: None, example, most: saved };
        self.places.insert((self.analysis.group(example), shape), place);
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn saved_bytes(&self) -> u64 {
        self.places.values().map(|place| place.saved).sum()
    }

    pub(super) fn objects(&self) -> u64 {
        self.places.values().map(|place| place.count).sum()
    }

    /// The places with the most to save.
    pub(super) fn rows(&self, top: usize) -> Vec<WastePlace> {
        let mut sorted: Vec<(&(u32, u32), &Place)> = self.places.iter().collect();
        sorted.sort_by_key(|(_, place)| (Reverse(place.saved), place.example));
        sorted.into_iter().take(top).map(|(key, place)| self.row(*key, place)).collect()
    }

    fn row(&self, (group, shape): (u32, u32), place: &Place) -> WastePlace {
        let text = self.analysis.snapshot.manifest.values.then(|| self.analysis.snapshot.texts.get(place.example));
        WastePlace {
            type_name: self.analysis.group_name(group).to_owned(),
            count: place.count,
            saved_bytes: place.saved,
            used: place.used,
            allocated: place.allocated,
            views: place.views,
            path: self.shapes.words(shape),
            example: self.analysis.object_ref(place.example),
            text: self.texts.get(&group).cloned().or_else(|| text.flatten().map(str::to_owned)),
        }
    }
}

impl Place {
    fn merge(&mut self, one: Place) {
        self.count += one.count;
        self.saved = self.saved.saturating_add(one.saved);
        self.used = self.used.zip(one.used).map(|(a, b)| a.saturating_add(b));
        self.allocated = self.allocated.zip(one.allocated).map(|(a, b)| a.saturating_add(b));
        self.views = self.views.zip(one.views).map(|(a, b)| a.saturating_add(b));
        if (one.most, Reverse(one.example)) > (self.most, Reverse(self.example)) {
            (self.most, self.example) = (one.most, one.example);
        }
    }
}
