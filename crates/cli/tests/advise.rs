//! `memsight advise` with evidence: what is predicted is what the changed program measures.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, reason = "tests read and write files")]

mod common;

use std::path::Path;

use common::{Python, command, finish, memsight};
use memsight_testkit::{Interpreter, interpreters};
use serde_json::Value;

/// Part of what is measured by which a prediction may be off.
const OFF: f64 = 0.2;

/// A program before and after what a rule advises.
struct Case {
    rule: &'static str,
    before: &'static str,
    after: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        rule: "MS101",
        before: "def run():\n    return sum([x * 1.5 for x in range(50_000)])\n\nprint(run())\n",
        after: "def run():\n    return sum(x * 1.5 for x in range(50_000))\n\nprint(run())\n",
    },
    Case {
        rule: "MS103",
        before: "def run(n):\n    names = [f\"name {x}\" for x in range(n)]\n    total = 0\n    for name in names:\n        \
                 total += len(name)\n    return total\n\nprint(run(30_000))\n",
        after: "def run(n):\n    names = (f\"name {x}\" for x in range(n))\n    total = 0\n    for name in names:\n        \
                total += len(name)\n    return total\n\nprint(run(30_000))\n",
    },
    Case {
        rule: "MS104",
        before: "def _rows(n):\n    rows = []\n    for x in range(n):\n        rows.append((x, str(x)))\n    return rows\n\n\
                 total = 0\nfor row in _rows(30_000):\n    total += row[0]\nprint(total)\n",
        after: "def _rows(n):\n    for x in range(n):\n        yield (x, str(x))\n\n\
                total = 0\nfor row in _rows(30_000):\n    total += row[0]\nprint(total)\n",
    },
    // The peak moves: what is made after the lines are gone bounds what they save.
    Case {
        rule: "MS105",
        before: "def run(path):\n    total = 0\n    with open(path) as log:\n        for line in log.readlines():\n            \
                 total += len(line)\n    return total\n\nprint(run(\"data.txt\"), len([str(n) * 3 for n in range(12_000)]))\n",
        after: "def run(path):\n    total = 0\n    with open(path) as log:\n        for line in log:\n            \
                total += len(line)\n    return total\n\nprint(run(\"data.txt\"), len([str(n) * 3 for n in range(12_000)]))\n",
    },
    Case {
        rule: "MS106",
        before: "import hashlib\nwith open(\"data.txt\", \"rb\") as file:\n    print(hashlib.sha256(file.read()).hexdigest())\n",
        after: "import hashlib\ndigest = hashlib.sha256()\nwith open(\"data.txt\", \"rb\") as file:\n    for chunk in \
                iter(lambda: file.read(1 << 16), b\"\"):\n        digest.update(chunk)\nprint(digest.hexdigest())\n",
    },
    Case {
        rule: "MS107",
        before: "import sqlite3\ndb = sqlite3.connect(\":memory:\")\ndb.execute(\"create table t (name text, size integer)\")\n\
                 db.executemany(\"insert into t values (?, ?)\", ((f\"name {n}\", n * 1000) for n in range(12_000)))\n\
                 total = 0\nfor name, size in db.execute(\"select name, size from t\").fetchall():\n    total += size\nprint(total)\n",
        after: "import sqlite3\ndb = sqlite3.connect(\":memory:\")\ndb.execute(\"create table t (name text, size integer)\")\n\
                db.executemany(\"insert into t values (?, ?)\", ((f\"name {n}\", n * 1000) for n in range(12_000)))\n\
                total = 0\nfor name, size in db.execute(\"select name, size from t\"):\n    total += size\nprint(total)\n",
    },
    Case {
        rule: "MS112",
        before: "def run():\n    rows = list(range(200_000))\n    total = 0\n    for row in rows[1:]:\n        total += row\n    return \
                 total\n\nprint(run())\n",
        after: "from itertools import islice\n\ndef run():\n    rows = list(range(200_000))\n    total = 0\n    for row in islice(rows, 1, \
                None):\n        total += row\n    return total\n\nprint(run())\n",
    },
    Case {
        rule: "MS306",
        before: "def run():\n    seen = [False] * 200_000\n    for x in range(0, 200_000, 7):\n        seen[x] = True\n    return \
                 sum(seen)\n\nprint(run())\n",
        after: "def run():\n    seen = bytearray(200_000)\n    for x in range(0, 200_000, 7):\n        seen[x] = True\n    return \
                sum(seen)\n\nprint(run())\n",
    },
];

/// The oldest of the interpreters, the newest, and the one between.
fn some() -> Vec<Interpreter> {
    let found = interpreters();
    let (last, middle) = (found.len().saturating_sub(1), found.len() / 2);
    let is_meant = |at: usize| at == 0 || at == middle || at == last;
    found.into_iter().enumerate().filter(|(at, _)| is_meant(*at)).map(|(_, interpreter)| interpreter).collect()
}

