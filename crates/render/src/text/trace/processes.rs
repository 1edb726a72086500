//! The processes of a run with children.

use memsight_analysis::profile::{ProcessRow, SummaryView};
use memsight_model::{Bytes, count, duration};

use super::super::heading;
use super::super::style::{Style, Tone};
use super::super::table::{Table, cell};
use super::super::words::clean;
use super::size;

/// Processes that are shown.
const SHOWN: usize = 20;
/// Steps of the tree that are indented.
const DEEPEST: u32 = 10;

/// Those with the highest peaks, and those that they came from, as a tree; nothing where there is one alone.
pub(super) fn processes(view: &SummaryView, style: &Style) -> String {
    let all = &view.processes;
    if all.len() < 2 {
        return String::new();
    }
    let mut out = heading("Processes", "each at its own peak; --process PID, or all together: --process all", style);
    let mut table = Table::new(2).giving("process").numbers(&["pid", "peak", "at its end", "allocations", "for"]);
    let is_shown = shown(all);
    for row in all.iter().zip(&is_shown).filter_map(|(row, is_shown)| is_shown.then_some(row)) {
        table.row([
            cell(format!("{}{}", "  ".repeat(row.depth.min(DEEPEST) as usize), clean(&row.program))),
            cell(row.pid.to_string()),
            cell(size(row.peak_bytes, row.peak_error_bytes)),
            cell(Bytes(row.end_bytes).to_string()),
            cell(count(row.allocations)),
            cell(duration(row.duration_ns)),
        ]);
    }
    out.push_str(&table.render(style));
    let left = is_shown.iter().filter(|is_shown| !**is_shown).count() as u64;
    if left > 0 {
        let text = format!("and {} more with lower peaks (--format json has all)", count(left));
        out.push_str(&format!("  {}\n", style.paint(Tone::Dim, &text)));
    }
    out
}

fn shown(all: &[ProcessRow]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(all[at].peak_bytes), at));
    let mut is_shown = vec![false; all.len()];
    for at in order.into_iter().take(SHOWN) {
        is_shown[at] = true;
        let mut depth = all[at].depth;
        for above in (0..at).rev() {
            if all[above].depth < depth {
                (is_shown[above], depth) = (true, all[above].depth);
            }
        }
    }
    is_shown
}
