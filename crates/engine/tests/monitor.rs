//! Processes that come, go and change between any two reads: the monitor sees who is there, and nothing fails.
#![allow(clippy::disallowed_macros, reason = "a test says what it skips")]

use std::collections::HashSet;
use std::error::Error;
use std::thread;
use std::time::Duration;

use memsight_engine::Error as EngineError;
use memsight_engine::monitor::{Cadence, Monitor, Options, Subject};
use memsight_model::{Explain, Sample};
use memsight_testkit::{Interpreter, Target, interpreters};

type Outcome = Result<(), Box<dyn Error>>;

const STORM: u64 = 10_000;

fn newest() -> Interpreter {
    interpreters().pop().expect("no Python found")
}

/// The version without its last part, which a preview writes in its own way.
fn version() -> String {
    let (major, minor, _) = newest().version;
    format!("{major}.{minor}.")
}

fn family() -> Result<Target, Box<dyn Error>> {
    Ok(Target::start(&newest(), "family.py", &[])?)
}

/// Everything at every sample.
fn everything() -> Options {
    let always = Cadence::Always;
    Options {
        stat: always,
        status: always,
        rollup: always,
        gc: always,
        container: true,
        machine: true,
        ..Options::default()
    }
}

fn pid(answer: &serde_json::Value, name: &str) -> u32 {
    answer[name].as_u64().expect("a pid") as u32
}

fn pids(sample: &Sample) -> Vec<u32> {
    sample.processes.iter().map(|process| process.pid).collect()
}

/// Samples until it is so; a test that waits for ever is ended by its runner.
fn until(monitor: &mut Monitor, so: impl Fn(&Sample) -> bool) -> Result<Sample, EngineError> {
    loop {
        let sample = monitor.sample()?;
        if so(&sample) {
            return Ok(sample);
        }
    }
}

#[test]
fn one_read_has_everything() -> Outcome {
    let mut target = family()?;
    let mut monitor = Monitor::new(Subject::Process(target.pid()), everything())?;
    let before = monitor.sample()?;
    target.ask("grow 64")?;
    let after = monitor.sample()?;
    let (old, new) = (&before.processes[0], &after.processes[0]);
    assert!(new.memory.rss_bytes >= old.memory.rss_bytes + (64 << 20));
    assert!(after.at.monotonic_ns > before.at.monotonic_ns);
    assert_eq!((new.pid, new.parent, new.state), (target.pid(), std::process::id(), 'S'));
    assert!(new.python.as_ref().ok_or("no version")?.starts_with(&version()));
    let status = new.status.ok_or("no status")?;
    assert!(status.peak_rss_bytes >= new.memory.rss_bytes);
    let rollup = new.rollup.ok_or("no rollup")?;
    assert!(rollup.uss_bytes() >= 64 << 20 && rollup.pss_bytes >= rollup.uss_bytes());
    assert!(new.minor_faults > old.minor_faults && new.threads == 1 && new.oom_score.is_some());
    assert_eq!(new.gc.as_ref().map(|gc| gc.interpreters[0].generations.len()), Some(3));
    assert_eq!((after.total.rss_bytes, after.total.pss_bytes), (new.memory.rss_bytes, Some(rollup.pss_bytes)));
    assert!(after.machine.ok_or("no machine")?.memory.total_bytes > 0);
    Ok(())
}

#[test]
fn a_tree_grows_and_keeps_its_orphans() -> Outcome {
    let mut target = family()?;
    let mut monitor = Monitor::new(Subject::Tree(target.pid()), Options::default())?;
    assert_eq!(pids(&monitor.sample()?), [target.pid()]);
    let chain = target.ask("chain")?;
    let (child, grandchild) = (pid(&chain, "child"), pid(&chain, "grandchild"));
    let sample = monitor.sample()?;
    assert_eq!(pids(&sample), [target.pid(), child, grandchild], "parents before children");
    assert_eq!(monitor.births().iter().map(|birth| birth.parent).collect::<Vec<_>>(), [target.pid(), child]);
    target.ask(&format!("end {child}"))?;
    let sample = monitor.sample()?;
    assert_eq!(pids(&sample), [target.pid(), grandchild]);
    assert_eq!(monitor.ends().iter().map(|end| end.pid).collect::<Vec<_>>(), [child]);
    let zombie = pid(&target.ask("zombie")?, "child");
    let sample = monitor.sample()?;
    let dead = sample.processes.iter().find(|process| process.pid == zombie).ok_or("no zombie")?;
    assert_eq!((dead.state, dead.memory.rss_bytes), ('Z', 0));
    target.ask(&format!("collect {zombie}"))?;
    assert!(!pids(&monitor.sample()?).contains(&zombie));
    // an existing tree is found as a whole
    let mut late = Monitor::new(Subject::Tree(target.pid()), Options::default())?;
    target.ask("children 3")?;
    assert_eq!(pids(&late.sample()?).len(), 4);
    let last = target.pid();
    drop(target);
    let sample = until(&mut late, |sample| sample.processes.iter().all(|process| process.pid != last))?;
    assert!(sample.container.is_none());
    until(&mut late, |sample| sample.processes.is_empty())?;
    assert_eq!(late.sample()?.total.processes, 0, "the end of all is no error");
    assert!(!late.is_running());
    Ok(())
}

