//! The answer in words.

use std::cmp::Reverse;

use memsight_model::{Bytes, count, duration};

use super::account::signed;
use super::memory::is_free;
use super::view::{Basis, Growth, GrowthSuspect, MemoryGrowth, Outcome, Pending, State, Verdict};
use crate::rss::RssKind;

/// The shortest time between two looks that a pace is told for.
const SHORTEST_NS: u64 = 10_000_000_000;
/// How many times the time that was watched a pace may be told for: seconds say nothing of a day.
const FORESIGHT: u64 = 10;
/// Lines that are named beside the worst.
const BESIDE: usize = 3;
/// Growth from which on it is compared with what of it is in memory.
const UNTOUCHED: i64 = 1 << 20;
const UNITS: [(&str, u64); 3] =
    [("a day", 86_400_000_000_000), ("an hour", 3_600_000_000_000), ("a minute", 60_000_000_000)];

/// All that the verdict rests on.
pub(super) struct Evidence<'a> {
    /// Places of the heap, worst first.
    pub suspects: &'a [GrowthSuspect],
    /// Lines of the account of RSS; `None` where a look does not say what was in memory.
    pub memory: Option<&'a [MemoryGrowth]>,
    pub growth: &'a Growth,
    pub pending: Option<&'a Pending>,
    pub threshold: u64,
    pub memory_threshold: u64,
    pub interval_ns: Option<u64>,
    pub looks: usize,
    pub basis: Basis,
    pub pid: u32,
}

/// What has grown: a place of the heap, or a line of the account.
#[derive(Clone, Copy)]
enum Grown<'a> {
    Place(&'a GrowthSuspect),
    Line(&'a MemoryGrowth, State),
}

impl Grown<'_> {
    fn state(&self) -> State {
        match self {
            Grown::Place(suspect) => suspect.state,
            Grown::Line(_, state) => *state,
        }
    }

    /// Whether memory is no more than it was, but for what is on its way out, comes and goes, or is the kernel's to drop.
    fn is_noise(&self) -> bool {
        match self.state() {
            State::Waiting | State::Turnover => true,
            State::Bounded => matches!(self, Grown::Line(..)),
            _ => false,
        }
    }

    fn bytes(&self) -> i64 {
        match self {
            Grown::Place(suspect) => suspect.growth_bytes,
            Grown::Line(line, _) => line.growth_bytes,
        }
    }

    fn recent(&self) -> i64 {
        let recent = match self {
            Grown::Place(suspect) => suspect.recent_bytes,
            Grown::Line(line, _) => line.recent_bytes,
        };
        recent.unwrap_or(0)
    }

    fn summary(&self) -> String {
        match self {
            Grown::Place(suspect) => suspect.summary.clone(),
            Grown::Line(line, _) => line.summary(),
        }
    }

    /// The command that tells more.
    fn next(&self, pid: u32) -> String {
        match self {
            Grown::Place(suspect) => match (suspect.state, &suspect.holder) {
                (State::Garbage | State::Waiting, _) => format!("memsight heap {pid} garbage"),
                (State::InFlight | State::Turnover, _) => format!("memsight heap {pid} --since 10m"),
                (_, Some(holder)) => format!("memsight heap {pid} object {}", holder.address),
                (_, None) => format!("memsight heap {pid} path {}", suspect.type_name),
            },
            Grown::Line(_, State::Step) => format!("memsight heap {pid} --since 10m"),
            Grown::Line(line, _) => format!("memsight heap {pid} {}", line.view()),
        }
    }
}

