//! Growth beside the Python heap is told of the line that grows; steady programs are called steady; an idle one shows
//! nothing new and nothing gone.
//!
//! One trial each, named `line::3.12.1-shared::c_blocks`, on the oldest, a middle and the newest interpreter found, and on
//! those whose interned strings never die; `make test-long` runs them on all.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test prints what it could not cover")]

use libtest_mimic::{Arguments, Failed, Trial};
use memsight_analysis::Analysis;
use memsight_analysis::compare::{CompareOptions, CompareView, Outcome, State, compare};
use memsight_engine::{LookOptions, look};
use memsight_model::{Quiet, Snapshot};
use memsight_testkit::{EVERYWHERE, Interpreter, Target, interpreters, missing, scientific};

const LINES: [&str; 6] = ["c_blocks", "c_mapped_blocks", "mappings", "shared", "python_blocks", "threads"];
/// Programs that are not to be called growing, and what else they may be called.
const STEADY: [(&str, &[Outcome]); 5] = [
    ("free_blocks", &[Outcome::WarmedUp, Outcome::Steady]),
    ("file_pages", &[Outcome::Steady]),
    ("cycles", &[Outcome::Steady]),
    ("asyncio_server", &[Outcome::Steady, Outcome::WarmedUp]),
    ("thread_pool", &[Outcome::Steady, Outcome::WarmedUp]),
];
/// Programs that do nothing between the looks, and what they have done before.
const IDLE: [(&str, &str); 7] = [
    ("growth_beside.py", "leaked"),
    ("growth_beside.py", "asyncio_server"),
    ("growth_beside.py", "cycles"),
    ("growth_beside.py", "threads"),
    ("growth.py", "c_reference"),
    ("growth.py", "generators"),
    ("growth.py", "finalised_cycles"),
];
/// Rounds of work between two looks.
const ROUNDS: u32 = 400;

