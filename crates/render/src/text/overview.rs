//! Everything at one glance.

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{bar, percent, plural, share, wrap};
use super::{header, heading, more, suspects, types};
use memsight_analysis::overview::{CoreFile, Overview};
use memsight_model::{Bytes, Mode, duration, is_free_threaded};

const BAR: usize = 20;

/// `memsight heap PID`.
pub fn overview(view: &Overview, style: &Style) -> String {
    let mut out = header(&view.header, style);
    out.push_str(&heading("Memory", "", style));
    out.push_str(&account(view, style));
    out.push_str(&heading("Types", types::MEANING, style));
    out.push_str(&types::table(&view.types, style));
    out.push_str(&more(view.types.len(), view.type_count, "type", style));
    out.push_str(&heading("Suspects", "one object, or one type's instances, with a large part of the heap", style));
    out.push_str(&suspects::list(&view.suspects, None, style));
    out.push_str(&heading("Cost", "", style));
    for line in wrap(cost(view), "; ", style.width.saturating_sub(2)) {
        out.push_str(&format!("  {line}\n"));
    }
    out
}

/// What the operating system counts, and how much of it Python objects are.
fn account(view: &Overview, style: &Style) -> String {
    let mut table = Table::new(2).text("").numbers(&[""]).numbers(&[""]).giving("").optional();
    let known = view.shallow_bytes.saturating_add(view.external_bytes).saturating_add(view.native_bytes);
    let mut row = |name: &str, bytes: u64, part: Option<f64>, what: String| {
        table.row([
            cell(name),
            toned(Tone::Strong, Bytes(bytes).to_string()),
            cell(part.map(percent).unwrap_or_default()),
            toned(Tone::Dim, what),
            toned(Tone::Hint, part.map(|part| bar(part, BAR)).unwrap_or_default()),
        ]);
    };
    let of_rss = |bytes| (view.rss_bytes > 0).then(|| share(bytes, view.rss_bytes));
    match &view.core {
        // No core tells how much was in RAM.
        Some(core) => {
            row("dumped", core.dumped_bytes, None, format!("of {} that were mapped", Bytes(core.mapped_bytes)))
        }
        None => row("RSS", view.rss_bytes, None, "what the process has in RAM".into()),
    }
    let objects = format!("{}, {}", plural(view.objects, "object"), plural(view.type_count, "type"));
    for (number, group) in view.memory.iter().enumerate().filter(|(_, group)| group.bytes > 0) {
        let what = if number == 0 { objects.clone() } else { meaning(number).to_owned() };
        row(&group.name, group.bytes, Some(group.share), what);
    }
    if view.memory.is_empty() {
        row("Python objects", view.shallow_bytes, of_rss(view.shallow_bytes), objects);
        row("their buffers", view.external_bytes, of_rss(view.external_bytes), "external: arrays, mmap, I/O".into());
        if view.native_bytes > 0 {
            row(
                "native",
                view.native_bytes,
                of_rss(view.native_bytes),
                "memory of C code that objects point to".into(),
            );
        }
        let rest = view.rss_bytes.saturating_sub(known);
        row("everything else", rest, of_rss(rest), "code, allocator, C libraries".into());
    }
    if view.core.is_none() {
        let most =
            if view.rss_bytes < view.vms_bytes / 2 { "address space, mostly untouched" } else { "address space" };
        row("VMS", view.vms_bytes, None, most.into());
    }
    table.render(style)
}

/// What a sort of memory is, in the order of the sorts.
fn meaning(group: usize) -> &'static str {
    match group {
        1 => "pymalloc: between objects in use",
        2 => "C libraries",
        3 => "glibc keeps it: malloc_trim(0)",
        4 => "code, mapped files, stacks",
        _ => "mapped by nobody known",
    }
}

/// What the look did to the process, and how much there was to look at.
fn cost(view: &Overview) -> Vec<String> {
    let looked = match view.header.mode {
        Mode::Live => "never paused (--mode live)".to_owned(),
        Mode::Core => ended(view.core.as_ref()),
        Mode::Auto | Mode::Fork | Mode::Freeze => {
            let by = if view.header.mode == Mode::Fork { " for a fork" } else { "" };
            let gil = at_work(view.gil_held, &view.header.python);
            let attempts = plural(u64::from(view.attempts), "attempt");
            format!("paused {}{by} ({attempts}, {gil}{})", duration(view.pause_ns), reason(view))
        }
    };
    let mut parts = vec![
        format!("{looked}, {} in all", duration(view.total_ns)),
        plural(view.objects, "object"),
        plural(view.references, "reference"),
        plural(view.threads, "thread"),
    ];
    if view.interpreters > 1 {
        parts.push(plural(u64::from(view.interpreters), "interpreter"));
    }
    parts
}

/// Whether a thread was in the middle of Python code, in the words of the build: without a GIL threads attach instead.
fn at_work(held: bool, python: &str) -> &'static str {
    match (held, is_free_threaded(python)) {
        (true, false) => "a thread held the GIL",
        (false, false) => "GIL free",
        (true, true) => "a thread was attached",
        (false, true) => "no thread attached",
    }
}

/// Whose core it is, and how the process ended.
fn ended(core: Option<&CoreFile>) -> String {
    let Some(core) = core else { return "read from a core file".to_owned() };
    let end = if core.signal == 0 { "which ran on".to_owned() } else { format!("ended by signal {}", core.signal) };
    let (program, arguments) = core.command.split_once(' ').unwrap_or((&core.command, ""));
    let program = program.rsplit('/').next().unwrap_or(program);
    let command = super::clean(format!("{program} {arguments}").trim_end());
    format!("read from a core file of {}, {end}", super::words::shorten(&command, 40))
}

/// Why it was not forked, or what the fork has left.
fn reason(view: &Overview) -> String {
    match (&view.mode_reason, view.header.mode) {
        (Some(reason), Mode::Fork) => format!("; {reason}"),
        (Some(reason), _) => format!("; not forked: {reason}"),
        (None, _) => String::new(),
    }
}
