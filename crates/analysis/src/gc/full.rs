//! `gc-full-frees-little`: full collections that take long, or much of the time, and find next to nothing.

use memsight_model::{Confidence, Finding, Severity, count, duration};

use super::evidence::GcEvidence;
use super::findings::{finding, long_lived, thresholds};

/// A pause that people notice.
const LONG_NS: u64 = 100_000_000;
/// Part of a watch that full collections take from which on they are dear, however short each is.
const DEAR_SHARE: f64 = 0.05;
/// The same of the life of a process: start-up included, so that less would be a warning about the past.
const DEAR_LIFE: f64 = 0.01;
/// Part of the objects looked at which a full collection must free to be worth its time.
const YIELD: f64 = 0.01;
/// Where no duration is known: full collections, and long-lived objects, from which on it is worth a measurement.
const UNTIMED: u64 = 5;
const UNTIMED_OBJECTS: u64 = 500_000;

/// What is known of full collections, from the best source there is.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Full {
    collections: u64,
    collected: u64,
    /// Objects that they looked at, or at least those that survived.
    looked_at: u64,
    time: Option<Time>,
    /// Of what time all this is.
    words: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Time {
    total_ns: u64,
    /// The longest, or their mean where only the sum is known.
    each_ns: u64,
    is_mean: bool,
    error_ns: u64,
    /// Part of the time that `words` names.
    share: Option<f64>,
}

/// `gc-full-frees-little`.
pub(super) fn full_frees_little(evidence: &GcEvidence) -> Option<Finding> {
    let full = timed(evidence).or_else(|| summed(evidence)).or_else(|| counted(evidence))?;
    if full.looked_at == 0 || full.collected as f64 > YIELD * full.looked_at as f64 {
        return None;
    }
    let (severity, confidence) = weigh(&full, evidence.watched_seconds() > 0.0)?;
    let mut found = finding("gc-full-frees-little", severity, confidence, message(&full), "generation 2");
    found.advice = advice(evidence, full.time.is_some());
    found.evidence = vec![format!(
        "{} full collections {} freed {} objects; {} long-lived objects",
        count(full.collections),
        full.words,
        count(full.collected),
        long_lived(evidence)
    )];
    if let Some(time) = full.time {
        let share = time.share.map_or_else(String::new, |share| format!(", {:.1}% of the time", 100.0 * share));
        found.evidence.push(format!("they took {} in all{share}", duration(time.total_ns)));
        if time.error_ns > 0 {
            found.evidence.push(format!("durations may be wrong by up to {}", duration(time.error_ns)));
        }
    }
    Some(found)
}

/// From single pauses: those of the watch, or the last ones that the interpreter remembers.
fn timed(evidence: &GcEvidence) -> Option<Full> {
    let (full, span) = (evidence.full, evidence.span());
    if full.collections == 0 {
        return None;
    }
    let told = full.counted == full.collections;
    let collected = if told { full.collected } else { span.generations[2].collected };
    let words = if span.since_start { "that the interpreter remembers" } else { span.words() };
    let time = Time {
        total_ns: full.total_ns,
        each_ns: full.longest_ns,
        is_mean: false,
        error_ns: full.error_ns,
        share: (!span.since_start).then(|| full.total_ns as f64 / 1e9 / span.seconds),
    };
    let looked_at = if full.candidates > 0 { full.candidates } else { survivors(evidence, full.collections) };
    Some(Full { collections: full.collections, collected, looked_at, time: Some(time), words })
}

/// From the interpreter's own sums (3.15).
fn summed(evidence: &GcEvidence) -> Option<Full> {
    let life = evidence.life();
    let work = life.generations[2];
    let total_ns = work.duration_ns.filter(|_| work.collections > 0)?;
    let time = Time {
        total_ns,
        each_ns: total_ns / work.collections,
        is_mean: true,
        error_ns: 0,
        share: (life.seconds > 0.0).then(|| total_ns as f64 / 1e9 / life.seconds),
    };
    let looked_at = survivors(evidence, work.collections);
    let (collections, collected) = (work.collections, work.collected);
    Some(Full { collections, collected, looked_at, time: Some(time), words: life.words() })
}

