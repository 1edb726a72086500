//! `memsight watch --snapshot-at-peak` and `--snapshot-above`: a spike that is over when the person looks is found.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use common::{Python, Run, command, finish, memsight};
use serde_json::Value;

/// A batch whose `normalise()` needs far more than what it gives, and which has nothing left of it at its end. It holds the
/// spike until the snapshot that its arguments name has at least so many bytes of RSS.
const BATCH: &str = "import json, os, sys, time

def normalise(rows):
    spread = []
    for row in rows:
        spread.append({'number': row, 'text': f'row {row}'})
    folder, least = sys.argv[1], int(sys.argv[2])
    def kept():
        try:
            with open(os.path.join(folder, 'manifest.json')) as manifest:
                return json.load(manifest)['rss_bytes']
        except OSError:
            return 0
    while kept() < least:
        time.sleep(0.01)
    return sum(row['number'] for row in spread)

print(normalise(range(400_000)))
";
/// What the spike takes at the least.
const SPIKE: u64 = 100 << 20;

/// Runs the batch to its end in a folder of its own.
fn watched(options: &[&str], snapshot: &str, folder: &Path) -> Run {
    fs::write(folder.join("batch.py"), BATCH).expect("written");
    let spike = SPIKE.to_string();
    let mut watch = command(&[&["watch", "-i", "10ms"], options].concat());
    watch.args(["--", &python(), "batch.py", snapshot, &spike]).current_dir(folder);
    finish(watch.spawn().expect("memsight starts"))
}

/// The interpreter itself: what is called python3 may be a script that finds it.
fn python() -> String {
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().expect("python3");
    String::from_utf8(found.stdout).expect("UTF-8").trim_end().to_owned()
}

/// Who held the most in a snapshot.
fn suspects(snapshot: &Path) -> String {
    memsight(&["heap", &snapshot.display().to_string(), "suspects"]).ok()
}

#[test]
fn the_peak_of_a_batch_names_the_function_that_made_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = watched(&["-o", "batch.heap"], "batch.heap", folder.path());
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "79999800000\n"), "{run:#?}");
    assert!(run.stderr.contains("memsight heap batch.heap suspects"), "{run:#?}");
    // What was found and how to go on stand last, whatever there is beside.
    let last: Vec<&str> = run.stderr.lines().rev().take(4).collect();
    assert!(last[0].trim_start().starts_with("memsight heap batch.heap suspects"), "{run:#?}");
    assert_eq!((last[1], last[2]), ("Next", ""), "{run:#?}");
    assert!(run.stderr.trim_end().contains("\n\nsnapshot    batch.heap: python"), "{run:#?}");
    let text = suspects(&folder.path().join("batch.heap"));
    assert!(text.contains("frame normalise() at batch.py:"), "{text}");
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 2, "one snapshot, and nothing half: {left:?}");
}

#[test]
fn the_figures_are_those_of_the_program_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = ["--snapshot-at-peak", "-o", "batch.heap", "-o", "batch.json", "-q"];
    watched(&options, "batch.heap", folder.path()).ok();
    let text = fs::read_to_string(folder.path().join("batch.json")).expect("a summary");
    let view: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&view["process_count"], &view["exit_code"]),
        (&1.into(), &0.into()),
        "copies are none of its own: {view:#}"
    );
    let peak = view["peak"]["bytes"].as_u64().expect("bytes");
    let kept = view["heaps"].as_array().expect("snapshots");
    assert_eq!(kept.len(), 1, "the last is kept: {view:#}");
    let bytes = kept[0]["rss_bytes"].as_u64().expect("bytes");
    // (the RSS of a sample and that of a look are counted by the kernel in different ways, and both are of the spike)
    assert!(bytes > SPIKE && peak > SPIKE && peak < 2 * bytes, "{view:#}");
    let by_kernel = &view["command_peak"];
    assert!(
        by_kernel["exact"] == false || by_kernel["bytes"].as_u64() < Some(2 * bytes),
        "not that of memsight: {view:#}"
    );
}

#[test]
fn a_size_that_is_crossed_is_kept_under_a_number() {
    let folder = tempfile::tempdir().expect("a folder");
    let size = format!("{SPIKE}");
    let options = ["--snapshot-above", &size, "--snapshots", "1"];
    fs::create_dir(folder.path().join("memsight-1.heap")).expect("a folder of somebody");
    let run = watched(&[&options[..], &["-o", "batch.heap"]].concat(), "batch-1.heap", folder.path());
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert!(run.stderr.contains("the size was crossed"), "{run:#?}");
    assert!(run.stderr.contains("memsight heap batch-1.heap suspects"), "{run:#?}");
    assert!(!folder.path().join("batch.heap").exists(), "nobody asked for the peak");
    let text = suspects(&folder.path().join("batch-1.heap"));
    assert!(text.contains("frame normalise() at batch.py:"), "{text}");
}

