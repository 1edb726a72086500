//! `memsight watch`: exit codes, signals, trees, files, full disks, and its own death at any moment.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests read files and say what they skip")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use common::{Python, command, finish, kill, memsight, nobody};
use serde_json::Value;

/// The records of a log, all of its lines whole.
fn records(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a log");
    assert!(text.ends_with('\n'), "it ends within a line");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

fn of_kind<'a>(records: &'a [Value], kind: &str) -> Vec<&'a Value> {
    records.iter().filter(|record| record["kind"] == kind).collect()
}

/// A file name in `folder`, as an argument.
fn file(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

/// Reads records from stdout until one fits.
fn read_until(lines: &mut impl BufRead, fits: impl Fn(&Value) -> bool) -> Value {
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).expect("memsight speaks") > 0, "it ended early");
        let record: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if fits(&record) {
            return record;
        }
    }
}

fn is_sample(record: &Value) -> bool {
    record["kind"] == "sample"
}

fn lines_of(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    BufReader::new(child.stdout.take().expect("piped"))
}

#[test]
fn the_exit_code_is_that_of_the_command() {
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)] {
        let run = memsight(&["watch", "--", "sh", "-c", script]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{run:#?}");
    }
    let run = memsight(&["watch", "--", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!(run.stdout, "out\n", "stdout is the command's alone");
    assert!(run.stderr.starts_with("err\n") || run.stderr.contains("\nerr\n"), "{run:#?}");
    assert!(run.stderr.contains("sh, pid "), "{run:#?}");
}

#[test]
fn a_command_that_ends_at_once_has_a_peak() {
    let ended = "import os; os._exit(bytearray(1 << 26)[0])";
    let run = memsight(&["watch", "-i", "1h", "--format", "json", "--", "python3", "-c", ended]);
    let view: Value = serde_json::from_str(&run.stderr).unwrap_or_else(|_| panic!("{run:#?}"));
    assert_eq!(view["command_peak"]["exact"], true, "{view:#}");
    assert!(view["command_peak"]["bytes"].as_u64() > Some(64 << 20), "{view:#}");
    let run = memsight(&["watch", "-i", "1h", "--", "python3", "-c", ended]);
    assert!(run.stderr.contains("RSS of its largest process"), "{run:#?}");
    assert!(run.stderr.contains("\nNext\n") && run.stderr.contains("memsight watch -i 1ms -- python3 -c"), "{run:#?}");
    // Less than memsight had itself when it started the command: the kernel counts that.
    let run = memsight(&["watch", "-i", "1h", "--format", "json", "--", "true"]);
    let view: Value = serde_json::from_str(&run.stderr).unwrap_or_else(|_| panic!("{run:#?}"));
    assert_eq!(view["command_peak"]["exact"], false, "{view:#}");
}

#[test]
fn a_command_that_cannot_be_run() {
    let run = memsight(&["watch", "--", "no-such-command-of-anybody"]);
    assert_eq!(run.code, Some(127), "{run:#?}");
    assert!(run.stderr.starts_with("error[MS-E121]: "), "{run:#?}");
    let run = memsight(&["watch", "--", "/dev/null"]);
    assert_eq!(run.code, Some(126), "{run:#?}");
    assert!(run.stderr.starts_with("error[MS-E122]: "), "{run:#?}");
}

#[test]
fn what_cannot_be_watched_is_told_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (witness, taken) = (file(&folder, "witness"), file(&folder, "taken.jsonl"));
    fs::write(&taken, "precious").expect("written");
    let run = |options: &[&str]| memsight(&[&["watch"], options, &["--", "touch", &witness]].concat());
    run(&["--interval", "0"]).fails_with("MS-E095");
    run(&["--interval", "999us"]).fails_with("MS-E095");
    run(&["-o", "app.xlsx"]).fails_with("MS-E123");
    run(&["-o", &taken]).fails_with("MS-E050");
    run(&["-o", "/nonexistent/app.jsonl"]).fails_with("MS-E057");
    for usage in [["--interval", "2h"], ["--interval", "soon"], ["--duration", "-1"], ["--rollup", "often"]] {
        assert_eq!(run(&usage).code, Some(2));
    }
    assert!(!Path::new(&witness).exists(), "the command ran");
    assert_eq!(fs::read_to_string(&taken).expect("still there"), "precious");

    memsight(&["watch"]).fails_with("MS-E120");
    memsight(&["watch", "python3"]).fails_with("MS-E120");
    memsight(&["watch", &nobody()]).fails_with("MS-E010");
    memsight(&["watch", &taken]).fails_with("MS-E060");
}

#[test]
fn a_process_that_ends_while_it_is_watched() {
    let python = Python::start("data = bytearray(20_000_000)");
    let mut watch = command(&["watch", &python.pid(), "-i", "5ms", "--format", "jsonl"]).spawn().expect("starts");
    let mut lines = lines_of(&mut watch);
    let sample = read_until(&mut lines, is_sample);
    assert!(sample["total"]["rss_bytes"].as_u64() > Some(20_000_000), "{sample}");
    drop(python);
    let last = read_until(&mut lines, |record| record["kind"] == "summary");
    assert!(last["summary"]["samples"].as_u64() >= Some(1), "{last}");
    assert!(last["summary"]["last_rss_bytes"].as_u64() > Some(20_000_000), "its end is no sample: {last}");
    assert_eq!(finish(watch).code, Some(0));
}

#[test]
fn looks_at_a_process_are_none_of_its_memory() {
    let python = Python::start("data = bytes(range(256)) * 400_000");
    let options = ["-i", "5ms", "--rollup", "10ms", "--format", "jsonl"];
    let mut watch = command(&[&["watch", &python.pid()], &options[..]].concat()).spawn().expect("starts");
    let mut lines = lines_of(&mut watch);
    let first = read_until(&mut lines, |record| is_sample(record) && record["total"]["pss_bytes"].is_u64());
    let alone = first["total"]["rss_bytes"].as_u64().expect("bytes");
    for _ in 0..3 {
        memsight(&["heap", &python.pid(), "types", "--shallow"]).ok();
    }
    kill(watch.id(), "INT");
    let last = read_until(&mut lines, |record| {
        for process in record["processes"].as_array().into_iter().flatten() {
            let uss = process["rollup"]["private_dirty_bytes"].as_u64();
            assert!(uss.is_none_or(|uss| uss > 100_000_000), "its pages are its own: {process}");
        }
        record["kind"] == "summary"
    });
    finish(watch);
    let summary = &last["summary"];
    assert_eq!(summary["process_count"], 1, "{summary:#}");
    let peak = summary["peak"]["bytes"].as_u64().expect("bytes");
    assert!(peak < alone + (8 << 20), "{peak} of a process of {alone}");
    assert!(summary["peak_pss"]["bytes"].as_u64() > Some(100_000_000), "{summary:#}");
}

#[test]
fn a_peak_of_pss_is_not_that_of_another_size() {
    // it grows to 100 MB at once and ends: nobody had the time to read its PSS
    let run = memsight(&["watch", "-i", "1ms", "--rollup", "1h", "--", "python3", "-c", "bytes(range(256)) * 400_000"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("peak PSS not known: known of all processes in "), "{said}");
}

#[test]
fn ctrl_c_gives_the_summary_first() {
    let mut python = Python::start("");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut watch = command(&["watch", &python.pid(), "-i", "5ms", "--format", "jsonl"]).spawn().expect("starts");
        let mut lines = lines_of(&mut watch);
        read_until(&mut lines, is_sample);
        kill(watch.id(), signal);
        read_until(&mut lines, |record| record["kind"] == "summary");
        assert_eq!(finish(watch).code, Some(code));
    }
    python.answers(1);
}

#[test]
fn signals_reach_the_command() {
    let program = "import signal, sys\n\
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))\n\
        signal.signal(signal.SIGINT, lambda *_: sys.exit(8))\n\
        print('ready', flush=True)\n\
        signal.pause()";
    for (signal, code) in [("TERM", 9), ("INT", 8)] {
        let mut watch = command(&["watch", "--", "python3", "-c", program]);
        // Without a terminal in the foreground, Ctrl-C would not reach the command by itself.
        let mut watch = std::os::unix::process::CommandExt::process_group(&mut watch, 0).spawn().expect("starts");
        let mut line = String::new();
        lines_of(&mut watch).read_line(&mut line).expect("the command speaks");
        assert_eq!(line, "ready\n");
        kill(watch.id(), signal);
        let run = finish(watch);
        assert_eq!(run.code, Some(code), "{run:#?}");
        assert!(run.stderr.contains("python"), "the summary comes: {run:#?}");
    }
}

#[test]
fn a_tree_is_summed_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = file(&folder, "app.json");
    let program = "import subprocess, sys\n\
        child = subprocess.Popen([sys.executable, '-c', 'data = bytearray(30_000_000); input()'], stdin=subprocess.PIPE)\n\
        sys.stdin.read()\n\
        child.communicate(b'\\n')";
    let args = ["watch", "-i", "2ms", "-o", "-", "-o", &json, "--", "python3", "-c", program];
    let mut watch = command(&args).stdin(Stdio::piped()).spawn().expect("starts");
    let mut lines = lines_of(&mut watch);
    let large = |sample: &Value| sample["total"]["rss_bytes"].as_u64() > Some(38_000_000);
    let sample = read_until(&mut lines, |record| is_sample(record) && large(record));
    assert!(sample["total"]["processes"].as_u64() >= Some(2), "{sample}");
    drop(watch.stdin.take());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("it ends");
    let run = finish(watch);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let summary: Value = serde_json::from_str(&fs::read_to_string(&json).expect("written")).expect("JSON");
    assert!(summary["process_count"].as_u64() >= Some(2), "{summary}");
    assert!(summary["peak"]["bytes"].as_u64() > Some(38_000_000), "{summary}");
    let own = summary["processes"][0]["peak"]["bytes"].as_u64();
    assert!(own > Some(30_000_000) && own < summary["peak"]["bytes"].as_u64(), "{summary}");
    assert_eq!(summary["exit_code"], 0);
}

#[test]
fn markers_of_the_command_and_of_the_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = file(&folder, "app.jsonl");
    let script = "echo 'index loaded' >> \"$MEMSIGHT_MARKERS\"; kill -USR1 $PPID; printf 'the end' >> \"$MEMSIGHT_MARKERS\"; read _";
    let mut watch = command(&["watch", "-i", "1ms", "-o", &log, "-o", "-", "--", "sh", "-c", script]);
    let mut watch = watch.stdin(Stdio::piped()).spawn().expect("starts");
    let mut lines = lines_of(&mut watch);
    read_until(&mut lines, |record| record["source"] == "signal");
    drop(watch.stdin.take());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("it ends");
    assert_eq!(finish(watch).code, Some(1), "read at the end of its input");
    let records = records(Path::new(&log));
    let mut texts: Vec<_> = of_kind(&records, "marker").iter().map(|marker| marker["text"].clone()).collect();
    texts.sort_by_key(Value::to_string);
    assert_eq!(texts, ["SIGUSR1", "index loaded", "the end"]);
}

