//! Live cycles worth breaking.

use super::header;
use super::style::Style;
use memsight_analysis::cycles::CyclesView;

/// `memsight heap PID cycles`.
pub fn cycles(view: &CyclesView, style: &Style) -> String {
    header(&view.header, style)
}
