//! A look at a process has the kernel copy it: that copy is no child of the program, and what is read of the process
//! while it shares its pages with the copy is not its own.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use memsight_engine::gc::family;
use memsight_engine::monitor::{Cadence, Monitor, Options, Subject};
use memsight_engine::{LookOptions, look, processes};
use memsight_model::{Mode, Quiet, Sample, Unavailable};
use memsight_target::{Forked, Process};
use memsight_testkit::{Target, interpreters};

type Outcome = Result<(), Box<dyn Error>>;

const MIB: u64 = 1 << 20;

/// A process of 64 MiB and more.
fn large() -> Result<Target, Box<dyn Error>> {
    let newest = interpreters().pop().ok_or("no Python found")?;
    let mut target = Target::start(&newest, "family.py", &[])?;
    target.ask("grow 64")?;
    Ok(target)
}

/// USS and PSS at every sample, and no budget.
fn options() -> Options {
    Options { stat: Cadence::Always, rollup: Cadence::Always, budget: 1.0, ..Options::default() }
}

fn pids(sample: &Sample) -> Vec<u32> {
    sample.processes.iter().map(|process| process.pid).collect()
}

/// Held by each test: the targets are brothers, and a copy of one of them is in doubt one of the others'.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A copy, as a look has it made; it lives as long as this.
fn copy(process: &Process) -> Result<Forked<'_>, Box<dyn Error>> {
    Ok(process.fork()?.stop()?.fork()?)
}

/// USS of the first process, and when it was read.
fn uss(sample: &Sample) -> Option<(u64, u64)> {
    let first = sample.processes.first()?;
    Some((first.rollup?.uss_bytes(), first.rollup_ns?))
}

#[test]
fn a_copy_is_in_no_tree_and_in_no_sum() -> Outcome {
    let _alone = alone();
    let target = large()?;
    let process = Process::open(target.pid())?;
    let mut monitor = Monitor::new(Subject::Tree(target.pid()), options())?;
    let alone = monitor.sample()?;
    let before = uss(&alone).ok_or("no USS")?;
    assert!(before.0 >= 64 * MIB, "{before:?}");
    let forked = copy(&process)?;
    // one that began while the copy lived, and knows nothing of before
    let mut late = Monitor::new(Subject::Tree(target.pid()), options())?;
    for _ in 0..20 {
        let sample = monitor.sample()?;
        assert_eq!((pids(&sample), monitor.births().len()), (vec![target.pid()], 0));
        assert!(sample.total.rss_bytes < alone.total.rss_bytes + MIB, "{:?}", sample.total);
        assert_eq!(uss(&sample), Some(before), "read again although the pages are shared");
        let sample = late.sample()?;
        assert_eq!((pids(&sample), uss(&sample)), (vec![target.pid()], None));
        let missing = sample.total.rollup_missing.ok_or("no reason")?;
        assert_eq!((missing.code.as_str(), sample.total.pss_bytes), (Unavailable::COPIED, None), "{missing:?}");
    }
    assert!(forked.end().collected);
    for monitor in [&mut monitor, &mut late] {
        let sample = monitor.sample()?;
        let (uss, read_ns) = uss(&sample).ok_or("no USS")?;
        assert!(uss >= 64 * MIB && read_ns > before.1, "{uss} at {read_ns}");
        assert_eq!((sample.total.rollup_missing, sample.total.rollups), (None, 1));
    }
    Ok(())
}

#[test]
fn who_is_watched_alone_or_with_all_pythons_is_not_halved() -> Outcome {
    let _alone = alone();
    let target = large()?;
    let process = Process::open(target.pid())?;
    for subject in [Subject::Process(target.pid()), Subject::Pythons] {
        let mut monitor = Monitor::new(subject.clone(), options())?;
        let of_target = |sample: &Sample| {
            let found = sample.processes.iter().find(|process| process.pid == target.pid());
            found.and_then(|process| Some((process.rollup?.pss_bytes, process.rollup_ns?)))
        };
        let before = of_target(&monitor.sample()?).ok_or("no PSS")?;
        let forked = copy(&process)?;
        let copied = forked.id();
        for _ in 0..5 {
            let sample = monitor.sample()?;
            assert!(!pids(&sample).contains(&copied), "{subject:?}");
            assert_eq!(of_target(&sample), Some(before), "{subject:?}");
        }
        assert!(!processes()?.iter().any(|process| process.pid == copied), "ps");
        assert_eq!(family(target.pid())?.children, 0, "a copy was not forked by the program");
        drop(forked);
        let (pss, read_ns) = of_target(&monitor.sample()?).ok_or("no PSS")?;
        assert!(pss >= 64 * MIB && read_ns > before.1, "{subject:?}: {pss}");
    }
    Ok(())
}

#[test]
fn a_real_child_stays_one_while_looks_come_and_go() -> Outcome {
    let _alone = alone();
    let mut target = large()?;
    let child = target.ask("children 1")?["children"][0].as_u64().ok_or("no child")? as u32;
    let mut monitor = Monitor::new(Subject::Tree(target.pid()), options())?;
    let pid = target.pid();
    let looking = std::thread::spawn(move || {
        (0..10).all(|_| look(pid, &LookOptions { mode: Mode::Auto, ..LookOptions::default() }, &Quiet).is_ok())
    });
    let (mut samples, mut most) = (0, 0);
    while !looking.is_finished() {
        let sample = monitor.sample()?;
        assert_eq!(pids(&sample), [pid, child]);
        most = most.max(sample.total.rss_bytes);
        samples += 1;
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(looking.join().map_err(|_| "the looks panicked")?);
    let alone = monitor.sample()?.total.rss_bytes;
    assert!(samples > 0 && most < alone + 8 * MIB, "{most} at most, {alone} at last");
    // one that was forked by the program shares its pages for good: USS and PSS of both are known and say so
    let sample = monitor.sample()?;
    assert_eq!((sample.total.rollups, sample.total.rollup_missing), (2, None));
    Ok(())
}
