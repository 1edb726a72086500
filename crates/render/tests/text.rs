//! What people see, at several widths. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::code::{CodeRow, Source};
use memsight_analysis::overview::{CoreFile, Overview};
use memsight_analysis::tasks::{TaskGroup, TaskState, TasksView};
use memsight_analysis::views::*;
use memsight_model::Mode;
use memsight_render::text::{self, Style};
use memsight_render::{
    CheckRow, CheckStatus, DoctorView, ErrorView, ProcessFigure, ProcessFilter, ProcessRow, ProcessesView,
};

fn header() -> Header {
    Header {
        schema_version: 1,
        pid: 4242,
        python: "3.12.1".into(),
        created: "2026-11-22T06:30:00Z".into(),
        mode: Mode::Freeze,
        partial: vec![],
    }
}

fn row(name: &str, count: u64, shallow: u64, external: u64, retained: u64) -> TypeRow {
    TypeRow {
        type_name: name.into(),
        count,
        shallow_bytes: shallow,
        external_bytes: external,
        retained_bytes: retained,
        mean_retained_bytes: retained / count,
        share: retained as f64 / 200e6,
        ..TypeRow::default()
    }
}

fn reference(name: &str, type_name: &str, retained: u64) -> ObjectRef {
    ObjectRef {
        address: "0x7f3a1c0042d0".into(),
        type_name: type_name.into(),
        name: name.into(),
        shallow_bytes: 9_437_272,
        external_bytes: 0,
        retained_bytes: retained,
        ..ObjectRef::default()
    }
}

fn rows() -> Vec<TypeRow> {
    vec![
        row("dict", 312_004, 98_000_000, 0, 152_000_000),
        row("service.cache.Session", 250_000, 12_000_000, 0, 120_000_000),
        row("numpy.ndarray", 12, 1_344, 24_000_000, 24_001_344),
        row("package.module.with.a.long.path.ATypeWhoseNameIsEvenLonger", 3, 144, 0, 2_048),
    ]
}

fn suspect() -> Suspect {
    Suspect {
        summary:
            "250,000 instances of service.cache.Session, kept by service.cache._entries (dict), hold 114.4 MiB (60.0%)"
                .into(),
        type_name: "service.cache.Session".into(),
        count: 250_000,
        retained_bytes: 120_000_000,
        share: 0.6,
        path: ["module service.cache", "_entries (dict)", "'user:17'", "Session", "history (list)"]
            .map(Into::into)
            .into(),
        accumulation_point: Some(reference("service.cache._entries", "dict", 130_000_000)),
        holds: rows(),
        thread: Some("thread 0x7f00, local cache of handle (service/app.py:42)".into()),
        keywords: vec!["_entries".into(), "Session".into(), "history".into()],
        shares_path_with: vec![],
        ..Suspect::default()
    }
}

fn overview() -> Overview {
    Overview {
        header: header(),
        rss_bytes: 260_000_000,
        vms_bytes: 900_000_000,
        pause_ns: 12_345_678,
        mode_reason: None,
        total_ns: 834_000_000,
        attempts: 2,
        gil_held: false,
        objects: 1_800_123,
        references: 4_200_000,
        tracked: 600_000,
        interpreters: 1,
        threads: 5,
        shallow_bytes: 176_000_000,
        external_bytes: 24_000_000,
        type_count: 412,
        types: rows(),
        suspects: vec![suspect()],
        ..Overview::default()
    }
}

/// Every line fits, but for the tables' least width.
fn check(name: &str, show: impl Fn(&Style) -> String) {
    for width in [60, 80, 120] {
        let text = show(&Style::plain(width));
        let long: Vec<&str> = text.lines().filter(|line| width >= 80 && line.chars().count() > width).collect();
        assert!(long.is_empty(), "over {width} columns: {long:#?}");
        assert!(!text.lines().any(|line| line.ends_with(' ')), "blanks at the end of a line:\n{text}");
        insta::assert_snapshot!(format!("{name}_{width}"), text);
    }
}

#[test]
fn the_overview() {
    check("overview", |style| text::overview(&overview(), style) + &text::next_steps(&overview(), "4242", style));
}

