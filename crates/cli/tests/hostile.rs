//! Names that want to drive the terminal, through every output: nothing of them is seen raw, and what is JSON stays JSON.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::fs;
use std::path::Path;

use common::{Python, Run, memsight};
use memsight_model::is_hidden;
use serde_json::Value;

/// Clearing the screen, a title, C1's form of both, the other direction, nothing at all, a tag, and the end of a line.
const HOSTILE: &str =
    "a\u{1b}[2Jb\u{1b}]0;owned\u{7}c\u{9b}31md\u{202e}e\u{200b}f\u{feff}g\u{2066}h\u{e0041}i\rj\u{7f}k";

const PROGRAM: &str = r#"
import sys, threading, types
name = HOSTILE
module = types.ModuleType(name)
sys.modules[name] = module
Evil = type(name, (), {"__module__": name, "__qualname__": name})
Other = type(name + "2", (dict,), {"__module__": name})
code = compile("def f():\n    kept = [0]\n    yield kept\n", name + ".py", "exec")
scope = {"__name__": name}
exec(code, scope)
generator = scope["f"]()
next(generator)
module.__dict__[name] = kept = [Evil() for _ in range(2000)]
for number, one in enumerate(kept):
    one.__dict__[name] = name + str(number % 5) + "x" * 200
    one.me = one
kept.append(Other({name: [name.encode() * 50]}))
del kept[:100]
waiting = threading.Event()
thread = threading.Thread(target=waiting.wait, name=name[:14], daemon=True)
thread.start()
"#;

/// No hidden character but line breaks and tabs, in what is written to both streams.
#[track_caller]
fn is_visible(what: &str, run: &Run) {
    for text in [&run.stdout, &run.stderr] {
        let seen = text.chars().find(|c| is_hidden(*c) && !matches!(c, '\n' | '\t'));
        assert_eq!(seen, None, "{what}: {text:?}");
    }
}

fn is_visible_file(path: &Path) {
    let text = fs::read_to_string(path).expect("UTF-8");
    assert!(!text.contains(|c| is_hidden(c) && !matches!(c, '\n' | '\t')), "{}: {text:?}", path.display());
}

fn target() -> Python {
    let escaped: String = HOSTILE.chars().map(|c| format!("\\U{:08x}", c as u32)).collect();
    Python::start(&PROGRAM.replace("HOSTILE", &format!("\"{escaped}\"")))
}

const VIEWS: [&str; 11] = [
    "overview",
    "types",
    "suspects",
    "dominators",
    "threads",
    "garbage",
    "cycles",
    "refcounts",
    "rss",
    "waste",
    "graph --depth 1",
];

#[test]
fn every_view_of_a_heap() {
    let target = target();
    let pid = target.pid();
    let types = memsight(&["heap", &pid, "types", "--top", "0", "--format", "json"]).json();
    let rows = types["types"].as_array().expect("types").clone();
    let evil = rows.iter().find(|row| row["type"].as_str().is_some_and(|name| name.contains("owned")));
    let name = evil.expect("the class is there")["type"].as_str().expect("a name").to_owned();
    assert!(name.contains('\u{1b}') && name.contains('\u{202e}'), "to a parser the name is the program's: {name:?}");
    for view in VIEWS {
        let words: Vec<&str> = view.split(' ').collect();
        for format in ["text", "json", "jsonl"] {
            let mut args = vec!["heap", pid.as_str(), words[0], "--values", "--format", format];
            if words[0] == "graph" {
                args.splice(3..3, [name.as_str()]);
            }
            let run = memsight(&args);
            is_visible(&format!("{view} as {format}"), &run);
        }
    }
    for format in ["text", "json"] {
        is_visible("path", &memsight(&["heap", &pid, "path", &name, "--format", format]));
        is_visible("no such type", &memsight(&["heap", &pid, "path", &format!("{name}!"), "--format", format]));
    }
}

const LONG: &str = r#"
import sys, threading, types
long = "n" * 200
module = types.ModuleType(long)
sys.modules[long] = module
Long = type(long, (), {"__module__": "app"})
module.__dict__[long] = kept = [Long() for _ in range(2000)]
for one in kept:
    one.__dict__[long], one.me = long, one
del kept[:100]
waiting = threading.Event()
scope = {"wait": waiting.wait, "kept": kept}
exec(compile("def " + long + "():\n    local = kept\n    wait()", "/srv/" + long + ".py", "exec"), scope)
forged = "x' (1) frame f() at a.py:1 local y (dict) -> app.secret (list)\n -> "
for name in [forged, long]:
    threading.Thread(target=scope[long], name=name, daemon=True).start()
"#;

#[test]
fn no_name_makes_a_line_too_long_or_a_step() {
    let target = Python::start(LONG);
    let pid = target.pid();
    let name = format!("app.{}", "n".repeat(200));
    for view in VIEWS.into_iter().chain(["path"]) {
        let words: Vec<&str> = view.split(' ').collect();
        let mut args = vec!["heap", pid.as_str()];
        args.extend(&words);
        args.extend(matches!(words[0], "graph" | "path").then_some(name.as_str()));
        let text = memsight(&args).ok();
        let long = text.lines().find(|line| line.chars().count() > 120);
        assert_eq!(long, None, "{view}:\n{text}");
        assert!(!text.contains("-> app.secret") || view == "threads", "{view}:\n{text}");
        assert!(!text.contains("local y (dict) ->") || text.contains(r"'x\' (1) frame f()"), "{view}:\n{text}");
    }
}

