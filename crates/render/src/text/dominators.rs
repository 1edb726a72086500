//! The dominator tree.

use super::style::{Style, Tone};
use super::suspects::name_cell;
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent};
use super::{header, heading};
use memsight_analysis::views::DominatorsView;
use memsight_model::{Bytes, count};

const BAR: usize = 8;
/// Deeper nodes are shown at this depth.
const DEEPEST: u32 = 16;

/// `memsight heap PID dominators`.
pub fn dominators(view: &DominatorsView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = "each object with what only it keeps alive, and the largest objects below it";
    out.push_str(&heading("Dominators", meaning, style));
    if view.dominators.is_empty() {
        out.push_str("  nothing: no object is reachable from a root\n");
        return out;
    }
    let mut table =
        Table::new(2).giving("object").text("address").numbers(&["children", "retained", "share"]).optional();
    for row in &view.dominators {
        let indent = "  ".repeat(row.depth.min(DEEPEST) as usize);
        table.row([
            (format!("{indent}{}", name_cell(&row.object)), (row.depth == 0).then_some(Tone::Hint)),
            toned(Tone::Dim, clean(&row.object.address)),
            cell(count(row.children)),
            cell(Bytes(row.object.retained_bytes).to_string()),
            cell(percent(row.share)),
            cell(bar(row.share, BAR)),
        ]);
    }
    out.push_str(&table.render(style));
    out
}
