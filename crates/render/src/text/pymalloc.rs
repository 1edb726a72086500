//! pymalloc: how much of its memory is in use, whose it is, and what keeps the rest.

use memsight_analysis::fragmentation::{PinRow, PymallocView, SizeRow, SparseView};
use memsight_model::{Allocator, Bytes, count};

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{bar, clean, percent, plural, share, shorten, wrap_words};
use super::{heading, more};

/// Sizes of blocks, types and pins that are listed.
const ROWS: usize = 8;
const BAR: usize = 12;
/// Columns of a type beside what it keeps.
const TYPE: usize = 28;

/// The part of `memsight heap PID rss` about pymalloc.
pub fn pymalloc(view: &PymallocView, style: &Style) -> String {
    if view.arenas == 0 {
        return served_by_others(view, style);
    }
    let held = format!("{} in {}", Bytes(view.arena_bytes), plural(view.arenas, "arena"));
    let hooks = if view.allocator == Allocator::PymallocDebug { ", with debug hooks" } else { "" };
    let meaning = format!("CPython's allocator of objects up to 512 bytes{hooks}");
    let mut out = heading(&format!("pymalloc {held}"), &meaning, style);
    out.push_str(&parts(view, style));
    out.push_str(&missing(view, style));
    out.push_str(&sizes(view, style));
    out.push_str(&types(view, style));
    out.push_str(&fill(view, style));
    out.push_str(&sparse("Arenas at most a quarter full", "arenas", &view.sparse_arenas, style));
    out.push_str(&sparse("Pools at most a quarter full", "pools", &view.sparse_pools, style));
    out
}

fn served_by_others(view: &PymallocView, style: &Style) -> String {
    let text = match view.allocator {
        Allocator::Malloc => "not in use: the C heap serves Python's objects (PYTHONMALLOC=malloc)",
        Allocator::Mimalloc => "not in use: mimalloc serves Python's objects",
        Allocator::Pymalloc | Allocator::PymallocDebug => "holds nothing that was found",
    };
    heading("pymalloc", text, style) + &missing(view, style)
}

fn missing(view: &PymallocView, style: &Style) -> String {
    let mut out = String::new();
    for reason in &view.missing {
        for line in wrap_words(&clean(reason), style.width.saturating_sub(2)) {
            out.push_str(&format!("  {}\n", style.paint(Tone::Warn, &line)));
        }
    }
    out
}

/// What the arenas hold, line by line: they add up.
fn parts(view: &PymallocView, style: &Style) -> String {
    let mut table = Table::new(2).text("").numbers(&["bytes", "of it"]).list("");
    let fresh = match view.fresh_bytes {
        0 => String::new(),
        bytes => format!(", {} of them never used", Bytes(bytes)),
    };
    let free_blocks = format!("{} between blocks in use{fresh}", count(view.free_blocks));
    for (name, bytes, detail) in [
        ("Python objects", view.object_bytes, format!("{} blocks", count(view.object_blocks))),
        (
            "their buffers",
            view.buffer_bytes,
            format!("{} blocks: items of lists, tables of dicts", count(view.buffer_blocks)),
        ),
        ("other blocks in use", view.other_bytes, "freelists, C code".to_owned()),
        ("free blocks", view.free_bytes, free_blocks),
        ("free pools", view.free_pool_bytes, format!("{}, for any size", count(view.free_pools))),
        ("heads and ends", view.overhead_bytes, "of pools and arenas".to_owned()),
    ] {
        let part = percent(share(bytes, view.arena_bytes));
        table.row([toned(Tone::Hint, name), cell(Bytes(bytes).to_string()), cell(part), toned(Tone::Dim, detail)]);
    }
    let packed = format!("{} would be free if the blocks in use lay close together", Bytes(view.fragmented_bytes));
    table.render(style) + &format!("  {}\n", style.paint(Tone::Dim, &packed))
}

