//! Types by the line that made them.

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::tasks::source;
use super::words::{clean, percent, wrap_words};
use super::{header, heading, more};
use memsight_analysis::born::{Births, LineRow, LinesView};
use memsight_model::{Bytes, count};

/// `memsight heap PID types --by line`.
pub fn lines(view: &LinesView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    for line in wrap_words(&known(&view.births), style.width) {
        out.push_str(&style.paint(Tone::Dim, &line));
        out.push('\n');
    }
    let meaning = match view.births.exact {
        true => "bytes = of the objects and of what they own that was allocated there",
        false => "estimated of a sample; retained = by those objects that are in it",
    };
    out.push_str(&heading("Types by line", meaning, style));
    out.push_str(&table(&view.lines, style));
    out.push_str(&more(view.lines.len(), view.line_count, "line", style));
    out
}

/// `born known for 12,345 objects (3.1%), 610.2 MiB (61.0%): every allocation was recorded, since ...`.
fn known(births: &Births) -> String {
    let how = match births.exact {
        true => "every allocation since the recording began".to_owned(),
        false => format!("a sample of one in {} since the recording began", Bytes(births.sample_bytes)),
    };
    let lost = match births.lost_events {
        0 => String::new(),
        lost => format!("; {} allocations and frees were lost", count(lost)),
    };
    format!(
        "born known for {} objects ({}), {} ({}): {how}{lost}",
        count(births.known_objects),
        percent(births.known_objects_share),
        Bytes(births.known_bytes),
        percent(births.known_bytes_share),
    )
}

fn table(rows: &[LineRow], style: &Style) -> String {
    if rows.is_empty() {
        let text = "nothing that is alive was made since the recording began, or none of it is in the sample";
        return format!("  {}\n", style.paint(Tone::Dim, text));
    }
    let mut table = Table::new(2).text("type").giving("made at").numbers(&["count", "bytes", "retained"]);
    for row in rows {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(source(&row.source)),
            cell(count(row.estimated_count)),
            cell(Bytes(row.estimated_bytes).to_string()),
            cell(Bytes(row.retained_bytes).to_string()),
        ]);
    }
    table.render(style)
}
