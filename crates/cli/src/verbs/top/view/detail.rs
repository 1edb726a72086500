//! One process: its figures, and pages with its past, its collector and its heap.

use memsight_engine::analysis::trend::{Trend, Verdict};
use memsight_model::{Bytes, Confidence, GcInterpreter, ProcessSample, count};
use ratatui::Frame;
use ratatui::layout::{Alignment, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::theme::{Theme, Tone};
use super::words::{bytes, pad, pieces, rate, span, sparkline, wrap};
use super::{heading, heap, lines};
use crate::verbs::top::state::track::{Point, anonymous};
use crate::verbs::top::state::{Detail, Page, State};

/// Columns of a figure: its name and its number.
const FIGURE: u16 = 26;
/// Of them the number's.
const NUMBER: usize = 11;
/// From this width on the pages stand side by side.
const WIDE: u16 = 110;
/// Rows that the pages keep before the figures get more.
const PAGE_ROWS: u16 = 7;
/// Rows of the collector's page.
const COLLECTOR_ROWS: u16 = 7;
/// Rows of a chart at least; below that there is a sparkline.
const CHART_ROWS: u16 = 4;
/// From so many rows on the reason of the judgement has lines of its own.
const ROOMY: u16 = 14;

/// Draws the figures, and the page or the pages below.
pub fn draw(state: &State, detail: &Detail, area: Rect, theme: Theme, frame: &mut Frame) {
    let figures = figures(state, detail, area.width, theme);
    let height = (figures.len() as u16).min(area.height.saturating_sub(PAGE_ROWS)).max(1);
    lines(&figures, Rect { height, ..area }, frame);
    let rest = Rect { y: area.y + height, height: area.height.saturating_sub(height), ..area };
    if area.width < WIDE || rest.height < COLLECTOR_ROWS + PAGE_ROWS {
        narrow(state, detail, rest, theme, frame);
        return;
    }
    let half = rest.width / 2;
    let left = Rect { width: half - 1, ..rest };
    let right = Rect { x: rest.x + half + 1, width: rest.width - half - 1, ..rest };
    page(state, detail, Page::History, left, theme, frame);
    page(state, detail, Page::Collector, Rect { height: COLLECTOR_ROWS, ..right }, theme, frame);
    let below = Rect { y: right.y + COLLECTOR_ROWS, height: right.height - COLLECTOR_ROWS, ..right };
    page(state, detail, Page::Heap, below, theme, frame);
}

/// One page with the names of all above it.
fn narrow(state: &State, detail: &Detail, area: Rect, theme: Theme, frame: &mut Frame) {
    let tab = |page: Page, name: &str| match page == detail.page {
        true => (format!("[{name}]"), Tone::Strong),
        false => (name.to_owned(), Tone::Dim),
    };
    let tabs = [tab(Page::History, "history"), tab(Page::Collector, "collector"), tab(Page::Heap, "heap")];
    lines(&[pieces(&tabs, area.width, theme)], area, frame);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    content(state, detail, detail.page, below, theme, frame);
}

/// A page under its own heading.
fn page(state: &State, detail: &Detail, page: Page, area: Rect, theme: Theme, frame: &mut Frame) {
    let title = match page {
        Page::History => "History",
        Page::Collector => "Collector",
        Page::Heap => "Heap",
    };
    lines(&[heading(title, area.width, theme)], area, frame);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    content(state, detail, page, below, theme, frame);
}

fn content(state: &State, detail: &Detail, page: Page, area: Rect, theme: Theme, frame: &mut Frame) {
    match page {
        Page::History => history(state, detail, area, theme, frame),
        Page::Collector => lines(&collector(state, detail, area.width, theme), area, frame),
        Page::Heap => lines(&heap::lines(state, detail, area.width, theme), area, frame),
    }
}

/// Names and numbers in as many columns as fit, row by row.
fn figures(state: &State, detail: &Detail, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let mut cells: Vec<Vec<Span<'static>>> = Vec::new();
    let name_width = usize::from(width.min(FIGURE) - 2).saturating_sub(NUMBER);
    for (name, value, tone) in values(state, detail) {
        let number = pad(&value, NUMBER, true);
        cells.push(vec![
            Span::styled(pad(name, name_width, false), theme.style(Tone::Dim)),
            Span::styled(number, theme.style(tone)),
        ]);
    }
    let across = usize::from(width / FIGURE).max(1);
    let mut out: Vec<Line<'static>> = cells
        .chunks(across)
        .map(|row| {
            Line::from(row.iter().flat_map(|cell| cell.iter().cloned().chain([Span::raw("  ")])).collect::<Vec<_>>())
        })
        .collect();
    if let Some(missing) = &detail.process.rollup_missing {
        let code = if missing.code.starts_with("MS-") { format!(" ({})", missing.code) } else { String::new() };
        let text = format!("pss, uss: {}{code}", missing.reason);
        out.push(pieces(&[(text, Tone::Warn)], width, theme));
    }
    out
}

/// The figures in the order of their worth: a small screen shows the first ones.
fn values(state: &State, detail: &Detail) -> Vec<(&'static str, String, Tone)> {
    let process: &ProcessSample = &detail.process;
    let (status, rollup) = (process.status, process.rollup);
    let track = state.track(detail.identity);
    let seen = track.map(|track| track.peak_rss);
    let per_second = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |_| format!("{}/s", rate(value)));
    vec![
        ("rss", Bytes(process.memory.rss_bytes).to_string(), Tone::Strong),
        ("peak rss", bytes(status.map(|status| status.peak_rss_bytes).or(seen)), Tone::Plain),
        ("pss", bytes(rollup.map(|rollup| rollup.pss_bytes)), Tone::Plain),
        ("uss", bytes(rollup.map(|rollup| rollup.uss_bytes())), Tone::Plain),
        ("anon", bytes(anonymous(process)), Tone::Plain),
        ("swap", bytes(status.map(|status| status.swap_bytes)), Tone::Plain),
        ("file", bytes(status.map(|status| status.rss_file_bytes)), Tone::Plain),
        ("shmem", bytes(status.map(|status| status.rss_shmem_bytes)), Tone::Plain),
        ("vms", Bytes(process.memory.vms_bytes).to_string(), Tone::Plain),
        ("page tables", bytes(status.map(|status| status.page_tables_bytes)), Tone::Plain),
        ("minor faults", per_second(track.and_then(|track| track.minor_faults.per_second())), Tone::Plain),
        ("major faults", per_second(track.and_then(|track| track.major_faults.per_second())), Tone::Plain),
        ("huge pages", bytes(rollup.map(|rollup| rollup.anon_huge_pages_bytes)), Tone::Plain),
        ("locked", bytes(status.map(|status| status.locked_bytes)), Tone::Plain),
        ("threads", count(u64::from(process.threads)), Tone::Plain),
        ("oom score", process.oom_score.map_or_else(|| "-".to_owned(), |score| score.to_string()), Tone::Plain),
    ]
}

