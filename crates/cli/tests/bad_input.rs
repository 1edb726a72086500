//! Everything that can be wrong: one clear sentence, a stable code, a hint, exit 2, and a target that runs on.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Kept, Python, command, finish, kill, memsight, nobody, status};

#[test]
fn no_such_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let there = folder.path().join("app.heap").display().to_string();
    for verb in [&["heap"][..], &["snapshot", "-o", &there]] {
        let pid = nobody();
        memsight(&[verb, &[&pid]].concat()).fails_with("MS-E010");
    }
}

#[test]
fn a_number_that_is_no_pid() {
    memsight(&["heap", "99999999999999999999"]).fails_with("MS-E091");
}

#[test]
fn a_process_that_is_not_python() {
    let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat is there");
    memsight(&["heap", &cat.id().to_string()]).fails_with("MS-E030");
    assert_eq!(cat.try_wait().expect("a child"), None);
    drop(cat.stdin.take());
    assert!(cat.wait().expect("a child").success());
}

#[test]
fn the_doctor_does_not_say_yes_to_what_is_no_python() {
    let mut sleeper = Command::new("sleep").arg("1000").spawn().expect("sleep is there");
    let pid = sleeper.id().to_string();
    let (text, view) = (memsight(&["doctor", &pid]), memsight(&["doctor", &pid, "--format", "json"]));
    sleeper.kill().expect("ours");
    sleeper.wait().expect("ours");
    assert_eq!((text.code, view.code), (Some(2), Some(2)), "{text:#?} {view:#?}");
    assert!(text.stdout.contains("no CPython process") && text.stdout.contains("memsight ps"), "{text:#?}");
    let view: serde_json::Value = serde_json::from_str(&view.stdout).expect("JSON");
    assert_eq!(view["usable"], false);
    let checks = view["checks"].as_array().expect("checks");
    let python = checks.iter().find(|check| check["name"] == "Python").expect("Python was looked for");
    assert_eq!(python["status"], "problem");
    assert!(checks.iter().any(|check| check["name"] == "memory" && check["status"] == "ok"), "the right is there");
    let python = Python::start("");
    let view = memsight(&["doctor", &python.pid(), "--format", "json"]).json();
    assert_eq!(view["usable"], true, "{view:#}");
}

#[test]
fn nothing_or_too_much_to_look_at() {
    memsight(&["heap"]).fails_with("MS-E100");
    memsight(&["heap", "app.heap", "--pid", "1"]).fails_with("MS-E101");
    assert_eq!(memsight(&["heap", "1", "no-such-view"]).code, Some(2));
    assert_eq!(memsight(&["no-such-verb"]).code, Some(2));
}