#[test]
fn a_snapshot_whose_manifest_is_hostile() {
    let (target, folder) = (target(), tempfile::tempdir().expect("a folder"));
    let path = folder.path().join(HOSTILE.replace('\r', ""));
    let path = path.to_str().expect("UTF-8");
    is_visible("snapshot", &memsight(&["snapshot", &target.pid(), "-o", path]));
    is_visible("once more", &memsight(&["snapshot", &target.pid(), "-o", path]));
    let manifest = Path::new(path).join("manifest.json");
    is_visible_file(&manifest);
    let mut value: Value = serde_json::from_str(&fs::read_to_string(&manifest).expect("there")).expect("JSON");
    for key in ["mode_reason", "created", "python", "host"] {
        if value.get(key).is_some() || key == "mode_reason" {
            value[key] = HOSTILE.into();
        }
    }
    value["partial"] = Value::from(vec![HOSTILE]);
    fs::write(&manifest, value.to_string()).expect("ours");
    for format in ["text", "json"] {
        for view in ["overview", "types", "suspects", "garbage"] {
            is_visible(view, &memsight(&["heap", path, view, "--format", format]));
        }
        is_visible("compare", &memsight(&["compare", path, path, "--format", format]));
    }
    let out = folder.path().join("out.heapsnapshot");
    is_visible("export", &memsight(&["export", path, "-o", out.to_str().expect("UTF-8")]));
    is_visible_file(&out);
}

#[test]
fn a_recording() {
    let (target, folder) = (target(), tempfile::tempdir().expect("a folder"));
    fs::write(format!("/proc/{}/comm", target.pid()), "e\u{1b}[2J\u{202e}l").ok();
    let files: Vec<String> = ["log.jsonl", "log.csv", "log.svg", "log.json"]
        .map(|name| folder.path().join(name).to_str().expect("UTF-8").to_owned())
        .into();
    let mut args = vec!["watch".to_owned(), target.pid(), "--duration".into(), "1s".into()];
    args.extend(files.iter().flat_map(|file| ["-o".to_owned(), file.clone()]));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let run = memsight(&args);
    is_visible("watch", &run);
    for file in &files {
        is_visible_file(Path::new(file));
    }
    is_visible("ps", &memsight(&["ps"]));
    is_visible("ps", &memsight(&["ps", "--format", "json"]));
    is_visible("top", &memsight(&["top", &target.pid(), "-n", "1", "--arguments"]));
    is_visible("gc", &memsight(&["gc", &target.pid(), "--once"]));
    is_visible("doctor", &memsight(&["doctor", &target.pid()]));
}

/// To a parser a name is the program's, whichever verb hands it on: escapes of ours are for terminals.
#[test]
fn names_in_json_are_those_of_the_process() {
    const NAME: &str = "e\u{1b}[2J\u{202e}l\"";
    let target = Python::start(&format!("open('/proc/self/comm', 'w').write('e\\x1b[2J\\u202el\"')\nx = '{NAME}'"));
    let (pid, number) = (target.pid(), u64::from(target.number()));
    let own = |value: &Value| {
        let rows = value["processes"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["pid"] == number).unwrap_or_else(|| panic!("{value:#}"))
    };
    let listed = own(&memsight(&["ps", "--filter", &pid, "--format", "json"]).json());
    assert_eq!(listed["name"], NAME);
    assert!(listed["command"].as_str().is_some_and(|command| command.contains(NAME)), "{listed:#}");
    let line = memsight(&["ps", "--filter", &pid, "--format", "jsonl"]).json();
    assert_eq!((&line["name"], &line["command"]), (&listed["name"], &listed["command"]));
    let read = own(&memsight(&["top", &pid, "-n", "1", "--arguments", "--format", "json"]).json());
    assert_eq!(read["name"], NAME, "{read:#}");
    let seen = memsight(&["watch", &pid, "-d", "500ms", "--format", "json"]).json();
    assert_eq!((&seen["name"], &own(&seen)["name"]), (&Value::from(NAME), &Value::from(NAME)));
}

#[test]
fn one_way_to_show_what_cannot_be_seen() {
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!("{}/a\u{1b}[31m\u{202e}", folder.path().display());
    // An error of the engine, one of the command's own, one of its arguments, and a result.
    for args in [&["heap", &name][..], &["watch", &name], &["heap", "1", "types", &name], &["ps", "--filter", &name]] {
        let run = memsight(args);
        let said = run.stdout + &run.stderr;
        assert!(said.contains("a\\x1b[31m\\u202e"), "{args:?}: {said}");
        assert!(!said.contains("\\u{"), "{args:?}: {said}");
    }
}

#[test]
fn what_a_person_pastes() {
    for args in [
        &["heap", HOSTILE][..],
        &["heap", "1", HOSTILE],
        &[HOSTILE],
        &["heap", "--format", HOSTILE],
        &["compare", HOSTILE, HOSTILE],
        &["agent", "--service", HOSTILE, "--listen", HOSTILE],
        &["watch", "--", HOSTILE],
        &["export", HOSTILE, "-o", HOSTILE],
    ] {
        let run = memsight(args);
        assert!(run.code != Some(0), "{run:?}");
        is_visible(&format!("{args:?}"), &run);
        let coloured = memsight(&[&["--color", "always"], args].concat());
        assert!(!coloured.stderr.contains("\u{1b}[2J") && !coloured.stderr.contains('\u{202e}'), "{coloured:?}");
    }
}
