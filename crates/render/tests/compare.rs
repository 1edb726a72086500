//! What has grown, as people see it, at several widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::code::Source;
use memsight_analysis::compare::{
    Amount, Basis, CodeGrowth, CompareView, Growth, Identity, MemoryGrowth, Moment, Outcome, PartGrowth, Pending,
    State, Turnover, Verdict,
};
use memsight_analysis::rss::RssKind;
use memsight_model::{Mode, SCHEMA_VERSION};
use memsight_render::text::{self, Style};

fn line(kind: RssKind, name: &str, bytes: [u64; 2], state: Option<State>, part: &str) -> MemoryGrowth {
    let growth_bytes = bytes[1] as i64 - bytes[0] as i64;
    MemoryGrowth {
        kind,
        name: name.to_owned(),
        bytes_then: bytes[0],
        bytes_now: bytes[1],
        growth_bytes,
        recent_bytes: Some(growth_bytes / 2),
        count_then: 0,
        count_now: 0,
        state,
        reason: None,
        parts: vec![PartGrowth { name: part.to_owned(), growth_bytes }],
    }
}

fn moment(created: &str, rss_bytes: u64) -> Moment {
    Moment {
        pid: 4242,
        python: "3.12.1".to_owned(),
        created: created.to_owned(),
        mode: Mode::Fork,
        partial: Vec::new(),
        objects: 30_000,
        heap_bytes: 3 << 20,
        heap_resident_bytes: 3 << 20,
        rss_bytes,
    }
}

fn view() -> CompareView {
    let pending = Pending {
        then: Amount { objects: 9, bytes: 900 },
        now: Amount { objects: 900, bytes: 90_000 },
        full_collections: Some(0),
        automatic: Some(true),
    };
    CompareView {
        schema_version: SCHEMA_VERSION,
        moments: vec![moment("2026-11-28T10:00:00Z", 20 << 20), moment("2026-11-28T10:00:20Z", 120 << 20)],
        swapped: false,
        interval_ns: Some(20_000_000_000),
        verdict: Verdict {
            kind: Outcome::Growing,
            summary: "blocks of the C heap that no Python object is known to hold grow by 100.0 MiB in 20.00 s"
                .to_owned(),
            notes: vec!["87.9 KiB wait for a full collection (900 B at first) and count as no growth.".to_owned()],
            next: Some("memsight heap 4242 rss".to_owned()),
        },
        growth: Growth { objects: 0, heap_bytes: 0, heap_resident_bytes: 0, rss_bytes: 100 << 20 },
        memory: vec![
            line(RssKind::PythonObjects, "Python objects", [2 << 20, 2 << 20], None, "str"),
            line(
                RssKind::CHeapOther,
                "C heap, other blocks in use",
                [5 << 20, 105 << 20],
                Some(State::Growing),
                "blocks",
            ),
            line(RssKind::FilesShared, "mapped files, shared", [4096, 81920], None, "/tmp/a\x1b[31mfile"),
        ],
        memory_threshold_bytes: 600 << 10,
        pending: Some(pending),
        turnover: Turnover::default(),
        identity: Identity {
            basis: Basis::Address,
            confirmed: 1,
            likely: 2,
            replaced: 0,
            reused: 0,
            moved: 0,
            statement: "An object is the same when address and type are.".to_owned(),
        },
        threshold_bytes: 16 << 10,
        suspects: Vec::new(),
        types: Vec::new(),
        type_count: 0,
        code: vec![CodeGrowth {
            type_name: "_asyncio.Task".to_owned(),
            source: Source { name: "Channel.through".to_owned(), file: "/srv/app/ws.py".to_owned(), line: 41 },
            count_then: 17,
            count_now: 20_017,
            retained_then_bytes: 17 << 10,
            retained_now_bytes: 20_017 << 10,
        }],
        code_count: 1,
        paths: Vec::new(),
        path_count: 0,
        containers: Vec::new(),
        container_count: 0,
    }
}

#[test]
fn growth_beside_objects() {
    for width in [60, 80, 120] {
        let style = Style { color: false, width };
        insta::assert_snapshot!(format!("compare_{width}"), text::compare(&view(), &style));
    }
}

#[test]
fn a_comparison_goes_on_with_what_the_reader_named() {
    let style = Style { color: false, width: 80 };
    let mut view = view();
    view.verdict.next = Some("memsight heap 4242 object 0x7f12".to_owned());
    let text = text::next_after_compare(&view, "after.heap", &style);
    assert!(text.contains("memsight heap after.heap object 0x7f12") && !text.contains("--since"), "{text}");
    assert!(text::next_after_compare(&view, "4242", &style).contains("memsight heap 4242 --since 10m"));
    view.verdict.next = Some("memsight heap 4242 --since 60s".to_owned());
    assert!(text::next_after_compare(&view, "after.heap", &style).contains("memsight heap 4242 --since 60s"));
    assert!(text::next_after_compare(&view, "after.heap", &style).contains("memsight heap after.heap tasks"));
    view.code.clear();
    assert!(!text::next_after_compare(&view, "after.heap", &style).contains(" tasks"));
}
