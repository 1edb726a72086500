//! `--live` of `attach` and `run`, in a terminal of its own; and looks at what is recorded, by the command.
#![cfg(all(target_os = "linux", target_arch = "x86_64", not(memsight_portable)))]
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::process::Stdio;

use common::{Python, command, finish, in_terminal, kill, memsight};
use serde_json::{Value, json};

/// Keeps what it makes, as often as it is asked.
const KEEPS: &str = "kept = []\ndef keep():\n    kept.append(bytearray(3 << 20))\n";

#[test]
fn a_process_is_on_the_screen_and_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("a.trace");
    let program = format!(
        "{KEEPS}import threading, time\ndef work():\n    while len(kept) < 2000:\n        time.sleep(0.01)\n        \
        kept.append(b'x' * 100_000)\nthreading.Thread(target=work, daemon=True).start()"
    );
    let mut python = Python::start(&program);
    for (asked, size) in [(1, (80, 24)), (2, (120, 40))] {
        let answer = in_terminal(
            &["attach", &python.pid(), "--live", "--exact", "--force", "-o", trace.to_str().expect("UTF-8")],
            size,
            json!([
                [
                    "see",
                    format!(
                        "pid {}.*every allocation.*live .*peak .*allocating .*LIVE.*<string>:\\d+ work",
                        python.pid()
                    )
                ],
                ["type", "3"],
                ["see", "\u{25bc}ALLOC/S.*work.*q ends it"],
                ["type", " "],
                ["see", "paused"],
                ["type", "q"],
                ["end", null]
            ]),
        );
        assert_eq!(answer["code"], 0, "{answer:#}");
        let text = answer["text"].as_str().expect("text");
        assert!(text.contains("recorded ") && text.contains("memsight trace"), "{text}");
        python.answers(asked);
    }
}

#[test]
fn a_program_writes_after_the_screen_and_keeps_its_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("says.py");
    std::fs::write(&script, "import sys\nkept = bytearray(7 << 20)\nprint('said to all')\nsys.exit(3)\n")
        .expect("written");
    let trace = folder.path().join("a.trace");
    let (script, trace) = (script.to_str().expect("UTF-8"), trace.to_str().expect("UTF-8"));
    let answer = in_terminal(
        &["run", "--live", "--exact", "-o", trace, script],
        (80, 24),
        json!([
            ["see", "says.py:2 .*the program has ended: exit code 3 .*output: said to all.*q closes"],
            ["type", "q"],
            ["end", null]
        ]),
    );
    assert_eq!(answer["code"], 3, "{answer:#}");
    let text = answer["text"].as_str().expect("text");
    let (_, after) = text.rsplit_once("said to all").expect("what the program wrote");
    assert!(after.contains("recorded "), "{text}");
}

#[test]
fn a_pipe_has_no_screen() {
    memsight(&["attach", "1", "--live"]).fails_with("MS-E192");
    memsight(&["run", "--live", "app.py"]).fails_with("MS-E192");
}

#[test]
fn a_look_says_which_line_made_what() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("a.trace");
    let python = Python::start(KEEPS);
    memsight(&["heap", &python.pid(), "types", "--by", "line"]).fails_with("MS-E190");
    let script = "import time\nclass Session:\n    pass\ndef handle():\n    return [Session() for _ in range(3000)]\n\
        kept = handle()\nprint('ready', flush=True)\ntime.sleep(600)\n";
    let (path, snapshot) = (folder.path().join("app.py"), folder.path().join("app.heap"));
    std::fs::write(&path, script).expect("written");
    let text = |path: &std::path::Path| path.to_str().expect("UTF-8").to_owned();
    let mut run = command(&["run", "--exact", "-o", &text(&trace), "--", "python3", &text(&path)]);
    let mut run = run.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(run.stdout.as_mut().expect("a pipe")), &mut line)
        .expect("a line");
    assert_eq!(line, "ready\n");
    let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", run.id())).expect("its children");
    let pid = children.split_whitespace().next().expect("a child").to_owned();
    let is_made = |view: &Value| {
        let rows = view["lines"].as_array().expect("lines");
        let row = rows.iter().find(|row| row["type"] == "__main__.Session").unwrap_or_else(|| panic!("{view:#}"));
        assert_eq!(
            (&row["count"], &row["line"], &view["births"]["exact"]),
            (&json!(3000), &json!(5), &json!(true)),
            "{row:#}"
        );
    };
    is_made(&memsight(&["heap", &pid, "types", "--by", "line", "--top", "0", "--format", "json"]).json());
    memsight(&["snapshot", &pid, "-o", &text(&snapshot)]).ok();
    kill(pid.parse().expect("a pid"), "KILL");
    finish(run);
    is_made(&memsight(&["heap", &text(&snapshot), "types", "--by", "line", "--top", "0", "--format", "json"]).json());
    let table = memsight(&["heap", &text(&snapshot), "types", "--by", "line"]).ok();
    assert!(table.contains("born known for") && table.contains("app.py:5"), "{table}");
}
