//! A process under load computes the same, however often it is looked at.

use memsight_engine::{LookOptions, look};
use memsight_model::Quiet;
use memsight_testkit::{Busy, Interpreter, interpreters};

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