/// From the counters alone: how long they took is not known.
fn counted(evidence: &GcEvidence) -> Option<Full> {
    let life = evidence.life();
    let work = life.generations[2];
    let large = survivors(evidence, 1) >= UNTIMED_OBJECTS && work.collections >= UNTIMED;
    let looked_at = survivors(evidence, work.collections);
    let full =
        Full { collections: work.collections, collected: work.collected, looked_at, time: None, words: life.words() };
    large.then_some(full)
}

/// Objects that survived so many full collections, if each looked at as many as the last one.
fn survivors(evidence: &GcEvidence, collections: u64) -> u64 {
    let main = evidence.main().and_then(|main| main.long_lived_total);
    main.and_then(|total| u64::try_from(total).ok()).unwrap_or(0).saturating_mul(collections)
}

/// Whether it is worth a word, and how sure that is.
fn weigh(full: &Full, watched: bool) -> Option<(Severity, Confidence)> {
    let Some(time) = full.time else { return Some((Severity::Note, Confidence::Medium)) };
    let long = time.each_ns >= LONG_NS;
    let limit = if watched && !time.is_mean { DEAR_SHARE } else { DEAR_LIFE };
    let dear = time.share.is_some_and(|share| share >= limit);
    let sure = time.each_ns.saturating_sub(time.error_ns) >= LONG_NS || dear;
    let confidence = if sure { Confidence::High } else { Confidence::Medium };
    match (long, dear, watched && !time.is_mean) {
        (false, false, _) => None,
        (true, _, true) | (_, true, _) => Some((Severity::Warning, confidence)),
        // of a time that may be long over
        (true, false, false) => Some((Severity::Note, confidence)),
    }
}

fn message(full: &Full) -> String {
    let each = if full.collections == 1 { "a full collection".to_owned() } else { plural(full.collections) };
    let freed = match full.collected {
        0 => "nothing".to_owned(),
        some => format!("{} of {} objects", count(some), count(full.looked_at)),
    };
    match full.time {
        None => format!("{each} freed {freed}; how long they stopped the program is not measured"),
        Some(time) if time.is_mean && full.collections > 1 => {
            format!("{each} stopped the program for {} each on average, and freed {freed}", duration(time.each_ns))
        }
        Some(time) if full.collections > 1 => {
            format!("{each} stopped the program for up to {}, and freed {freed}", duration(time.each_ns))
        }
        Some(time) => format!("{each} stopped the program for {}, and freed {freed}", duration(time.each_ns)),
    }
}

fn plural(collections: u64) -> String {
    format!("{} full collections", count(collections))
}

fn advice(evidence: &GcEvidence, timed: bool) -> String {
    let [young, middle, old] = thresholds(evidence);
    let rarer = match old {
        1.. => format!(" Or make them rarer: gc.set_threshold({young}, {middle}, {}).", old.saturating_mul(10)),
        // they do not come by themselves
        _ => String::new(),
    };
    let measure = if timed { "" } else { "Measure them first: --duration. " };
    format!(
        "{measure}After start-up: gc.collect(), then gc.freeze(), so that they leave the objects of now alone.{rarer} \
         Where the program calls gc.collect() itself, leave it out. `memsight heap PID types` tells what the objects are."
    )
}

#[cfg(test)]
mod tests {
    use memsight_model::{GcEvent, GcGeneration, GcInterpreter, GcReading, PauseSource};

    use super::super::findings;
    use super::*;

    /// A process of an hour with two million long-lived objects and so many full collections, which freed so much.
    fn process(collections: u64, collected: u64, duration_ns: Option<u64>) -> GcEvidence {
        let young = GcGeneration { threshold: 700, ..GcGeneration::default() };
        let middle = GcGeneration { threshold: 10, ..GcGeneration::default() };
        let old = GcGeneration { collections, collected, duration_ns, ..middle };
        let main = GcInterpreter {
            generations: vec![young, middle, old],
            long_lived_total: Some(2_000_000),
            permanent: Some(0),
            garbage: Some(0),
            ..GcInterpreter::default()
        };
        let reading = GcReading { at_ns: 1, interpreters: vec![main] };
        GcEvidence { uptime_seconds: 3_600.0, ..GcEvidence::new(reading, None) }
    }

