//! What a full collection would free now, and the cycles that hold it.

use super::header;
use super::style::Style;
use memsight_analysis::garbage::GarbageView;

/// `memsight heap PID garbage`.
pub fn garbage(view: &GarbageView, style: &Style) -> String {
    header(&view.header, style)
}
