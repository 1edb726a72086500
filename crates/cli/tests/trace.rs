//! `memsight trace` on files that were written here.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::path::Path;

use common::memsight;
use memsight_engine::format::trace::Writer;
use memsight_model::Timestamp;
use memsight_model::trace::{Code, Domain, End, Event, Frame, Head};

/// A trace at `path` of a program that allocates twice in `load`, `bytes` the second time, and frees the first block.
fn write(path: &Path, bytes: u64, sample_bytes: u64, ends: bool) {
    let started = Timestamp { monotonic_ns: 0, unix_ns: 1_700_000_000_000_000_000 };
    let head = Head { pid: 4242, program: "main.py".into(), python_minor: 10, started, sample_bytes };
    let mut writer = Writer::create(path, true).expect("a trace");
    writer.begin(&head).expect("a head");
    let file = path.with_file_name("data.py").to_str().expect("UTF-8").to_owned();
    // Two lines of 4 bytes of code each, as 3.10 writes them.
    let code = |number, name: &str, first_line| Code {
        number,
        name: name.into(),
        file: file.clone(),
        first_line,
        lines: vec![4, 0, 4, 1],
    };
    writer.code(&code(1, "main", 1)).expect("code");
    writer.code(&code(2, "load", 3)).expect("code");
    let main = writer.frame(Frame { caller: 0, code: 1, offset: 2 }).expect("a frame");
    let first = writer.frame(Frame { caller: main, code: 2, offset: 0 }).expect("a frame");
    let second = writer.frame(Frame { caller: main, code: 2, offset: 3 }).expect("a frame");
    let allocated = |address, bytes, stack| Event::Allocated { domain: Domain::Memory, address, bytes, stack };
    let events = [
        Event::Thread(4242),
        Event::Time(1_000_000),
        allocated(0x1000, 1 << 20, first),
        Event::Time(2_000_000_000),
        allocated(0x2000, bytes, second),
        Event::Resident(20 << 20),
        Event::Time(3_000_000_000),
        Event::Freed(0x1000),
        allocated(0x3000, 100, 0),
    ];
    events.into_iter().for_each(|event| writer.event(event).expect("an event"));
    if ends {
        let end = End { duration_ns: 4_000_000_000, exit_code: Some(3), ..End::default() };
        writer.end(&end).expect("an end");
    } else {
        writer.flush().expect("a block");
    }
}

struct Traces(tempfile::TempDir);