#[test]
fn an_overview_without_a_suspect_that_misses_parts() {
    let mut view = overview();
    view.suspects.clear();
    view.header.mode = Mode::Live;
    view.header.partial = vec!["read while the process ran (--mode live)".into(), "3 objects unreadable".into()];
    check("overview_live", |style| text::overview(&view, style) + &text::next_steps(&view, "app.heap", style));
}

#[test]
fn the_overview_of_a_core() {
    let mut view = overview();
    view.header.mode = Mode::Core;
    view.header.partial = vec!["the core was cut off: 1.1 GiB of the 1.9 GiB that it was to hold are missing".into()];
    let command = "/usr/bin/python3 -m app.server --with \u{1b}[31m many --arguments and more".into();
    (view.rss_bytes, view.vms_bytes) = (851_443_712, 2_073_741_824);
    let (dumped_bytes, mapped_bytes) = (view.rss_bytes, view.vms_bytes);
    view.core = Some(CoreFile { command, signal: 9, os_threads: 5, dumped_bytes, mapped_bytes });
    check("overview_core", |style| text::overview(&view, style));
}

#[test]
fn the_types() {
    let view = TypesView {
        header: header(),
        objects: 1_800_123,
        shallow_bytes: 176_000_000,
        external_bytes: 24_000_000,
        type_count: 412,
        types: rows(),
        ..TypesView::default()
    };
    check("types", |style| text::types(&view, style));
    let row = |type_name: &str, name: &str, line, count| CodeRow {
        type_name: type_name.into(),
        source: source(name, line),
        count,
        shallow_bytes: 200 * count,
        retained_bytes: 1_100 * count,
        retained_resident_bytes: 1_100 * count,
        share: 0.2,
        ..CodeRow::default()
    };
    let waiting = CodeRow {
        waits_at: Some(source("Queue.get", 158)),
        kept_by: Some("many holders: 20,000 Future, below app.queue._getters (deque)".into()),
        ..row("_asyncio.Task", "Channel.until_closed", 41, 20_000)
    };
    let code = vec![
        waiting,
        CodeRow { kept_by: Some("held by C code -> list".into()), ..row("coroutine", "", 41, 20_000) },
        row("function", "add.<locals>.<lambda>\u{1b}", 17, 10_500),
    ];
    check("types_by_code", |style| text::types(&TypesView { code: code.clone(), ..view.clone() }, style));
}

fn source(name: &str, line: u32) -> Source {
    Source { name: name.into(), file: "/srv/app/service/ws.py".into(), line }
}

#[test]
fn the_tasks() {
    let group = TaskGroup {
        count: 20_000,
        state: TaskState::Pending,
        runs: Some("coroutine".into()),
        coroutine: Some(source("Channel.through", 44)),
        waits_at: Some(source("Channel.until_closed", 42)),
        waits_for: Some("Future".into()),
        awaits: vec![source("Channel.through", 45), source("Channel.until_closed", 42)],
        retained_bytes: 32_000_000,
        retained_resident_bytes: 32_000_000,
        share: 0.64,
        names: vec!["Task-17".into(), "watch\u{1b}".into(), String::new()],
        kept_by: Some("service.ws.watchers (set)".into()),
        example: "0x7f36ab3ba740".into(),
    };
    let done = TaskGroup {
        count: 1,
        state: TaskState::Failed,
        runs: None,
        coroutine: None,
        waits_at: None,
        waits_for: None,
        awaits: Vec::new(),
        names: Vec::new(),
        kept_by: Some("held by C code -> list".into()),
        ..group.clone()
    };
    let view = TasksView {
        header: header(),
        tasks: 20_001,
        pending: 20_000,
        finished: 0,
        failed: 1,
        cancelled: 0,
        retained_bytes: 32_100_000,
        group_count: 3,
        groups: vec![group, done],
    };
    check("tasks", |style| text::tasks(&view, style));
    let none = TasksView { tasks: 0, pending: 0, failed: 0, group_count: 0, groups: Vec::new(), ..view };
    check("no_tasks", |style| text::tasks(&none, style));
}

#[test]
fn the_suspects() {
    let second = Suspect { thread: None, shares_path_with: vec![0], ..suspect() };
    let container = ContainerRow { object: reference("service.cache._entries", "dict", 130_000_000), length: 250_000 };
    let view = SuspectsView {
        header: header(),
        threshold: 0.1,
        total_bytes: 200_000_000,
        resident_bytes: 200_000_000,
        suspects: vec![suspect(), second],
        instances: rows(),
        containers: vec![container],
    };
    check("suspects", |style| text::suspects(&view, style));
}

