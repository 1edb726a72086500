//! `memsight top` as it is run: in a terminal of its own, and in a pipe.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Python, memsight};
use serde_json::{Value, json};

/// Runs the command in a terminal (see `top_pty.py`) and gives what came of it.
fn in_terminal(args: &[&str], size: (u16, u16), steps: Value) -> Value {
    let mut command = vec![env!("CARGO_BIN_EXE_memsight")];
    command.extend(args);
    let job = json!({ "command": command, "size": [size.0, size.1], "steps": steps });
    let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/top_pty.py");
    let mut python = Command::new("python3")
        .arg(driver)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is on PATH");
    python.stdin.take().expect("piped").write_all(job.to_string().as_bytes()).expect("python3 listens");
    let output = python.wait_with_output().expect("python3 ends");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("an answer");
    assert_eq!(answer["wrong"], Value::Null, "{answer:#}");
    assert_eq!(answer["given_back"], true, "the terminal is as it was");
    answer
}

#[test]
fn a_session_from_the_list_to_the_heap_and_back() {
    let target = Python::start("class Session:\n    pass\nkept = [Session() for _ in range(5000)]");
    let pid = target.pid();
    let answer = in_terminal(
        &["top", &pid, "--interval", "50ms"],
        (100, 30),
        json!([
            ["see", format!("memsight top.*pid {pid} and its children.*>.*{pid}.*python3")],
            ["type", "\r"],
            ["see", format!("pid {pid} .*peak rss.*\\[history\\].*rss")],
            ["type", "\t"],
            ["see", "\\[collector\\].*collections/s.*threshold"],
            ["type", "s"],
            ["see", "stood still.*objects.*__main__.Session +5,000"],
            ["type", "l"],
            ["see", "\\[heap\\].*(instances|suspect).*stood still|stood still.*(instances|suspect)"],
            ["type", "?"],
            ["see", "Keys.*quit"],
            ["type", "x\u{1b}"],
            ["see", "memsight top"],
            ["type", " "],
            ["see", "PAUSED"],
            ["type", "q"],
            ["end", null]
        ]),
    );
    assert_eq!(answer["code"], 0, "{answer:#}");
    let text = answer["text"].as_str().expect("text");
    let (_, next) = text.rsplit_once("Next").unwrap_or_else(|| panic!("no next command: {text}"));
    assert!(next.contains(&format!("memsight heap {pid} --since 60s")), "{next}");
}

#[test]
fn what_has_ended_stays_until_it_is_left() {
    let answer = in_terminal(
        &["top", "PID", "--interval", "50ms"],
        (100, 12),
        json!([
            ["see", "memsight top.*>.*PID"],
            ["leave", null],
            ["see", "ENDED: pid PID has ended.*>.*PID"],
            ["type", "\r"],
            ["see", "pid PID.*ENDED.*peak rss"],
            ["type", "q"],
            ["end", null]
        ]),
    );
    assert_eq!(answer["code"], 0);
}

#[test]
fn keys_and_signals_end_it_with_their_codes() {
    let target = Python::start("");
    let pid = target.pid();
    for (what, value, code) in [
        ("type", "\u{3}", 130),
        ("signal", "SIGINT", 130),
        ("signal", "SIGTERM", 143),
        ("signal", "SIGHUP", 129),
        ("type", "q", 0),
    ] {
        let steps = json!([["see", "memsight top"], [what, value], ["end", null]]);
        let answer = in_terminal(&["top", &pid], (80, 24), steps);
        assert_eq!(answer["code"], code, "{what} {value}: {answer:#}");
    }
}

#[test]
fn it_stops_and_goes_on() {
    let target = Python::start("");
    for (what, value) in [("type", "\u{1a}"), ("signal", "SIGTSTP")] {
        let answer = in_terminal(
            &["top", &target.pid(), "--interval", "50ms"],
            (80, 24),
            json!([
                ["see", "memsight top"],
                [what, value],
                ["stop", null],
                ["resume", null],
                ["see", "memsight top.*python3"],
                ["type", "q"],
                ["end", null]
            ]),
        );
        assert_eq!((&answer["code"], &answer["stopped_well"]), (&json!(0), &json!(true)), "{answer:#}");
    }
}

