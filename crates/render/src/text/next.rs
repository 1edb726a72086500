//! What to run next: the end of a page, for stderr.

use memsight_analysis::compare::CompareView;
use memsight_analysis::gc::GcView;
use memsight_analysis::overview::Overview;
use memsight_analysis::trend::Verdict;
use memsight_analysis::views::Suspect;
use memsight_model::is_pid;

use super::heading;
use super::style::{Style, Tone};
use super::table::{Table, toned};
use super::watch::WatchView;
use super::words::clean;

/// Samples below which a shorter interval tells more.
const FEW: u64 = 20;
/// Columns that a command of the person's may have to be told again.
const COMMAND: usize = 60;

/// A command and what it is for.
type Step = (String, &'static str);

/// After the overview of `subject` (a pid or a folder as the reader wrote it).
pub fn next_steps(view: &Overview, subject: &str, style: &Style) -> String {
    let heap = format!("memsight heap {subject}");
    let mut steps = vec![(format!("{heap} suspects"), "who keeps the most alive, and where")];
    let of_tasks = |suspect: &Suspect| suspect.code.is_some() && suspect.type_name.ends_with("Task");
    let of_coroutines = |suspect: &Suspect| suspect.type_name == "coroutine";
    if view.suspects.iter().any(|suspect| of_tasks(suspect) || of_coroutines(suspect)) {
        steps.push((format!("{heap} tasks"), "what tasks run, and where they wait"));
    }
    if !view.memory.is_empty() {
        steps.push((format!("{heap} rss"), "every byte of RSS, and what to do"));
    }
    let first = view.suspects.first().and_then(|suspect| suspect.accumulation_point.as_ref());
    match (first, view.types.first()) {
        (Some(object), _) => {
            steps.push((format!("{heap} path {}", object.address), "how the first suspect is reached"))
        }
        (None, Some(row)) => steps.push((format!("{heap} path {}", quoted(&row.type_name)), "who holds the top type")),
        (None, None) => {}
    }
    if is_pid(subject) {
        steps.push((format!("memsight snapshot {subject} -o app.heap"), "keep it for later"));
    }
    section(steps, style)
}

/// After a comparison whose latest look is `subject` (a pid or a folder as the reader wrote it).
pub fn next_after_compare(view: &CompareView, subject: &str, style: &Style) -> String {
    let mut steps: Vec<Step> = Vec::new();
    if let Some(next) = &view.verdict.next {
        let longer = next.contains(" --since ");
        // The process of a snapshot may have ended: the snapshot has what it held.
        let of_process = view.moments.last().map(|moment| format!("memsight heap {} ", moment.pid));
        let rest = of_process.as_deref().and_then(|head| next.strip_prefix(head)).filter(|_| !longer);
        let next = rest.map_or_else(|| next.clone(), |rest| format!("memsight heap {subject} {rest}"));
        steps.push((next, if longer { "whether it goes on" } else { "what has grown the most" }));
    }
    if view.code.iter().any(|row| row.type_name == "coroutine" || row.type_name.ends_with("Task")) {
        steps.push((format!("memsight heap {subject} tasks"), "what tasks run, and where they wait"));
    }
    if is_pid(subject) && !steps.iter().any(|(command, _)| command.contains(" --since ")) {
        steps.push((format!("memsight heap {subject} --since 10m"), "what grows within a longer time"));
    }
    steps.push((format!("memsight heap {subject} suspects"), "what is large, growing or not"));
    section(steps, style)
}

/// After a recording of a process that `runs` still, or of the command `command` that has ended.
pub fn next_after_watch(view: &WatchView, runs: bool, command: &[String], style: &Style) -> String {
    let (pid, verdict) = (view.pid, view.summary.trend.verdict);
    // Who asked for a heap has the answer, and nothing else is in its way.
    if let Some(heap) = view.heaps.iter().max_by_key(|heap| heap.rss_bytes) {
        let step = (format!("memsight heap {} suspects", quoted(&heap.path)), "who held it then");
        return section(vec![step], style);
    }
    let mut steps: Vec<Step> = Vec::new();
    if runs {
        match verdict {
            Verdict::TooShort => steps.push((format!("memsight watch {pid} -d 10m"), "long enough for a verdict")),
            Verdict::Stable | Verdict::Shrinking => {}
            _ => steps.push((format!("memsight heap {pid} --since 60s"), "what grows, and who holds it")),
        }
        steps.push((format!("memsight heap {pid}"), "what its memory is, and who holds it"));
        return section(steps, style);
    }
    let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    let words = Some(words.join(" ")).filter(|words| !words.is_empty() && words.chars().count() <= COMMAND);
    let again = words.unwrap_or_else(|| "COMMAND".to_owned());
    if view.summary.samples < FEW && view.interval_ns > 1_000_000 {
        steps.push((format!("memsight watch -i 1ms -- {again}"), "more samples of so short a run"));
    }
    steps.push((format!("memsight watch -o app.jsonl -o app.png -- {again}"), "record it, and draw"));
    section(steps, style)
}

/// After a recorded log was shown again.
pub fn next_after_log(log: &str, style: &Style) -> String {
    let log = quoted(log);
    section(vec![(format!("memsight watch {log} -o app.png -o app.parquet"), "draw it, and a table of it")], style)
}

/// After the collector of a process that is still there.
pub fn next_after_gc(view: &GcView, style: &Style) -> String {
    let pid = view.pid;
    let mut steps: Vec<Step> = Vec::new();
    if view.watched_seconds == 0.0 {
        steps.push((format!("memsight gc {pid} -d 1m"), "rates and pauses of a minute"));
    }
    steps.push((format!("memsight heap {pid} garbage"), "what a full collection would free, and what holds it"));
    steps.push((format!("memsight heap {pid} cycles"), "cycles that keep the collector busy"));
    section(steps, style)
}

/// After the screen, with this process in view.
pub fn next_after_top(pid: u32, style: &Style) -> String {
    let steps = vec![
        (format!("memsight heap {pid} suspects"), "who keeps the most alive, and where"),
        (format!("memsight heap {pid} --since 60s"), "what grows, and who holds it"),
        (format!("memsight watch {pid} -o app.jsonl"), "record it"),
    ];
    section(steps, style)
}

pub(super) fn section(steps: Vec<Step>, style: &Style) -> String {
    let mut table = Table::new(2).text("").text("");
    for (command, why) in steps {
        table.row([toned(Tone::Hint, clean(&command)), toned(Tone::Dim, why)]);
    }
    format!("{}{}", heading("Next", "", style), table.render(style))
}

/// A name as one word of a shell.
pub fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '=' | ':' | ','));
    let name = clean(name);
    if plain && !name.is_empty() { name } else { format!("'{}'", name.replace('\'', r"'\''")) }
}