#[test]
fn the_dominators() {
    let node = |depth: u32, name: &str, retained: u64| DominatorRow {
        object: reference(name, "dict", retained),
        depth,
        share: retained as f64 / 200e6,
        children: 250_000,
    };
    let view = DominatorsView {
        header: header(),
        total_bytes: 200_000_000,
        dominators: vec![
            node(0, "service.cache._entries", 130_000_000),
            node(1, "'user:17' -> Session", 480),
            node(0, "sys.modules", 20_000_000),
        ],
    };
    check("dominators", |style| text::dominators(&view, style));
}

#[test]
fn the_paths() {
    let path = PathRow { count: 250_000, path: suspect().path, objects: vec![reference("history", "list", 480)] };
    let single = PathRow { count: 1, ..path.clone() };
    let view = PathsView { header: header(), query: "list".into(), matches: 250_001, paths: vec![path, single] };
    check("paths", |style| text::path(&view, style));
    let none = PathsView { matches: 1, paths: vec![], ..view };
    check("no_path", |style| text::path(&none, style));
}

#[test]
fn an_object() {
    let end = |label: &str, kind: &str, object: Option<ObjectRef>| ReferenceRow {
        label: label.into(),
        kind: kind.into(),
        object,
    };
    let view = ObjectView {
        header: header(),
        object: reference("service.cache._entries", "dict", 130_000_000),
        external_kind: Some("file /data/x.bin".to_owned()),
        refcount: Some(2),
        immortal: false,
        generation: Some(2),
        exact: true,
        code: None,
        stands_at: None,
        value: None,
        referents: vec![end("'user:17'", "value", Some(reference("Session", "service.cache.Session", 480)))],
        referent_count: 500_000,
        referrers: vec![
            end("module global", "module", None),
            end("local entries", "local", Some(reference("frame", "frame", 0))),
        ],
        referrer_count: 2,
    };
    check("object", |style| text::object(&view, style));
    let coroutine = ObjectView {
        object: reference("coroutine at 0x7f3a1c0042d0", "coroutine", 4_200),
        external_kind: None,
        code: Some(source("Channel.until_closed", 41)),
        stands_at: Some(57),
        ..view
    };
    check("object_of_code", |style| text::object(&coroutine, style));
}

#[test]
fn the_threads() {
    let local =
        |name: &str| LocalRow { variable: name.into(), object: reference("dict (17 entries)", "dict", 120_000) };
    let frame = FrameRow {
        function: "SessionCache.lookup".into(),
        file: "/srv/app/service/cache.py".into(),
        line: 42,
        repeats: 1,
        cycle: 1,
        retained_bytes: 120_000,
        locals: ["self", "key", "entry", "now", "old", "request"].map(local).into(),
    };
    let bare = FrameRow { line: 0, locals: vec![], ..frame.clone() };
    let recursion = FrameRow { repeats: 499, locals: frame.locals[..1].to_vec(), ..frame.clone() };
    let in_turn = FrameRow { repeats: 250, cycle: 2, ..bare.clone() };
    let thread = ThreadRow {
        ident: 0x7f00_1234_5678,
        name: Some("worker-3".into()),
        native_id: Some(4243),
        interpreter: 0,
        holds_gil: true,
        retained_bytes: 240_000,
        frames: vec![frame, bare, recursion, in_turn.clone(), in_turn],
    };
    let idle =
        ThreadRow { name: None, interpreter: 1, holds_gil: false, native_id: None, frames: vec![], ..thread.clone() };
    check("threads", |style| {
        text::threads(&ThreadsView { header: header(), threads: vec![thread.clone(), idle.clone()] }, style)
    });
}