    /// The same, watched for 20 s in which these full collections of so many milliseconds freed so much each.
    fn watched(pauses: &[(u64, u64)], error_ns: u64) -> GcEvidence {
        let mut evidence = process(100 + pauses.len() as u64, pauses.iter().map(|(_, freed)| freed).sum(), None);
        evidence.first.interpreters[0].generations[2] = GcGeneration { collections: 100, ..GcGeneration::default() };
        evidence.last.at_ns += 20_000_000_000;
        evidence.measured = true;
        for &(ms, freed) in pauses {
            evidence.add(&GcEvent {
                interpreter: 0,
                generation: Some(2),
                start_ns: 0,
                duration_ns: ms * 1_000_000,
                error_ns,
                collected: Some(freed),
                uncollectable: Some(0),
                candidates: None,
                source: PauseSource::Sampled,
            });
        }
        evidence
    }

    fn told(evidence: &GcEvidence) -> Option<Finding> {
        findings(evidence).into_iter().find(|finding| finding.rule == "gc-full-frees-little")
    }

    #[test]
    fn a_long_full_collection_that_frees_nothing_is_a_warning() {
        let found = told(&watched(&[(829, 0), (790, 0)], 200_000)).expect("a finding");
        assert_eq!(found.message, "2 full collections stopped the program for up to 829.0 ms, and freed nothing");
        assert_eq!((found.severity, found.confidence), (Severity::Warning, Confidence::High));
        assert!(found.advice.contains("gc.freeze()") && found.advice.contains("gc.set_threshold(700, 10, 100)"));
        assert_eq!(found.evidence[1], "they took 1.62 s in all, 8.1% of the time");
        let one = told(&watched(&[(829, 12)], 0)).expect("a finding");
        assert_eq!(
            one.message,
            "a full collection stopped the program for 829.0 ms, and freed 12 of 2,000,000 objects"
        );
    }

    #[test]
    fn what_is_short_or_frees_much_is_in_order() {
        assert_eq!(told(&watched(&[(99, 0)], 0)), None);
        assert_eq!(told(&watched(&[(829, 30_000)], 0)), None, "1.5% of them is worth it");
        assert_eq!(told(&watched(&[], 0)).map(|found| found.severity), Some(Severity::Note), "counters alone");
        let near = told(&watched(&[(100, 0)], 200_000)).expect("a finding");
        assert_eq!(near.confidence, Confidence::Medium, "100 ms, give or take");
    }

    #[test]
    fn many_short_ones_are_dear_together() {
        let found = told(&watched(&[(40, 0); 30], 0)).expect("a finding");
        assert_eq!(
            (found.severity, found.evidence[1].as_str()),
            (Severity::Warning, "they took 1.20 s in all, 6.0% of the time")
        );
    }

    #[test]
    fn sums_since_the_start_are_said_as_such() {
        let found = told(&process(10, 0, Some(8_290_000_000))).expect("a finding");
        assert_eq!(
            found.message,
            "10 full collections stopped the program for 829.0 ms each on average, and freed nothing"
        );
        assert_eq!(found.severity, Severity::Note, "0.2% of an hour");
        assert!(found.evidence[0].contains("since the process started"), "{found:?}");
        let dear = told(&process(100, 0, Some(82_900_000_000))).expect("a finding");
        assert_eq!(dear.severity, Severity::Warning, "2.3% of an hour");
        assert_eq!(told(&process(10, 0, Some(290_000_000))), None, "29 ms each");
    }

    #[test]
    fn without_durations_none_is_made_up() {
        let found = told(&process(60, 0, None)).expect("a finding");
        assert_eq!(
            found.message,
            "60 full collections freed nothing; how long they stopped the program is not measured"
        );
        assert_eq!((found.severity, found.confidence), (Severity::Note, Confidence::Medium));
        assert!(found.advice.starts_with("Measure them first"), "{found:?}");
        assert_eq!(told(&process(4, 0, None)), None);
        assert_eq!(told(&process(60, 60 * 100_000, None)), None);
    }
}
