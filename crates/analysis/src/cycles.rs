//! Live cycles worth breaking.

use serde::Serialize;

use crate::Analysis;
use crate::views::Header;

/// `cycles`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CyclesView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
}

impl Analysis<'_> {
    /// Cycles of live objects that only the collector can free.
    pub fn cycles(&self, _top: usize) -> CyclesView {
        CyclesView { header: self.header() }
    }
}
