//! Advice: one function a rule, each documented in `docs/reference/findings.md` with its thresholds and why.

use memsight_model::{Bytes, Confidence, Finding, Severity, count, duration};

use super::evidence::GcEvidence;
use super::full::full_frees_little;

/// Young collections a second from which on a threshold may be too low.
const BUSY_RATE: f64 = 10.0;
/// Part of the time in collections below which nothing is worth changing.
const BUSY_SHARE: f64 = 0.02;
/// Part of the objects that count towards a collection which it must free to be worth its time.
const YIELD: f64 = 0.1;
/// Collections below which nothing follows from what they freed.
const MANY: u64 = 100;
/// Young collections that a watch must see before it says anything of their rate.
const SEEN: u64 = 20;
/// Long-lived objects from which on freezing them is worth a line of code.
const LARGE_HEAP: i64 = 50_000;

/// All findings, the gravest first.
pub fn findings(evidence: &GcEvidence) -> Vec<Finding> {
    let rules = [uncollectable, pause_over_budget, full_frees_little, threshold_low, frees_nothing, freeze_before_fork];
    let mut found: Vec<Finding> = rules.iter().filter_map(|rule| rule(evidence)).collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

pub(super) fn finding(rule: &str, severity: Severity, confidence: Confidence, message: String, place: &str) -> Finding {
    Finding {
        rule: rule.to_owned(),
        severity,
        confidence,
        message,
        place: place.to_owned(),
        bytes: None,
        advice: String::new(),
        evidence: Vec::new(),
    }
}

/// `gc-uncollectable`.
fn uncollectable(evidence: &GcEvidence) -> Option<Finding> {
    let interpreters = &evidence.last.interpreters;
    let generations = interpreters.iter().flat_map(|interpreter| &interpreter.generations);
    let objects = generations.map(|generation| generation.uncollectable).sum::<u64>();
    let kept = interpreters.iter().filter_map(|interpreter| interpreter.garbage).sum::<u64>();
    if objects == 0 && kept == 0 {
        return None;
    }
    let message = match objects {
        0 => format!("gc.garbage keeps {} objects alive", count(kept)),
        _ => format!("{} objects of garbage could not be freed", count(objects)),
    };
    let mut found = finding("gc-uncollectable", Severity::Error, Confidence::High, message, "gc.garbage");
    found.advice = "Look at gc.garbage: an extension type without tp_clear is in a cycle there, or somebody left \
                    gc.set_debug(gc.DEBUG_SAVEALL) on. Break the cycle, then gc.garbage.clear()."
        .to_owned();
    found.evidence = vec![format!("uncollectable: {}", count(objects)), format!("len(gc.garbage): {}", count(kept))];
    Some(found)
}

/// `gc-pause-budget`.
fn pause_over_budget(evidence: &GcEvidence) -> Option<Finding> {
    let budget = evidence.budget_ns?;
    if evidence.over_budget == 0 {
        return None;
    }
    let (longest, error) = (evidence.pauses.max_ns(), evidence.pauses.error_ns());
    let message =
        format!("a collection stopped the program for {}, over the budget of {}", duration(longest), duration(budget));
    let sure = if longest.saturating_sub(error) > budget { Confidence::High } else { Confidence::Medium };
    let mut found = finding("gc-pause-budget", Severity::Warning, sure, message, "all generations");
    let next = match evidence.is_off() {
        true => "Collection is off, and the program calls gc.collect() itself: let it do so at a quiet moment.",
        false => {
            "Where a pause must not happen: gc.disable() before and gc.enable() after, or gc.collect() at a quiet moment."
        }
    };
    found.advice = format!(
        "After start-up: gc.collect(), then gc.freeze(), so that collections leave the long-lived objects alone. {next}"
    );
    found.evidence = vec![format!(
        "{} of {} pauses were over the budget",
        count(evidence.over_budget),
        count(evidence.pauses.count())
    )];
    if error > 0 {
        found.evidence.push(format!("durations may be wrong by up to {}", duration(error)));
    }
    Some(found)
}

/// `gc-threshold-low`. A rate is that of a watch: an average since the start is mostly that of the start.
fn threshold_low(evidence: &GcEvidence) -> Option<Finding> {
    let (main, span) = (evidence.main()?, evidence.span());
    if span.since_start {
        return None;
    }
    let threshold = u64::try_from(main.generations.first()?.threshold).ok().filter(|threshold| *threshold > 0)?;
    let young = span.generations[0];
    let rate = span.rate(young.collections)?;
    let share = evidence.share();
    let counted = young.collections.saturating_mul(threshold);
    let part = young.collected as f64 / counted.max(1) as f64;
    let idle = share.and_then(|share| share.most).is_some_and(|most| most < BUSY_SHARE);
    if young.collections < SEEN || rate < BUSY_RATE || part >= YIELD || idle {
        return None;
    }
    let message =
        format!("the young generation is collected {rate:.0} times a second and {:.1}% of it is garbage", 100.0 * part);
    let sure = if share.is_some_and(|share| share.least >= BUSY_SHARE) { Confidence::High } else { Confidence::Low };
    let mut found = finding("gc-threshold-low", Severity::Warning, sure, message, "generation 0");
    let [_, middle, old] = thresholds(evidence);
    found.advice = format!(
        "Raise the first threshold: gc.set_threshold({}, {middle}, {old}) makes it about one collection a second.",
        wanted_threshold(threshold, rate)
    );
    found.evidence = vec![
        format!(
            "{} collections of generation 0 {} freed {} objects",
            count(young.collections),
            span.words(),
            count(young.collected)
        ),
        format!("threshold {}; {} long-lived objects", count(threshold), long_lived(evidence)),
        match share {
            Some(share) => share.words(),
            None => "this Python does not tell how much time goes into collections".to_owned(),
        },
    ];
    Some(found)
}

/// A threshold in round numbers at which a collection comes about once a second.
fn wanted_threshold(threshold: u64, rate: f64) -> u64 {
    let exact = threshold as f64 * rate;
    [10_000, 20_000, 50_000, 100_000, 200_000, 500_000]
        .into_iter()
        .find(|round| *round as f64 >= exact)
        .unwrap_or(1_000_000)
}

pub(super) fn thresholds(evidence: &GcEvidence) -> [i64; 3] {
    let generations = evidence.main().map_or(&[][..], |main| &main.generations);
    std::array::from_fn(|number| generations.get(number).map_or(10, |generation| generation.threshold))
}

pub(super) fn long_lived(evidence: &GcEvidence) -> String {
    let known = evidence.main().and_then(|main| main.long_lived_total).and_then(|total| u64::try_from(total).ok());
    known.map_or_else(|| "an unknown number of".to_owned(), count)
}

/// `gc-frees-nothing`.
fn frees_nothing(evidence: &GcEvidence) -> Option<Finding> {
    let span = evidence.tally(MANY);
    let (collections, collected) = (span.collections(), span.collected());
    if collections < MANY || collected > collections / 10 {
        return None;
    }
    let message = format!(
        "{} collections freed {} objects: the program makes next to no cycles",
        count(collections),
        count(collected)
    );
    let mut found = finding("gc-frees-nothing", Severity::Note, Confidence::Medium, message, "all generations");
    let what = match evidence.is_off() {
        true => "Call gc.collect() less often",
        false => "Raise the thresholds, or gc.disable() and gc.collect() at quiet moments",
    };
    found.advice = format!(
        "Reference counts do the work here. {what}; watch the memory for a while after that, for cycles may come later."
    );
    found.evidence =
        vec![format!("{} collections {} freed {} objects", count(collections), span.words(), count(collected))];
    found.evidence.extend(evidence.share().map(|share| format!("{} {}", share.words(), evidence.span().words())));
    Some(found)
}

/// `gc-freeze-before-fork`.
fn freeze_before_fork(evidence: &GcEvidence) -> Option<Finding> {
    let (main, family) = (evidence.main()?, evidence.family);
    let long_lived = main.long_lived_total.unwrap_or(0);
    let frozen = i64::try_from(main.frozen()?).ok()?;
    if family.children == 0 || long_lived < LARGE_HEAP || frozen >= long_lived / 2 {
        return None;
    }
    let message = format!(
        "{} forked processes collect {} long-lived objects that they share with this one, and so copy them",
        count(family.children),
        count(long_lived.unsigned_abs())
    );
    let mut found =
        finding("gc-freeze-before-fork", Severity::Warning, Confidence::Medium, message, "before os.fork()");
    found.bytes = Some(family.private_bytes);
    found.advice = "Before the first fork: gc.disable() early, gc.freeze() right before os.fork(), gc.enable() in the \
                    child. Collections then leave the shared objects alone, and their pages stay shared."
        .to_owned();
    found.evidence = vec![
        format!("gc.freeze() holds {} objects", count(frozen.unsigned_abs())),
        format!(
            "the forked processes have {} in memory: {} still shared, {} written by themselves",
            Bytes(family.rss_bytes),
            Bytes(family.shared_bytes),
            Bytes(family.private_bytes)
        ),
    ];
    Some(found)
}

#[cfg(test)]
mod tests {
    use memsight_model::{GcEvent, GcGeneration, GcInterpreter, GcReading, PauseSource};

    use super::super::Family;
    use super::*;

    /// A process that has run for `seconds`, with these collections and freed objects of generation 0.
    fn process(seconds: f64, collections: u64, collected: u64) -> GcEvidence {
        let young = GcGeneration { collections, collected, threshold: 700, ..GcGeneration::default() };
        let old = GcGeneration { threshold: 10, ..GcGeneration::default() };
        let main = GcInterpreter {
            generations: vec![young, old, old],
            long_lived_total: Some(2_000_000),
            permanent: Some(0),
            garbage: Some(0),
            ..GcInterpreter::default()
        };
        let reading = GcReading { at_ns: 1, interpreters: vec![main] };
        GcEvidence { uptime_seconds: seconds, ..GcEvidence::new(reading, None) }
    }

    /// The same seen at work: all of it happened in a watch of so many seconds, of a process that is older.
    fn watched(seconds: f64, collections: u64, collected: u64) -> GcEvidence {
        let mut evidence = process(86_400.0, collections + 300, collected);
        evidence.first.interpreters[0].generations[0] = GcGeneration { collections: 300, ..GcGeneration::default() };
        evidence.last.at_ns += (seconds * 1e9) as u64;
        evidence
    }

    fn rules(evidence: &GcEvidence) -> Vec<String> {
        findings(evidence).into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_quiet_process_needs_no_advice() {
        assert!(rules(&process(3600.0, 500, 20_000)).is_empty());
        assert!(rules(&process(0.0, 0, 0)).is_empty());
    }

    #[test]
    fn many_collections_that_free_little_want_a_higher_threshold() {
        let evidence = watched(10.0, 1_000, 30_000);
        let found = findings(&evidence);
        assert_eq!(rules(&evidence), ["gc-threshold-low"]);
        assert!(found[0].advice.contains("gc.set_threshold(100000, 10, 10)"), "{}", found[0].advice);
        // The same at one a second is no cost, and with a good yield it is worth it.
        assert!(rules(&watched(1_000.0, 1_000, 30_000)).is_empty());
        assert!(rules(&watched(10.0, 1_000, 500_000)).is_empty());
        // Nor when the version tells that it takes next to no time.
        let mut cheap = watched(10.0, 1_000, 30_000);
        for (reading, ns) in [(&mut cheap.first, 5_000_000), (&mut cheap.last, 10_000_000)] {
            reading.interpreters[0].generations.iter_mut().for_each(|each| each.duration_ns = Some(ns));
        }
        assert!(rules(&cheap).is_empty());
        // Nor when the pauses that were seen, and those that were not, come to next to nothing.
        let mut sampled = watched(10.0, 1_000, 30_000);
        sampled.measured = true;
        sampled.pauses.miss(990, Some(100_000));
        (0..10).for_each(|_| sampled.pauses.add(300_000, 100_000));
        let share = sampled.share().expect("measured");
        assert!((share.least - 0.000_3).abs() < 1e-9 && (share.most.expect("known") - 0.010_2).abs() < 1e-9);
        assert!(rules(&sampled).is_empty());
        sampled.pauses.miss(1, Some(1_000_000));
        assert_eq!(findings(&sampled)[0].confidence, Confidence::Low, "up to 10%: not known");
    }

    #[test]
    fn the_start_of_a_process_is_no_rate_of_it() {
        // 40 collections of imports in the 2 s that it is old, then a watch of 10 s in which it sleeps.
        let mut idle = process(2.0, 40, 100);
        assert!(rules(&idle).is_empty());
        idle.last.at_ns += 10_000_000_000;
        assert!(rules(&idle).is_empty());
        let span = idle.span();
        assert_eq!((span.since_start, span.rate(span.collections())), (false, Some(0.0)));
    }

    #[test]
    fn collections_that_free_nothing_are_told_whatever_they_cost() {
        assert_eq!(rules(&process(3600.0, 1_000, 7)), ["gc-frees-nothing"]);
        assert_eq!(rules(&process(10.0, 1_000, 7)), ["gc-frees-nothing"]);
        assert_eq!(rules(&watched(10.0, 1_000, 7)), ["gc-threshold-low", "gc-frees-nothing"]);
    }

    #[test]
    fn a_watch_tells_more_than_the_past_once_it_saw_enough() {
        let mut evidence = process(3600.0, 500, 20_000);
        evidence.last.at_ns += 2_000_000_000;
        let young = &mut evidence.last.interpreters[0].generations[0];
        (young.collections, young.collected) = (600, 20_000);
        assert_eq!(rules(&evidence), ["gc-threshold-low", "gc-frees-nothing"]);
    }

    #[test]
    fn garbage_that_stays_is_the_gravest() {
        let mut evidence = process(10.0, 1_000, 7);
        evidence.last.interpreters[0].generations[2].uncollectable = 3;
        assert_eq!(rules(&evidence)[0], "gc-uncollectable");
        let mut kept = process(10.0, 0, 0);
        kept.last.interpreters[0].garbage = Some(5);
        assert_eq!(findings(&kept)[0].message, "gc.garbage keeps 5 objects alive");
    }

    #[test]
    fn a_pause_over_the_budget_is_told_as_sure_as_it_was_measured() {
        let event = |duration_ns, error_ns| GcEvent {
            interpreter: 0,
            generation: Some(2),
            start_ns: 0,
            duration_ns,
            error_ns,
            collected: None,
            uncollectable: None,
            candidates: None,
            source: PauseSource::Sampled,
        };
        let mut evidence = process(3600.0, 0, 0);
        evidence.budget_ns = Some(10_000_000);
        evidence.add(&event(9_000_000, 0));
        assert!(rules(&evidence).is_empty());
        evidence.add(&event(10_100_000, 200_000));
        let found = findings(&evidence);
        assert_eq!((found[0].rule.as_str(), found[0].confidence), ("gc-pause-budget", Confidence::Medium));
        assert_eq!(found[0].evidence[0], "1 of 2 pauses were over the budget");
        evidence.add(&event(50_000_000, 200_000));
        assert_eq!(findings(&evidence)[0].confidence, Confidence::High);
    }

    #[test]
    fn forked_children_of_a_large_heap_want_it_frozen() {
        let mut evidence = process(3600.0, 0, 0);
        evidence.family = Family { children: 4, rss_bytes: 900, private_bytes: 300, shared_bytes: 600 };
        assert_eq!(rules(&evidence), ["gc-freeze-before-fork"]);
        assert_eq!(findings(&evidence)[0].bytes, Some(300));
        let main = &mut evidence.last.interpreters[0];
        (main.permanent, main.permanent_immortal) = (Some(1_900_000), Some(1_899_000));
        assert_eq!(rules(&evidence), ["gc-freeze-before-fork"], "what is immortal was not frozen by the program");
        evidence.last.interpreters[0].permanent_immortal = Some(375);
        assert!(rules(&evidence).is_empty());
    }
}
