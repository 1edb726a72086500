//! Bytes that the same program could do without: duplicates, slack, instance dictionaries.

use super::header;
use super::style::Style;
use memsight_analysis::waste::WasteView;

/// `memsight heap PID waste`.
pub fn waste(view: &WasteView, style: &Style) -> String {
    header(&view.header, style)
}