#[test]
fn a_log_is_shown_again_and_converted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| file(&folder, name);
    let (log, csv) = (path("app.jsonl"), path("app.csv"));
    let outputs = ["-i", "2ms", "-o", &log, "-o", &csv, "-o", &path("app.parquet"), "-o", "-"];
    let python = Python::start("");
    let mut watch = command(&[&["watch", &python.pid()][..], &outputs].concat()).spawn().expect("starts");
    let mut lines = lines_of(&mut watch);
    for _ in 0..20 {
        read_until(&mut lines, is_sample);
    }
    kill(watch.id(), "INT");
    let live = read_until(&mut lines, |record| record["kind"] == "summary")["summary"].clone();
    assert_eq!(finish(watch).code, Some(130));
    assert_eq!(live["pid"], python.number());

    let again = memsight(&["watch", &log, "--format", "json"]).json();
    assert_eq!(again, live, "a log tells what was told live");
    let text = memsight(&["watch", &log]).ok();
    assert!(text.contains("too short to judge") && text.contains("memsight took"), "{text}");

    let outputs = ["-o", &path("b.csv"), "-o", &path("b.parquet"), "-o", &path("b.svg"), "-o", &path("b.png")];
    memsight(&[&["watch", &log, "-q"][..], &outputs].concat()).ok();
    let read = |name: &str| fs::read(folder.path().join(name)).expect("written");
    assert!(read("b.csv") == read("app.csv"), "the same rows");
    assert!(read("b.parquet").starts_with(b"PAR1") && read("b.png").starts_with(b"\x89PNG"));
    assert!(read("b.svg").starts_with(b"<svg") || read("b.svg").starts_with(b"<?xml"));
    memsight(&["watch", &log, "-o", &csv]).fails_with("MS-E050");
    assert_eq!(read("app.csv"), read("b.csv"), "and nothing was harmed");

    let whole = read("app.jsonl");
    let last = whole.windows(16).rposition(|bytes| bytes == b"{\"kind\":\"sample\"").expect("a sample");
    fs::write(folder.path().join("cut.jsonl"), &whole[..last + 99]).expect("written");
    let cut = memsight(&["watch", &path("cut.jsonl"), "--format", "json"]).json();
    assert!(cut["cut"] == true && cut["samples"].as_u64().map(|n| n + 1) == live["samples"].as_u64(), "{cut}");
}