#[test]
fn any_size_will_do() {
    let target = Python::start("");
    let answer = in_terminal(
        &["top", &target.pid(), "--interval", "50ms", "--ascii-only", "--color", "never"],
        (20, 5),
        json!([
            ["see", target.pid()],
            ["resize", [10, 2]],
            ["see", "needs 20x5"],
            ["resize", [200, 60]],
            ["see", "memsight top.*all|and its children"],
            ["type", "q"],
            ["end", null]
        ]),
    );
    assert_eq!(answer["code"], 0);
    assert!(answer["text"].as_str().is_some_and(str::is_ascii), "{answer:#}");
}

#[test]
fn ten_thousand_processes_are_born_and_die() {
    let answer = in_terminal(
        &["top", "--interval", "20ms"],
        (120, 30),
        json!([["see", "all Python processes"], ["storm", 10_000], ["see", "processes"], ["type", "q"], ["end", null]]),
    );
    assert_eq!(answer["code"], 0);
    let text = answer["text"].as_str().expect("text");
    assert!(!text.contains("error["), "{text}");
}

#[test]
fn in_a_pipe_it_writes_lines() {
    let target = Python::start("import gc\nfor _ in range(5):\n    gc.collect()");
    let text = memsight(&["top", &target.pid(), "-n", "3", "--interval", "20ms"]).ok();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3);
    let last = &lines[2]["processes"][0];
    assert_eq!(last["pid"], target.number());
    assert!(last["memory"]["rss_bytes"].as_u64() > Some(1 << 20), "{last:#}");
    assert!(last["uss_bytes"].as_u64() <= last["pss_bytes"].as_u64(), "{last:#}");
    assert!(last["gc"]["interpreters"][0]["generations"][2]["collections"].as_u64() >= Some(5), "{last:#}");
    assert!(!text.contains("command"), "command lines may hold secrets");
    let monotonic = |line: &Value| line["at"]["monotonic_ns"].as_u64();
    assert!(monotonic(&lines[0]) < monotonic(&lines[1]) && monotonic(&lines[1]) < monotonic(&lines[2]));
    let with = memsight(&["top", &target.pid(), "--format", "json", "--arguments"]).json();
    assert!(with["processes"][0]["command"].as_str().is_some_and(|command| command.contains("python3 -c")));
}

#[test]
fn filters_and_orders_in_a_pipe() {
    let mark = format!("only {}", std::process::id());
    let (one, other) = (Python::start(&format!("kept = bytes(64 << 20)  # {mark}")), Python::start(""));
    let all = memsight(&["top", "-n", "1", "--json-lines", "--sort", "pid"]).ok();
    let pids = |text: &str| -> Vec<u64> {
        let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        line["processes"].as_array().expect("a list").iter().filter_map(|process| process["pid"].as_u64()).collect()
    };
    let listed = pids(&all);
    assert!(listed.is_sorted());
    for target in [&one, &other] {
        assert!(listed.contains(&u64::from(target.number())), "{listed:?}");
    }
    let filtered = memsight(&["top", "-n", "1", "--json-lines", "--filter", &mark]).ok();
    assert_eq!(pids(&filtered), [u64::from(one.number())]);
}

#[test]
fn what_is_wrong_is_said() {
    memsight(&["top", &common::nobody()]).fails_with("MS-E010");
    let target = Python::start("");
    let zero = memsight(&["top", &target.pid(), "--interval", "0"]);
    assert_eq!((zero.code, zero.stdout.as_str()), (Some(2), ""));
    assert!(zero.stderr.starts_with("error[MS-E09"), "{zero:#?}");
    for args in [&["top", "-n", "0"][..], &["top", "--sort", "beauty"], &["top", "1", "--pid", "1"]] {
        assert_eq!(memsight(args).code, Some(2), "{args:?}");
    }
}
