use memsight_model::{GcGeneration, GcInterpreter, MemoryInfo, Rollup, Totals};

use super::*;

const MIB: u64 = 1 << 20;

fn process(pid: u32, rss_bytes: u64, second: u64) -> ProcessSample {
    let memory = MemoryInfo { rss_bytes, ..MemoryInfo::default() };
    let generations = vec![GcGeneration { collections: 7 + second, ..GcGeneration::default() }];
    let interpreters = vec![GcInterpreter { generations, ..GcInterpreter::default() }];
    let gc = Some(GcReading { at_ns: 0, interpreters });
    let rollup = Some(Rollup { rss_bytes, pss_bytes: rss_bytes / 2, ..Rollup::default() });
    ProcessSample { pid, memory, rollup, minor_faults: 100 + second, gc, ..ProcessSample::default() }
}

/// A sample in that second, with the wall clock an hour back at every tenth.
fn sample(second: u64, processes: Vec<ProcessSample>) -> Sample {
    let unix_ns = if second % 10 == 9 { 0 } else { 1_000_000_000_000 * second };
    let rss_bytes = processes.iter().map(|process| process.memory.rss_bytes).sum();
    let pss_bytes = processes.iter().map(|process| Some(process.rollup?.pss_bytes)).sum();
    Sample {
        at: Timestamp { monotonic_ns: 5 + second * 1_000_000_000, unix_ns },
        total: Totals { processes: processes.len() as u32, rss_bytes, pss_bytes, ..Totals::default() },
        processes,
        ..Sample::default()
    }
}

#[test]
fn peaks_are_exact_however_long_it_takes() {
    let mut summary = Summary::default();
    for second in 0..10_000 {
        let spike = if second == 7_777 { 500 * MIB } else { 0 };
        let child = (5_000..5_010).contains(&second).then(|| process(2, 300 * MIB + second, second));
        let processes = [Some(process(1, 100 * MIB + spike, second)), child].into_iter().flatten().collect();
        summary.add(&sample(second, processes));
    }
    summary.add_missed(3);
    let told = summary.finish();
    assert_eq!((told.peak.bytes, told.peak.after_ns), (600 * MIB, 7_777_000_000_000));
    assert_eq!((told.samples, told.missed_ticks, told.duration_ns), (10_000, 3, 9_999_000_000_000));
    assert_eq!(told.processes.iter().map(|p| (p.pid, p.ended)).collect::<Vec<_>>(), [(1, false), (2, true)]);
    assert_eq!(told.processes[1].peak.after_ns, 5_009_000_000_000);
    assert_eq!((told.processes[1].samples, told.processes[0].samples), (10, 10_000));
    // the first was there before; the second's faults are all its own
    assert_eq!(told.minor_faults, 9_999 + 5_109);
    assert_eq!(told.gc_collections, Some(9_999 + 9));
    assert!(summary.series().buckets().len() <= SUM_BUCKETS);
    assert_eq!(told.trend.verdict, crate::trend::Verdict::Stable);
    assert!(summary.trend_of(1, 0.0).is_some() && summary.trend_of(2, 0.0).is_none());
}

#[test]
fn a_storm_of_processes_is_counted_and_the_largest_are_remembered() {
    let mut summary = Summary::default();
    for second in 0..10_000_u32 {
        let rss = u64::from((second * 7_919) % 10_007);
        summary.add(&sample(second.into(), vec![process(second, rss, 0)]));
    }
    summary.add(&sample(10_000, Vec::new()));
    let told = summary.finish();
    assert_eq!(told.process_count, 10_000);
    assert!(told.processes.len() <= 2 * REMEMBERED, "{}", told.processes.len());
    assert!(told.processes.windows(2).all(|pair| pair[0].peak.bytes >= pair[1].peak.bytes));
    assert_eq!(told.processes[0].peak.bytes, told.peak.bytes);
    assert_eq!(told.minor_faults, 9_999 * 100);
}

#[test]
fn a_container_that_leaks_has_a_time_to_its_limit() {
    let mut summary = Summary::default();
    for second in 0..120_u64 {
        let container = ContainerSample {
            usage_bytes: second * 3 * MIB,
            working_set_bytes: second * 2 * MIB,
            limit_bytes: Some(1000 * MIB),
            oom_kill: Some(4 + second / 100),
            ..ContainerSample::default()
        };
        summary.add(&Sample { container: Some(container), ..sample(second, vec![process(1, MIB, 0)]) });
    }
    let container = summary.finish().container.unwrap();
    assert_eq!((container.oom_kills, container.peak.bytes), (1, 357 * MIB));
    let seconds = container.time_to_limit.unwrap().seconds;
    assert!((seconds - 381.0).abs() < 1.0, "{seconds}");
}

#[test]
fn a_peak_of_pss_is_of_all_processes_and_of_about_the_peak_of_rss() {
    let unread = |process: ProcessSample| ProcessSample { rollup: None, ..process };
    let told = |seconds: &dyn Fn(u64) -> Vec<ProcessSample>| {
        let mut summary = Summary::default();
        (0..20).for_each(|second| summary.add(&sample(second, seconds(second))));
        summary.finish()
    };
    // known all the time
    let known = told(&|second| vec![process(1, (100 + second) * MIB, 0), process(2, 50 * MIB, 0)]);
    assert_eq!(known.peak_pss.map(|peak| (peak.bytes, peak.after_ns)), Some((169 * MIB / 2, 19_000_000_000)));
    assert_eq!((known.pss_samples, known.pss_missing), (20, None));
    // a child that nobody has read yet, at the height of it
    let child = |second: u64| (second >= 5).then(|| unread(process(2, 180 * MIB, 0)));
    let partial = told(&|second| [Some(process(1, MIB, 0)), child(second)].into_iter().flatten().collect());
    assert_eq!((partial.peak.bytes, partial.peak_pss, partial.pss_samples), (181 * MIB, None, 5));
    // read once, when it was small
    let stale = told(&|second| {
        let now = process(1, (1 + 10 * second) * MIB, 0);
        vec![ProcessSample { rollup: process(1, MIB, 0).rollup, ..now }]
    });
    assert_eq!((stale.peak_pss, stale.pss_samples), (None, 1));
    let missing = stale.pss_missing.expect("a reason");
    let words =
        "known of all processes in 1 of 20 samples, the largest with an RSS of 1.0 MiB, and not read at the peak";
    assert_eq!((missing.code.as_str(), missing.reason.as_str()), (Unavailable::NOT_YET, words));
    // not known for a moment that was no peak
    let gap = told(&|second| {
        let now = process(1, 100 * MIB, 0);
        vec![if second == 7 { unread(now) } else { now }]
    });
    assert_eq!((gap.peak_pss.map(|peak| peak.bytes), gap.pss_samples, gap.pss_missing), (Some(50 * MIB), 19, None));
    // not asked for
    let never = told(&|_| vec![unread(process(1, MIB, 0))]);
    assert_eq!((never.peak_pss, never.pss_missing), (None, None));
}

#[test]
fn nothing_seen_is_no_panic() {
    let mut summary = Summary::default();
    assert_eq!(summary.finish().samples, 0);
    summary.add(&Sample::default());
    assert_eq!(summary.finish().process_count, 0);
}
