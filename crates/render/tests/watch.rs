//! The page that ends a recording, at two widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::trend::{Summary, Verdict};
use memsight_model::{ContainerSample, MemoryInfo, ProcessSample, Rollup, Sample, Timestamp, Totals, Unavailable};
use memsight_render::text::{self, Style};
use memsight_render::{CommandPeak, Cost, KeptHeap, WatchView};

const MIB: u64 = 1 << 20;

/// Two minutes of a process that gains a MiB a second, with a child for the first half.
fn view() -> WatchView {
    let mut summary = Summary::default();
    for second in 0..120_u64 {
        let process = |pid: u32, name: &str, rss_bytes: u64| ProcessSample {
            pid,
            name: name.to_owned(),
            memory: MemoryInfo { rss_bytes, ..MemoryInfo::default() },
            rollup: Some(Rollup { rss_bytes, pss_bytes: rss_bytes / 2, ..Rollup::default() }),
            minor_faults: 256 * second,
            ..ProcessSample::default()
        };
        let mut processes = vec![process(4242, "python3", 100 * MIB + second * MIB)];
        processes.extend((second < 60).then(|| process(4243, "evil\x1b[31m\n", 30 * MIB)));
        let rss_bytes = processes.iter().map(|process| process.memory.rss_bytes).sum();
        let container = ContainerSample {
            usage_bytes: rss_bytes + 50 * MIB,
            working_set_bytes: rss_bytes,
            limit_bytes: Some(1024 * MIB),
            ..ContainerSample::default()
        };
        summary.add(&Sample {
            at: Timestamp { monotonic_ns: 7 + second * 1_000_000_000, unix_ns: second },
            total: Totals { rss_bytes, pss_bytes: Some(rss_bytes / 2), processes: 2, ..Totals::default() },
            processes,
            container: Some(container),
            machine: None,
            revision: 0,
        });
    }
    WatchView {
        summary: summary.finish(),
        name: "python3".to_owned(),
        pid: 4242,
        interval_ns: 1_000_000_000,
        rollup_missing: None,
        exit_code: Some(0),
        command_peak: None,
        heaps: Vec::new(),
        heaps_missing: Vec::new(),
        cost: Some(Cost { cpu_ns: 240_000_000, elapsed_ns: 120_000_000_000, peak_rss_bytes: 9 * MIB }),
        damaged_lines: 0,
        cut: false,
    }
}

#[test]
fn the_page() {
    for width in [80, 120] {
        let page = text::watch(&view(), &Style::plain(width));
        assert!(!page.contains('\x1b') && page.lines().all(|line| line.chars().count() <= width), "{page}");
        insta::assert_snapshot!(format!("page_{width}"), page);
    }
}

#[test]
fn what_is_missing_is_said() {
    let mut view = view();
    (view.cut, view.damaged_lines, view.summary.peak_pss) = (true, 2, None);
    view.rollup_missing = Some(Unavailable { code: "MS-E012".into(), reason: "not permitted".into() });
    let page = text::watch(&view, &Style::plain(80));
    for words in ["ends within a line", "2 lines of the log could not be read", "not known: not permitted (MS-E012)"] {
        assert!(page.contains(words), "{page}");
    }
    view.summary = Summary::default().finish();
    assert!(text::watch(&view, &Style::plain(80)).contains("it ended before it could be sampled"));
}

#[test]
fn a_peak_that_no_sample_has_seen_is_the_kernels() {
    let mut view = view();
    let page = |view: &WatchView| text::watch(view, &Style::plain(120));
    view.command_peak = Some(CommandPeak { bytes: 500 * MIB, exact: true });
    assert!(page(&view).contains("500.0 MiB between two samples"), "{}", page(&view));
    for seen in [CommandPeak { bytes: 5 * MIB, exact: true }, CommandPeak { bytes: 500 * MIB, exact: false }] {
        view.command_peak = Some(seen);
        assert!(!page(&view).contains("between two samples"), "{}", page(&view));
    }
    view.summary = Summary::default().finish();
    assert!(page(&view).contains("sampled; peak below 500.0 MiB, RSS of its largest process"), "{}", page(&view));
    view.command_peak = Some(CommandPeak { bytes: 7 * MIB, exact: true });
    assert!(page(&view).contains("sampled; peak 7.0 MiB, RSS of its largest process"), "{}", page(&view));
}

