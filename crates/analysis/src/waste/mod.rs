//! Bytes that the same program could do without: duplicates, room in tables, instance dictionaries, boxed numbers.
//!
//! No byte is counted twice: each kind takes objects that no earlier one has taken. The order is that of
//! [`Analysis::waste`]: dictionaries of instances; what small views keep; equal strings, bytes and tuples; lists and tuples of numbers, with
//! the numbers that only they hold; equal numbers that are left; empty containers; room in the tables of the rest.

mod boxed;
mod duplicates;
mod empty;
mod findings;
mod layouts;
mod places;
mod tables;
mod views;

use memsight_model::{Contents, Finding, ObjectId};
use serde::Serialize;

use crate::views::{Header, ObjectRef};
use crate::{Analysis, AnalysisError, limit};
use places::Places;

/// What could be saved, one of a kind. The names are those of the findings and stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WasteRule {
    /// Equal `str` objects: all but one.
    DuplicateStrings,
    /// Equal `bytes` objects: all but one.
    DuplicateBytes,
    /// Equal tuples: all but one.
    DuplicateTuples,
    /// Equal int, float and complex objects: all but one.
    DuplicateNumbers,
    /// Lists with more room than items.
    OverallocatedLists,
    /// Dictionaries whose table is larger than their entries need.
    SparseDicts,
    /// Sets whose table is larger than a copy's.
    OverallocatedSets,
    /// Deques with a block more than a new one, bytearrays with more room than bytes.
    OverallocatedBuffers,
    /// Empty lists, dictionaries, sets and deques, each the value of one attribute of one instance.
    EmptyContainers,
    /// Instances with a `__dict__` that `__slots__` could stand for.
    InstanceDicts,
    /// Lists and tuples of numbers that an array would hold.
    BoxedNumbers,
    /// Arrays and bytes that only views of a small part of them keep.
    SmallViews,
}

impl WasteRule {
    /// Its name in findings and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            WasteRule::DuplicateStrings => "duplicate-strings",
            WasteRule::DuplicateBytes => "duplicate-bytes",
            WasteRule::DuplicateTuples => "duplicate-tuples",
            WasteRule::DuplicateNumbers => "duplicate-numbers",
            WasteRule::OverallocatedLists => "overallocated-lists",
            WasteRule::SparseDicts => "sparse-dicts",
            WasteRule::OverallocatedSets => "overallocated-sets",
            WasteRule::OverallocatedBuffers => "overallocated-buffers",
            WasteRule::EmptyContainers => "empty-containers",
            WasteRule::InstanceDicts => "instance-dicts",
            WasteRule::BoxedNumbers => "boxed-numbers",
            WasteRule::SmallViews => "small-views",
        }
    }
}

/// `waste`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WasteView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// All bytes: shallow, external and native.
    pub total_bytes: u64,
    /// Those of them in private memory, of which `share` speaks.
    pub resident_bytes: u64,
    /// Bytes to be saved, each once.
    pub saved_bytes: u64,
    /// Part of `resident_bytes`, 0 to 1.
    pub share: f64,
    /// The kinds of waste that were found, most bytes first.
    pub kinds: Vec<WasteKind>,
    /// The largest places of all kinds as findings, most bytes first.
    pub findings: Vec<Finding>,
}

/// Waste of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WasteKind {
    /// Which.
    pub rule: WasteRule,
    /// Bytes to be saved, none of them in another kind.
    pub saved_bytes: u64,
    /// Objects that would go or get smaller.
    pub objects: u64,
    /// Who holds them: equal paths merged, most bytes first. `--top` limits the list.
    pub places: Vec<WastePlace>,
    /// How many there are.
    pub place_count: u64,
    /// Duplicates: the values that are held most often, most bytes first.
    pub values: Vec<EqualValue>,
    /// How many there are.
    pub value_count: u64,
}

/// Objects of one type with waste, whose shortest paths differ in indices and keys only.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WastePlace {
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects that would go or get smaller.
    pub count: u64,
    /// Bytes to be saved.
    pub saved_bytes: u64,
    /// Containers: items that they hold. Instances: attributes of each. Objects that views keep: bytes that those show.
    pub used: Option<u64>,
    /// Containers: items that there is room for. Objects that views keep: their bytes.
    pub allocated: Option<u64>,
    /// Objects that views keep: the views.
    pub views: Option<u64>,
    /// From the root, in words. Instances: the path of most of them.
    pub path: Vec<String>,
    /// The one with the most to save.
    pub example: ObjectRef,
    /// Its text, where the look kept values. Instances: the names of the attributes.
    pub text: Option<String>,
}

