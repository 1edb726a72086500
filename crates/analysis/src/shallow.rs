//! The histogram that needs no references: counts and sizes by type.

use std::collections::HashMap;

use memsight_model::Snapshot;

use crate::views::{HistogramRow, HistogramView};
use crate::{header, limit};

/// Counts and sizes by type name, most bytes first. Cost: one pass over the objects, no graph.
pub fn histogram(snapshot: &Snapshot, top: usize) -> HistogramView {
    let objects = &snapshot.objects;
    let mut counters = vec![(0u64, 0u64, 0u64); snapshot.types.len()];
    for id in objects.ids() {
        let row = objects.types.get(id.index()).map_or(0, |row| row.0 as usize);
        if let Some((count, shallow, _)) = counters.get_mut(row) {
            *count += 1;
            *shallow = shallow.saturating_add(objects.shallow.get(id));
        }
    }
    for &(id, bytes) in &objects.external.0 {
        let row = objects.types.get(id.index()).map_or(0, |row| row.0 as usize);
        if let Some((_, _, external)) = counters.get_mut(row) {
            *external = external.saturating_add(bytes);
        }
    }
    let mut by_name: HashMap<&str, HistogramRow> = HashMap::new();
    for (kind, (count, shallow, external)) in snapshot.types.iter().zip(counters).filter(|(_, sums)| sums.0 > 0) {
        let row = by_name.entry(&kind.name).or_insert_with(|| HistogramRow {
            type_name: kind.name.clone(),
            count: 0,
            shallow_bytes: 0,
            external_bytes: 0,
            share: 0.0,
        });
        row.count += count;
        row.shallow_bytes = row.shallow_bytes.saturating_add(shallow);
        row.external_bytes = row.external_bytes.saturating_add(external);
    }
    view(snapshot, by_name.into_values().collect(), top)
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
        objects: snapshot.objects.len() as u64,
        shallow_bytes: types.iter().map(|row| row.shallow_bytes).sum(),
        external_bytes: types.iter().map(|row| row.external_bytes).sum(),
        type_count: types.len() as u64,
        types,
    };
    view.types.truncate(limit(top));
    view
}
