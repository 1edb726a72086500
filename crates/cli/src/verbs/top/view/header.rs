//! The lines above and below.

use std::time::Duration;

use memsight_engine::analysis::trend::time_to_limit;
use memsight_model::{Bytes, MachineSample, count, duration};
use memsight_render::text::clean;
use ratatui::text::Line;

use super::theme::{Theme, Tone};
use super::words::{bytes, percent, pieces, span};
use crate::verbs::top::state::reading::Reading;
use crate::verbs::top::state::{Detail, Failure, State, Watched};

/// Screens narrower than this get shorter words.
const NARROW: u16 = 50;
/// Screens narrower than this have no room for all figures of the machine.
const SHORT: u16 = 100;

/// The header of the list: what is watched, the machine, the sums.
pub fn of_list(state: &State, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let narrow = width < NARROW;
    let title = if narrow { "top" } else { "memsight top" };
    let watched = match state.watched {
        Watched::Pythons if narrow => String::new(),
        Watched::Pythons => "all Python processes".to_owned(),
        Watched::Tree(pid) => format!("pid {pid} and its children"),
    };
    let all = state.rows.len();
    let processes = match state.order.len() {
        shown if shown == all => format!("{} {}", count(all as u64), if narrow { "py" } else { processes(all) }),
        shown => {
            let unit = if narrow { "" } else { " processes" };
            format!("{} of {}{unit}", count(shown as u64), count(all as u64))
        }
    };
    let mut first = vec![(title.to_owned(), Tone::Strong)];
    first.extend(condition(state, narrow));
    first.push((processes, Tone::Plain));
    first.push((every(state.interval), Tone::Plain));
    first.push((watched, Tone::Dim));
    first.extend(cost(state));
    let machine = state.shown.sample.machine.as_ref().map(|it| machine(it, width < SHORT)).unwrap_or_default();
    let mut third = sums(state);
    third.extend(container(state, &state.shown));
    [first, machine, third].iter().map(|line| pieces(line, width, theme)).collect()
}

/// The header of one process: who it is, and its command.
pub fn of_detail(state: &State, detail: &Detail, width: u16, theme: Theme) -> Vec<Line<'static>> {
    let process = &detail.process;
    let mut first = vec![(format!("pid {}", process.pid), Tone::Strong)];
    if detail.ended && state.ended.is_none() {
        first.push(("ENDED: its last figures".to_owned(), Tone::Warn));
    }
    first.extend(condition(state, width < NARROW));
    if let Some(python) = &process.python {
        first.push((format!("Python {}", clean(python)), Tone::Plain));
    }
    let unix = state.shown.sample.at.unix_ns as f64 / 1e9;
    if process.created > 0.0 && unix > process.created {
        first.push((format!("up {}", span((unix - process.created) as u64)), Tone::Plain));
    }
    first.push((letter(process.state).to_owned(), Tone::Dim));
    first.push((every(state.interval), Tone::Dim));
    let command = if detail.facts.command.is_empty() { &process.name } else { &detail.facts.command };
    let second = vec![(clean(command), Tone::Hint)];
    let third = container(state, &state.shown);
    [first, second, third].iter().map(|line| pieces(line, width, theme)).collect()
}

/// The last line: an error, what is being typed, or the keys that do something here.
pub fn footer(state: &State, width: u16, theme: Theme) -> Line<'static> {
    if let Some(typed) = &state.typing {
        let typed = (format!("/{typed}_"), Tone::Strong);
        return pieces(&[typed, ("enter keeps, esc drops".to_owned(), Tone::Dim)], width, theme);
    }
    if let Some(failure) = &state.trouble {
        return pieces(&trouble(failure), width, theme);
    }
    let keys: &[&str] = match (&state.detail, state.help) {
        (_, Some(_)) => &["any key closes", "q quit", "j/k scroll"],
        (Some(detail), _) if detail.running().is_some() => &["esc gives up", "q quit", "? help"],
        (Some(_), _) => {
            &["q quit", "? help", "esc back", "s types", "l leaks", "tab page", "space pause", "j/k scroll", "+/- rate"]
        }
        (None, _) => &[
            "q quit",
            "? help",
            "enter details",
            "/ filter",
            "space pause",
            "1-4 sort",
            "i invert",
            "r reset",
            "+/- rate",
        ],
    };
    let mut hints: Vec<(String, Tone)> = keys.iter().map(|&key| (key.to_owned(), Tone::Dim)).collect();
    if !state.filter.is_empty() && state.detail.is_none() {
        hints.insert(0, (format!("filter \"{}\"", state.filter), Tone::Strong));
    }
    pieces(&hints, width, theme)
}

fn trouble(failure: &Failure) -> Vec<(String, Tone)> {
    let text = format!("error[{}]: {}", failure.code, failure.message);
    vec![(clean(&text), Tone::Bad), (clean(&failure.hint), Tone::Plain)]
}