fn main() {
    let arguments = Arguments::from_args();
    let found = interpreters();
    let mut trials: Vec<Trial> = Vec::new();
    for interpreter in chosen(&found) {
        for shape in LINES {
            trials.push(trial("line", &interpreter, shape, move |python| line_is_named(python, shape)));
        }
        for (shape, outcomes) in STEADY {
            trials.push(trial("steady", &interpreter, shape, move |python| is_steady(python, shape, outcomes)));
        }
        for (script, shape) in IDLE {
            trials.push(trial("idle", &interpreter, shape, move |python| nothing_happens(python, script, shape)));
        }
        trials.push(trial("idle", &interpreter, "object_arrays", object_arrays_rest));
        trials.push(trial("interned", &interpreter, "interned", interned_strings_are_named));
        trials.push(trial("timers", &interpreter, "timers", timers_are_in_flight));
        trials.push(trial("old", &interpreter, "c_blocks", unknown_memory_is_said));
    }
    for expected in missing(&found) {
        eprintln!("NOT COVERED: no Python {expected} found");
        trials.push(Trial::test(format!("missing::{expected}"), || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The oldest, a middle, one of 3.12 and the newest, unless all are asked for.
fn chosen(found: &[Interpreter]) -> Vec<Interpreter> {
    if std::env::var_os(EVERYWHERE).is_some() || found.len() <= 3 {
        return found.to_vec();
    }
    let middle = found.iter().find(|interpreter| interpreter.to_string().starts_with("3.12"));
    let mut chosen = vec![found[0].clone(), found[found.len() / 2].clone(), found[found.len() - 1].clone()];
    chosen.extend(middle.filter(|middle| !chosen.iter().any(|one| one.path == middle.path)).cloned());
    chosen
}

fn trial(
    what: &str,
    interpreter: &Interpreter,
    shape: &str,
    run: impl FnOnce(&Interpreter) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let interpreter = interpreter.clone();
    Trial::test(format!("{what}::{interpreter}::{shape}"), move || run(&interpreter))
}

/// A program that works between looks.
struct Worker(Target);

impl Worker {
    fn start(interpreter: &Interpreter, script: &str, shape: &str) -> Result<Worker, Failed> {
        Ok(Worker(Target::start(interpreter, script, &[shape])?))
    }

    fn work(&mut self) -> Result<(), Failed> {
        self.0.ask(&format!("work {ROUNDS}"))?;
        Ok(())
    }

    fn look(&self) -> Result<Snapshot, Failed> {
        let options = LookOptions { residence: true, ..LookOptions::default() };
        let mut snapshot = look(self.0.pid(), &options, &Quiet)?;
        // Equal work, not equal time: a busy machine must not make growth look slow.
        snapshot.manifest.created_ns = None;
        Ok(snapshot)
    }

    /// Looks before, between and after two turns of work.
    fn looks(&mut self) -> Result<[Snapshot; 3], Failed> {
        let first = self.look()?;
        self.work()?;
        let middle = self.look()?;
        self.work()?;
        Ok([first, middle, self.look()?])
    }
}

fn compared(snapshots: &[Snapshot]) -> Result<CompareView, Failed> {
    let looks: Vec<Analysis<'_>> = snapshots.iter().map(|snapshot| Analysis::new(snapshot, &Quiet)).collect();
    let looks: Vec<&Analysis<'_>> = looks.iter().collect();
    let view = compare(&looks, &CompareOptions::default(), &Quiet)?;
    let booked: i64 = view.paths.iter().map(|path| path.growth_bytes).sum();
    if booked != view.growth.heap_bytes {
        return Err(format!("{booked} bytes are booked, the heap has grown by {}", view.growth.heap_bytes).into());
    }
    if let Some(first) = view.moments.first().filter(|_| !view.memory.is_empty()) {
        // the lines of each moment come to its RSS, but for what the kernel's counters lag behind
        let then: u64 = view.memory.iter().map(|line| line.bytes_then).sum();
        if then.abs_diff(first.rss_bytes) > 1 << 20 {
            return Err(format!("the lines come to {then}, RSS is {}", first.rss_bytes).into());
        }
    }
    Ok(view)
}

fn line_is_named(interpreter: &Interpreter, shape: &str) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, "growth_beside.py", shape)?;
    let line = worker.0.ready["line"].as_str().map(str::to_owned).ok_or("the target names no line")?;
    let snapshots = worker.looks()?;
    for snapshots in [&snapshots[..], &snapshots[1..]] {
        let view = compared(snapshots)?;
        let growing = view.memory.iter().find(|row| kind(row) == line).filter(|row| row.state == Some(State::Growing));
        let Some(growing) = growing else {
            return Err(told(&view, &format!("{line} does not grow in {} looks", snapshots.len())));
        };
        if view.verdict.kind != Outcome::Growing || !view.verdict.summary.contains(word(&kind(growing))) {
            return Err(told(&view, &format!("the verdict does not speak of {line}")));
        }
        if view.verdict.next.as_deref().is_none_or(|next| !next.contains(&worker.0.pid().to_string())) {
            return Err(told(&view, "the verdict names no next command"));
        }
    }
    Ok(())
}

/// What the verdict calls a line.
fn word(line: &str) -> &'static str {
    match line {
        "c_heap_other" => "blocks of the C heap",
        "unknown" => "anonymous mappings",
        "shared_memory" => "shared memory",
        "pymalloc_other" => "blocks of Python's own allocator",
        "stacks" => "stacks of threads",
        _ => "no such line",
    }
}

fn kind(row: &memsight_analysis::compare::MemoryGrowth) -> String {
    serde_json::to_value(row.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default()
}

fn is_steady(interpreter: &Interpreter, shape: &str, outcomes: &[Outcome]) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, "growth_beside.py", shape)?;
    worker.work()?;
    let view = compared(&worker.looks()?)?;
    match outcomes.contains(&view.verdict.kind) {
        true => Ok(()),
        false => Err(told(&view, "a steady program is accused")),
    }
}

