//! The account of RSS as people see it, at several widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::rss::{CArenaRow, RssKind, RssLine, RssPart, RssView};
use memsight_analysis::views::Header;
use memsight_model::Mode;
use memsight_render::text::{self, Style};

fn part(name: &str, bytes: u64, count: u64) -> RssPart {
    RssPart { name: name.into(), bytes, count }
}

fn line(name: &str, kind: RssKind, bytes: u64, parts: Vec<RssPart>, detail: &str, advice: &str) -> RssLine {
    RssLine {
        name: name.into(),
        kind,
        bytes,
        share: bytes as f64 / 300e6,
        pss_bytes: bytes,
        count: 7,
        parts,
        detail: detail.into(),
        advice: advice.into(),
    }
}

fn lines() -> Vec<RssLine> {
    let types = vec![part("dict", 60_000_000, 300_000), part("a\x1b[31m.hostile", 30_000_000, 9)];
    let libc = vec![part("/usr/lib/x86_64-linux-gnu/libc.so.6", 1_500_000, 3)];
    vec![
        line("Python objects", RssKind::PythonObjects, 100_000_000, types, "", "`types` and `suspects` say which"),
        line(
            "pymalloc, free blocks",
            RssKind::PymallocFreeBlocks,
            30_000_000,
            vec![],
            "12,345 of 99,999 blocks, in 1,234 pools, 77 of these at most a quarter full",
            "28.6 MiB can go back only when the objects that pin them go",
        ),
        line(
            "C heap, free",
            RssKind::CHeapFree,
            80_000_000,
            vec![part("free blocks", 79_000_000, 0)],
            "",
            "MALLOC_ARENA_MAX=2",
        ),
        line("libraries, shared", RssKind::LibrariesShared, 1_500_000, libc, "", ""),
        line("unknown", RssKind::Unknown, 88_500_000, vec![part("[anon:cache]", 88_500_000, 1)], "", ""),
    ]
}

fn view() -> RssView {
    let arena = |name: &str, free| CArenaRow {
        allocator: "glibc".into(),
        library: String::new(),
        name: name.into(),
        threads: 3,
        system_bytes: 90_000_000,
        used_bytes: 90_000_000 - free,
        free_bytes: free,
        free_resident_bytes: free,
        top_bytes: 131_072,
        trimmable_bytes: free / 2,
    };
    RssView {
        header: Header {
            schema_version: 1,
            pid: 4242,
            python: "3.12.1".into(),
            created: "2026-11-22T06:30:00Z".into(),
            mode: Mode::Freeze,
            partial: vec![],
        },
        rss_bytes: 300_000_000,
        lines_bytes: 300_000_000,
        difference_bytes: 0,
        pss_bytes: 299_000_000,
        swap_bytes: 1 << 20,
        huge_bytes: 0,
        lines: lines(),
        beside: vec![line(
            "swap",
            RssKind::Swap,
            1 << 20,
            vec![],
            "memory of the process that is on disk: not in RSS",
            "",
        )],
        c_arenas: vec![arena("main", 50_000_000), arena("1", 30_000_000)],
        c_allocator: "glibc 2.36".into(),
        pymalloc: None,
        missing: vec![],
    }
}

/// Every line fits, but for the tables' least width.
fn check(name: &str, view: &RssView) {
    for width in [60, 80, 120] {
        let text = text::rss(view, &Style::plain(width));
        let long: Vec<&str> = text.lines().filter(|line| width >= 80 && line.chars().count() > width).collect();
        assert!(long.is_empty(), "over {width} columns: {long:#?}");
        assert!(!text.contains('\x1b'), "a control character got through");
        insta::assert_snapshot!(format!("{name}_{width}"), text);
    }
}

#[test]
fn an_account_that_is_whole_and_one_that_is_not() {
    check("rss", &view());
    let short = RssView {
        lines: vec![],
        beside: vec![],
        c_arenas: vec![],
        lines_bytes: 0,
        difference_bytes: -4096,
        missing: vec!["this snapshot does not say what was in memory; a new one does".into()],
        ..view()
    };
    check("rss_unknown", &short);
}
