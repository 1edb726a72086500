//! Stacks: the tree of calls, and what is live by its newest frames.

use memsight_analysis::profile::{AtWord, LeaksView, Spot, TreeNode, TreeView};
use memsight_model::Bytes;

use super::super::heading;
use super::super::paragraph::Paragraph;
use super::super::style::{Style, Tone};
use super::super::words::{columns, percent, plural, shorten};
use super::{header, moment, more, size, spot};

/// Deeper nodes are not moved further to the right.
const DEEPEST: u32 = 24;
/// Frames of a folded chain that are spelled at each end.
const CHAIN: usize = 3;

/// `memsight trace FILE tree`.
pub fn trace_tree(view: &TreeView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let meaning = format!("who called whom, {}; from {} on", moment(&view.header), percent(view.least_share));
    out.push_str(&heading("Tree", &meaning, style));
    if view.nodes.is_empty() {
        out.push_str("  nothing\n");
    }
    let figures: Vec<String> =
        view.nodes.iter().map(|node| size(node.figures.bytes, node.figures.error_bytes)).collect();
    let width = figures.iter().map(|text| columns(text)).max().unwrap_or(0);
    for (node, bytes) in view.nodes.iter().zip(&figures) {
        let pad = " ".repeat(width.saturating_sub(columns(bytes)));
        let front = format!("  {pad}{bytes}  {:>6}  ", percent(node.share));
        let indent = "  ".repeat(node.depth.min(DEEPEST) as usize);
        let room = style.width.saturating_sub(columns(&front) + columns(&indent)).max(20);
        for (line, text) in frames(node).iter().enumerate() {
            let front = if line == 0 { style.paint(Tone::Dim, &front) } else { " ".repeat(columns(&front)) };
            out.push_str(&format!("{front}{indent}{}\n", shorten(text, room)));
        }
    }
    out
}

/// The frames of a node, a line each; of many those at the ends. The machinery of imports is left out where other frames are
/// there, as tracebacks do.
fn frames(node: &TreeNode) -> Vec<String> {
    let is_import = |frame: &&Spot| frame.file.starts_with("<frozen importlib.");
    let mut shown: Vec<&Spot> = node.frames.iter().filter(|frame| !is_import(frame)).collect();
    if shown.is_empty() {
        shown = node.frames.iter().collect();
    }
    let all = shown.iter().copied().map(spot);
    let left = shown.len().saturating_sub(2 * CHAIN);
    if left < 2 {
        return all.collect();
    }
    let between = format!("({} between)", plural(left as u64, "frame"));
    all.clone().take(CHAIN).chain([between]).chain(all.skip(CHAIN + left)).collect()
}

/// `memsight trace FILE leaks`.
pub fn trace_leaks(view: &LeaksView, style: &Style) -> String {
    let mut out = header(&view.header, style);
    let title = if view.header.at == AtWord::All { "Stacks" } else { "Live" };
    let meaning = format!("{}, by the newest frames of the stack", moment(&view.header));
    out.push_str(&heading(title, &meaning, style));
    if view.leaks.is_empty() {
        out.push_str("  nothing\n");
    }
    for (at, leak) in view.leaks.iter().enumerate() {
        let bytes = size(leak.figures.bytes, leak.figures.error_bytes);
        let title = format!("{bytes} ({}) in {}", percent(leak.share), plural(leak.figures.count, "block"));
        let mut paragraph = Paragraph::new(at, &title, Tone::Strong, 3, style);
        let room = paragraph.room();
        let mut stack = leak.stack.iter();
        let newest = stack.next().map_or("(no Python frame)".to_owned(), spot);
        paragraph.part("at", vec![shorten(&newest, room)], Some(Tone::Hint));
        let mut callers: Vec<String> = stack.map(|caller| shorten(&spot(caller), room)).collect();
        if leak.has_older {
            callers.push("...".to_owned());
        }
        paragraph.part("by", callers, None);
        let times = plural(leak.allocations, "block");
        let all = format!("{} in {times} were allocated there in all", Bytes(leak.allocated_bytes));
        if leak.allocations > leak.figures.count {
            paragraph.sentence("of", &all, Some(Tone::Dim));
        }
        out.push_str(&paragraph.finish());
    }
    out.push_str(&more(view.leaks.len(), view.leak_count, view.rest_bytes, "stack", style));
    out
}
