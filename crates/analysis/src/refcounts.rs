//! Reference counts against the references found: what C code holds, or has leaked.

use serde::Serialize;

use crate::Analysis;
use crate::views::Header;

/// `refcounts`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefcountsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
}

impl Analysis<'_> {
    /// Reference counts against references.
    pub fn refcounts(&self, _top: usize) -> RefcountsView {
        RefcountsView { header: self.header() }
    }
}
