//! The answer in words.

use memsight_model::{Bytes, duration};

use super::view::{Basis, Growth, GrowthSuspect, Outcome, State, Verdict};

/// The shortest time between two looks that a pace is told for.
const SHORTEST_NS: u64 = 10_000_000_000;
const DAY_NS: f64 = 86_400e9;

/// Reads all suspects together; they stand worst first.
pub(super) fn verdict(
    suspects: &[GrowthSuspect],
    growth: &Growth,
    threshold: u64,
    interval_ns: Option<u64>,
    looks: usize,
    basis: Basis,
) -> Verdict {
    let worst = suspects.first();
    let kind = match worst.map(|suspect| suspect.state) {
        Some(State::Growing | State::Garbage) => Outcome::Growing,
        Some(State::Slowing) => Outcome::Slowing,
        Some(_) => Outcome::WarmedUp,
        None => Outcome::Steady,
    };
    let summary = match (kind, worst) {
        (Outcome::Growing, Some(worst)) => format!("{}{}", worst.summary, pace(worst, interval_ns)),
        (Outcome::Slowing, Some(worst)) => {
            let (early, late) = (worst.growth_bytes - worst.recent_bytes.unwrap_or(0), worst.recent_bytes.unwrap_or(0));
            format!("growth has slowed from {} to {}: {}", bytes(early), bytes(late), worst.summary)
        }
        (Outcome::WarmedUp, Some(worst)) => warmed_up(suspects, worst),
        _ => steady(growth, threshold),
    };
    Verdict { kind, summary, notes: notes(suspects, looks, basis) }
}

fn bytes(bytes: i64) -> String {
    let sign = if bytes < 0 { "-" } else { "" };
    format!("{sign}{}", Bytes(bytes.unsigned_abs()))
}

/// ", 17.3 GiB a day at this pace".
fn pace(suspect: &GrowthSuspect, interval_ns: Option<u64>) -> String {
    let Some(interval) = interval_ns else { return String::new() };
    // Seconds say nothing of a day.
    if interval < SHORTEST_NS {
        return format!(" in {}", duration(interval));
    }
    let a_day = suspect.growth_bytes as f64 * DAY_NS / interval as f64;
    format!(" in {}: {} a day at this pace", duration(interval), Bytes(a_day.max(0.0) as u64))
}

fn warmed_up(suspects: &[GrowthSuspect], worst: &GrowthSuspect) -> String {
    let all = |state| suspects.iter().all(|suspect| suspect.state == state);
    let ends = match worst.state {
        _ if all(State::Stopped) => "growth has stopped",
        _ if all(State::Bounded) => "growth is bounded",
        State::FirstUse => "what is new was made once",
        State::InUse => "what is new is in use at this moment",
        _ => "growth has stopped or is bounded",
    };
    let sum: i64 = suspects.iter().map(|suspect| suspect.growth_bytes).sum();
    let largest = suspects.iter().max_by_key(|suspect| suspect.growth_bytes).unwrap_or(worst);
    let most = if suspects.len() > 1 { ", most of it: " } else { ": " };
    format!("caches warmed up by {}, {ends}{most}{}", bytes(sum), largest.summary)
}

fn steady(growth: &Growth, threshold: u64) -> String {
    let heap = match growth.heap_bytes {
        less if less < 0 => format!("the heap has shrunk by {}", Bytes(less.unsigned_abs())),
        more => format!("the heap by {}", bytes(more)),
    };
    format!("nothing has grown that matters: {heap}, no place by {} or more", Bytes(threshold))
}

fn notes(suspects: &[GrowthSuspect], looks: usize, basis: Basis) -> Vec<String> {
    let mut notes = Vec::new();
    let open = |suspect: &GrowthSuspect| matches!(suspect.state, State::Growing | State::FirstUse | State::InUse);
    if looks == 2 && suspects.iter().any(open) {
        notes.push(
            "Two looks cannot tell a leak from a cache that still fills; a third can: `memsight heap PID --since 60s`, \
             or `memsight compare A.heap B.heap C.heap`."
                .to_owned(),
        );
    }
    if basis == Basis::Place {
        notes.push("Two runs are compared by type and place: what differs between them need not be growth.".to_owned());
    }
    notes
}
