//! `memsight check` on files that were made here.

#![allow(clippy::disallowed_methods, reason = "tests write files")]

mod common;

use common::traces::write;
use common::{Kept, Python, Run, memsight};

struct Folder(tempfile::TempDir);

impl Folder {
    /// With a trace `a.trace`: peak of 4 MiB, 3 MiB and 100 bytes left, in three allocations.
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a folder"));
        write(&folder.0.path().join("a.trace"), 3 << 20, 0, true);
        folder
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Holds a file against a budget.
    fn check(&self, file: &str, budget: &str, more: &[&str]) -> Run {
        let toml = self.path("budget.toml");
        std::fs::write(&toml, budget).expect("a budget");
        memsight(&[&["check", file, "--budget", &toml], more].concat())
    }

    fn json(&self, file: &str, budget: &str, more: &[&str]) -> (Option<i32>, serde_json::Value) {
        let run = self.check(file, budget, &[&["--format", "json"], more].concat());
        let view = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"));
        (run.code, view)
    }
}

const TIGHT: &str = "[trace]\npeak = \"2 MiB\"\nallocations = 3\nallocated = \"1 GiB\"\nleaks = 1_000_000\n\
                     [[trace.places]]\nfile = \"data.py\"\nline = 4\npeak = \"3 MiB\"\n[snapshot]\nobjects = 0\n";

#[test]
fn what_is_over_is_named_with_its_lines() {
    let folder = Folder::new();
    let (code, view) = folder.json(&folder.path("a.trace"), TIGHT, &[]);
    assert_eq!(code, Some(1), "{view:#}");
    assert_eq!((&view["over"], &view["within"], &view["verdict"]), (&2.into(), &3.into(), &"over".into()));
    let peak = &view["checks"][0];
    assert_eq!(
        (&peak["name"], &peak["value"], &peak["limit"]),
        (&"trace.peak".into(), &(4 << 20).into(), &(2 << 20).into())
    );
    let lines: Vec<_> = peak["culprits"].as_array().expect("lines").iter().map(|c| (&c["line"], &c["value"])).collect();
    assert_eq!(lines, [(&4.into(), &(3 << 20).into()), (&3.into(), &(1 << 20).into())]);
    let leaks = &view["checks"][3];
    assert_eq!((&leaks["value"], &leaks["budget_line"]), (&((3 << 20) + 100).into(), &5.into()));
    assert_eq!(view["checks"][4]["value"], 3 << 20);
    let text = folder.check(&folder.path("a.trace"), TIGHT, &[]).stdout;
    assert!(text.contains("is over budget: 2 of 5 limits"), "{text}");
    assert!(text.contains("4.0 MiB, 2.0 MiB is the limit") && text.contains("data.py:4)"), "{text}");
    let fine = folder.check(&folder.path("a.trace"), "[trace]\npeak = \"4 MiB\"", &[]);
    assert!(fine.ok().contains("is within budget"));
}

#[test]
fn growth_is_held_against_a_baseline() {
    let folder = Folder::new();
    write(&folder.0.path().join("b.trace"), 5 << 20, 0, true);
    let (old, new) = (folder.path("a.trace"), folder.path("b.trace"));
    let budget = "[trace.growth]\npeak = \"10%\"\nleaks = [\"10%\", \"2 MiB\"]\nallocations = 0\n";
    let (code, view) = folder.json(&new, budget, &["--baseline", &old]);
    assert_eq!((code, &view["over"]), (Some(1), &1.into()), "{view:#}");
    let peak = &view["checks"][0];
    assert_eq!((&peak["value"], &peak["baseline"]), (&(2 << 20).into(), &(4 << 20).into()));
    assert_eq!((&peak["culprits"][0]["line"], &peak["culprits"][0]["value"]), (&4.into(), &(2 << 20).into()));
    let (code, view) = folder.json(&new, budget, &[]);
    assert_eq!((code, &view["unknown"]), (Some(0), &3.into()), "{view:#}");
    assert_eq!(folder.check(&new, budget, &["--strict"]).code, Some(1));
    assert_eq!(folder.check(&old, budget, &["--baseline", &new]).code, Some(0));
}

