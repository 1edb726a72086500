//! Whole statements put behind others.

use crate::context::Context;
use crate::finding::Edit;
use crate::nodes::NodeId;
use crate::syntax::TextRange;

/// The edit that puts a statement on a line of its own behind another one, as deep as that one.
///
/// None where the other one shares its line, or is a compound statement that ends elsewhere than it seems.
pub(super) fn put_behind(context: &Context<'_, '_>, statement: NodeId, text: &str) -> Option<Edit> {
    let range = context.nodes().range(statement);
    let first = context.source.line_range(context.source.position(range.start()).line);
    let last = context.source.line_range(context.source.position(range.end()).line);
    let indent = context.text(TextRange::new(first.start(), range.start()));
    let rest = context.text(TextRange::new(range.end(), last.end()));
    let line_end = rest.len() - rest.trim_end_matches(['\r', '\n']).len();
    let behind = rest[..rest.len() - line_end].trim_start_matches([' ', '\t']);
    let is_alone =
        indent.chars().all(|letter| letter == ' ' || letter == '\t') && (behind.is_empty() || behind.starts_with('#'));
    let at = last.end().checked_sub(u32::try_from(line_end).ok()?.into())?;
    is_alone.then(|| Edit::new(TextRange::empty(at), format!("{}{indent}{text}", context.source.newline())))
}