/// The generations of the main interpreter.
fn collector(state: &State, detail: &Detail, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let Some(reading) = &detail.process.gc else {
        let text = "The collector's counters have not been read, or cannot be: `memsight doctor PID` says why.";
        let lines = wrap(text, usize::from(width));
        return lines.into_iter().map(Line::from).collect();
    };
    let per_second = state.track(detail.identity).and_then(|track| track.collections.per_second());
    let mut first = vec![(format!("{} collections/s", rate(per_second)), Tone::Strong)];
    let Some(main) = reading.interpreters.first() else { return vec![pieces(&first, width, theme)] };
    first.push((format!("{} since the start", count(reading.collections())), Tone::Plain));
    first.push((
        if main.enabled { "on" } else { "OFF" }.to_owned(),
        if main.enabled { Tone::Plain } else { Tone::Warn },
    ));
    if main.collecting {
        first.push(("collecting now".to_owned(), Tone::Warn));
    }
    if reading.interpreters.len() > 1 {
        first.push((format!("main one of {} interpreters", reading.interpreters.len()), Tone::Dim));
    }
    let mut out = vec![pieces(&first, width, theme)];
    out.extend(generations(main, width, theme));
    let stuck = main.generations.iter().map(|generation| generation.uncollectable).sum();
    let kept = |name: &str, value: Option<u64>, tone| value.map(|value| (format!("{name} {}", count(value)), tone));
    let tone = if stuck > 0 { Tone::Warn } else { Tone::Plain };
    let more = [
        kept("uncollectable", Some(stuck), tone),
        kept("permanent", main.permanent, Tone::Plain),
        kept("in gc.garbage", main.garbage, Tone::Plain),
    ];
    out.push(pieces(&more.into_iter().flatten().collect::<Vec<_>>(), width, theme));
    out
}