/// Reads places and lines together.
pub(super) fn verdict(evidence: &Evidence<'_>) -> Verdict {
    let places = evidence.suspects.iter().map(Grown::Place);
    let lines = evidence.memory.unwrap_or_default().iter();
    let mut grown: Vec<Grown<'_>> =
        places.chain(lines.filter_map(|line| Some(Grown::Line(line, line.state?)))).collect();
    // the state first, in the order of what it comes to; of equals the largest
    grown.sort_by_key(|grown| (grown.state(), Reverse(grown.bytes())));
    grown.retain(|grown| !grown.is_noise());
    let worst = grown.first();
    let kind = match worst.map(Grown::state) {
        Some(State::Growing | State::Garbage) => Outcome::Growing,
        Some(State::InFlight | State::Step) => Outcome::Undecided,
        Some(State::Slowing) => Outcome::Slowing,
        Some(_) => Outcome::WarmedUp,
        None if unexplained(evidence) => Outcome::Undecided,
        None => Outcome::Steady,
    };
    let summary = match (kind, worst) {
        (Outcome::Growing, Some(worst)) => {
            format!("{}{}{}", worst.summary(), pace(worst, evidence.interval_ns), besides(worst, &grown))
        }
        (Outcome::Undecided, Some(worst)) => {
            let within = evidence.interval_ns.map_or_else(String::new, |ns| format!(" in {}", duration(ns)));
            format!("{}{within}: whether it goes on is not known, {}", worst.summary(), open(worst.state()))
        }
        (Outcome::Slowing, Some(worst)) => {
            let (early, late) = (worst.bytes() - worst.recent(), worst.recent());
            format!("growth has slowed from {} to {}: {}", bytes(early), bytes(late), worst.summary())
        }
        (Outcome::WarmedUp, Some(worst)) => warmed_up(&grown, worst),
        _ => steady(evidence),
    };
    let longer = || unexplained(evidence).then(|| format!("memsight heap {} --since 60s", evidence.pid));
    let next = worst.map(|worst| worst.next(evidence.pid)).or_else(longer);
    Verdict { kind, summary, notes: notes(evidence, &grown), next }
}

fn bytes(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", Bytes(bytes.unsigned_abs()))
}

/// " in 10m 0s: 17.3 MiB an hour at this pace"; no further than ten times the time that was watched.
fn pace(grown: &Grown<'_>, interval_ns: Option<u64>) -> String {
    let Some(interval) = interval_ns else { return String::new() };
    let unit = UNITS.iter().find(|(_, ns)| *ns <= interval.saturating_mul(FORESIGHT));
    let Some((unit, ns)) = unit.filter(|_| interval >= SHORTEST_NS) else {
        return format!(" in {}", duration(interval));
    };
    let more = grown.bytes() as f64 * (*ns as f64) / interval as f64;
    format!(" in {}: {} {unit} at this pace", duration(interval), Bytes(more.max(0.0) as u64))
}

/// What else grows: the largest of the other sort (objects beside memory of nobody's, and the other way), other lines.
fn besides(worst: &Grown<'_>, grown: &[Grown<'_>]) -> String {
    let is_line = |grown: &Grown<'_>| matches!(grown, Grown::Line(..));
    let others = || grown.iter().skip(1).filter(|other| matches!(other.state(), State::Growing | State::Garbage));
    let place = others().find(|other| !is_line(other)).filter(|_| is_line(worst));
    let beside: Vec<String> = (others().filter(|other| is_line(other)).take(BESIDE).map(Grown::summary))
        .chain(place.map(|place| format!("Python's heap: {}", place.summary())))
        .collect();
    if beside.is_empty() { String::new() } else { format!("; beside it {}", beside.join(", ")) }
}

fn open(state: State) -> &'static str {
    match state {
        State::InFlight => "each timer goes when it is due",
        _ => "all of it came in the last interval",
    }
}

