//! A process under load computes the same, however often it is looked at; an idle one has no page more afterwards.

use std::process::Command;
use std::time::Duration;

use memsight_engine::{Error, LookOptions, look};
use memsight_model::{Mode, Quiet};
use memsight_testkit::{Busy, Interpreter, Target, interpreters};

const LOOKS: usize = 200;

/// The oldest, a middle and the newest Python: the ways to read a process do not depend on more.
fn some() -> Vec<Interpreter> {
    let found = interpreters();
    let picks = [0, found.len() / 2, found.len().saturating_sub(1)];
    picks.iter().filter_map(|&at| found.get(at).cloned()).collect()
}

#[test]
fn two_hundred_looks_change_no_result() -> Result<(), Box<dyn std::error::Error>> {
    let found = some();
    assert!(!found.is_empty(), "no Python found");
    for interpreter in found {
        let mut busy = Busy::start(&interpreter)?;
        let mut before = busy.progress()?;
        for number in 0..LOOKS {
            let snapshot = look(busy.pid(), &LookOptions::default(), &Quiet)
                .map_err(|error| format!("{interpreter}, look {number}: {error}"))?;
            assert!(snapshot.objects.len() > 1000, "{interpreter}, look {number}: {} objects", snapshot.objects.len());
            assert!(snapshot.threads.len() == 5, "{interpreter}, look {number}: {} threads", snapshot.threads.len());
            if number % 10 == 9 {
                before = busy.advance(&before)?;
            }
        }
        let after = busy.progress()?;
        assert_eq!((after.wrong, after.failed), (0, 0), "{interpreter}: {after:?}");
    }
    Ok(())
}

/// Resident bytes of files and of private memory, counted page by page. Source: `/proc/PID/smaps_rollup`.
fn resident(pid: u32) -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let field = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.trim().parse().ok())
    };
    let (all, private) = (field("Rss:").ok_or("no Rss")?, field("Anonymous:").ok_or("no Anonymous")?);
    Ok((all - private, private))
}

/// Pages of libraries that the process has not touched are not brought in, in any mode and for whatever is asked.
#[test]
fn no_page_is_added() -> Result<(), Box<dyn std::error::Error>> {
    for interpreter in interpreters() {
        for mode in [Mode::Fork, Mode::Freeze, Mode::Live] {
            let mut target = Target::start(&interpreter, "libraries.py", &[])?;
            // what it needs to answer and to wait has been needed before then
            target.ask("once")?;
            target.ask("again")?;
            let before = resident(target.pid())?;
            let options =
                LookOptions { mode, contents: true, residence: true, holders: true, ..LookOptions::default() };
            let snapshot = look(target.pid(), &options, &Quiet)?;
            assert!(snapshot.objects.len() > 10_000, "{interpreter}");
            let after = resident(target.pid())?;
            // a page or two may have been taken from it meanwhile, or had again, by the kernel's leave
            assert!(after.0 <= before.0 + 8, "{interpreter}, {mode:?}: {} kB of files, then {}", before.0, after.0);
            // the call that forks it takes place on a page of the stack that may be new
            assert!(after.1 <= before.1 + 8, "{interpreter}, {mode:?}: {} kB private, then {}", before.1, after.1);
        }
    }
    Ok(())
}

fn signal(signal: &str, pid: u32) -> std::io::Result<()> {
    Command::new("kill").args([signal, &pid.to_string()]).status().map(drop)
}

/// A pause that would last for longer than is allowed ends at its limit; one of a process that stands still anyway has none.
#[test]
fn a_pause_ends_at_its_limit() -> Result<(), Box<dyn std::error::Error>> {
    let interpreters = interpreters();
    let interpreter = interpreters.last().ok_or("no Python found")?;
    let mut target = Target::start(interpreter, "libraries.py", &[])?;
    let of = |mode| LookOptions { mode, max_pause: Some(Duration::ZERO), ..LookOptions::default() };
    let error = look(target.pid(), &of(Mode::Freeze), &Quiet).map(drop);
    assert!(matches!(error, Err(Error::PauseTooLong { reason: None, .. })), "{error:?}");
    target.ask("once")?;
    // what it forks in has no limit
    assert!(look(target.pid(), &of(Mode::Auto), &Quiet).is_ok());
    signal("-STOP", target.pid())?;
    let snapshot = look(target.pid(), &of(Mode::Auto), &Quiet)?;
    assert_eq!(snapshot.manifest.mode, Mode::Freeze);
    signal("-CONT", target.pid())?;
    target.ask("again")?;
    Ok(())
}
