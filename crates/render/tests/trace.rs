//! Views of a trace as people see them. Accept a wanted change with `INSTA_UPDATE=always`.

use memsight_analysis::profile::{At, By, Places, Profile, Replay, Selection};
use memsight_model::Timestamp;
use memsight_model::trace::{Code, Domain, End, Event, Frame, Head};
use memsight_render::flame_svg;
use memsight_render::text::{self, Style};

const SELECTION: Selection = Selection { thread: None, filter: None, top: 4, inclusive: false };

fn code(number: u32, name: &str, file: &str) -> Code {
    Code { number, name: name.into(), file: file.into(), first_line: number * 10, lines: Vec::new() }
}

fn codes() -> Vec<Code> {
    vec![
        code(1, "<module>", "/srv/app/main.py"),
        code(2, "load_rows", "/srv/app/data.py"),
        code(3, "JSONDecoder.raw_decode", "/usr/lib/python3.12/json/decoder.py"),
        code(4, "hostile\x1b[31m\u{202e}", "/srv/a;b\n.py"),
        code(5, "worker", "/srv/app/data.py"),
    ]
}

fn frames() -> Vec<Frame> {
    let frame = |caller, code, offset| Frame { caller, code, offset };
    vec![frame(0, 1, 3), frame(1, 2, 5), frame(2, 3, 7), frame(2, 4, 0), frame(0, 5, 2), frame(5, 2, 5), frame(1, 2, 8)]
}

fn events() -> Vec<Event> {
    let allocated =
        |address: u64, bytes, stack| Event::Allocated { domain: Domain::Object, address: address * 16, bytes, stack };
    let mut events = vec![Event::Time(0), Event::Resident(20 << 20), Event::Thread(4242)];
    for n in 0..40u64 {
        events.push(Event::Time(n * 25_000_000));
        events.push(Event::Resident((20 << 20) + n * 600_000));
        events.extend([allocated(n * 4 + 1, 400_000 + n, 3), allocated(n * 4 + 2, 60_000, 2)]);
        events.extend([allocated(9_000, 50_000, 7), Event::Freed(9_000 * 16)]);
        events.extend([Event::Thread(4243), allocated(n * 4 + 3, 30_000, 6), allocated(n * 4 + 4, 900, 4)]);
        events.extend([Event::Thread(4242), allocated(10_000 + n, 64, 0)]);
    }
    events.push(Event::Time(1_100_000_000));
    events.extend((0..160).filter(|n| n % 5 > 0).map(|n| Event::Freed((n + 1) * 16)));
    events
}

fn profile(sample_bytes: u64, at: At) -> Profile {
    let started = Timestamp { monotonic_ns: 0, unix_ns: 1_700_000_000_000_000_000 };
    let head = Head { pid: 4242, program: "main.py".into(), python_minor: 12, started, sample_bytes };
    let mut replay = Replay::new(&head, at);
    events().into_iter().for_each(|event| replay.event(event));
    let places = Places::new(&codes(), &frames(), |code, offset| code.first_line + offset);
    let end = End { duration_ns: 1_200_000_000, exit_code: Some(0), ..End::default() };
    Profile::new(head, replay, places, Some(end), false).expect("a profile")
}

fn at_widths(name: &str, view: impl Fn(&Style) -> String) {
    for width in [60, 80, 120] {
        insta::assert_snapshot!(format!("{name}_{width}"), view(&Style::plain(width)));
    }
}

#[test]
fn summary() {
    let view = profile(0, At::Peak).summary(&SELECTION).expect("a summary");
    at_widths("summary", |style| text::trace_summary(&view, style));
    let view = profile(1 << 19, At::Peak).summary(&SELECTION).expect("a summary");
    at_widths("summary_sampled", |style| text::trace_summary(&view, style));
}

