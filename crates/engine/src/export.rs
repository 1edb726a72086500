//! A heap, or a trace, in the form of another tool.

use std::path::Path;

use memsight_analysis::profile::{Profile, Selection, StackSums, Stacks};
use memsight_format::heapsnapshot::{self, Entrance, Written};
use memsight_format::trace::StackRow;
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

/// The stacks of a trace as rows of a table: [`memsight_format::trace::stacks_csv`] and its siblings write them.
///
/// # Errors
/// Of [`Profile::stacks`].
pub fn stack_rows(profile: &Profile, selection: &Selection) -> Result<Vec<StackRow>, Error> {
    let stacks = profile.stacks(selection)?;
    Ok(stacks.rows.iter().map(|row| stack_row(&stacks, row)).collect())
}

fn stack_row(stacks: &Stacks, row: &StackSums) -> StackRow {
    let frames = stacks.stack(row);
    let newest = frames.first().and_then(|frame| stacks.frame(*frame));
    let name = |frame: &u32| {
        let (function, line) = stacks.frame(*frame)?;
        let name = match (function.file.as_str(), line) {
            ("", _) => function.name.clone(),
            (file, line) => format!("{} ({file}:{line})", function.name),
        };
        Some(name.replace(';', ","))
    };
    StackRow {
        thread: row.thread,
        function: newest.map(|(function, _)| function.name.clone()).unwrap_or_default(),
        file: newest.map(|(function, _)| function.file.clone()).filter(|file| !file.is_empty()),
        line: newest.map(|(_, line)| line).filter(|line| *line > 0),
        stack: frames.iter().rev().filter_map(name).collect::<Vec<String>>().join(";"),
        numbers: [
            row.shown.bytes,
            row.shown.count,
            row.shown.error_bytes,
            row.allocated.bytes,
            row.allocated.count,
            row.allocated.error_bytes,
            row.peak.bytes,
            row.peak.count,
            row.end.bytes,
            row.end.count,
        ],
    }
}