#[test]
fn an_error_for_scripts() {
    let pid = nobody();
    let run = memsight(&["heap", &pid, "types", "--format", "json"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    let value: serde_json::Value = serde_json::from_str(&run.stderr).expect("JSON on stderr");
    assert_eq!(value["error"]["code"], "MS-E010");
    assert!(value["error"]["message"].as_str().is_some_and(|text| text.contains(&pid)));
    assert!(value["error"]["hint"].as_str().is_some_and(|text| !text.is_empty()));
}

#[test]
fn arguments_that_cannot_be_understood_are_an_error_for_scripts_too() {
    let error = |args: &[&str]| {
        let run = memsight(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:#?}");
        let value: serde_json::Value = serde_json::from_str(&run.stderr).unwrap_or_else(|_| panic!("{run:#?}"));
        assert_eq!(value["error"]["code"], "MS-E109", "{value}");
        let word = |key: &str| value["error"][key].as_str().expect("text").to_owned();
        (word("message"), word("hint"))
    };
    let (message, hint) = error(&["--format", "json", "haep", "1"]);
    assert!(message.contains("'haep'") && hint.contains("'heap'"), "{message} {hint}");
    let (message, hint) = error(&["snapshot", "--format=json"]);
    assert!(message.contains("<PID|FILE>") && hint.contains("Usage: memsight snapshot"), "{message} {hint}");
    let (message, hint) = error(&["heap", "1", "--mode", "no", "--format", "json"]);
    assert!(message.contains("'no'") && message.contains("freeze") && !hint.is_empty(), "{message} {hint}");
    let (message, hint) = error(&["heap", "1", "--since", "0s", "--format", "json"]);
    assert!(message.contains("'0s'") && message.contains("such as 10s") && !hint.is_empty(), "{message} {hint}");
    let (message, hint) = error(&["snapshot", "1", "-o", "-", "--format", "json"]);
    assert!(message.contains("'-'") && message.contains("-o app.heap") && !hint.is_empty(), "{message} {hint}");
    assert!(!Path::new("-").exists(), "no folder of that name");
    let (message, _) = error(&["--format", "json"]);
    assert!(!message.contains("error") && !message.is_empty(), "{message}");
    error(&["top", "--nonsense\u{1b}[31m", "--format", "jsonl"]);
    let lines = memsight(&["ps", "--nonsense", "--format", "jsonl"]).stderr;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    // Behind two dashes stands another command.
    let text = memsight(&["watch", "--nonsense", "--", "app", "--format", "json"]).stderr;
    assert!(text.starts_with("error[MS-E109]: ") && text.contains("Usage: memsight watch"), "{text}");
}

#[test]
fn a_command_to_watch_stands_behind_two_dashes() {
    let said = |args: &[&str]| memsight(args).stderr;
    let tip = "tip: a command stands behind two dashes: memsight watch -i 1ms -- python -c 'print(1)'\n";
    let text = said(&["watch", "-i", "1ms", "python", "-c", "print(1)"]);
    assert!(text.contains(tip), "{text}");
    let text = said(&["watch", "python", "app.py", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let hint = value["error"]["hint"].as_str().expect("text");
    assert!(hint.starts_with("a command stands behind two dashes: memsight watch -- python app.py"), "{hint}");
    for other in
        [&["watch", "4242", "--nonsense"][..], &["watch", "--nonsense", "--", "app"], &["heap", "app", "x", "y"]]
    {
        let text = said(other);
        assert!(!text.contains("two dashes"), "{text}");
    }
}

#[test]
fn a_verb_with_one_form_refuses_another() {
    for args in [&["man", "--format", "json"][..], &["completions", "bash", "--format", "jsonl"]] {
        let run = memsight(args);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:#?}");
        let value: serde_json::Value = serde_json::from_str(&run.stderr).expect("JSON");
        assert_eq!(value["error"]["code"], "MS-E109", "{value}");
    }
    assert!(memsight(&["man", "--format", "text"]).ok().contains(".TH memsight"));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_would_be_lost_is_no_success() {
    let folder = tempfile::tempdir().expect("a folder");
    let closed = |rest: &str| {
        let line = format!("exec \"$0\" {rest} >&-");
        let child = std::process::Command::new("sh")
            .args(["-c", &line, env!("CARGO_BIN_EXE_memsight")])
            .current_dir(folder.path())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn();
        common::finish(child.expect("a shell"))
    };
    for rest in ["ps", "ps --format json", "--help", "--version", "man"] {
        let run = closed(rest);
        assert_eq!(run.code, Some(2), "{rest}: {run:#?}");
        assert!(run.stderr.contains("MS-E147"), "{rest}: {run:#?}");
    }
    // What does not go there is not lost.
    let run = closed("man pages");
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(folder.path().join("pages/memsight.1").is_file());
}

#[test]
fn no_permission() {
    let mut target = Python::start("");
    if status(std::process::id(), "Uid").split_ascii_whitespace().next() != Some("0") {
        // Only root can become somebody else; CI runs as root.
        return;
    }
    // The build folder may be closed to others.
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("own folder");
    let copy = folder.path().join("memsight");
    fs::copy(env!("CARGO_BIN_EXE_memsight"), &copy).expect("a copy");
    let run = |args: &[&str]| {
        let mut command = Command::new(&copy);
        command.args(args).current_dir("/").uid(65_534).gid(65_534).stdin(Stdio::null());
        finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    };
    let refused = run(&["heap", &target.pid()]);
    refused.fails_with("MS-E012");
    assert!(refused.stderr.contains("user 0") && refused.stderr.contains("sudo memsight"), "{refused:#?}");
    let doctor = run(&["doctor", &target.pid()]);
    assert_eq!(doctor.code, Some(2), "{doctor:#?}");
    assert!(doctor.stdout.contains("sudo memsight heap"), "{doctor:#?}");
    let listed = run(&["ps", "--format", "json"]).json();
    let row = listed["processes"].as_array().into_iter().flatten().find(|row| row["pid"] == target.number());
    let row = row.expect("an unreadable process is listed");
    assert!(row["version"].is_null() && row["error"] == "MS-E012", "{row}");
    target.answers(1);
}

#[test]
fn an_output_that_is_there() {
    let mut target = Python::start("");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.heap");
    let path = path.to_str().expect("UTF-8");
    fs::write(path, "mine").expect("own folder");
    memsight(&["snapshot", &target.pid(), "-o", path]).fails_with("MS-E050");
    assert_eq!(fs::read_to_string(path).expect("untouched"), "mine");
    fs::remove_file(path).expect("own file");
    memsight(&["snapshot", &target.pid(), "-o", path]).ok();
    memsight(&["snapshot", &target.pid(), "-o", path]).fails_with("MS-E050");
    memsight(&["snapshot", &target.pid(), "-o", path, "--force"]).ok();
    let left: Vec<_> = fs::read_dir(folder.path()).expect("own folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(left, ["app.heap"], "nothing half-written is left");
    target.answers(1);
}

#[test]
fn a_snapshot_that_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    memsight(&["heap", &path("missing.heap")]).fails_with("MS-E052");
    fs::create_dir(path("foreign")).expect("own folder");
    memsight(&["heap", &path("foreign")]).fails_with("MS-E053");

    let target = Python::start("");
    memsight(&["snapshot", &target.pid(), "-o", &path("app.heap")]).ok();
    drop(target);
    for file in ["manifest.json", "objects.parquet", "references.parquet"] {
        let file = Path::new(&path("app.heap")).join(file);
        let whole = fs::read(&file).expect("a table");
        fs::write(&file, &whole[..whole.len() / 2]).expect("own file");
        let run = memsight(&["heap", &path("app.heap")]);
        assert!(["MS-E053", "MS-E055"].iter().any(|code| run.stderr.contains(code)), "{file:?}: {run:#?}");
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        fs::write(&file, whole).expect("own file");
    }
    memsight(&["heap", &path("app.heap")]).ok();
    for verb in [&["heap"][..], &["export", "-o", &path("app.heapsnapshot")], &["compare", &path("app.heap")]] {
        let run = memsight(&[verb, &[&path("app.heap"), "--max-memory", "100KiB"]].concat());
        run.fails_with("MS-E062");
        assert!(run.stderr.contains("100.0 KiB is the limit") && run.stderr.contains("--max-memory"), "{run:#?}");
    }
    memsight(&["heap", &path("app.heap"), "--max-memory", "100MiB"]).ok();
    assert_eq!(memsight(&["heap", &path("app.heap"), "--max-memory", "much"]).code, Some(2));
}

#[test]
fn a_target_that_another_debugger_holds() {
    let mut target = Python::start("");
    // PTRACE_SEIZE, and hold on until the end.
    let tracer = Python::start(&format!(
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n\
         libc.ptrace.argtypes = [ctypes.c_long] * 4\nassert libc.ptrace(0x4206, {}, 0, 0) == 0",
        target.pid()
    ));
    let run = memsight(&["heap", &target.pid()]);
    run.fails_with("MS-E013");
    assert!(run.stderr.contains(&tracer.pid()), "{run:#?}");
    let doctor = memsight(&["doctor", &target.pid()]);
    assert!(doctor.code == Some(2) && doctor.stdout.contains(&tracer.pid()), "{doctor:#?}");
    target.answers(1);
}

#[test]
fn a_stopped_target_is_read_and_stays_stopped() {
    let mut target = Python::start("kept = ['x' * 1000] * 10");
    target.signal("STOP");
    while target.state() != "T" {
        std::thread::yield_now();
    }
    memsight(&["heap", &target.pid(), "types"]).ok();
    assert_eq!(target.state(), "T");
    target.signal("CONT");
    target.answers(1);
}

/// A collection that lasts until it is told to end.
const ENDLESS_COLLECTION: &str = "import gc, sys\ngc.disable()\n\
    def hold(phase, info):\n    if phase == 'start':\n        print('collecting', flush=True)\n        sys.stdin.readline()\n\
    gc.callbacks.append(hold)\n";

/// A process in the middle of a collection: a line on its stdin ends it, and then it says `ready` again.
fn collecting() -> Python {
    let mut target =
        Python::start(&format!("{ENDLESS_COLLECTION}print('ready', flush=True)\ngc.collect()\ngc.callbacks.clear()"));
    assert_eq!(target.line(), "collecting");
    target
}

#[test]
fn a_collection_that_ends_in_time() {
    let mut target = collecting();
    let look = command(&["heap", &target.pid(), "--format", "json"]).spawn().expect("memsight starts");
    target.send("end of the collection\n");
    assert_eq!(target.line(), "ready");
    let view = finish(look).json();
    assert!(view["attempts"].as_u64() >= Some(1), "{view}");
    target.answers(1);
}

#[test]
fn stopped_with_ctrl_c_while_it_waits() {
    let mut target = collecting();
    let mut look = command(&["heap", &target.pid()]).spawn().expect("memsight starts");
    // SIGINT is bit 1 of the caught signals once memsight listens.
    while u64::from_str_radix(&status(look.id(), "SigCgt"), 16).unwrap_or(0) & 2 == 0 {
        assert!(look.try_wait().expect("a child").is_none(), "it ended early");
        std::thread::yield_now();
    }
    kill(look.id(), "INT");
    let run = finish(look);
    assert_eq!((run.code, run.stdout.as_str()), (Some(130), ""), "{run:#?}");
    target.send("end of the collection\n");
    assert_eq!(target.line(), "ready");
    target.answers(1);
}

#[test]
fn a_reader_that_goes_away() {
    let target = Python::start("");
    let mut look = command(&["heap", &target.pid(), "types", "--top", "0"]).spawn().expect("memsight starts");
    drop(look.stdout.take());
    let run = finish(look);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_any_verb() {
    let target = Python::start("");
    let pid = target.pid();
    let kept = Kept::of(&pid);
    let (before, after, log) = (kept.path("before.heap"), kept.path("after.heap"), kept.path("app.jsonl"));
    memsight(&["watch", &pid, "-d", "20ms", "-i", "1ms", "-o", &log]).ok();
    let verbs: [&[&str]; 14] = [
        &["ps"],
        &["heap", &before],
        &["heap", &before, "rss"],
        &["heap", &before, "graph", "dict", "--dot"],
        &["compare", &before, &after],
        &["top", "--json-lines", "-i", "1ms"],
        &["watch", &log],
        &["watch", &pid, "-d", "20ms", "-i", "1ms"],
        &["watch", &pid, "-d", "20ms", "-i", "1ms", "--format", "jsonl"],
        &["gc", &pid],
        &["gc", &pid, "-d", "10s", "-i", "10ms", "--format", "jsonl"],
        &["doctor", &pid],
        &["completions", "bash"],
        &["--help"],
    ];
    for verb in verbs {
        for format in [&[][..], &["--format", "json"]] {
            if !format.is_empty() && (verb.contains(&"--dot") || verb.contains(&"--format") || verb.contains(&"bash")) {
                continue;
            }
            let mut run = command(&[verb, format].concat()).spawn().expect("memsight starts");
            drop(run.stdout.take());
            let run = finish(run);
            assert_eq!(run.code, Some(0), "{verb:?} {format:?}: {run:#?}");
            assert!(!run.stderr.contains("error"), "{verb:?} {format:?}: {run:#?}");
        }
    }
}

#[test]
fn a_target_that_dies_while_it_is_read() {
    for _ in 0..5 {
        let target = Python::start("kept = [[i] for i in range(200_000)]");
        let look = command(&["heap", &target.pid(), "types"]).spawn().expect("memsight starts");
        drop(target);
        let run = finish(look);
        match run.code {
            Some(0) => assert!(run.stdout.contains("list"), "{run:#?}"),
            _ => {
                let codes = ["MS-E010", "MS-E011", "MS-E015"];
                assert!(run.code == Some(2) && codes.iter().any(|code| run.stderr.contains(code)), "{run:#?}");
            }
        }
    }
}