#[test]
fn without_a_name_it_has_that_of_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let python = Python::start("data = [str(number) for number in range(600_000)]");
    let pid = python.pid();
    let mut watch = command(&["watch", &pid, "-i", "5ms", "--snapshot-at-peak", "--format", "json"]);
    let watch = watch.current_dir(folder.path()).spawn().expect("starts");
    let heap = folder.path().join(format!("memsight-{pid}.heap"));
    while !heap.join("manifest.json").exists() {
        std::thread::yield_now();
    }
    drop(python);
    let view = finish(watch).json();
    assert_eq!(view["heaps"][0]["path"], format!("memsight-{pid}.heap"), "{view:#}");
    assert_eq!(view["heaps_missing"], Value::Array(Vec::new()), "{view:#}");
}

#[test]
fn what_is_no_python_is_said_in_a_line() {
    let mut other =
        Command::new("sh").args(["-c", "read line"]).stdin(std::process::Stdio::piped()).spawn().expect("sh");
    let pid = other.id().to_string();
    let options = ["-i", "5ms", "--snapshot-above", "1KiB", "-o", "-", "--format", "json"];
    let mut watch = command(&[&["watch", &pid], &options[..]].concat()).spawn().expect("starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("UTF-8");
    while !next().contains("\"sample\"") {}
    drop(other.stdin.take());
    other.wait().expect("it ends");
    let last = loop {
        let line = next();
        if line.contains("\"summary\"") {
            break line;
        }
    };
    let record: Value = serde_json::from_str(&last).expect("JSON");
    let missing = &record["summary"]["heaps_missing"];
    assert_eq!(missing.as_array().map(Vec::len), Some(1), "{record:#}");
    assert!(
        missing[0]["reason"].as_str().is_some_and(|reason| reason.starts_with(&format!("pid {pid}: "))),
        "{record:#}"
    );
    assert_eq!(finish(watch).code, Some(0));
}

#[test]
fn what_cannot_be_kept_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(path("taken.heap")).expect("a folder");
    fs::write(path("taken.heap") + "/precious", "").expect("a file");
    let run = |options: &[&str]| memsight(&[&["watch"], options, &["--", "touch", &path("witness")]].concat());
    let (taken, one, two) = (path("taken.heap"), path("one.heap"), path("two.heap"));
    assert_eq!(run(&["-o", &taken]).code, Some(2));
    assert_eq!(run(&["-o", &taken, "--force"]).code, Some(2), "a folder of somebody else's");
    run(&["-o", &path("nowhere/app.heap")]).fails_with("MS-E057");
    run(&["-o", &one, "-o", &two]).fails_with("MS-E127");
    assert_eq!(run(&["--snapshots", "2"]).code, Some(2), "of what?");
    assert!(!Path::new(&path("witness")).exists(), "the command ran");
    let log = path("app.jsonl");
    memsight(&["watch", "-o", &log, "--", "python3", "-c", "pass"]).ok();
    memsight(&["watch", &log, "-o", &one]).fails_with("MS-E128");
}

#[test]
fn a_process_that_stands_still_is_watched_on_after_its_snapshot() {
    let folder = tempfile::tempdir().expect("a folder");
    let python = Python::start("data = [str(number) for number in range(600_000)]");
    let pid = python.pid();
    let stop = |signal: &str| Command::new("kill").args([signal, &pid]).status().expect("kill");
    stop("-STOP");
    let options = ["-i", "5ms", "--snapshot-at-peak", "-o", "-", "--format", "json"];
    let mut watch = command(&[&["watch", &pid], &options[..]].concat());
    let mut watch = watch.current_dir(folder.path()).spawn().expect("starts");
    let mut lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    let heap = folder.path().join(format!("memsight-{pid}.heap"));
    let mut next = || lines.next().expect("the recording goes on").expect("UTF-8");
    while !heap.join("manifest.json").exists() {
        next();
    }
    // The look has let go of it by now, or does soon: samples go on all the while.
    (0..50).for_each(|_| drop(next()));
    stop("-CONT");
    drop(python);
    watch.wait().expect("it ends");
}
