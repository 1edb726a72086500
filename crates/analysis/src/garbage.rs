//! What a full collection would free now, and the cycles that hold it.

use serde::Serialize;

use crate::Analysis;
use crate::views::Header;

/// `garbage`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GarbageView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
}

impl Analysis<'_> {
    /// Who holds what the collector would free.
    pub fn garbage(&self, _top: usize) -> GarbageView {
        GarbageView { header: self.header() }
    }
}