fn warmed_up(grown: &[Grown<'_>], worst: &Grown<'_>) -> String {
    let all = |state| grown.iter().all(|grown| grown.state() == state);
    let largest = grown.iter().max_by_key(|grown| grown.bytes()).unwrap_or(worst);
    let sum: i64 = grown.iter().map(|grown| grown.bytes()).sum();
    if all(State::Free) {
        return format!("nothing in use has grown that matters; {}, which the allocator uses first", largest.summary());
    }
    let ends = match worst.state() {
        _ if all(State::Stopped) => "growth has stopped",
        _ if all(State::Bounded) => "growth is bounded",
        State::FirstUse => "what is new was made once",
        State::InUse => "what is new is in use at this moment",
        _ => "growth has stopped or is bounded",
    };
    let most = if grown.len() > 1 { ", most of it: " } else { ": " };
    let what = if grown.iter().any(|grown| matches!(grown, Grown::Place(_))) { "caches" } else { "memory" };
    format!("{what} warmed up by {}, {ends}{most}{}", bytes(sum), largest.summary())
}

fn steady(evidence: &Evidence<'_>) -> String {
    let moved = |what: &str, bytes: i64| match bytes {
        less if less < 0 => format!("{what} has shrunk by {}", Bytes(less.unsigned_abs())),
        more => format!("{what} by {}", Bytes(more.unsigned_abs())),
    };
    let passes = evidence.suspects.iter().any(|place| matches!(place.state, State::Waiting | State::Turnover));
    let but = if passes { ", but for what comes and goes" } else { "" };
    let places = format!("no place by {} or more{but}", Bytes(evidence.threshold));
    let heap = moved("the heap", evidence.growth.heap_bytes);
    let rss = evidence.growth.rss_bytes;
    match evidence.memory {
        Some(lines) => {
            let line = format!("no line of RSS by {}", Bytes(evidence.memory_threshold));
            let files: i64 = lines.iter().filter(|line| line.state.is_some()).map(|line| line.growth_bytes).sum();
            let files = match files {
                1.. => format!(" but pages of files by {}, which the kernel can drop", bytes(files)),
                _ => String::new(),
            };
            format!("nothing has grown that matters: {heap}, {}; {places}, {line}{files}", moved("RSS", rss))
        }
        None if unexplained(evidence) => {
            let more = Bytes((rss - evidence.growth.heap_bytes.max(0)).unsigned_abs());
            format!(
                "RSS has grown by {more} more than Python objects, and whose that is is not known: {heap}, {places}"
            )
        }
        None => format!("nothing has grown that matters: {heap}, {places}"),
    }
}

/// Whether RSS has grown, and no look says whose it is.
fn unexplained(evidence: &Evidence<'_>) -> bool {
    let more = evidence.growth.rss_bytes - evidence.growth.heap_bytes.max(0);
    evidence.memory.is_none() && more >= signed(evidence.memory_threshold)
}

fn notes(evidence: &Evidence<'_>, grown: &[Grown<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let open = |state| matches!(state, State::Growing | State::FirstUse | State::InUse);
    if evidence.looks == 2 && grown.iter().any(|grown| open(grown.state())) {
        notes.push(
            "Two looks cannot tell a leak from a cache that still fills; a third can: `memsight heap PID --since 60s`, \
             or `memsight compare A.heap B.heap C.heap`."
                .to_owned(),
        );
    }
    notes.extend(evidence.pending.and_then(|pending| waiting(pending, evidence.threshold)));
    let line = |wanted: fn(&MemoryGrowth, State) -> bool| {
        grown.iter().any(|grown| matches!(grown, Grown::Line(line, state) if wanted(line, *state)))
    };
    if matches!(grown.first(), Some(Grown::Line(line, State::Growing)) if is_c(line.kind)) {
        notes.push(
            "Which code takes these blocks memsight cannot tell: `heaptrack -p PID` and `memray run --native` record it."
                .to_owned(),
        );
    }
    if line(|line, state| state == State::Free && is_free(line.kind)) {
        notes.push("Free memory of an allocator is used first: no leak, unless it goes on growing.".to_owned());
    }
    notes.extend(evidence.memory.and_then(|_| untouched(evidence.growth)));
    if evidence.memory.is_none() {
        notes.push(
            "What has grown outside of Python objects is not known: not every look says what was in memory.".to_owned(),
        );
    }
    if evidence.basis == Basis::Place {
        notes.push("Two runs are compared by type and place: what differs between them need not be growth.".to_owned());
    }
    notes
}

/// What objects have gained and is not in private memory of the process.
fn untouched(growth: &Growth) -> Option<String> {
    let here = growth.heap_resident_bytes.max(0);
    (growth.heap_bytes >= UNTOUCHED && growth.heap_bytes / 2 > here).then(|| {
        format!(
            "Python objects have grown by {}, of which {} are in private memory: the rest was never touched, or is \
             shared or of files.",
            bytes(growth.heap_bytes),
            bytes(here)
        )
    })
}

fn is_c(kind: RssKind) -> bool {
    matches!(kind, RssKind::CHeapOther | RssKind::CHeapWhole)
}

/// What waits for a collector that is on.
fn waiting(pending: &Pending, threshold: u64) -> Option<String> {
    if pending.automatic != Some(true) || pending.now.bytes < threshold {
        return None;
    }
    let times = match pending.full_collections {
        Some(0) => "; of these there was none in between".to_owned(),
        Some(times) => format!("; of these there were {} in between", count(times)),
        None => String::new(),
    };
    let (now, then) = (Bytes(pending.now.bytes), Bytes(pending.then.bytes));
    Some(format!("{now} wait for a full collection ({then} at first) and count as no growth{times}."))
}