/// Names that a program made long enough for several lines: cut or wrapped, in headings as in tables.
#[test]
fn no_name_makes_a_line_too_long() {
    for name in ["x".repeat(400), "word ".repeat(80), "\u{1b}[31m".repeat(90)] {
        let header = || Header { python: name.clone(), created: name.clone(), partial: vec![name.clone()], ..header() };
        let object = || ObjectRef {
            type_name: name.clone(),
            name: name.clone(),
            address: "0x7f00".into(),
            ..reference("", "", 9)
        };
        let suspect = Suspect {
            summary: name.clone(),
            path: vec![name.clone(), name.clone()],
            accumulation_point: Some(object()),
            thread: Some(name.clone()),
            keywords: vec![name.clone()],
            holds: vec![row(&name, 1, 2, 3, 4)],
            ..suspect()
        };
        let local = LocalRow { variable: name.clone(), object: object() };
        let frame = FrameRow {
            function: name.clone(),
            file: format!("/{name}/{name}"),
            line: 7,
            repeats: 1,
            cycle: 1,
            retained_bytes: 1,
            locals: vec![local],
        };
        let thread = ThreadRow {
            ident: 1,
            name: Some(name.clone()),
            native_id: Some(4243),
            interpreter: 1,
            holds_gil: true,
            retained_bytes: 240_000,
            frames: vec![frame],
        };
        let path = PathRow { count: 3, path: vec![name.clone(); 3], objects: vec![object()] };
        let suspects = SuspectsView {
            header: header(),
            suspects: vec![suspect],
            instances: vec![row(&name, 1, 2, 3, 4)],
            containers: vec![ContainerRow { object: object(), length: 3 }],
            ..SuspectsView::default()
        };
        let threads = ThreadsView { header: header(), threads: vec![thread] };
        let paths = PathsView { header: header(), query: name.clone(), matches: 3, paths: vec![path] };
        for width in [80, 120] {
            let style = Style::plain(width);
            for text in [text::suspects(&suspects, &style), text::threads(&threads, &style), text::path(&paths, &style)]
            {
                let long = text.lines().find(|line| line.chars().count() > width);
                assert_eq!(long, None, "{width}:\n{text}");
            }
        }
    }
}

#[test]
fn processes_doctor_and_errors() {
    let row = |pid, version: Option<&str>, command: &str| ProcessRow {
        pid,
        version: version.map(Into::into),
        error: version.is_none().then(|| "MS-E012".into()),
        rss_bytes: 12_345_678,
        command: command.into(),
        name: "python".into(),
        user: Some(0),
        cpu_ns: 83_000_000_000,
        created: 1e9,
        uss_bytes: version.map(|_| 7_654_321),
    };
    let processes = ProcessesView {
        schema_version: 1,
        processes: vec![
            row(7, Some("3.12.1"), "python3 -m service --port 8080"),
            row(
                123_456,
                None,
                "/opt/app/bin/python \x1b[2J\nworker --with a-very-long-command-line --that never-seems --to end",
            ),
        ],
    };
    check("processes", |style| text::processes(&processes, None, ProcessFilter::default(), style));
    let figures =
        [("uss", ProcessFigure::Uss), ("cpu", ProcessFigure::Cpu), ("age", ProcessFigure::Age(1e9 + 7_500.0))];
    for (name, figure) in figures {
        check(&format!("processes_{name}"), |style| {
            text::processes(&processes, Some(figure), ProcessFilter::default(), style)
        });
    }
    let doctor = DoctorView {
        schema_version: 1,
        pid: Some(7),
        usable: false,
        verdict: "kernel.yama.ptrace_scope is 1, and pid 7 is no child of memsight.".into(),
        checks: vec![
            CheckRow { name: "user".into(), status: CheckStatus::Ok, detail: "the same (1000)".into(), fix: None },
            CheckRow {
                name: "ptrace scope".into(),
                status: CheckStatus::Problem,
                detail: "1: only descendants may be read".into(),
                fix: Some("sudo memsight heap 7".into()),
            },
            CheckRow { name: "seccomp".into(), status: CheckStatus::Note, detail: "unknown".into(), fix: None },
        ],
    };
    check("doctor", |style| text::doctor(&doctor, style));
    let error = ErrorView {
        code: "MS-E010".into(),
        message: "no process has pid 7".into(),
        hint: "memsight ps lists them".into(),
    };
    insta::assert_snapshot!("error", text::error(&error, &Style::plain(80)));
    insta::assert_snapshot!("error_json", error.json());
    assert!(
        text::error(&error, &Style { color: true, width: 80 })
            .starts_with("\x1b[1;31merror[MS-E010]:\x1b[0m no process")
    );
}