#[test]
fn a_parquet_file_alone_leaves_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let parquet = file(&folder, "app.parquet");
    let run = memsight(&["watch", "-o", &parquet, "--", "sh", "-c", "exit 0"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

/// Each sample that was seen on stdout was in the log before, so it must be there after the kill.
#[test]
fn killed_at_any_moment_the_log_has_all_that_was_told() {
    let python = Python::start("");
    for round in 0..25 {
        let folder = tempfile::tempdir().expect("a folder");
        let log = file(&folder, "app.jsonl");
        let mut watch = command(&["watch", &python.pid(), "-i", "1ms", "-o", &log, "-o", "-"]).spawn().expect("starts");
        let mut lines = lines_of(&mut watch);
        // Another moment each time: counted in what it has told, not in time.
        let mut told: Vec<Value> = (0..=round * 3).map(|_| read_until(&mut lines, is_sample)).collect();
        watch.kill().expect("running");
        watch.wait().expect("a child");
        let mut rest = String::new();
        lines.read_to_string(&mut rest).expect("its end");
        told.extend(rest.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(is_sample));
        let text = fs::read_to_string(&log).expect("a log");
        let kept: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let kept = of_kind(&kept, "sample");
        assert!(kept.len() >= told.len(), "{} kept, {} told", kept.len(), told.len());
        assert!(kept.iter().zip(&told).all(|(kept, told)| *kept == told));
        let again = memsight(&["watch", &log, "--format", "json"]).json();
        assert_eq!(again["samples"].as_u64(), Some(kept.len() as u64));
    }
}

/// Runs a command that waits for the end of its input, until memsight says that the disk is full; its stderr.
fn until_full(mut watch: Command) -> (Option<i32>, String) {
    let mut watch = watch.stdin(Stdio::piped()).spawn().expect("starts");
    let mut errors = BufReader::new(watch.stderr.take().expect("piped"));
    let mut text = String::new();
    while !text.contains("warning[MS-E056]") {
        assert!(errors.read_line(&mut text).expect("stderr") > 0, "it ended without a word: {text}");
    }
    drop(watch.stdin.take());
    errors.read_to_string(&mut text).expect("its end");
    (watch.wait().expect("a child").code(), text)
}

#[test]
fn a_full_disk_stops_neither_the_command_nor_the_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, csv) = (file(&folder, "app.jsonl"), file(&folder, "app.csv"));
    let command_line = "read _; exit 5";
    // 16 blocks of 512 bytes a file: the same error as a full disk, after a signal that must not kill.
    let script = "ulimit -f 16; exec \"$0\" watch -i 1ms -o \"$1\" -o \"$2\" -- sh -c \"$3\"";
    let mut limited = Command::new("sh");
    limited.args(["-c", script, env!("CARGO_BIN_EXE_memsight"), &log, &csv, command_line]);
    limited.stdout(Stdio::null()).stderr(Stdio::piped());
    let (code, text) = until_full(limited);
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("sh, pid "), "the summary comes: {text}");
    let told = text.matches("warning[MS-E056]").count();
    assert!((1..=2).contains(&told), "once a file: {text}");
    assert!(of_kind(&records(Path::new(&log)), "sample").len() > 3);
    assert!(fs::read_to_string(&csv).expect("a table").ends_with('\n'));

    let mut device = command(&["watch", "-i", "1ms", "-o", "/dev/full", "--", "sh", "-c", command_line]);
    device.stdout(Stdio::null());
    assert_eq!(until_full(device).0, Some(5));
}

