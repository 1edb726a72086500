//! `memsight gc`: what scripts read, what goes wrong, what it finds in a forking server, and what it leaves behind.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "tests read files and say what they skip")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{Python, Run, command, finish, kill, memsight, nobody};
use memsight_testkit::interpreters;
use serde_json::Value;

/// A process with some objects that does nothing, and its pid.
fn quiet() -> (Python, String) {
    let python = Python::start("kept = [[i] for i in range(200_000)]");
    let pid = python.pid();
    (python, pid)
}

fn gc(arguments: &[&str]) -> Run {
    memsight(&[&["gc"], arguments].concat())
}

fn rules(view: &Value) -> Vec<&str> {
    view["findings"].as_array().expect("findings").iter().filter_map(|finding| finding["rule"].as_str()).collect()
}

/// A process that collects without end.
fn busy() -> Python {
    Python::start(
        "import gc, threading\ndef work():\n    while True:\n        kept = [[i] for i in range(20_000)]\n        gc.collect()\nthreading.Thread(target=work, daemon=True).start()",
    )
}

#[test]
fn one_look_has_the_keys_that_scripts_rely_on() {
    let (_python, pid) = quiet();
    let view = gc(&[&pid, "--format", "json"]).json();
    let generations = view["generations"].as_array().expect("generations");
    assert_eq!(generations.len(), 3);
    for generation in generations {
        for key in ["collections", "collected", "uncollectable", "count", "threshold"] {
            assert!(generation[key].is_i64() || generation[key].is_u64(), "{key}: {generation}");
        }
    }
    assert!(view["schema_version"].is_u64() && view["enabled"] == true && view["permanent"].is_u64(), "{view}");
    assert_eq!((view["pid"].to_string(), &view["watched_seconds"]), (pid.clone(), &Value::from(0.0)));
    for key in ["at_ns", "interpreters", "collections_per_second", "garbage", "findings", "python"] {
        assert!(!view[key].is_null(), "{key}: {view}");
    }
    assert_eq!(gc(&["--pid", &pid, "--once", "--format", "json"]).json()["generations"], view["generations"]);
}

