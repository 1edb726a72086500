//! A heap in the form of another tool.

use std::path::Path;

use memsight_format::heapsnapshot::{self, Entrance, Written};
use memsight_heap::{Graph, uncounted_table};
use memsight_model::{NameId, Progress, RootKind, Snapshot};

use crate::Error;

/// Writes the heap as a `.heapsnapshot` of V8: [`heapsnapshot::write`] with the roots that this graph has found.
pub fn heapsnapshot(snapshot: &Snapshot, to: &Path, force: bool, progress: &dyn Progress) -> Result<Written, Error> {
    let graph = Graph::new(snapshot, progress);
    progress.phase("writing the file", None);
    let entrances: Vec<Entrance> = graph
        .entries(snapshot)
        .into_iter()
        .map(|(origin, object)| {
            let record = origin.record(snapshot);
            Entrance {
                object,
                kind: origin.kind(snapshot),
                name: record.filter(|root| root.kind != RootKind::Interned).map_or(NameId(0), |root| root.name),
                frame: record.and_then(|root| root.frame),
                thread: record.and_then(|root| root.thread),
            }
        })
        .collect();
    drop(graph);
    Ok(heapsnapshot::write(snapshot, &entrances, uncounted_table(snapshot), to, force)?)
}
