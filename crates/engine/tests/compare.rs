//! What has grown: for each shape of leak the first suspect is the culprit, and caches that warm up are said to.
//!
//! One trial each, named `leak::3.12.1-shared::closure`. All shapes run on the oldest, a middle and the newest
//! interpreter found; `make test-long` runs them on all.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_analysis::compare::{CompareOptions, CompareView, GrowthSuspect, Outcome, State, compare};
use memsight_engine::compare::since;
use memsight_engine::{LookOptions, look};
use memsight_model::{Explain, Progress, Quiet, Snapshot};
use memsight_testkit::{EVERYWHERE, Interpreter, Target, interpreters, missing};

const LEAKS: [&str; 24] = [
    "list_append",
    "dict_cache",
    "closure",
    "class_registry",
    "global_set",
    "deque_append",
    "thread_local",
    "observers",
    "tracebacks",
    "lru_unbounded",
    "generators",
    "tasks",
    "log_handlers",
    "weak_keys",
    "finalised_cycles",
    "byte_buffer",
    "number_array",
    "text_concatenation",
    "default_argument",
    "class_attribute",
    "import_hook",
    "linked_list",
    "scattered",
    "c_reference",
];
/// Caches of which two looks tell already that they are bounded.
const BOUNDED: [&str; 4] = ["lru_bounded", "imports", "patterns", "cached_properties"];
const WARM: [&str; 6] =
    ["lru_bounded", "imports", "patterns", "cached_properties", "connection_pool", "interned_templates"];
/// Rounds of work between two looks.
const ROUNDS: u32 = 400;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in chosen(&found) {
        for shape in LEAKS {
            trials.push(trial("leak", &interpreter, shape, is_named));
        }
        for shape in WARM {
            trials.push(trial("warm", &interpreter, shape, is_warm));
        }
        let name = format!("ended::{interpreter}");
        trials.push(Trial::test(name, move || an_end_in_the_interval_is_noticed(&interpreter)));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Ends a program, which reads to the end of its input, as soon as the next look is waited for.
struct EndsIt(Mutex<Option<ChildStdin>>);

impl Progress for EndsIt {
    fn phase(&self, name: &'static str, _: Option<u64>) {
        if name.starts_with("waiting for the next look") {
            drop(self.0.lock().unwrap().take());
        }
    }

    fn advance(&self, _: u64) {}
}

/// A process that ends is not waited for to the end of the interval, here an hour.
fn an_end_in_the_interval_is_noticed(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut program = Command::new(&interpreter.path);
    program.args(["-c", "import sys; print('ready', flush=True); sys.stdin.read()"]);
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut String::new())?;
    let ends = EndsIt(Mutex::new(child.stdin.take()));
    let hour = Duration::from_secs(3600);
    let result = since(child.id(), hour, &LookOptions::default(), &CompareOptions::default(), &ends);
    child.wait()?;
    match result {
        Err(error) if error.code() == "MS-E011" => Ok(()),
        other => Err(format!("{:?}", other.map(|_| "a comparison")).into()),
    }
}

/// The oldest, a middle and the newest, unless all are asked for.
fn chosen(found: &[Interpreter]) -> Vec<Interpreter> {
    if std::env::var_os(EVERYWHERE).is_some() || found.len() <= 3 {
        return found.to_vec();
    }
    vec![found[0].clone(), found[found.len() / 2].clone(), found[found.len() - 1].clone()]
}

fn trial(
    what: &str,
    interpreter: &Interpreter,
    shape: &'static str,
    run: fn(&Interpreter, &str) -> Result<(), Failed>,
) -> Trial {
    let interpreter = interpreter.clone();
    Trial::test(format!("{what}::{interpreter}::{shape}"), move || run(&interpreter, shape))
}

/// Looks before, between and after two turns of work.
fn looks(interpreter: &Interpreter, shape: &str) -> Result<(Option<String>, [Snapshot; 3]), Failed> {
    let mut target = Target::start(interpreter, "growth.py", &[shape])?;
    let culprit = target.ready["culprit"].as_str().map(str::to_owned);
    let mut next = |work: bool| -> Result<Snapshot, Failed> {
        if work {
            target.ask(&format!("work {ROUNDS}"))?;
        }
        let mut snapshot = look(target.pid(), &LookOptions::default(), &Quiet)?;
        // Equal work, not equal time: a busy machine must not make growth look slow.
        snapshot.manifest.created_ns = None;
        Ok(snapshot)
    };
    Ok((culprit, [next(false)?, next(true)?, next(true)?]))
}

fn compared(snapshots: &[&Snapshot]) -> Result<CompareView, Failed> {
    let looks: Vec<Analysis<'_>> = snapshots.iter().map(|snapshot| Analysis::new(snapshot, &Quiet)).collect();
    let looks: Vec<&Analysis<'_>> = looks.iter().collect();
    let view = compare(&looks, &CompareOptions::default(), &Quiet)?;
    adds_up(&view)?;
    Ok(view)
}

/// The places account for the whole difference.
fn adds_up(view: &CompareView) -> Result<(), Failed> {
    let booked: i64 = view.paths.iter().map(|path| path.growth_bytes).sum();
    match booked == view.growth.heap_bytes {
        true => Ok(()),
        false => Err(format!("{booked} bytes are booked, the heap has grown by {}", view.growth.heap_bytes).into()),
    }
}

fn is_named(interpreter: &Interpreter, shape: &str) -> Result<(), Failed> {
    let (culprit, [first, middle, last]) = looks(interpreter, shape)?;
    let culprit = culprit.ok_or("the target names no culprit")?;
    for snapshots in [&[&first, &last][..], &[&first, &middle, &last]] {
        let view = compared(snapshots)?;
        let right = |suspect: &GrowthSuspect| {
            suspect.path.iter().any(|word| word.contains(&culprit))
                && matches!(suspect.state, State::Growing | State::Garbage)
        };
        if !view.suspects.first().is_some_and(right) || view.verdict.kind != Outcome::Growing {
            return Err(told(&view, &format!("{culprit} is not the first of {} looks", snapshots.len())));
        }
    }
    Ok(())
}

fn is_warm(interpreter: &Interpreter, shape: &str) -> Result<(), Failed> {
    let (_, [first, middle, last]) = looks(interpreter, shape)?;
    let view = compared(&[&first, &middle, &last])?;
    if view.verdict.kind != Outcome::WarmedUp {
        return Err(told(&view, "three looks do not tell that it has warmed up"));
    }
    let view = compared(&[&middle, &last])?;
    if view.verdict.kind != Outcome::Steady {
        return Err(told(&view, "a warm cache is accused"));
    }
    let view = compared(&[&first, &last])?;
    if BOUNDED.contains(&shape) && view.verdict.kind != Outcome::WarmedUp {
        return Err(told(&view, "two looks do not tell that it is bounded"));
    }
    Ok(())
}

fn told(view: &CompareView, what: &str) -> Failed {
    let mut text = format!("{what}\n{:?}: {}\n", view.verdict.kind, view.verdict.summary);
    for suspect in view.suspects.iter().take(8) {
        let path = suspect.path.join(" -> ");
        text.push_str(&format!(
            "{:?} {} recent {:?}: {}\n    {path}\n",
            suspect.state, suspect.growth_bytes, suspect.recent_bytes, suspect.summary
        ));
    }
    text.into()
}