/// The same on a real file system that is full, which only root can mount.
#[test]
fn a_real_full_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = folder.path().display().to_string();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16k", "tmpfs", &disk]).output();
    if !mounted.is_ok_and(|run| run.status.success()) {
        eprintln!("skipped: only root may mount a small file system");
        return;
    }
    let log = file(&folder, "app.jsonl");
    let mut watch = command(&["watch", "-i", "1ms", "-o", &log, "--", "sh", "-c", "read _; exit 5"]);
    watch.stdout(Stdio::null());
    let (code, text) = until_full(watch);
    let records = records(Path::new(&log));
    let unmounted = Command::new("umount").arg(&disk).status();
    assert_eq!(code, Some(5), "{text}");
    assert!(text.contains("sh, pid ") && of_kind(&records, "sample").len() > 3, "{text}");
    assert!(unmounted.is_ok_and(|status| status.success()));
}

#[test]
fn the_reader_of_stdout_may_go() {
    let mut watch = command(&["watch", "-i", "1ms", "-o", "-", "--", "sh", "-c", "read _; exit 4"]);
    let mut watch = watch.stdin(Stdio::piped()).spawn().expect("starts");
    drop(watch.stdout.take());
    watch.stdin.take().expect("piped").write_all(b"\n").expect("the command listens");
    let run = finish(watch);
    assert_eq!(run.code, Some(4), "{run:#?}");
    assert!(!run.stderr.contains("warning"), "{run:#?}");
}

#[test]
fn a_process_is_watched_no_longer_than_somebody_reads() {
    let python = Python::start("");
    // The hour is never over: whoever goes on would hang here.
    let arguments = ["watch", &python.pid(), "-i", "1ms", "-d", "1h", "--format", "jsonl"];
    let mut watch = command(&arguments).spawn().expect("starts");
    drop(watch.stdout.take());
    let run = finish(watch);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
}

#[test]
fn after_its_duration_the_command_runs_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = file(&folder, "app.json");
    let mut watch = command(&["watch", "-i", "1ms", "-d", "20ms", "-o", &json, "--", "sh", "-c", "read _; exit 6"]);
    let mut watch = watch.stdin(Stdio::piped()).spawn().expect("starts");
    let mut errors = BufReader::new(watch.stderr.take().expect("piped"));
    let mut text = String::new();
    while !text.contains("sh, pid ") {
        assert!(errors.read_line(&mut text).expect("stderr") > 0, "{text}");
    }
    assert!(watch.try_wait().expect("a child").is_none(), "it waits for the command");
    drop(watch.stdin.take());
    errors.read_to_string(&mut text).expect("its end");
    assert_eq!(watch.wait().expect("a child").code(), Some(6), "{text}");
}
