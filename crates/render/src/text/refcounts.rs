//! Reference counts against the references found: what C code holds, or has leaked.

use super::header;
use super::style::Style;
use memsight_analysis::refcounts::RefcountsView;

/// `memsight heap PID refcounts`.
pub fn refcounts(view: &RefcountsView, style: &Style) -> String {
    header(&view.header, style)
}