fn generations(main: &GcInterpreter, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let wide = width >= 48;
    let titles: &[&str] = match wide {
        true => &["count", "threshold", "collections", "collected"],
        false => &["count", "collected"],
    };
    let cell = (usize::from(width.saturating_sub(3)) / titles.len()).min(14);
    let row = |head: &str, cells: Vec<String>, tone: Tone| {
        let cells =
            cells.iter().map(|text| format!(" {}", pad(text, cell.saturating_sub(1), true))).collect::<String>();
        Line::from(Span::styled(format!("{}{cells}", pad(head, 3, false)), theme.style(tone)))
    };
    let mut out = vec![row("gen", titles.iter().map(|&title| title.to_owned()).collect(), Tone::Dim)];
    for (at, generation) in main.generations.iter().enumerate() {
        let collected = count(generation.collected);
        let cells = match wide {
            true => vec![
                generation.count.to_string(),
                generation.threshold.to_string(),
                count(generation.collections),
                collected,
            ],
            false => vec![generation.count.to_string(), collected],
        };
        out.push(row(&at.to_string(), cells, Tone::Plain));
    }
    out
}

/// A figure as a line of the chart, with the first letter of its name, which marks its end.
struct Curve {
    letter: char,
    name: &'static str,
    tone: Tone,
    points: Vec<(f64, f64)>,
}

/// The past as a chart, with its legend above.
fn history(state: &State, detail: &Detail, area: Rect, theme: Theme, frame: &mut Frame) {
    let past = state.past(detail.identity);
    let curves = curves(past);
    let (Some(first), Some(last)) = (past.first(), past.last()) else {
        lines(&[Line::from("No reading yet.")], area, frame);
        return;
    };
    let legend: Vec<(String, Tone)> = curves
        .iter()
        .rev()
        .filter_map(|curve| {
            let now = curve.points.last()?.1;
            Some((format!("{} {}", curve.name, Bytes(now as u64)), curve.tone))
        })
        .collect();
    let mut above = vec![pieces(&legend, area.width, theme)];
    above.extend(detail.trend.iter().flat_map(|trend| verdict(trend, area, theme)));
    let used = (above.len() as u16).min(area.height);
    let plot = Rect { y: area.y + used, height: area.height - used, ..area };
    if plot.height >= CHART_ROWS && last.at_ns > first.at_ns {
        chart(&curves, (last.at_ns - first.at_ns) as f64 / 1e9, plot, theme, frame);
    } else {
        let bars = sparkline(past, usize::from(area.width));
        above.push(Line::from(Span::styled(bars, theme.style(Tone::Rss))));
    }
    lines(&above, area, frame);
}

