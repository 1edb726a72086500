use memsight_model::{GcGeneration, GcInterpreter, MemoryInfo, Totals};

use super::*;

const MIB: u64 = 1 << 20;

fn process(pid: u32, rss_bytes: u64, second: u64) -> ProcessSample {
    let memory = MemoryInfo { rss_bytes, ..MemoryInfo::default() };
    let generations = vec![GcGeneration { collections: 7 + second, ..GcGeneration::default() }];
    let interpreters = vec![GcInterpreter { generations, ..GcInterpreter::default() }];
    let gc = Some(GcReading { at_ns: 0, interpreters });
    ProcessSample { pid, memory, minor_faults: 100 + second, gc, ..ProcessSample::default() }
}

/// A sample in that second, with the wall clock an hour back at every tenth.
fn sample(second: u64, processes: Vec<ProcessSample>) -> Sample {
    let unix_ns = if second % 10 == 9 { 0 } else { 1_000_000_000_000 * second };
    let rss_bytes = processes.iter().map(|process| process.memory.rss_bytes).sum();
    Sample {
        at: Timestamp { monotonic_ns: 5 + second * 1_000_000_000, unix_ns },
        total: Totals { processes: processes.len() as u32, rss_bytes, pss_bytes: Some(1), ..Totals::default() },
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
fn nothing_seen_is_no_panic() {
    let mut summary = Summary::default();
    assert_eq!(summary.finish().samples, 0);
    summary.add(&Sample::default());
    assert_eq!(summary.finish().process_count, 0);
}
