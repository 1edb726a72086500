//! Who holds an object, or all objects of a type.

use std::cmp::Reverse;
use std::collections::HashMap;

use memsight_heap::{Path, Step, referrers};
use memsight_model::ObjectId;

use crate::query::Query;
use crate::route::words;
use crate::shapes::Shapes;
use crate::views::{PathRow, PathsView};
use crate::{Analysis, AnalysisError, limit};

/// Objects listed with a path; the rest of a longer one is in its words.
const OBJECTS: usize = 20;
/// References to one object of which the ways to the owners are looked at.
const REFERRERS: usize = 200;

impl Analysis<'_> {
    /// Shortest paths to the object at an address, one through each of its holders, or to all objects of a type (full
    /// name or last component), merged where they differ only in indices and keys. Cost: one pass over the references
    /// or over the objects of the type.
    pub fn path(&self, query: &str, top: usize) -> Result<PathsView, AnalysisError> {
        let (matches, paths) = match self.parse(query)? {
            Query::Object(object) => (1, self.paths_to_object(object, limit(top))),
            Query::Types(groups) => self.paths_to_types(&groups, limit(top)),
        };
        Ok(PathsView { header: self.header(), query: query.to_owned(), matches, paths })
    }

    fn paths_to_object(&self, object: ObjectId, top: usize) -> Vec<PathRow> {
        let Some(shortest) = self.path_to(object) else { return Vec::new() };
        let mut steps: Vec<Step> = Vec::new();
        referrers(self.snapshot, object, |owner, label| {
            if label.is_strong() && steps.len() < REFERRERS {
                steps.push(Step { owner, label, target: object });
            }
        });
        let mut paths: Vec<Path> = steps.into_iter().filter_map(|step| self.path_through(step)).collect();
        paths.retain(|path| *path != shortest);
        paths.sort_by_key(|path| path.steps.len());
        paths.insert(0, shortest);
        paths.truncate(top);
        paths.into_iter().map(|path| self.path_row(1, words(self.snapshot, &path), &path)).collect()
    }

    /// The shortest path to the owner, then the step; `None` when that way already leads through the object.
    fn path_through(&self, step: Step) -> Option<Path> {
        let mut path = self.path_to(step.owner)?;
        if path.objects().any(|object| object == step.target) {
            return None;
        }
        path.steps.push(step);
        Some(path)
    }

    fn paths_to_types(&self, groups: &[bool], top: usize) -> (u64, Vec<PathRow>) {
        let mut shapes = Shapes::new(self);
        // Count and first object of each shape.
        let mut found: HashMap<u32, (u64, ObjectId)> = HashMap::new();
        let mut matches = 0;
        for object in self.snapshot.objects.ids().filter(|&object| groups[self.group(object) as usize]) {
            matches += 1;
            if let Some(shape) = shapes.of(object) {
                found.entry(shape).or_insert((0, object)).0 += 1;
            }
        }
        let mut found: Vec<(u32, (u64, ObjectId))> = found.into_iter().collect();
        found.sort_by_key(|&(_, (count, first))| (Reverse(count), first));
        found.truncate(top);
        let row = |(shape, (count, first))| {
            let path = self.path_to(first)?;
            let words = if count == 1 { words(self.snapshot, &path) } else { shapes.words(shape) };
            Some(self.path_row(count, words, &path))
        };
        (matches, found.into_iter().filter_map(row).collect())
    }

    fn path_row(&self, count: u64, path: Vec<String>, example: &Path) -> PathRow {
        PathRow {
            count,
            path,
            objects: example.objects().take(OBJECTS).map(|object| self.object_ref(object)).collect(),
        }
    }
}
