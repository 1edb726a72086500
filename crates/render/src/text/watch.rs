//! What a recording came to, as a page of text.

use memsight_analysis::trend::{
    ContainerSummary, Peak, ProcessSummary, Slope, TimeToLimit, Trend, Verdict, WatchSummary,
};
use memsight_model::{Bytes, Confidence, Unavailable, count, duration};
use serde::{Deserialize, Serialize};

use super::style::{Style, Tone};
use super::table::{Table, cell, toned};
use super::words::{clean, plural, wrap_words};

/// Rows of the table of processes.
const ROWS: usize = 8;
/// Columns of the names of figures.
const LABEL: usize = 10;

/// What a recording came to: what `memsight watch --format json` prints and a log ends with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchView {
    /// Its figures.
    #[serde(flatten)]
    pub summary: WatchSummary,
    /// The command's program, or the name of the process.
    pub name: String,
    /// Its process id.
    pub pid: u32,
    /// Time between two samples that was asked for, nanoseconds.
    pub interval_ns: u64,
    /// Why USS and PSS are not known of some process.
    #[serde(default)]
    pub rollup_missing: Option<Unavailable>,
    /// Exit code of the command, if there was one and it has ended.
    pub exit_code: Option<i32>,
    /// The largest RSS of one process of the command, by the kernel's account; `None` until it has ended, and without one.
    #[serde(default)]
    pub command_peak: Option<CommandPeak>,
    /// Snapshots that were kept of it, in the order of time.
    #[serde(default)]
    pub heaps: Vec<KeptHeap>,
    /// Why snapshots that were due are not there.
    #[serde(default)]
    pub heaps_missing: Vec<Unavailable>,
    /// What recording it cost; `None` when the log does not say.
    pub cost: Option<Cost>,
    /// Lines of the log that could not be read.
    pub damaged_lines: u64,
    /// The log ends within a line: its writer was killed, or still writes.
    pub cut: bool,
}

/// A heap of so many percent of the peak is that of the peak: samples and looks are not of the same moment.
const NEAR_PEAK: u64 = 90;

/// What the kernel counted of the command's processes: the largest RSS that one of them ever had, between samples too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandPeak {
    /// Bytes.
    pub bytes: u64,
    /// Whether it is the command's own. Otherwise the command had no more: each process starts as a copy of memsight, whose
    /// size the kernel counts, too.
    pub exact: bool,
}

/// A snapshot that was kept of a spike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptHeap {
    /// Its folder.
    pub path: String,
    /// Whether it was kept as the largest so far, which may be less than the peak; otherwise because a size was crossed.
    pub at_peak: bool,
    /// The process.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// Its RSS when it was looked at.
    pub rss_bytes: u64,
    /// When the sample was taken that called for it, nanoseconds from the beginning.
    pub after_ns: u64,
}

/// What a recording cost its recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// CPU time of memsight, nanoseconds.
    pub cpu_ns: u64,
    /// Time that went by, nanoseconds.
    pub elapsed_ns: u64,
    /// Its own largest RSS.
    pub peak_rss_bytes: u64,
}

impl WatchView {
    /// Peak and verdict in a few words.
    pub fn headline(&self) -> String {
        let peak = &self.summary.peak;
        format!("peak {} after {}; {}", Bytes(peak.bytes), seconds(peak.after_ns), verdict(&self.summary).0)
    }
}

/// The page.
pub fn watch(view: &WatchView, style: &Style) -> String {
    let summary = &view.summary;
    let mut out = title(view, style);
    if summary.samples == 0 {
        let peak = view.command_peak.map_or_else(String::new, |peak| format!("; {}", at_once(peak)));
        for line in wrap_words(&format!("it ended before it could be sampled{peak}"), style.width) {
            out.push_str(&format!("{line}\n"));
        }
        return out;
    }
    out.push_str(&judgement(summary, style));
    out.push('\n');
    out.push_str(&labelled(facts(view), style));
    if summary.process_count > 1 {
        out.push('\n');
        out.push_str(&processes(summary, style));
    }
    out
}

/// The heaps that were kept, and why others were not: who asked for one reads nothing else first, so that it stands last.
pub fn watch_heaps(view: &WatchView, style: &Style) -> String {
    let kept = view.heaps.iter().map(|heap| ("snapshot", kept(heap, &view.summary)));
    let missing = view.heaps_missing.iter();
    let missing = missing.map(|missing| ("no heap", format!("{} ({})", clean(&missing.reason), clean(&missing.code))));
    labelled(kept.chain(missing).collect(), style)
}

