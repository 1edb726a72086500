//! Bytes that the same program could do without: duplicates, slack, instance dictionaries.

use serde::Serialize;

use crate::Analysis;
use crate::views::Header;

/// `waste`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WasteView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
}

impl Analysis<'_> {
    /// Bytes that could be saved.
    pub fn waste(&self, _top: usize) -> WasteView {
        WasteView { header: self.header() }
    }
}
