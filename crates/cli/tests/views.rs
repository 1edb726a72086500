//! The views of a real process: what they say, the keys that scripts rely on, the same from a file.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use common::{Kept, Python, memsight};
use serde_json::Value;

/// A program with an obvious leak: 20,000 sessions in a dictionary of a module.
const LEAK: &str = "
class Session:
    def __init__(self, number):
        self.history = ['page %d of %d' % (page, number) for page in range(5)]
entries = {'user:%d' % number: Session(number) for number in range(20_000)}
";

const VIEWS: [&[&str]; 8] = [
    &["overview"],
    &["types"],
    &["suspects"],
    &["dominators"],
    &["path", "__main__.Session"],
    &["graph", "__main__.Session"],
    &["object"],
    &["threads"],
];

fn json(target: &str, view: &[&str]) -> Value {
    memsight(&[&["heap", target], view, &["--format", "json"]].concat()).json()
}

fn row<'a>(view: &'a Value, name: &str) -> &'a Value {
    let rows = view["types"].as_array().expect("a list");
    rows.iter().find(|row| row["type"] == name).unwrap_or_else(|| panic!("no {name} in {view:#}"))
}

/// What may differ between two looks at a process that stands still.
fn without_cost(mut view: Value) -> Value {
    let map = view.as_object_mut().expect("an object");
    for key in ["created", "pause_ns", "total_ns", "attempts", "gil_held", "rss_bytes", "vms_bytes"] {
        map.remove(key);
    }
    // Of memory the names; of the bytes see `memory_agrees`.
    for group in map.get_mut("memory").and_then(Value::as_array_mut).into_iter().flatten() {
        group.as_object_mut().expect("an object").retain(|key, _| key == "name");
    }
    view
}

/// Memory of Python and of the C heap is the same in both views, but for a hundredth of RSS: the kernel may join small pages
/// to huge ones. Pages of files are not compared: whether they count as resident depends on who else reads the files.
fn memory_agrees(live: &Value, stored: &Value) {
    let groups = |view: &Value| -> Vec<(String, u64)> {
        let groups = view["memory"].as_array().into_iter().flatten();
        let groups = groups.map(|group| (group["name"].to_string(), group["bytes"].as_u64().expect("bytes")));
        groups.filter(|(name, _)| !name.contains("files")).collect()
    };
    let (live_groups, stored_groups) = (groups(live), groups(stored));
    let near = live["rss_bytes"].as_u64().unwrap_or(0) / 100;
    for (one, other) in live_groups.iter().zip(&stored_groups) {
        assert!(one.0 == other.0 && one.1.abs_diff(other.1) <= near, "{live_groups:?} against {stored_groups:?}");
    }
    assert_eq!(live_groups.len(), stored_groups.len());
}