/// Whether the screen stands still, and why.
fn condition(state: &State, narrow: bool) -> Vec<(String, Tone)> {
    let mut out = Vec::new();
    if let Some(why) = &state.ended {
        let text = if narrow { "ENDED".to_owned() } else { format!("ENDED: {why}; its last figures") };
        out.push((text, Tone::Warn));
    }
    if state.paused {
        let behind = count(state.behind);
        let text = match (narrow, state.behind) {
            (true, _) | (_, 0) => "PAUSED".to_owned(),
            (_, 1) => "PAUSED, 1 reading behind".to_owned(),
            _ => format!("PAUSED, {behind} readings behind"),
        };
        out.push((text, Tone::Warn));
    }
    out
}

fn processes(n: usize) -> &'static str {
    if n == 1 { "process" } else { "processes" }
}

fn every(interval: Duration) -> String {
    let seconds = interval.as_secs_f64();
    if seconds < 1.0 { format!("every {} ms", interval.as_millis()) } else { format!("every {seconds} s") }
}

/// What a reading costs us.
fn cost(state: &State) -> Vec<(String, Tone)> {
    let mut out = Vec::new();
    if state.readings > 0 {
        out.push((format!("a reading takes {}", duration(state.shown.took_ns)), Tone::Dim));
    }
    if state.shown.missed > 0 {
        out.push((format!("{} left out", count(state.shown.missed)), Tone::Dim));
    }
    out
}

fn machine(machine: &MachineSample, short: bool) -> Vec<(String, Tone)> {
    let memory = &machine.memory;
    let used = memory.total_bytes.saturating_sub(memory.available_bytes);
    let tone = if memory.percent >= 90.0 { Tone::Bad } else { Tone::Plain };
    let share = if memory.percent >= 90.0 { "almost full" } else { "used" };
    let (total, percent) = (Bytes(memory.total_bytes), memory.percent);
    let mut out = vec![match short {
        true => (format!("memory {percent:.1}% of {total} {share}"), tone),
        false => (format!("memory {} of {total} {share} ({percent:.1}%)", Bytes(used)), tone),
    }];
    out.push(match machine.swap.total_bytes {
        0 => ("no swap".to_owned(), Tone::Dim),
        _ if short => (format!("swap {}", Bytes(machine.swap.used_bytes)), Tone::Plain),
        total => (format!("swap {} of {}", Bytes(machine.swap.used_bytes), Bytes(total)), Tone::Plain),
    });
    out.push(match &machine.pressure {
        None => ("pressure not known".to_owned(), Tone::Dim),
        Some(pressure) => {
            let tone = if pressure.full_avg10 >= 1.0 { Tone::Bad } else { Tone::Plain };
            let waits = if short { "waits" } else { "waited for memory" };
            (format!("{waits}: some {:.1}%, all {:.1}%", pressure.some_avg10, pressure.full_avg10), tone)
        }
    });
    out
}

fn sums(state: &State) -> Vec<(String, Tone)> {
    let total = &state.shown.sample.total;
    if state.rows.is_empty() {
        return Vec::new();
    }
    // A filter hides, and takes nothing out of the sums.
    let all = state.rows.len();
    let of = if state.order.len() == all { "sum of".to_owned() } else { format!("all {}:", count(all as u64)) };
    let mut out = vec![(format!("{of} rss {}", Bytes(total.rss_bytes)), Tone::Plain)];
    if total.pss_bytes.is_some() {
        out.push((format!("pss {}", bytes(total.pss_bytes)), Tone::Plain));
    }
    if total.uss_bytes.is_some() {
        out.push((format!("uss {}", bytes(total.uss_bytes)), Tone::Plain));
    }
    if let Some(missing) = &total.rollup_missing {
        out.push((format!("no pss, uss {}", missing.reason), Tone::Dim));
    }
    out
}

/// The container of what is on the screen: use, limit, distance, and the time until it is reached.
fn container(state: &State, reading: &Reading) -> Vec<(String, Tone)> {
    let container = match &state.detail {
        Some(detail) => reading.container(detail.identity.pid),
        None => reading.common_container(),
    };
    let Some(container) = container else { return Vec::new() };
    let used = Bytes(container.working_set_bytes);
    let (Some(limit), Some(left)) = (container.limit_bytes, container.headroom_bytes().map(Bytes)) else {
        return vec![(format!("container {used}, no limit"), Tone::Dim)];
    };
    let share = container.working_set_bytes as f64 / limit.max(1) as f64;
    let tone = if share >= 0.9 { Tone::Bad } else { Tone::Plain };
    let mut out = vec![
        (format!("container {used} of {} ({})", Bytes(limit), percent(share)), tone),
        (format!("{left} left"), tone),
    ];
    let until = state.container_trend.as_ref().and_then(|trend| time_to_limit(trend, left.0));
    if let Some(until) = until {
        out.push((format!("full in about {} at this pace", span(until.seconds as u64)), Tone::Warn));
    }
    if let Some(kills) = container.oom_kill.filter(|&kills| kills > 0) {
        out.push((format!("{} killed for memory", count(kills)), Tone::Bad));
    }
    out
}

fn letter(state: char) -> &'static str {
    match state {
        'R' => "running",
        'S' => "sleeping",
        'D' => "waiting for a disk",
        'T' | 't' => "stopped",
        'Z' => "zombie",
        'I' => "idle",
        'X' => "dead",
        _ => "",
    }
}