#[test]
fn a_rate_stands_only_beside_growth() {
    let mut view = view();
    assert!(text::watch(&view, &Style::plain(120)).contains("growth "), "it leaks");
    for verdict in [Verdict::Stable, Verdict::Unclear, Verdict::TooShort] {
        view.summary.trend.verdict = verdict;
        view.summary.processes.iter_mut().filter_map(|process| process.trend.as_mut()).for_each(|trend| {
            trend.verdict = verdict;
        });
        let page = text::watch(&view, &Style::plain(120));
        // (the plot's words aside, the only rates are those of growth)
        assert!(!page.contains("/min"), "{page}");
    }
    assert!(view.headline().ends_with("too short to judge"), "{}", view.headline());
}

#[test]
fn a_sum_that_is_not_known_says_why() {
    let mut view = view();
    view.summary.peak_pss = None;
    let reason = "known of all processes in 3 of 120 samples; of 1 process: not read yet".to_owned();
    view.summary.pss_missing = Some(Unavailable { code: Unavailable::NOT_YET.to_owned(), reason });
    let page = text::watch(&view, &Style::plain(120));
    assert!(
        page.contains(
            "peak PSS    not known: known of all processes in 3 of 120 samples; of 1 process: not read yet\n"
        )
    );
}

#[test]
fn it_can_be_read_back() -> Result<(), serde_json::Error> {
    let view = view();
    let again: WatchView = serde_json::from_str(&serde_json::to_string(&view)?)?;
    assert_eq!(again.headline(), view.headline());
    Ok(())
}

#[test]
fn a_recording_says_what_to_run_next() {
    let style = Style::plain(80);
    let judged = |verdict| {
        let mut view = view();
        view.summary.trend.verdict = verdict;
        view
    };
    let leaking = text::next_after_watch(&judged(Verdict::Leaking { bytes_per_hour: 1e9 }), true, &[], &style);
    assert!(leaking.contains("memsight heap 4242 --since 60s"), "{leaking}");
    let mut short = judged(Verdict::TooShort);
    short.summary.samples = 3;
    let text = text::next_after_watch(&short, true, &[], &style);
    assert!(text.contains("memsight watch 4242 -d 10m"), "{text}");
    let command = ["python", "-c", "print('a b')"].map(str::to_owned);
    let text = text::next_after_watch(&short, false, &command, &style);
    assert!(text.contains(r"memsight watch -i 1ms -- python -c 'print('\''a b'\'')'"), "{text}");
    assert!(!text.contains("4242"), "{text}");
    let text = text::next_after_watch(&short, false, &["x".repeat(200)], &style);
    assert!(text.contains("-- COMMAND"), "{text}");
    let text = text::next_after_watch(&short, false, &["evil\x1b[31m".to_owned()], &style);
    assert!(!text.contains('\x1b'), "{text:?}");
}

#[test]
fn snapshots_of_spikes_and_those_that_are_missing() {
    let mut view = view();
    let heap = KeptHeap {
        path: "app\x1b[31m.heap".to_owned(),
        at_peak: true,
        pid: 4242,
        name: "python3".to_owned(),
        rss_bytes: 219 * MIB,
        after_ns: 118_000_000_000,
    };
    view.heaps =
        vec![KeptHeap { path: "app-1.heap".into(), at_peak: false, rss_bytes: 150 * MIB, ..heap.clone() }, heap];
    view.heaps_missing =
        vec![Unavailable { code: "MS-E010".into(), reason: "pid 4243: no process has this id".into() }];
    for width in [80, 120] {
        let style = Style::plain(width);
        let next = text::next_after_watch(&view, false, &["app".to_owned()], &style);
        let page = text::watch(&view, &style) + "\n(plot)\n\n" + &text::watch_heaps(&view, &style) + &next;
        assert!(!page.contains('\x1b'), "{page}");
        insta::assert_snapshot!(format!("spikes_{width}"), page);
    }
}
