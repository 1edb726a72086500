//! The histogram that needs no references: counts and sizes by type.

use std::borrow::Cow;
use std::collections::HashMap;

use memsight_model::{ObjectId, Snapshot, TypeSum};

use crate::views::{HistogramRow, HistogramView};
use crate::{header, limit};

/// Counts and sizes by type name, most bytes first. Cost: one pass over the objects, unless they were only counted when
/// they were read; no graph.
pub fn histogram(snapshot: &Snapshot, top: usize) -> HistogramView {
    let counted = if snapshot.sums.is_empty() { Cow::Owned(count(snapshot)) } else { Cow::Borrowed(&snapshot.sums) };
    let mut by_name: HashMap<&str, HistogramRow> = HashMap::new();
    for (kind, sum) in snapshot.types.iter().zip(counted.iter()).filter(|(_, sum)| sum.count > 0) {
        let row = by_name.entry(&kind.name).or_insert_with(|| HistogramRow {
            type_name: kind.name.clone(),
            count: 0,
            shallow_bytes: 0,
            external_bytes: 0,
            share: 0.0,
        });
        row.count += sum.count;
        row.shallow_bytes = row.shallow_bytes.saturating_add(sum.shallow_bytes);
        row.external_bytes = row.external_bytes.saturating_add(sum.external_bytes);
    }
    view(snapshot, by_name.into_values().collect(), top)
}

/// The objects of each row of the types.
fn count(snapshot: &Snapshot) -> Vec<TypeSum> {
    let objects = &snapshot.objects;
    let mut sums = vec![TypeSum::default(); snapshot.types.len()];
    let row = |id: ObjectId| objects.types.get(id.index()).map_or(0, |row| row.0 as usize);
    for id in objects.ids() {
        if let Some(sum) = sums.get_mut(row(id)) {
            sum.join(TypeSum { count: 1, shallow_bytes: objects.shallow.get(id), external_bytes: 0 });
        }
    }
    for &(id, external_bytes) in &objects.external.0 {
        if let Some(sum) = sums.get_mut(row(id)) {
            sum.join(TypeSum { count: 0, shallow_bytes: 0, external_bytes });
        }
    }
    sums
}

fn view(snapshot: &Snapshot, mut types: Vec<HistogramRow>, top: usize) -> HistogramView {
    let own = |row: &HistogramRow| row.shallow_bytes.saturating_add(row.external_bytes);
    let total = types.iter().map(own).fold(0, u64::saturating_add).max(1);
    for row in &mut types {
        row.share = own(row) as f64 / total as f64;
    }
    types.sort_by(|a, b| own(b).cmp(&own(a)).then_with(|| a.type_name.cmp(&b.type_name)));
    let mut view = HistogramView {
        header: header(snapshot),
        objects: types.iter().map(|row| row.count).sum(),
        shallow_bytes: types.iter().map(|row| row.shallow_bytes).sum(),
        external_bytes: types.iter().map(|row| row.external_bytes).sum(),
        type_count: types.len() as u64,
        types,
    };
    view.types.truncate(limit(top));
    view
}
