//! Every byte of RSS: one account of objects, allocators, files, stacks, and what to do about each.

use serde::Serialize;

use crate::Analysis;
use crate::views::Header;

/// `rss`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RssView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
}

impl Analysis<'_> {
    /// The account of RSS.
    pub fn rss(&self, _top: usize) -> RssView {
        RssView { header: self.header() }
    }
}