#[test]
fn pythons_are_found_and_lost_as_they_change() -> Outcome {
    let mut target = family()?;
    let mut monitor = Monitor::new(Subject::Pythons, Options { budget: 1.0, ..Options::default() })?;
    let sample = monitor.sample()?;
    assert!(pids(&sample).contains(&target.pid()) && !pids(&sample).contains(&std::process::id()));
    let child = target.ask("children 1")?["children"][0].as_u64().ok_or("no child")? as u32;
    until(&mut monitor, |sample| pids(sample).contains(&child))?;
    let other = pid(&target.ask("exec /bin/cat")?, "child");
    // one more is found after it: so it was looked at, too
    let third = target.ask("children 1")?["children"][0].as_u64().ok_or("no child")? as u32;
    let sample = until(&mut monitor, |sample| pids(sample).contains(&third))?;
    assert!(!pids(&sample).contains(&other), "cat is no Python");
    until(&mut monitor, |sample| {
        let mut python = sample.processes.iter().filter(|process| process.pid == third);
        python.any(|process| process.python.as_ref().is_some_and(|python| python.starts_with(&version())))
    })?;
    let last = target.pid();
    drop(target);
    until(&mut monitor, |sample| !pids(sample).contains(&last))?;
    Ok(())
}

/// Samples `subject` while a target forks without pause; the target's pid is in every sample.
fn storm(subject: impl Fn(u32) -> Subject) -> Result<(Monitor, Target), Box<dyn Error>> {
    let mut target = family()?;
    let root = target.pid();
    let mut monitor =
        Monitor::new(subject(root), Options { gc: Cadence::Every(Duration::ZERO), ..Options::default() })?;
    let mut present: HashSet<u32> = pids(&monitor.sample()?).into_iter().collect();
    let worker = thread::spawn(move || {
        let answer = target.ask(&format!("storm {STORM}"));
        (target, answer)
    });
    let (mut samples, mut births) = (0_u64, 0);
    while !worker.is_finished() {
        let sample = monitor.sample()?;
        samples += 1;
        births += monitor.births().len();
        present.extend(monitor.births().iter().map(|birth| birth.pid));
        let there: HashSet<u32> = pids(&sample).into_iter().collect();
        assert!(there.contains(&root) && there.is_subset(&present));
    }
    let (target, answer) = worker.join().map_err(|_| "the storm panicked")?;
    assert_eq!(answer?["count"].as_u64(), Some(STORM));
    println!("{samples} samples saw {births} of {STORM} short-lived processes");
    Ok((monitor, target))
}

#[test]
fn ten_thousand_processes_are_born_and_die_in_a_tree() -> Outcome {
    let (mut monitor, target) = storm(Subject::Tree)?;
    monitor.sample()?; // the last of them may just have ended
    assert_eq!(pids(&monitor.sample()?), [target.pid()]);
    Ok(())
}

#[test]
fn ten_thousand_processes_are_born_and_die_while_all_pythons_are_watched() -> Outcome {
    let (mut monitor, target) = storm(|_| Subject::Pythons)?;
    assert!(pids(&monitor.sample()?).contains(&target.pid()));
    Ok(())
}

#[test]
fn a_subject_that_never_was_is_an_error_and_one_that_ended_is_none() -> Outcome {
    let mut target = family()?;
    let zombie = pid(&target.ask("zombie")?, "child");
    let mut monitor = Monitor::new(Subject::Process(zombie), everything())?;
    assert_eq!(monitor.sample()?.processes[0].state, 'Z');
    target.ask(&format!("collect {zombie}"))?;
    assert!(monitor.sample()?.processes.is_empty());
    for subject in [Subject::Process(u32::MAX), Subject::Tree(u32::MAX), Subject::Pids(vec![0, u32::MAX])] {
        let error = Monitor::new(subject.clone(), Options::default()).err().ok_or("no error")?;
        assert_eq!(error.code(), "MS-E010", "{subject:?}");
    }
    let error = Monitor::new(Subject::Pids(Vec::new()), Options::default()).err().ok_or("no error")?;
    assert_eq!(error.code(), "MS-E096");
    let some = Subject::Pids(vec![u32::MAX, target.pid(), target.pid()]);
    assert_eq!(pids(&Monitor::new(some, Options::default())?.sample()?), [target.pid()]);
    // a thread of the kernel has figures, all of them zero
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        let sample = Monitor::new(Subject::Process(2), everything())?.sample()?;
        assert_eq!(sample.total.rss_bytes, 0);
    } else {
        println!("skipped: no thread of the kernel is seen from here");
    }
    Ok(())
}

#[test]
fn a_budget_of_nothing_leaves_the_cheap_figures() -> Outcome {
    let mut target = family()?;
    target.ask("children 5")?;
    let rollup = Cadence::Every(Duration::ZERO);
    let mut monitor = Monitor::new(Subject::Tree(target.pid()), Options { budget: 0.0, rollup, ..Options::default() })?;
    // the first allowance is used up by and by, and nothing is added to it
    let mut last = None;
    loop {
        let sample = monitor.sample()?;
        assert!(sample.processes.iter().all(|process| process.memory.rss_bytes > 0));
        let read: Vec<Option<u64>> = sample.processes.iter().map(|process| process.rollup_ns).collect();
        if last.as_ref() == Some(&read) {
            return Ok(());
        }
        last = Some(read);
    }
}
