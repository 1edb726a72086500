//! Every byte of RSS: one account of objects, allocators, files, stacks, and what to do about each.

use super::header;
use super::style::Style;
use memsight_analysis::rss::RssView;

/// `memsight heap PID rss`.
pub fn rss(view: &RssView, style: &Style) -> String {
    header(&view.header, style)
}