#[test]
fn a_pipe_gets_one_look_as_plain_text() {
    let (mut python, pid) = quiet();
    for arguments in [&[pid.as_str()][..], &[pid.as_str(), "--once"]] {
        let text = gc(arguments).ok();
        assert!(text.contains(&format!("pid {pid}, one look")) && text.contains("Generations"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
    python.answers(1);
}

#[test]
fn lines_are_collections_readings_and_a_summary() {
    let python = busy();
    let text = gc(&[&python.pid(), "-d", "500ms", "-i", "100ms", "--format", "jsonl"]).ok();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    assert!(lines.iter().all(|line| line["schema_version"].is_u64()), "{text}");
    assert!(!of("reading").is_empty() && of("reading").iter().all(|line| line["missed"].is_u64()), "{text}");
    let (summary, collections) = (of("summary"), of("collection"));
    assert_eq!((summary.len(), lines.last().map(|line| &line["kind"])), (1, Some(&Value::from("summary"))));
    let pauses = &summary[0]["pauses"];
    assert_eq!(pauses["count"], collections.len(), "{text}");
    let missed: u64 = of("reading").iter().filter_map(|line| line["missed"].as_u64()).sum();
    assert_eq!(pauses["missed"], missed);
    for line in collections {
        assert!(line["duration_ns"].is_u64() && line["start_ns"].is_u64() && line["source"].is_string(), "{line}");
    }
}

#[test]
fn a_pause_over_the_budget_is_exit_code_1() {
    let python = busy();
    // Collections of 20,000 objects are longer than a microsecond and shorter than an hour.
    let over = gc(&[&python.pid(), "-d", "500ms", "--budget", "1us", "--format", "json"]);
    let view: Value = serde_json::from_str(&over.stdout).expect("JSON");
    assert_eq!((over.code, rules(&view).contains(&"gc-pause-budget")), (Some(1), true), "{over:#?}");
    gc(&[&python.pid(), "-d", "200ms", "--budget", "1h"]).ok();
}

#[test]
fn what_is_no_python_is_an_error() {
    let mut sleeper = Command::new("sleep").arg("1000").spawn().expect("sleep is there");
    let run = gc(&[&sleeper.id().to_string()]);
    let _ = sleeper.kill();
    sleeper.wait().expect("it ends");
    run.fails_with("MS-E030");
    gc(&[&nobody()]).fails_with("MS-E010");
    for arguments in [&["1", "-i", "1ms"][..], &["1", "--max-cpu", "0"], &["1", "--max-cpu", "NaN"], &[]] {
        let run = gc(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:#?}");
    }
}

#[test]
fn a_zombie_is_an_error() {
    let mut child = Command::new("sh").args(["-c", "read x"]).stdin(Stdio::piped()).spawn().expect("sh is there");
    kill(child.id(), "KILL");
    while !common::status(child.id(), "State").starts_with('Z') {
        std::thread::yield_now();
    }
    let run = gc(&[&child.id().to_string()]);
    child.wait().expect("it ends");
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{run:#?}");
    assert!(run.stderr.starts_with("error[MS-E"), "{run:#?}");
}

#[test]
fn a_process_that_ends_ends_the_watch() {
    let (python, pid) = quiet();
    let mut child = command(&["gc", &pid, "-i", "10ms", "--format", "jsonl"]).spawn().expect("memsight starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("memsight speaks");
    assert!(line.contains("\"kind\":\"reading\""), "{line}");
    drop(python);
    let rest: Vec<String> = lines.lines().map(|line| line.expect("UTF-8")).collect();
    let run = finish(child);
    assert!(rest.last().is_some_and(|line| line.contains("\"kind\":\"summary\"")), "{rest:?} {run:#?}");
    assert_eq!(run.code, Some(0), "{run:#?}");
}

/// The findings of a rule.
fn told<'a>(view: &'a Value, rule: &str) -> Option<&'a Value> {
    view["findings"].as_array().expect("findings").iter().find(|finding| finding["rule"] == rule)
}

#[test]
fn an_idle_process_is_not_judged_by_its_start() {
    // 300 young collections at once, as imports make them, and then nothing
    let python = Python::start("import gc\nfor _ in range(300): gc.collect(0)");
    let once = gc(&[&python.pid(), "--once", "--format", "json"]).json();
    assert_eq!((once["rates_since_start"].as_bool(), told(&once, "gc-threshold-low")), (Some(true), None), "{once:#}");
    let text = gc(&[&python.pid(), "--once"]).ok();
    assert!(text.contains("on average since it started") || text.contains("of the time since it started"), "{text}");
    let idle = gc(&[&python.pid(), "-d", "500ms", "--format", "json"]).json();
    assert_eq!(
        (idle["rates_since_start"].as_bool(), &idle["collections_per_second"]),
        (Some(false), &Value::from(0.0))
    );
    assert_eq!((&idle["gc_share"], &idle["gc_share_most"]), (&Value::from(0.0), &Value::from(0.0)), "{idle:#}");
    assert_eq!(told(&idle, "gc-threshold-low"), None, "{idle:#}");
}

#[test]
fn full_collections_that_take_long_and_free_nothing_are_told() {
    // No budget of time in the test: the heap grows until a full collection is long enough on this machine.
    let mut python = Python::start(
        "
import gc, threading, time
gc.disable()
kept, took = [], 0
while took < 0.13:
    kept += [[] for _ in range(500_000)]
    began = time.perf_counter()
    gc.collect()
    took = time.perf_counter() - began
def work():
    while True:
        gc.collect()
threading.Thread(target=work, daemon=True).start()",
    );
    let view = gc(&[&python.pid(), "-d", "3s", "--format", "json"]).json();
    let found = told(&view, "gc-full-frees-little").unwrap_or_else(|| panic!("{view:#}"));
    assert_eq!((&found["severity"], &found["place"]), (&Value::from("warning"), &Value::from("generation 2")));
    let message = found["message"].as_str().expect("text");
    assert!(message.contains("stopped the program for"), "{message}");
    assert!(found["advice"].as_str().expect("text").contains("gc.freeze()"), "{found:#}");
    // it does nothing else, though the machine may not let it
    let share = view["gc_share"].as_f64().expect("measured");
    assert!(share > 0.05 && share <= 1.0, "{view:#}");
    assert!(gc(&[&python.pid(), "-d", "1s"]).ok().contains("% of the time watched"), "the share is said");
    python.answers(1);
}

#[test]
fn what_the_interpreter_sets_aside_is_not_called_frozen() {
    // a free-threaded build has no list of them to count
    for interpreter in interpreters().into_iter().filter(|interpreter| !interpreter.free_threaded) {
        let python = |code: &str| Python::start_with(&interpreter.path.display().to_string(), code);
        let look = |python: &Python| gc(&[&python.pid(), "--format", "json"]).json();
        let plain = python("import gc\ngc.collect()\nfrozen = gc.get_freeze_count()");
        let view = look(&plain);
        assert_eq!(view["permanent"], view["permanent_immortal"], "{interpreter}: {view:#}");
        let (_, minor, _) = interpreter.version;
        let own = view["permanent"].as_u64().expect("counted");
        // the tuples of static types, which are immortal from 3.12 on and set aside by that version alone
        assert!(if minor == 12 { own > 100 } else { own == 0 }, "{interpreter}: {own}");
        assert!(!gc(&[&plain.pid()]).ok().contains("gc.freeze()"), "{interpreter}");
        let frozen = python("import gc\nkept = [[i] for i in range(5_000)]\ngc.collect()\ngc.freeze()");
        let view = look(&frozen);
        let by_program =
            view["permanent"].as_u64().zip(view["permanent_immortal"].as_u64()).map(|(all, own)| all - own);
        assert!(by_program > Some(5_000), "{interpreter}: {view:#}");
        assert!(gc(&[&frozen.pid()]).ok().contains("gc.freeze()"), "{interpreter}");
    }
}

/// A parent with a large heap that forks four workers, which collect; they say so, and wait until it ends.
const SERVER: &str = "
import gc, os
gc.disable()
kept = [[i] for i in range(300_000)]
gc.collect()
if FREEZE:
    gc.freeze()
come, say = os.pipe()
wait, go = os.pipe()
for _ in range(4):
    if os.fork() == 0:
        os.close(go)
        gc.enable()
        gc.collect()
        os.write(say, b'.')
        os.read(wait, 1)
        os._exit(0)
done = 0
while done < 4:
    done += len(os.read(come, 4))
";

#[test]
fn a_server_that_forks_is_told_to_freeze_its_heap_first() {
    let look = |freeze: &str| {
        let python = Python::start(&SERVER.replace("FREEZE", freeze));
        gc(&[&python.pid(), "--format", "json"]).json()
    };
    let (careless, careful) = (look("False"), look("True"));
    assert!(rules(&careless).contains(&"gc-freeze-before-fork"), "{careless:#}");
    assert!(!rules(&careful).contains(&"gc-freeze-before-fork"), "{careful:#}");
    assert!(careful["permanent"].as_u64() > Some(300_000), "{careful:#}");
    let told = careless["findings"].as_array().expect("findings").iter();
    let bytes = told.filter(|finding| finding["rule"] == "gc-freeze-before-fork").filter_map(|finding| {
        assert!(finding["message"].as_str().is_some_and(|text| text.starts_with("4 forked processes")), "{finding}");
        finding["bytes"].as_u64()
    });
    // 300,000 lists and their heads for the collector, in four processes.
    assert!(bytes.sum::<u64>() > 4 * 300_000 * 16, "{careless:#}");
}

/// Where the probes of a process's Python are: address of each `gc__*` instruction and of its semaphore.
fn probes(pid: u32) -> Option<Vec<(u64, u64)>> {
    let output = Command::new("readelf").args(["-n", "-W", &format!("/proc/{pid}/exe")]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let headers = Command::new("readelf").args(["-h", &format!("/proc/{pid}/exe")]).output().ok()?;
    let moved = String::from_utf8(headers.stdout).ok()?.contains("DYN");
    let base = if moved { first_mapping(pid)? } else { 0 };
    let mut found = Vec::new();
    let mut ours = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("Name: ") {
            ours = name.starts_with("gc__");
        } else if let Some(rest) = line.strip_prefix("Location: 0x").filter(|_| ours) {
            let number = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
            let words: Vec<&str> = rest.split([',', ' ']).collect();
            let semaphore = words.iter().position(|word| *word == "Semaphore:").and_then(|at| words.get(at + 1))?;
            found.push((base + number(words.first()?)?, base + number(semaphore)?));
        }
    }
    Some(found).filter(|found| !found.is_empty())
}

fn first_mapping(pid: u32) -> Option<u64> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    u64::from_str_radix(maps.split('-').next()?, 16).ok()
}

/// The instruction's byte and the semaphore of each probe, as they stand in memory.
fn placed(pid: u32, probes: &[(u64, u64)]) -> Vec<(u8, u16)> {
    use std::os::unix::fs::FileExt;
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).expect("it is ours");
    let read = |at: u64, out: &mut [u8]| memory.read_exact_at(out, at).expect("mapped");
    let one = |(instruction, semaphore): &(u64, u64)| {
        let (mut byte, mut word) = ([0; 1], [0; 2]);
        read(*instruction, &mut byte);
        read(*semaphore, &mut word);
        (byte[0], u16::from_le_bytes(word))
    };
    probes.iter().map(one).collect()
}

/// The system's Python, whose probes can be used, with their places; `None` with the reason said.
fn probed() -> Option<(Python, Vec<(u64, u64)>)> {
    let debian = "/usr/bin/python3";
    if std::path::Path::new(debian).exists() {
        let python = Python::start_with(debian, "");
        if let Some(probes) = probes(python.number()) {
            return Some((python, probes));
        }
    }
    eprintln!("NOT COVERED: /usr/bin/python3 has no USDT probes (Debian's has them), or there is no readelf");
    None
}

#[test]
fn killed_with_probes_in_place_it_leaves_nothing_behind() {
    const BREAKPOINT: u8 = 0xcc;
    let Some((mut python, probes)) = probed() else { return };
    let (pid, before) = (python.number(), placed(python.number(), &probes));
    assert!(before.iter().all(|(byte, semaphore)| *byte != BREAKPOINT && *semaphore == 0), "{before:x?}");
    let arguments = ["gc", &pid.to_string(), "--pauses", "usdt", "-i", "10ms", "--format", "jsonl"];
    let mut child = command(&arguments).spawn().expect("memsight starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("memsight speaks");
    if line.is_empty() {
        let run = finish(child);
        assert!(run.stderr.starts_with("error[MS-E094]"), "{run:#?}");
        eprintln!("NOT COVERED: probes are refused here (they need root or CAP_PERFMON): {}", run.stderr.trim());
        return;
    }
    let during = placed(pid, &probes);
    assert!(during.iter().all(|(byte, semaphore)| *byte == BREAKPOINT && *semaphore > 0), "{during:x?}");
    kill(child.id(), "KILL");
    child.wait().expect("it is dead");
    python.answers(1);
    assert_eq!(placed(pid, &probes), before);
}