/// The sizes with the most free bytes.
fn sizes(view: &PymallocView, style: &Style) -> String {
    let mut rows: Vec<&SizeRow> = view.sizes.iter().collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.free_bytes));
    let mut out = heading("Sizes of blocks", "most free bytes first", style);
    let mut table = Table::new(2).numbers(&["block", "pools", "used", "free", "in use", "free bytes"]).optional();
    for row in rows.iter().take(ROWS) {
        let used = share(row.used_bytes, row.used_bytes + row.free_bytes);
        table.row([
            cell(Bytes(row.block_bytes).to_string()),
            cell(count(row.pools)),
            cell(count(row.used_blocks)),
            cell(count(row.free_blocks)),
            cell(percent(used)),
            cell(Bytes(row.free_bytes).to_string()),
            cell(bar(used, BAR)),
        ]);
    }
    out.push_str(&table.render(style));
    out.push_str(&rest(rows.len(), "size", style));
    out
}

fn types(view: &PymallocView, style: &Style) -> String {
    let mut out = heading("Whose blocks", "bytes of blocks of objects, and of their buffers", style);
    let mut table = Table::new(2).giving("type").numbers(&["objects", "bytes", "buffers", "bytes"]);
    for row in view.types.iter().take(ROWS) {
        table.row([
            toned(Tone::Hint, clean(&row.type_name)),
            cell(count(row.object_blocks)),
            cell(Bytes(row.object_bytes).to_string()),
            cell(count(row.buffer_blocks)),
            cell(Bytes(row.buffer_bytes).to_string()),
        ]);
    }
    out.push_str(&table.render(style));
    out.push_str(&more(view.types.len().min(ROWS), view.type_count, "type", style));
    out
}

fn fill(view: &PymallocView, style: &Style) -> String {
    let mut out = heading("Arenas by how full they are", "only a wholly free one goes back to the system", style);
    let mut table = Table::new(2).numbers(&["in use", "arenas", "bytes", "used"]).optional();
    for row in view.fill.iter().filter(|row| row.arenas > 0) {
        table.row([
            cell(format!("{}-{}%", row.from_percent, row.to_percent)),
            cell(count(row.arenas)),
            cell(Bytes(row.bytes).to_string()),
            cell(Bytes(row.used_bytes).to_string()),
            cell(bar(share(row.arenas, view.arenas), BAR)),
        ]);
    }
    out.push_str(&table.render(style));
    out
}

fn sparse(title: &str, what: &'static str, view: &SparseView, style: &Style) -> String {
    if view.count == 0 {
        return String::new();
    }
    let sum = format!("{}, {}, of which {} in use", count(view.count), Bytes(view.bytes), Bytes(view.used_bytes));
    let mut out = heading(title, &sum, style);
    let mut table = Table::new(2).text("kept by").numbers(&[what, "alone", "blocks", "bytes"]).giving("such as");
    for row in view.pins.iter().take(ROWS) {
        table.row([
            toned(Tone::Hint, shorten(&clean(&row.type_name), TYPE)),
            cell(count(row.holds)),
            cell(count(row.alone)),
            cell(count(row.blocks)),
            cell(Bytes(row.bytes).to_string()),
            toned(Tone::Dim, example(row)),
        ]);
    }
    out.push_str(&table.render(style));
    out.push_str(&more(view.pins.len().min(ROWS), view.pin_types, "type", style));
    out
}

fn example(row: &PinRow) -> String {
    row.examples.first().map(|object| clean(&object.name)).unwrap_or_default()
}

/// What is in the JSON only.
fn rest(rows: usize, what: &str, style: &Style) -> String {
    match rows.checked_sub(ROWS).filter(|left| *left > 0) {
        Some(left) => {
            let left = plural(left as u64, &format!("more {what}"));
            format!("  {}\n", style.paint(Tone::Dim, &format!("and {left} (in --format json)")))
        }
        None => String::new(),
    }
}