fn data(folder: &Path) {
    let lines: String = (0..15_000).map(|n| format!("{}{n}\n", "x".repeat(50))).collect();
    std::fs::write(folder.join("data.txt"), lines).expect("room");
}

/// Runs a program in a folder, records it, and gives its peak.
fn recorded(folder: &Path, python: &Path, program: &str, trace: &str) -> u64 {
    let mut run = command(&["run", "--exact", "-q", "-o", trace, "--"]);
    let run = finish(run.current_dir(folder).arg(python).args(["-B", program]).spawn().expect("it starts"));
    assert_eq!(run.code, Some(0), "{run:#?}");
    let view = finish(command(&["trace", trace, "--format", "json"]).current_dir(folder).spawn().expect("it starts"));
    view.json()["peak_bytes"].as_u64().expect("a peak")
}

/// What is advised in a folder, as JSON.
fn advice(folder: &Path, args: &[&str]) -> Value {
    let mut command = command(&["advise", "--format", "json"]);
    let run = finish(command.args(args).current_dir(folder).spawn().expect("it starts"));
    assert!(matches!(run.code, Some(0 | 1)), "{run:#?}");
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
}

#[test]
fn a_prediction_is_what_the_changed_program_measures() {
    let mut wrong = Vec::new();
    for interpreter in some() {
        for case in &CASES {
            let folder = tempfile::tempdir().expect("a folder");
            let here = folder.path();
            data(here);
            std::fs::write(here.join("before.py"), case.before).expect("room");
            std::fs::write(here.join("after.py"), case.after).expect("room");
            let before = recorded(here, &interpreter.path, "before.py", "before.trace");
            let after = recorded(here, &interpreter.path, "after.py", "after.trace");
            // (of most of these lists the source does not say that they are long: MS117 tells them)
            let rules = format!("{},MS117", case.rule);
            let view = advice(here, &["before.py", "--select", &rules, "--trace", "before.trace"]);
            let predicted = view["findings"][0]["bytes"]["peak"].as_u64();
            let measured = before as f64 - after as f64;
            let is_right =
                predicted.is_some_and(|predicted| (predicted as f64 - measured).abs() <= OFF * measured.abs());
            let trace = &view["evidence"]["trace"];
            assert_eq!(trace["peak_bytes"].as_u64(), Some(before), "{view:#}");
            if !is_right {
                wrong.push(format!("{} on {:?}: {predicted:?}, measured {measured}", case.rule, interpreter.version));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn of_other_code_no_bytes_are_claimed() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let python = interpreters().pop().expect("an interpreter").path;
    let program = here.join("app.py");
    std::fs::write(&program, CASES[0].before).expect("room");
    recorded(here, &python, "app.py", "app.trace");
    assert!(advice(here, &["app.py", "--trace", "app.trace"])["findings"][0]["bytes"]["peak"].as_u64() > Some(1 << 20));
    let written = std::fs::metadata(&program).expect("it is there").modified().expect("a time");
    // a line more: the function stands elsewhere, though the file says that it is as old
    std::fs::write(&program, format!("# new\n{}", CASES[0].before)).expect("room");
    std::fs::File::options().write(true).open(&program).expect("it opens").set_modified(written).expect("it is ours");
    let moved = advice(here, &["app.py", "--trace", "app.trace"]);
    // as many lines, but written later
    std::fs::write(&program, CASES[0].before.replace("1.5", "2.5")).expect("room");
    let edited = advice(here, &["app.py", "--trace", "app.trace"]);
    for (view, reason) in [(moved, "run was at line 1"), (edited, "it was written after recording began")] {
        assert!(view["findings"][0]["bytes"].is_null(), "{view:#}");
        assert_eq!(view["evidence"]["other_code"][0]["reason"], reason, "{view:#}");
        let evidence = view["findings"][0]["evidence"][0].as_str().expect("a sentence").to_owned();
        assert_eq!(evidence, format!("the trace is of other code: {reason}"));
        assert_eq!(view["evidence"]["trace"]["peak_after_bytes"], view["evidence"]["trace"]["peak_bytes"]);
    }
}

#[test]
fn a_run_is_recorded_for_the_advice_on_the_files_that_it_ran() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    std::fs::write(here.join("app.py"), CASES[0].before).expect("room");
    std::fs::write(here.join("other.py"), CASES[0].before).expect("room");
    let python = interpreters().pop().expect("an interpreter").path;
    let mut command = command(&["advise", "--format", "json", "--run", "--"]);
    let run = finish(command.arg(&python).args(["-B", "app.py"]).current_dir(here).spawn().expect("it starts"));
    assert_eq!(run.code, Some(1), "{run:#?}");
    // what the program writes is no part of the advice
    assert!(run.stderr.contains("1874962500.0"), "{run:#?}");
    let view: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let files: Vec<&str> =
        view["findings"].as_array().expect("findings").iter().filter_map(|row| row["file"].as_str()).collect();
    assert_eq!(files, ["./app.py"], "{view:#}");
    assert!(
        view["evidence"]["trace"]["path"].is_null() && view["findings"][0]["bytes"]["peak"].as_u64() > Some(1 << 20)
    );
    let left: Vec<_> = std::fs::read_dir(here).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

/// What slots save is predicted from the layout of that very version, and measured by tracemalloc.
#[test]
fn slots_save_what_a_heap_says() {
    const CLASS: &str = "class Point:\n{}    def __init__(self, x, y, z):\n        self.x = x\n        self.y = y\n        \
                         self.z = z\n\ndef make(n):\n    return [Point(None, True, n % 200) for n in range(n)]\n";
    for interpreter in some() {
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path();
        std::fs::write(here.join("points.py"), CLASS.replace("{}", "")).expect("room");
        std::fs::write(here.join("slotted.py"), CLASS.replace("{}", "    __slots__ = (\"x\", \"y\", \"z\")\n\n"))
            .expect("room");
        let measured = |module: &str| {
            let code = format!(
                "import tracemalloc, {module}\n{module}.make(100)\ntracemalloc.start()\n\
                 kept = {module}.make(20_000)\nprint(tracemalloc.get_traced_memory()[0])"
            );
            let output =
                std::process::Command::new(&interpreter.path).args(["-B", "-c", &code]).current_dir(here).output();
            let text = String::from_utf8(output.expect("it runs").stdout).expect("UTF-8");
            text.trim().parse::<f64>().unwrap_or_else(|error| panic!("{error}: {text:?}"))
        };
        let saved = measured("points") - measured("slotted");
        let path = here.to_str().expect("UTF-8");
        let code = format!(
            "import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, {path:?})\nimport points\nkept = points.make(20_000)"
        );
        let python = Python::start_with(interpreter.path.to_str().expect("UTF-8"), &code);
        let view = advice(here, &["points.py", "--select", "MS301", "--heap", &python.pid()]);
        let predicted = view["findings"][0]["bytes"]["now"].as_u64().unwrap_or_else(|| panic!("{view:#}")) as f64;
        assert!((predicted - saved).abs() <= OFF * saved, "{:?}: {predicted}, measured {saved}", interpreter.version);
        assert_eq!(view["evidence"]["heap"]["saved_bytes"].as_f64(), Some(predicted));
    }
}

/// Attributes with equal values are told where the class stores them, and their bytes are not those of its slots.
#[test]
fn what_only_the_heap_shows_is_told_at_the_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    let class = "class Line:\n    def __init__(self, n):\n        self.text = \"state %d\" % (n % 7)\n        self.n = n\n\n\
                 lines = [Line(n) for n in range(20_000)]\n";
    std::fs::write(here.join("lines.py"), class).expect("room");
    let code = format!(
        "import sys\nsys.dont_write_bytecode = True\nsys.path.insert(0, {:?})\nimport lines",
        here.to_str().expect("UTF-8")
    );
    let python = Python::start(&code);
    let view = advice(here, &["lines.py", "--heap", &python.pid()]);
    let rows: Vec<(&str, u64)> = view["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|row| (row["rule"].as_str().expect("a rule"), row["line"].as_u64().expect("a line")))
        .collect();
    assert_eq!(rows, [("MS201", 3), ("MS301", 1)], "{view:#}");
    let bytes = |at: usize| view["findings"][at]["bytes"]["now"].as_u64().expect("bytes");
    // 7 of 20,000 stay, of 56 bytes (48 from 3.12 on), as sys.getsizeof says
    assert!((19_993 * 48..=19_993 * 64).contains(&bytes(0)), "{view:#}");
    assert_eq!(view["evidence"]["heap"]["saved_bytes"].as_u64(), Some(bytes(0) + bytes(1)));
    // a class that is not as it was: nothing is known of it
    std::fs::write(here.join("lines.py"), format!("\n\n{class}")).expect("room");
    let view = advice(here, &["lines.py", "--heap", &python.pid()]);
    assert!(view["findings"].as_array().expect("findings").is_empty(), "{view:#}");
    assert_eq!(view["evidence"]["other_code"].as_array().map(Vec::len), Some(1));
}

#[test]
fn evidence_that_is_not_there_is_an_error() {
    memsight(&["advise", "--trace", "/nowhere.trace", env!("CARGO_MANIFEST_DIR")]).fails_with("MS-E073");
}