fn nothing_happens(interpreter: &Interpreter, script: &str, shape: &str) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, script, shape)?;
    worker.work()?;
    rests(&worker)
}

/// Two looks at a program that does nothing in between.
fn rests(worker: &Worker) -> Result<(), Failed> {
    let view = compared(&[worker.look()?, worker.look()?])?;
    let turnover = &view.turnover;
    if turnover.new.objects > 0 || turnover.gone.objects > 0 || view.identity.moved > 0 {
        return Err(told(&view, &format!("an idle program: {turnover:?}")));
    }
    Ok(())
}

fn object_arrays_rest(interpreter: &Interpreter) -> Result<(), Failed> {
    let interpreter = match scientific(interpreter) {
        Ok(interpreter) => interpreter,
        Err(reason) => {
            println!("NOT COVERED: no numpy for Python {interpreter}: {reason}");
            return Ok(());
        }
    };
    rests(&Worker::start(&interpreter, "growth_beside.py", "object_arrays")?)
}

/// Where interned strings never die, a program that interns ever new ones grows; where they die, it does not.
fn interned_strings_are_named(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, "growth_beside.py", "interned")?;
    let never_die = worker.0.ready["immortal_interned"].as_bool().ok_or("the target does not say")?;
    let view = compared(&worker.looks()?)?;
    let named = view.suspects.first().is_some_and(|suspect| {
        suspect.state == State::Growing && suspect.path.iter().any(|word| word.contains("interned"))
    });
    match (never_die, view.verdict.kind) {
        (true, Outcome::Growing) if named => Ok(()),
        // the table itself has made room for those that have died since
        (false, Outcome::Steady | Outcome::WarmedUp) => Ok(()),
        _ => Err(told(&view, &format!("interned strings never die: {never_die}"))),
    }
}

fn timers_are_in_flight(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, "growth_beside.py", "timers")?;
    let view = compared(&worker.looks()?)?;
    let timers = view.suspects.first().is_some_and(|suspect| suspect.state == State::InFlight);
    match view.verdict.kind {
        Outcome::Undecided if timers => Ok(()),
        _ => Err(told(&view, "timers are not told to be in flight")),
    }
}

/// Looks of older versions do not say what was in memory.
fn unknown_memory_is_said(interpreter: &Interpreter) -> Result<(), Failed> {
    let mut worker = Worker::start(interpreter, "growth_beside.py", "c_blocks")?;
    let mut snapshots = worker.looks()?;
    snapshots[0].residence = None;
    let view = compared(&snapshots)?;
    let said = view.verdict.notes.iter().any(|note| note.contains("not known"));
    match view.verdict.kind {
        Outcome::Undecided if said && view.memory.is_empty() && view.verdict.summary.contains("RSS") => Ok(()),
        _ => Err(told(&view, "it is not said that growth beside objects is not known")),
    }
}

fn told(view: &CompareView, what: &str) -> Failed {
    let mut text = format!("{what}\n{:?}: {}\n", view.verdict.kind, view.verdict.summary);
    text.push_str(&format!("{:?}\n{:?}\n", view.verdict.notes, view.pending));
    for row in view.memory.iter().filter(|row| row.growth_bytes != 0) {
        text.push_str(&format!("{:?} {:?} {} recent {:?}\n", row.kind, row.state, row.growth_bytes, row.recent_bytes));
    }
    for suspect in view.suspects.iter().take(8) {
        let path = suspect.path.join(" -> ");
        text.push_str(&format!(
            "{:?} {} recent {:?}: {}\n    {path}\n",
            suspect.state, suspect.growth_bytes, suspect.recent_bytes, suspect.summary
        ));
    }
    for path in view.paths.iter().take(8) {
        text.push_str(&format!("  {:?} {} {}\n", path.state, path.growth_bytes, path.path.join(" -> ")));
    }
    text.into()
}