/// The judgement in a word, with its number and its reason.
fn verdict(trend: &Trend, area: Rect, theme: Theme) -> Vec<Line<'static>> {
    let (word, tone) = match trend.verdict {
        Verdict::TooShort => ("too short to say".to_owned(), Tone::Dim),
        Verdict::Stable => ("stable".to_owned(), Tone::Good),
        Verdict::Unclear => ("not known yet".to_owned(), Tone::Dim),
        Verdict::WarmingUp => ("warming up".to_owned(), Tone::Plain),
        Verdict::Shrinking => ("shrinking".to_owned(), Tone::Good),
        Verdict::Leaking { bytes_per_hour } => {
            (format!("leaking at about {}/h", Bytes(bytes_per_hour as u64)), Tone::Bad)
        }
        _ => (String::new(), Tone::Plain),
    };
    let word = match (&trend.verdict, trend.confidence) {
        (Verdict::TooShort, _) | (_, Confidence::Medium | Confidence::High) => word,
        _ => format!("{word}, seen for {} only", span(trend.seconds as u64)),
    };
    if area.height < ROOMY {
        return vec![pieces(&[(word, tone), (trend.reason.clone(), Tone::Dim)], area.width, theme)];
    }
    let reason = wrap(&trend.reason, usize::from(area.width)).into_iter();
    let reason = reason.map(|text| Line::from(Span::styled(text, theme.style(Tone::Dim))));
    [pieces(&[(word, tone)], area.width, theme)].into_iter().chain(reason).collect()
}

fn curves(past: &[Point]) -> Vec<Curve> {
    let end = past.last().map_or(0, |point| point.at_ns);
    let curve = |letter, name, tone, value: fn(&Point) -> Option<u64>| {
        let at = |point: &Point| -(end.saturating_sub(point.at_ns) as f64) / 1e9;
        let points = past.iter().filter_map(|point| Some((at(point), value(point)? as f64))).collect();
        Curve { letter, name, tone, points }
    };
    // The one that matters most is drawn last, over the others.
    vec![
        curve('a', "anon", Tone::Anon, |point| point.anon),
        curve('u', "uss", Tone::Uss, |point| point.uss),
        curve('p', "pss", Tone::Pss, |point| point.pss),
        curve('r', "rss", Tone::Rss, |point| Some(point.rss)),
    ]
}

fn chart(curves: &[Curve], seconds: f64, area: Rect, theme: Theme, frame: &mut Frame) {
    let values = || curves.iter().flat_map(|curve| curve.points.iter().map(|point| point.1));
    let (low, high) = bounds(values().fold(f64::MAX, f64::min), values().fold(0.0, f64::max));
    // Without colours, each line is drawn in its letter.
    let lettered = theme.ascii_only || !theme.color;
    let last: Vec<[(f64, f64); 1]> = curves.iter().filter_map(|curve| Some([*curve.points.last()?])).collect();
    let line = |curve: &Curve, marker| {
        Dataset::default().marker(marker).graph_type(GraphType::Line).style(theme.style(curve.tone))
    };
    let mut datasets: Vec<Dataset<'_>> = curves
        .iter()
        .map(|curve| {
            let marker = if lettered { Marker::Custom(curve.letter) } else { Marker::Braille };
            line(curve, marker).data(&curve.points)
        })
        .collect();
    let drawn = curves.iter().filter(|curve| !curve.points.is_empty());
    datasets.extend(
        drawn
            .zip(&last)
            .map(|(curve, end)| line(curve, Marker::Custom(curve.letter)).graph_type(GraphType::Scatter).data(end)),
    );
    let axis = theme.style(Tone::Dim);
    let x = Axis::default()
        .bounds([-seconds, 0.0])
        .labels([format!("{} ago", span(seconds.round() as u64)), "now".to_owned()])
        .style(axis);
    let label = |value: f64| Bytes(value as u64).to_string();
    let labels = match area.height {
        0..7 => vec![label(low), label(high)],
        _ => vec![label(low), label(f64::midpoint(low, high)), label(high)],
    };
    let y = Axis::default().bounds([low, high]).labels(labels).labels_alignment(Alignment::Right).style(axis);
    frame.render_widget(Chart::new(datasets).x_axis(x).y_axis(y).legend_position(None), area);
}

/// From zero, so that heights can be compared; closer when all happens far above it, with the true numbers beside.
fn bounds(low: f64, high: f64) -> (f64, f64) {
    let range = (high - low).max(high / 100.0).max(1.0);
    if low < high * 0.6 { (0.0, high * 1.05) } else { ((low - range * 0.2).max(0.0), high + range * 0.2) }
}