#[test]
fn of_a_sample_the_interval_counts_and_of_a_cut_trace_what_is_there() {
    let folder = Folder::new();
    write(&folder.0.path().join("sample.trace"), 3 << 20, 1 << 19, true);
    let file = folder.path("sample.trace");
    let verdict = |limit: u64| {
        let (code, view) = folder.json(&file, &format!("[trace]\npeak = {limit}"), &[]);
        (code, view["checks"][0].clone())
    };
    let (_, row) = verdict(4 << 20);
    let (low, high) = (row["low"].as_u64().expect("a number"), row["high"].as_u64().expect("a number"));
    assert!(low < 4 << 20 && high > 4 << 20, "{row:#}");
    let verdicts = [(low - 1, "over", 1), (low, "unknown", 0), (high - 1, "unknown", 0), (high, "within", 0)];
    for (limit, expected, code) in verdicts {
        let (got, row) = verdict(limit);
        assert_eq!((got, &row["verdict"]), (Some(code), &expected.into()), "{row:#}");
    }
    write(&folder.0.path().join("cut.trace"), 3 << 20, 0, false);
    let (code, view) = folder.json(&folder.path("cut.trace"), "[trace]\npeak = \"5 MiB\"\nleaks = \"9 MiB\"", &[]);
    assert_eq!((code, &view["unknown"]), (Some(0), &2.into()), "{view:#}");
    assert_eq!(folder.check(&folder.path("cut.trace"), "[trace]\npeak = \"3 MiB\"", &[]).code, Some(1));
}

#[test]
fn other_tools_read_it() {
    let folder = Folder::new();
    let xml = folder.check(&folder.path("a.trace"), TIGHT, &["--format", "junit"]);
    assert_eq!(xml.code, Some(1));
    assert!(
        xml.stdout.contains("tests=\"5\" failures=\"2\"") && xml.stdout.contains("<failure type=\"budget\""),
        "{xml:#?}"
    );
    let lines = folder.check(&folder.path("a.trace"), TIGHT, &["--format", "github"]).stdout;
    let errors: Vec<&str> = lines.lines().filter(|line| line.starts_with("::error file=")).collect();
    assert_eq!(errors.len(), 2, "{lines}");
    assert!(
        errors[0].contains("title=memsight%3A trace.peak::4.0 MiB, 2.0 MiB is the limit%0A3.0 MiB load"),
        "{lines}"
    );
    let refused = memsight(&["ps", "--format", "junit"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("check and advise alone"), "{refused:#?}");
}

#[test]
fn types_of_a_snapshot_have_budgets() {
    let python = Python::start("class Session:\n    pass\nkept = [Session() for _ in range(1000)]");
    let kept = Kept::of(&python.pid());
    let folder = Folder::new();
    let budget = "[snapshot]\nbytes = \"1 GiB\"\n[[snapshot.types]]\ntype = \"*.Session\"\ncount = 999\n";
    let (code, view) = folder.json(&kept.path("after.heap"), budget, &["--baseline", &kept.path("before.heap")]);
    assert_eq!((code, &view["over"], &view["within"]), (Some(1), &1.into(), &1.into()), "{view:#}");
    let row = &view["checks"][1];
    assert_eq!((&row["value"], &row["culprits"][0]["value"]), (&1000.into(), &1000.into()), "{row:#}");
    let other =
        folder.check(&kept.path("after.heap"), "[snapshot]\nobjects = 1", &["--baseline", &folder.path("a.trace")]);
    other.fails_with("MS-E183");
}

#[test]
fn a_recording_has_budgets() {
    let python = Python::start("kept = bytearray(30 << 20)");
    let folder = Folder::new();
    let log = folder.path("watch.jsonl");
    memsight(&["watch", &python.pid(), "--duration", "300ms", "--interval", "50ms", "-o", &log]).ok();
    let (code, view) = folder.json(&log, "[recording]\nrss_peak = \"20 MiB\"\nrss_growth = \"1 GiB\"", &[]);
    assert_eq!((code, &view["kind"], &view["over"]), (Some(1), &"recording".into(), &1.into()), "{view:#}");
    assert_eq!(view["checks"][0]["culprits"][0]["pid"].to_string(), python.pid());
}

#[test]
fn what_cannot_be_checked_is_an_error() {
    let folder = Folder::new();
    let trace = folder.path("a.trace");
    folder.check(&trace, "[trace]\npeek = 1", &[]).fails_with("MS-E181");
    folder.check(&trace, "[snapshot]\nobjects = 1", &[]).fails_with("MS-E182");
    memsight(&["check", &trace, "--budget", &folder.path("none.toml")]).fails_with("MS-E180");
    folder.check(&folder.path("none.trace"), "[trace]\npeak = 1\n[snapshot]\nobjects = 1", &[]).fails_with("MS-E187");
}