impl Traces {
    fn new() -> Traces {
        let traces = Traces(tempfile::tempdir().expect("a folder"));
        write(traces.0.path().join("a.trace").as_path(), 3 << 20, 0, true);
        traces
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn json(&self, args: &[&str]) -> serde_json::Value {
        let file = self.path("a.trace");
        memsight(&[&["trace", &file, "--format", "json"], args].concat()).json()
    }
}

#[test]
fn a_trace_is_summed_up() {
    let traces = Traces::new();
    let view = traces.json(&[]);
    assert_eq!(view["mode"], "exact");
    assert_eq!(view["peak_bytes"], 4 << 20);
    assert_eq!(view["peak_at_ns"], 2_000_000_000u64);
    assert_eq!(view["end_bytes"], (3 << 20) + 100);
    assert_eq!(view["exit_code"], 3);
    assert_eq!(view["is_cut"], false);
    let line = &view["lines"][0];
    assert_eq!((&line["function"], &line["line"], &line["bytes"]), (&"load".into(), &4.into(), &(3 << 20).into()));
    let text = memsight(&["trace", &traces.path("a.trace")]).ok();
    assert!(text.contains("load (") && text.contains("exit code 3"), "{text}");
}

#[test]
fn every_view_has_text_and_json() {
    let traces = Traces::new();
    let views = [
        ("summary", "lines"),
        ("lines", "lines"),
        ("functions", "functions"),
        ("files", "files"),
        ("modules", "modules"),
        ("tree", "nodes"),
        ("leaks", "leaks"),
        ("temporary", "lines"),
        ("churn", "lines"),
        ("threads", "threads"),
        ("timeline", "points"),
        ("flamegraph", "stacks"),
    ];
    for (view, key) in views {
        assert!(traces.json(&[view])[key].is_array(), "{view}");
        assert!(!memsight(&["trace", &traces.path("a.trace"), view]).ok().is_empty(), "{view}");
    }
    assert_eq!(traces.json(&["lines", "--at", "1s"])["lines"][0]["bytes"], 1 << 20);
    assert_eq!(traces.json(&["lines", "--at", "all"])["total"]["bytes"], (4 << 20) + 100);
    assert_eq!(traces.json(&["leaks"])["leaks"][0]["stack"][0]["line"], 4);
}

#[test]
fn a_source_file_has_bytes_beside_its_lines() {
    let traces = Traces::new();
    let view = traces.json(&["source", "data.py"]);
    assert_eq!(view["is_read"], false);
    std::fs::write(traces.path("data.py"), "def main():\n    load()\ndef load():\n    return bytes(3)\n")
        .expect("a file");
    let view = traces.json(&["source", "data.py"]);
    assert_eq!(
        (view["is_read"].clone(), view["lines"][3]["text"].clone()),
        (true.into(), "    return bytes(3)".into())
    );
    assert_eq!(view["lines"][3]["bytes"], 3 << 20);
    assert_eq!(view["lines"][1]["inclusive_bytes"], 4 << 20);
    let text = memsight(&["trace", &traces.path("a.trace"), "source", "data.py"]).ok();
    assert!(text.contains("return bytes(3)"), "{text}");
}

#[test]
fn pictures_are_written_once() {
    let traces = Traces::new();
    for (view, name, begin) in
        [("flamegraph", "f.svg", &b"<?xml"[..]), ("timeline", "t.svg", b"<svg"), ("timeline", "t.png", b"\x89PNG")]
    {
        let (file, output) = (traces.path("a.trace"), traces.path(name));
        let args = ["trace", &file, view, "-o", &output];
        assert_eq!(memsight(&args).ok(), "");
        assert!(std::fs::read(&output).expect("a picture").starts_with(begin), "{name}");
        memsight(&args).fails_with("MS-E125");
        memsight(&[&args[..], &["--force"]].concat()).ok();
    }
}

#[test]
fn two_traces_are_compared() {
    let traces = Traces::new();
    let (before, after) = (traces.path("a.trace"), traces.path("b.trace"));
    write(Path::new(&after), 5 << 20, 0, true);
    let view = memsight(&["trace", &before, &after, "--format", "json"]).json();
    assert_eq!(
        (view["growth_bytes"].clone(), view["lines"][0]["growth_bytes"].clone()),
        ((2 << 20).into(), (2 << 20).into())
    );
    assert!(memsight(&["trace", &before, &after]).ok().contains("+2.0 MiB"));
}

#[test]
fn samples_and_cut_traces_say_so() {
    let traces = Traces::new();
    let (sampled, cut) = (traces.path("s.trace"), traces.path("c.trace"));
    write(Path::new(&sampled), 3 << 20, 1 << 19, true);
    write(Path::new(&cut), 3 << 20, 0, false);
    let text = memsight(&["trace", &sampled]).ok();
    assert!(text.contains('±'), "{text}");
    memsight(&["trace", &sampled, "temporary"]).fails_with("MS-E169");
    let view = memsight(&["trace", &cut, "--format", "json"]).json();
    assert_eq!((view["is_cut"].clone(), view["peak_bytes"].clone()), (true.into(), (4 << 20).into()));
    assert!(memsight(&["trace", &cut]).ok().contains("has no end"));
}

#[test]
fn what_is_not_there_is_refused() {
    let traces = Traces::new();
    let file = traces.path("a.trace");
    let refused = [
        (&["--at", "9s"][..], "MS-E165"),
        (&["--thread", "1"], "MS-E166"),
        (&["source", "other.py"], "MS-E167"),
        (&["flamegraph", "-o", "f.svg", "--filter", "nothing has this"], "MS-E152"),
    ];
    for (args, code) in refused {
        memsight(&[&["trace", &file], args].concat()).fails_with(code);
    }
    memsight(&["trace", &traces.path("none.trace")]).fails_with("MS-E073");
}

#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
fn the_peak_of_a_program_is_found_at_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (script, trace) = (path("app.py"), path("app.trace"));
    let code = "def load(n):\n    return [bytearray(n) for _ in range(4)]\n\ndef main():\n    rows = load(5_000_000)\n    \
                del rows\n    keep = bytearray(1_000_000)\n\nmain()\n";
    std::fs::write(&script, code).expect("a script");
    let run = memsight(&["run", "--exact", "-o", &trace, "--", "python3", &script]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let view = memsight(&["trace", &trace, "source", &script, "--format", "json"]).json();
    let lines = view["lines"].as_array().expect("lines");
    let line = |n: u64| lines.iter().find(|line| line["line"] == n).expect("a line");
    let held = line(2)["bytes"].as_u64().expect("bytes");
    assert!((20_000_000..20_010_000).contains(&held), "{held}");
    // The function and its comprehension, on one line, count once.
    assert_eq!(line(2)["inclusive_bytes"], held);
    assert!(line(5)["inclusive_bytes"].as_u64() >= Some(held), "{:?}", line(5));
    let kept = line(7)["allocated_bytes"].as_u64().expect("bytes");
    assert!((1_000_000..1_010_000).contains(&kept) && line(7)["bytes"] == 0, "{kept}");
    let peak = memsight(&["trace", &trace, "--format", "json"]).json();
    assert!(peak["peak_bytes"].as_u64() >= Some(held), "{peak}");
    assert_eq!((&peak["exit_code"], &peak["is_cut"]), (&0.into(), &false.into()));
}