/// Figures with their names before them.
fn labelled(facts: Vec<(&'static str, String)>, style: &Style) -> String {
    let line = |(label, text): (&str, String)| {
        let text = wrap_words(&text, style.width.saturating_sub(LABEL + 2));
        let label = style.paint(Tone::Dim, &format!("{label:<LABEL$}"));
        format!("{label}  {}\n", text.join(&format!("\n{}", " ".repeat(LABEL + 2))))
    };
    facts.into_iter().map(line).collect()
}

/// `python, pid 4242: 612 samples in 61.2 s`, and what may be missing.
fn title(view: &WatchView, style: &Style) -> String {
    let summary = &view.summary;
    let name = format!("{}, pid {}", clean(&view.name), view.pid);
    let every = seconds(view.interval_ns);
    let mut out = format!(
        "{}: {} in {}, every {every}\n",
        style.paint(Tone::Strong, &name),
        plural(summary.samples, "sample"),
        seconds(summary.duration_ns)
    );
    let mut warn = |text: String| out.push_str(&format!("{}\n", style.paint(Tone::Warn, &text)));
    if view.cut {
        warn("the log ends within a line: its writer was killed, or still writes".to_owned());
    }
    if view.damaged_lines > 0 {
        warn(format!("{} of the log could not be read", plural(view.damaged_lines, "line")));
    }
    out
}

/// The verdict in a few words, and its tone.
fn verdict(summary: &WatchSummary) -> (String, Tone) {
    match summary.trend.verdict {
        Verdict::TooShort => ("too short to judge".to_owned(), Tone::Dim),
        Verdict::Stable => ("stable".to_owned(), Tone::Good),
        Verdict::Unclear => ("not known yet".to_owned(), Tone::Dim),
        Verdict::WarmingUp => ("warming up".to_owned(), Tone::Warn),
        Verdict::Leaking { bytes_per_hour } => {
            (format!("leaking at about {}/h", Bytes(bytes_per_hour.max(0.0) as u64)), Tone::Bad)
        }
        Verdict::Shrinking => ("shrinking".to_owned(), Tone::Good),
        _ => ("no verdict".to_owned(), Tone::Dim),
    }
}

fn judgement(summary: &WatchSummary, style: &Style) -> String {
    let (word, tone) = verdict(summary);
    let sure = match (summary.trend.confidence, summary.trend.verdict) {
        (_, Verdict::TooShort) | (Confidence::High, _) => "",
        (Confidence::Medium, _) => " (medium confidence: 10 minutes would say more)",
        (Confidence::Low, _) => " (low confidence: a longer time would say more)",
    };
    let lines = wrap_words(&format!("{word}: {}{sure}", clean(&summary.trend.reason)), style.width);
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        // The word stands at the beginning of the first line, which is never that narrow.
        match line.strip_prefix(&word).filter(|_| at == 0) {
            Some(rest) => out.push_str(&format!("{}{rest}\n", style.paint(tone, &word))),
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

/// Names and texts of the figures.
fn facts(view: &WatchView) -> Vec<(&'static str, String)> {
    let summary = &view.summary;
    let several = summary.process_count > 1;
    let mut facts = vec![("peak", peak(summary, several))];
    facts.extend(unseen(view).map(|text| ("and", text)));
    facts.extend(peak_pss(view, several).map(|text| ("peak PSS", text)));
    facts.push((
        "RSS",
        format!("{} at first, {} at last", Bytes(summary.first_rss_bytes), Bytes(summary.last_rss_bytes)),
    ));
    if let Some(rate) = summary.trend.rate() {
        facts.push(("growth", growth(&rate)));
    }
    if let Some(container) = &summary.container {
        facts.push(("container", container_text(container)));
    }
    facts.push(("faults", format!("{} minor, {} major", count(summary.minor_faults), count(summary.major_faults))));
    if let Some(collections) = summary.gc_collections {
        facts.push(("collector", plural(collections, "collection")));
    }
    facts.push(("cost", cost(view)));
    facts
}

/// The peak of a command that no sample has seen.
fn at_once(peak: CommandPeak) -> String {
    let what = if peak.exact { "peak" } else { "peak below" };
    format!("{what} {}, RSS of its largest process by the kernel's account", Bytes(peak.bytes))
}

/// What the kernel has seen of one process and no sample has.
fn unseen(view: &WatchView) -> Option<String> {
    let sampled = view.summary.processes.iter().map(|process| process.peak.bytes).max().unwrap_or(0);
    let peak = view.command_peak.filter(|peak| peak.exact && peak.bytes > sampled)?;
    Some(format!("{} between two samples: RSS of its largest process by the kernel's account", Bytes(peak.bytes)))
}

/// The largest sum of PSS, or why it is not known: an error before all else.
fn peak_pss(view: &WatchView, several: bool) -> Option<String> {
    let missing = view.rollup_missing.as_ref().or(view.summary.pss_missing.as_ref());
    match (view.summary.peak_pss, missing) {
        (Some(pss), _) => {
            let meaning = if several { "each shared page counted once" } else { "PSS: its share of shared pages" };
            Some(format!("{}, {meaning}", when(&pss)))
        }
        (None, Some(Unavailable { code, reason })) if code.starts_with("MS-") => {
            Some(format!("not known: {} ({})", clean(reason), clean(code)))
        }
        (None, missing) => missing.map(|missing| format!("not known: {}", clean(&missing.reason))),
    }
}

/// Of the largest heap that was kept it is said whether it is that of the peak: a spike may be over before it is copied.
fn kept(heap: &KeptHeap, summary: &WatchSummary) -> String {
    let KeptHeap { path, pid, name, rss_bytes, after_ns, at_peak } = heap;
    let own = summary.processes.iter().filter(|process| process.pid == *pid);
    let peak = own.map(|process| process.peak.bytes).max().unwrap_or(0);
    let why = match at_peak {
        false => "the size was crossed".to_owned(),
        true if *rss_bytes >= peak / 100 * NEAR_PEAK => "the peak".to_owned(),
        true => {
            let share = 100.0 * *rss_bytes as f64 / peak as f64;
            format!("{share:.0}% of its peak of {}: the rest was over before it could be copied", Bytes(peak))
        }
    };
    format!("{}: {} {pid} with {} after {}, {why}", clean(path), clean(name), Bytes(*rss_bytes), seconds(*after_ns))
}

fn peak(summary: &WatchSummary, several: bool) -> String {
    let of =
        if several { format!(", RSS of {}", plural(summary.process_count, "process")) } else { ", RSS".to_owned() };
    when(&summary.peak) + &of
}

fn when(peak: &Peak) -> String {
    format!("{} after {}", Bytes(peak.bytes), seconds(peak.after_ns))
}

fn growth(slope: &Slope) -> String {
    let (low, high) = (slope.low_bytes_per_hour, slope.high_bytes_per_hour);
    let bare = |rate: String| rate.trim_end_matches("/min").to_owned();
    format!("{} (95% interval {} to {})", rate(slope.bytes_per_hour), bare(rate(low)), bare(rate(high)))
}

/// `+1.2 MiB/min`.
fn rate(bytes_per_hour: f64) -> String {
    let per_minute = bytes_per_hour / 60.0;
    let sign = if per_minute < -0.5 { "-" } else { "+" };
    format!("{sign}{}/min", Bytes(per_minute.abs().round() as u64))
}

fn container_text(container: &ContainerSummary) -> String {
    let last = &container.last;
    let mut text = match last.limit_bytes {
        Some(limit) => format!("peak of the whole container {} of {}", Bytes(container.peak.bytes), Bytes(limit)),
        None => format!("peak of the whole container {}, no limit", Bytes(container.peak.bytes)),
    };
    if let Some(headroom) = last.headroom_bytes() {
        text.push_str(&format!(", {} left", Bytes(headroom)));
    }
    if let Some(TimeToLimit { seconds, .. }) = container.time_to_limit {
        text.push_str(&format!(", full in about {}", long(seconds)));
    }
    if container.oom_kills > 0 {
        text.push_str(&format!(", {} killed for lack of memory", plural(container.oom_kills, "process")));
    }
    text
}

fn cost(view: &WatchView) -> String {
    let missed = match view.summary.missed_ticks {
        0 => "no tick missed".to_owned(),
        missed => format!("{} missed", plural(missed, "tick")),
    };
    match view.cost {
        Some(cost) => {
            let share = 100.0 * cost.cpu_ns as f64 / cost.elapsed_ns.max(1) as f64;
            format!("memsight took {share:.1}% of one core and {}; {missed}", Bytes(cost.peak_rss_bytes))
        }
        None => missed,
    }
}

/// The largest processes.
fn processes(summary: &WatchSummary, style: &Style) -> String {
    let mut table = Table::new(2).numbers(&["pid"]).giving("name").numbers(&["peak RSS", "after", "last", "growth"]);
    for process in summary.processes.iter().take(ROWS) {
        table.row(row(process));
    }
    let mut out = table.render(style);
    let left = summary.process_count.saturating_sub(ROWS as u64);
    if left > 0 {
        let text = format!("  and {} more with smaller peaks", plural(left, "process"));
        out.push_str(&format!("{}\n", style.paint(Tone::Dim, &text)));
    }
    out
}

fn row(process: &ProcessSummary) -> Vec<(String, Option<Tone>)> {
    let slope = process.trend.as_ref().and_then(Trend::rate);
    let last = if process.ended { toned(Tone::Dim, "ended") } else { cell(Bytes(process.last_rss_bytes).to_string()) };
    vec![
        cell(process.pid.to_string()),
        cell(clean(&process.name)),
        cell(Bytes(process.peak.bytes).to_string()),
        cell(seconds(process.peak.after_ns)),
        last,
        slope.map_or_else(|| cell(""), |slope| cell(rate(slope.bytes_per_hour))),
    ]
}

/// A time of a recording: `100.0 ms`, `12.3 s`, `2 h 5 min`.
fn seconds(ns: u64) -> String {
    match ns {
        0..1_000_000_000 => duration(ns),
        1_000_000_000..120_000_000_000 => format!("{:.1} s", ns as f64 / 1e9),
        _ => long(ns as f64 / 1e9),
    }
}

/// A long time: `45 s`, `12 min`, `2 h 5 min`, `3 days 4 h`.
pub(super) fn long(seconds: f64) -> String {
    let whole = seconds.clamp(0.0, 1e12) as u64;
    match whole {
        0..120 => format!("{whole} s"),
        120..7_200 => format!("{} min {} s", whole / 60, whole % 60),
        7_200..172_800 => format!("{} h {} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{} days {} h", whole / 86_400, whole / 3_600 % 24),
    }
}
