//! A recorded log: its summary and plot again, and other forms of it.

use std::path::Path;

use memsight_engine::format::monitor::{Assembler, Header, Record, read_log};
use memsight_model::Explain;
use memsight_render::WatchView;

use super::config::{Kind, Output};
use super::figures::Figures;
use super::{files, session};
use crate::console::Console;
use crate::error::Error;

/// Reads a log to its end. Cost: linear in its length; memory: that of a recording.
pub(super) fn read(path: &Path, console: &Console) -> Result<(Figures, WatchView), Error> {
    let mut reader = read_log(path)?;
    let header: Header = reader.header().clone();
    let mut figures = Figures::default();
    let mut assembler = Assembler::default();
    let mut kept = None;
    let mut damaged_lines = 0;
    for record in &mut reader {
        match record {
            Ok(Record::Marker(marker)) => figures.mark(&marker),
            Ok(Record::Gap(gap)) => figures.add_missed(gap.lost),
            Ok(Record::Summary { summary }) => kept = Some(summary),
            Ok(record) => {
                if let Some(sample) = assembler.take(&record) {
                    figures.add(&sample);
                }
            }
            Err(error) => {
                damaged_lines += 1;
                if damaged_lines == 1 {
                    console.remark(|_| format!("warning[{}]: {error}\n", error.code()));
                }
            }
        }
    }
    let summary = figures.finish();
    if summary.samples == 0 {
        return Err(Error::NothingRecorded { path: path.to_path_buf() });
    }
    let kept = kept.unwrap_or_default();
    let field = |name: &str| kept.get(name).cloned().unwrap_or_default();
    let mut view = WatchView {
        name: session::name(&header, &figures),
        rollup_missing: figures.rollup_missing(),
        summary,
        pid: header.watched.pid,
        interval_ns: header.interval_ns,
        exit_code: serde_json::from_value(field("exit_code")).ok().flatten(),
        command_peak: serde_json::from_value(field("command_peak")).ok().flatten(),
        heaps: serde_json::from_value(field("heaps")).unwrap_or_default(),
        heaps_missing: serde_json::from_value(field("heaps_missing")).unwrap_or_default(),
        cost: serde_json::from_value(field("cost")).ok().flatten(),
        damaged_lines,
        cut: reader.was_cut(),
    };
    // Samples of a gap were counted; ticks that were skipped are known to the recorder alone.
    view.summary.missed_ticks = view.summary.missed_ticks.max(field("missed_ticks").as_u64().unwrap_or(0));
    Ok((figures, view))
}

/// Writes the other forms of a log.
pub(super) fn convert(
    log: &Path,
    outputs: &[Output],
    figures: &Figures,
    view: &WatchView,
    force: bool,
) -> Result<(), Error> {
    for output in outputs {
        if output.kind == Kind::Log {
            return Err(Error::OutputKind { path: output.path.clone() });
        }
        files::make(output, Some(log), view, &figures.plot(&view.name, &view.headline()), force)?;
    }
    Ok(())
}