#[test]
fn a_trace_that_was_cut_says_so() {
    let started = Timestamp { monotonic_ns: 0, unix_ns: 0 };
    let head = Head { pid: 4242, program: "main.py".into(), python_minor: 12, started, sample_bytes: 0 };
    let places = Places::new(&[], &[], |_, _| 0);
    let end = End { lost_events: 1234, ..End::default() };
    let profile = Profile::new(head.clone(), Replay::new(&head, At::Peak), places, Some(end), true).expect("a profile");
    let view = profile.summary(&SELECTION).expect("a summary");
    insta::assert_snapshot!("summary_cut", text::trace_summary(&view, &Style::plain(80)));
    assert!(flame_svg(&profile.flame(&SELECTION).expect("no stacks")).is_err());
}

#[test]
fn places() {
    let view = profile(0, At::Peak).places(By::Line, &SELECTION).expect("lines");
    at_widths("lines", |style| text::trace_places(&view, style));
    let selection = Selection { inclusive: true, filter: Some("/srv/app".into()), ..SELECTION };
    let view = profile(0, At::All).places(By::Function, &selection).expect("functions");
    at_widths("functions_inclusive", |style| text::trace_places(&view, style));
    let view = profile(0, At::Time(500_000_000)).places(By::Module, &SELECTION).expect("modules");
    insta::assert_snapshot!("modules", text::trace_places(&view, &Style::plain(80)));
    let selection = Selection { thread: Some(4243), ..SELECTION };
    let view = profile(0, At::Peak).places(By::File, &selection).expect("files");
    insta::assert_snapshot!("files_of_a_thread", text::trace_places(&view, &Style::plain(80)));
}

#[test]
fn tree() {
    let view = profile(0, At::Peak).tree(&SELECTION).expect("a tree");
    at_widths("tree", |style| text::trace_tree(&view, style));
}

#[test]
fn leaks() {
    let view = profile(0, At::End).leaks(&SELECTION).expect("leaks");
    at_widths("leaks", |style| text::trace_leaks(&view, style));
}

#[test]
fn churn_and_temporary() {
    let view = profile(0, At::All).churn(false, &SELECTION).expect("churn");
    at_widths("churn", |style| text::trace_churn(&view, style));
    let view = profile(0, At::All).churn(true, &SELECTION).expect("temporary");
    at_widths("temporary", |style| text::trace_churn(&view, style));
}

#[test]
fn threads() {
    let view = profile(0, At::Peak).threads(&SELECTION).expect("threads");
    at_widths("threads", |style| text::trace_threads(&view, style));
}

#[test]
fn timeline() {
    let view = profile(0, At::Peak).timeline();
    at_widths("timeline", |style| text::trace_timeline(&view, style));
}

#[test]
fn source() {
    let profile = profile(0, At::Peak);
    let file = profile.source_file("data.py").expect("a file");
    let source: String = (1..60).map(|n| format!("\tline_{n} = load(\"row {n}\")  # {}\n", "x".repeat(n))).collect();
    let view = profile.source(file, Some(&source), &SELECTION).expect("lines");
    at_widths("source", |style| text::trace_source(&view, style));
    let view = profile.source(file, None, &SELECTION).expect("lines");
    insta::assert_snapshot!("source_without_text", text::trace_source(&view, &Style::plain(80)));
}

#[test]
fn comparison() {
    let before = profile(0, At::Time(500_000_000));
    let view = profile(0, At::Peak).grown_since(&before, &SELECTION).expect("a comparison");
    at_widths("comparison", |style| text::trace_compare(&view, style));
}

#[test]
fn flame_graph() {
    let view = profile(0, At::Peak).flame(&SELECTION).expect("stacks");
    insta::assert_snapshot!("collapsed", text::trace_flame(&view, &Style::plain(80)));
    let svg = flame_svg(&view).expect("a picture");
    assert!(svg.contains("load_rows") && svg.trim_end().ends_with("</svg>"));
    assert!(!svg.contains('\x1b') && !svg.contains('\u{202e}'));
}