/// A value that is held more than once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EqualValue {
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects with it, the one that stays included.
    pub copies: u64,
    /// Bytes of the copies that could go.
    pub saved_bytes: u64,
    /// Its text, where the look kept values.
    pub value: Option<String>,
    /// The path of most of the copies that could go, in words.
    pub path: Vec<String>,
    /// The one that stays.
    pub example: ObjectRef,
}

/// What one kind has collected.
struct Found<'a> {
    rule: WasteRule,
    places: Places<'a>,
    values: Vec<EqualValue>,
    value_count: u64,
}

impl Analysis<'_> {
    /// Bytes that could be saved, with who holds them. Cost: one pass over the references, a step for each object in
    /// the result.
    ///
    /// # Errors
    /// [`AnalysisError::NoContents`] for a snapshot that was taken without looking at contents.
    pub fn waste(&self, top: usize) -> Result<WasteView, AnalysisError> {
        let contents = self.snapshot.contents.as_ref().ok_or(AnalysisError::NoContents)?;
        let found = self.collect_waste(contents, limit(top));
        let (total_bytes, resident_bytes) = (self.graph.tree().total_bytes(), self.graph.tree().total_resident_bytes());
        let findings = self.waste_findings(&found, limit(top));
        let mut kinds: Vec<WasteKind> = found.into_iter().map(|found| found.finish(limit(top))).collect();
        kinds.retain(|kind| kind.saved_bytes > 0);
        kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.saved_bytes), kind.rule));
        let saved_bytes = kinds.iter().map(|kind| kind.saved_bytes).sum();
        let share = self.share(saved_bytes);
        Ok(WasteView { header: self.header(), total_bytes, resident_bytes, saved_bytes, share, kinds, findings })
    }

    /// The kinds, in the order in which they take objects.
    fn collect_waste(&self, contents: &Contents, top: usize) -> Vec<Found<'_>> {
        use WasteRule::*;
        let mut taken = Taken::new(self.snapshot.objects.len());
        let attributes = self.attributes(contents, &mut taken);
        let mut found = vec![self.layout_waste(contents), self.small_views(contents, &mut taken)];
        for rule in [DuplicateStrings, DuplicateBytes, DuplicateTuples] {
            found.push(self.duplicates(rule, contents, &mut taken, top));
        }
        found.push(self.boxed_numbers(contents, &mut taken));
        found.push(self.duplicates(DuplicateNumbers, contents, &mut taken, top));
        found.push(self.empty_containers(contents, &attributes, &mut taken));
        for rule in [OverallocatedLists, SparseDicts, OverallocatedSets, OverallocatedBuffers] {
            found.push(self.table_waste(rule, contents, &taken));
        }
        found
    }
}

impl<'a> Found<'a> {
    fn new(rule: WasteRule, places: Places<'a>) -> Found<'a> {
        Found { rule, places, values: Vec::new(), value_count: 0 }
    }

    fn finish(self, top: usize) -> WasteKind {
        WasteKind {
            rule: self.rule,
            saved_bytes: self.places.saved_bytes(),
            objects: self.places.objects(),
            place_count: self.places.len() as u64,
            places: self.places.rows(top),
            values: self.values,
            value_count: self.value_count,
        }
    }
}

/// Objects whose bytes a kind has counted.
struct Taken(Vec<u64>);

impl Taken {
    fn new(objects: usize) -> Taken {
        Taken(vec![0; objects.div_ceil(64)])
    }

    /// Takes an object; whether it was free.
    fn take(&mut self, object: ObjectId) -> bool {
        let free = !self.has(object);
        if let Some(word) = self.0.get_mut(object.index() / 64) {
            *word |= 1 << (object.index() % 64);
        }
        free
    }

    fn has(&self, object: ObjectId) -> bool {
        self.0.get(object.index() / 64).is_some_and(|word| word >> (object.index() % 64) & 1 == 1)
    }
}