#[test]
fn the_leak_is_found_and_named() {
    let mut target = Python::start(LEAK);
    let pid = target.pid();
    let overview = json(&pid, &["overview"]);
    for key in ["schema_version", "pid", "rss_bytes", "vms_bytes", "pause_ns", "total_ns", "objects"] {
        assert!(overview[key].as_u64() > Some(0), "{key} in {overview:#}");
    }
    assert_eq!(overview["pid"].to_string(), pid);
    let types = json(&pid, &["types", "--top", "0"]);
    let session = row(&types, "__main__.Session");
    assert_eq!(session["count"], 20_000);
    for key in ["shallow_bytes", "external_bytes", "retained_bytes"] {
        assert!(session[key].is_u64(), "{key} in {session}");
    }
    assert!(session["retained_bytes"].as_u64() > Some(20_000 * 300));
    row(&types, "dict");

    let suspects = json(&pid, &["suspects"]);
    let first = &suspects["suspects"][0];
    assert!(first["share"].as_f64() > Some(0.1) && first["count"].is_u64(), "{suspects:#}");
    assert!(first["summary"].as_str().is_some_and(|text| text.contains("__main__")), "{first:#}");
    let path: Vec<&str> = first["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert!(path.iter().any(|step| step.contains("entries")), "{path:?}");
    target.answers(1);
}

#[test]
fn a_process_without_a_leak_has_no_suspect() {
    let target = Python::start("");
    let text = memsight(&["heap", &target.pid(), "suspects"]).ok();
    let view = json(&target.pid(), &["suspects"]);
    if view["suspects"].as_array().is_some_and(Vec::is_empty) {
        assert!(text.contains("no suspect: nothing retains 10% or more"), "{text}");
    } else {
        // A bare interpreter is small: a part of it may well be a tenth. Then it is said as well.
        assert!(text.contains("hold"), "{text}");
    }
}

#[test]
fn a_snapshot_shows_the_same() {
    let mut target = Python::start(LEAK);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.heap").to_str().expect("UTF-8").to_owned();
    let run = memsight(&["snapshot", &target.pid(), "-o", &file]);
    let last = run.stderr.lines().last().unwrap_or_default().to_owned();
    run.ok();
    assert!(last.contains(&file) && last.contains(&format!("memsight heap {file}")), "{last}");
    let address = json(&file, &["path", "__main__.Session"])["paths"][0]["objects"][0]["address"].clone();
    let address = address.as_str().expect("an address");
    for view in VIEWS {
        let view = if view == ["object"] { &["object", address] } else { view };
        let (live, stored) = (json(&target.pid(), view), json(&file, view));
        memory_agrees(&live, &stored);
        assert_eq!(without_cost(live), without_cost(stored), "{view:?}");
        let arguments = [&["heap", &file], view].concat();
        let text = memsight(&arguments).ok();
        assert_eq!(text, memsight(&arguments).ok(), "{view:?}");
        assert!(text.starts_with("Python 3."), "{text}");
    }
    target.answers(1);
}

#[test]
fn the_shallow_histogram_counts_the_same_but_for_what_nobody_holds() {
    let target = Python::start(LEAK);
    let own = |view: &Value| -> Vec<(String, u64, u64, u64)> {
        let number = |row: &Value, key: &str| row[key].as_u64().expect("a number");
        let facts = |row: &Value| {
            let sizes = (number(row, "shallow_bytes"), number(row, "external_bytes"));
            (row["type"].to_string(), number(row, "count"), sizes.0, sizes.1)
        };
        let mut rows: Vec<_> = view["types"].as_array().expect("a list").iter().map(facts).collect();
        rows.sort();
        rows
    };
    let shallow = json(&target.pid(), &["types", "--shallow", "--top", "0"]);
    // What nobody known holds is looked for by the whole look alone: here some texts and numbers that C code of the
    // interpreter keeps.
    let whole = own(&json(&target.pid(), &["types", "--top", "0"]));
    let few = own(&shallow);
    let more = whole.iter().filter(|row| !few.contains(row)).map(|row| {
        let counted = few.iter().find(|other| other.0 == row.0).map_or(0, |other| other.1);
        assert!(!row.0.contains("__main__") && row.1 > counted, "{row:?} of {counted}");
        row.1 - counted
    });
    assert!(more.sum::<u64>() <= 4, "{whole:?}");
    assert_eq!(whole.len(), few.len());
    assert_eq!(row(&shallow, "__main__.Session").get("retained_bytes"), None);
    for way in [&["--types-only"][..], &["types", "--types-only"], &["--types-only", "types"]] {
        let view = json(&target.pid(), &[way, &["--top", "0"]].concat());
        assert_eq!(own(&view), own(&shallow), "{way:?}");
        assert_eq!(row(&view, "__main__.Session").get("retained_bytes"), None, "{way:?}");
    }
    memsight(&["heap", &target.pid(), "--types-only", "suspects"]).fails_with("MS-E097");
}

#[test]
fn rows_are_as_many_as_asked_for() {
    let target = Python::start("");
    let rows = |top: &str| json(&target.pid(), &["types", "--top", top])["types"].as_array().map(Vec::len);
    assert_eq!(rows("3"), Some(3));
    let all = json(&target.pid(), &["types", "--top", "0"]);
    assert_eq!(all["types"].as_array().map(|rows| rows.len() as u64), all["type_count"].as_u64());
}

#[test]
fn values_are_kept_only_when_asked_for() {
    let target = Python::start("secret = 'hunter2 ' * 2\nkept = [secret]");
    let paths = json(&target.pid(), &["path", "list", "--top", "0"]);
    assert!(!paths.to_string().contains("hunter2"), "{paths:#}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.heap").to_str().expect("UTF-8").to_owned();
    memsight(&["snapshot", "--pid", &target.pid(), "-o", &file]).ok();
    let holds = |text: &[u8]| text.windows(7).any(|window| window == b"hunter2");
    for entry in std::fs::read_dir(&file).expect("a snapshot").flatten() {
        let bytes = std::fs::read(entry.path()).expect("a table");
        assert!(!holds(&bytes), "{:?} tells the secret", entry.path());
    }
}

#[test]
fn a_live_look_says_that_it_is_partial() {
    let mut target = Python::start("");
    let view = json(&target.pid(), &["overview", "--mode", "live"]);
    assert_eq!((&view["mode"], view["pause_ns"].as_u64()), (&Value::from("live"), Some(0)));
    assert!(view["partial"].as_array().is_some_and(|reasons| !reasons.is_empty()), "{view:#}");
    target.answers(1);
}

#[test]
fn a_look_forks_where_it_can_and_says_why_where_it_cannot() {
    let mut target = Python::start("");
    for mode in ["auto", "fork"] {
        let view = json(&target.pid(), &["overview", "--mode", mode]);
        assert_eq!((&view["mode"], &view["mode_reason"]), (&Value::from("fork"), &Value::Null));
        assert!(view["pause_ns"].as_u64().is_some_and(|pause| pause > 0));
    }
    target.answers(1);
    target.signal("STOP");
    while target.state() != "T" {
        std::thread::yield_now();
    }
    let view = json(&target.pid(), &["overview"]);
    assert_eq!(view["mode"], "freeze");
    assert!(view["mode_reason"].as_str().is_some_and(|reason| reason.contains("it is stopped")), "{view:#}");
    let joined = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = joined(memsight(&["heap", &target.pid()]).ok());
    assert!(text.contains("not forked: it is stopped"), "{text}");
    memsight(&["heap", &target.pid(), "--mode", "fork"]).fails_with("MS-E024");
    let doctor = joined(memsight(&["doctor", &target.pid()]).ok());
    assert!(doctor.contains("not forked: it is stopped"), "{doctor}");
    target.signal("CONT");
    target.answers(2);
}

#[test]
fn processes_are_listed() {
    let target = Python::start("");
    let view = memsight(&["ps", "--format", "json"]).json();
    let rows = view["processes"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["pid"] == target.number()).expect("the target is listed");
    assert!(row["version"].as_str().is_some_and(|version| version.starts_with("3.")), "{row}");
    assert!(row["rss_bytes"].as_u64() > Some(1 << 20) && row["command"].as_str().is_some_and(|c| c.contains("python")));
    assert!(memsight(&["ps"]).ok().lines().any(|line| line.trim_start().starts_with(&target.pid())));
}

/// What a run says to run next, on stderr.
fn next(run: common::Run) -> String {
    assert_eq!(run.code, Some(0), "{run:#?}");
    let (_, next) = run.stderr.split_once("Next\n").unwrap_or_else(|| panic!("no next command: {run:#?}"));
    next.to_owned()
}

#[test]
fn pages_end_with_the_next_command() {
    let target = Python::start("import gc\ngc.collect()");
    let pid = target.pid();
    let kept = Kept::of(&pid);
    let (before, after, log) = (kept.path("before.heap"), kept.path("after.heap"), kept.path("app.jsonl"));
    let text = next(memsight(&["compare", &before, &after]));
    assert!(text.contains(&format!("memsight heap {after} ")), "{text}");
    let text = next(memsight(&["gc", &pid]));
    assert!(text.contains(&format!("memsight gc {pid} -d 1m")) && text.contains("garbage"), "{text}");
    let text = next(memsight(&["watch", &pid, "-d", "50ms", "-i", "1ms", "-o", &log]));
    assert!(text.contains(&format!("memsight watch {pid} -d 10m")), "{text}");
    let text = next(memsight(&["watch", &log]));
    assert!(text.contains("-o app.png"), "{text}");
    for args in [&["gc", &pid][..], &["compare", &before, &after], &["watch", &log]] {
        let run = memsight(&[args, &["--format", "json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
    }
}

#[test]
fn a_pipe_gets_whole_command_lines() {
    let word = format!("{}end", "long ".repeat(60));
    let target = Python::start(&format!("word = {word:?}"));
    let text = memsight(&["ps"]).ok();
    let line = text.lines().find(|line| line.trim_start().starts_with(&target.pid())).expect("the target is listed");
    assert!(line.contains(&word), "{line}");
}

#[test]
fn the_doctor_is_content() {
    let target = Python::start("");
    assert!(memsight(&["doctor", &target.pid()]).ok().contains("? yes"));
}

#[test]
fn completions_and_help() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(memsight(&["completions", shell]).ok().contains("memsight"));
    }
    for verb in ["ps", "heap", "snapshot", "doctor", "demo", "completions"] {
        assert!(memsight(&[verb, "--help"]).ok().contains("EXAMPLES"), "{verb}");
    }
    assert!(memsight(&["--help"]).ok().contains("EXIT CODES"));
    let help = memsight(&["watch", "--help"]).ok();
    let (_, codes) = help.split_once("EXIT CODES\n").expect("it has exit codes");
    assert!(codes.lines().all(|line| line.starts_with("  ") && line.len() < 100), "{codes}");
    assert!(memsight(&["--version"]).ok().starts_with("memsight "));
}

#[test]
fn a_busy_process_is_read_and_goes_on() {
    let mut target = Python::start(
        "
import threading
class Kept:
    pass
kept = [Kept() for _ in range(500)]
def spin():
    while True:
        [object() for _ in range(100)]
for _ in range(3):
    threading.Thread(target=spin, daemon=True).start()
",
    );
    for round in 1..=5 {
        let view = json(&target.pid(), &["types", "--top", "0"]);
        assert_eq!(row(&view, "__main__.Kept")["count"], 500);
        target.answers(round);
    }
    let threads = json(&target.pid(), &["threads"]);
    assert!(threads["threads"].as_array().map(Vec::len) >= Some(4), "{threads:#}");
}

#[test]
fn recursion_is_told_once() {
    let target = Python::start(
        "
import threading
gate, hold = threading.Barrier(5), threading.Event()
def down(depth, payload):
    held = [depth]
    if depth == 0:
        gate.wait(); hold.wait()
        return
    down(depth - 1, payload)
def even(depth):
    if depth == 0:
        gate.wait(); hold.wait()
        return
    odd(depth - 1)
def odd(depth):
    even(depth - 1)
for _ in range(2):
    threading.Thread(target=down, args=(300, 'x' * 50_000), daemon=True).start()
    threading.Thread(target=even, args=(300,), daemon=True).start()
gate.wait()
",
    );
    let threads = json(&target.pid(), &["threads"]);
    let frames = |name: &str| -> Vec<(u64, u64)> {
        let frames = threads["threads"].as_array().into_iter().flatten().flat_map(|thread| thread["frames"].as_array());
        let named = frames.flatten().filter(|frame| frame["function"] == name);
        named.map(|frame| (frame["repeats"].as_u64().unwrap_or(0), frame["cycle"].as_u64().unwrap_or(0))).collect()
    };
    // the innermost call is at another line, and so stands by itself
    assert_eq!(frames("down"), [(1, 1), (300, 1), (1, 1), (300, 1)], "{threads:#}");
    assert_eq!(frames("odd"), [(150, 2), (150, 2)]);
    assert_eq!(frames("even"), [(1, 1), (150, 2), (1, 1), (150, 2)]);
    let text = memsight(&["heap", &target.pid(), "threads"]).stdout;
    assert!(text.contains("300 calls in a row: recursion") && text.lines().count() < 120, "{text}");
}
