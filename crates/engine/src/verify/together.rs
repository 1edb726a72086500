//! Fixes together: what saves beside the others stays.

use std::collections::BTreeMap;

use memsight_analysis::verify::{Effect, Verdict};

use super::trial::{Form, Trial, discard};
use crate::Error;

/// What stays.
#[derive(Default)]
pub(super) struct Kept {
    /// The fixes, by their places.
    pub fixes: Vec<usize>,
    /// Those of them that save nothing and were to be kept.
    pub forced: Vec<usize>,
    /// What is to be said of some.
    pub why: BTreeMap<usize, String>,
    /// Those that do no harm alone, and change the program together with others.
    clashing: Vec<usize>,
    /// What all that stay save together.
    pub together: Option<Effect>,
}

impl Kept {
    pub fn is_kept(&self, at: usize) -> bool {
        self.fixes.contains(&at)
    }

    /// Of a fix that does not stay.
    pub fn verdict(&self, at: usize) -> Verdict {
        if self.clashing.contains(&at) { Verdict::ChangesProgram } else { Verdict::SavesNothing }
    }
}

/// Decides what stays: what saves alone; what saves nothing alone but something beside the others; what was to be kept.
pub(super) fn settle(trial: &mut Trial<'_>, alone: &[Form], forced: &[&str]) -> Result<Kept, Error> {
    let mut kept = Kept::default();
    let candidates = trial.candidates;
    let tried: Vec<usize> =
        alone.iter().filter(|form| form.fault.is_none()).flat_map(|form| form.fixes.clone()).collect();
    let saves = |form: &&Form| {
        let at = form.fixes.first().and_then(|&at| candidates.fixes.get(at));
        let effect = Effect::of(&trial.base.samples, &form.samples);
        form.fault.is_none() && at.zip(effect).is_some_and(|(fix, effect)| effect.saving(&fix.row.saves).is_some())
    };
    let saving: Vec<usize> = alone.iter().filter(saves).flat_map(|form| form.fixes.clone()).collect();
    let is_forced = |at: &usize| !saving.contains(at) && forced.contains(&candidates.fixes[*at].row.rule.as_str());
    // (also those that the command does not run, and that were not tried)
    let untried = (0..candidates.fixes.len()).filter(|at| alone.iter().all(|form| form.fixes != [*at]));
    kept.forced = tried.iter().copied().chain(untried).filter(is_forced).collect();
    let sure = sorted(saving.iter().chain(&kept.forced).copied().collect());
    let all = sorted(tried.iter().chain(&kept.forced).copied().collect());
    // Those that were run alone and are the only ones have been measured.
    if all.len() < 2 {
        kept.together = alone
            .iter()
            .find(|form| form.fixes == sure)
            .and_then(|form| Effect::of(&trial.base.samples, &form.samples));
        kept.fixes = sure;
        return Ok(kept);
    }
    let all = agreeing(trial, all, &mut kept)?;
    let sure: Vec<usize> = sure.into_iter().filter(|at| all.contains(at)).collect();
    decide(trial, &all, sure, &mut kept)?;
    Ok(kept)
}

fn sorted(mut fixes: Vec<usize>) -> Vec<usize> {
    fixes.sort_unstable();
    fixes.dedup();
    fixes
}

/// Of fixes that do no harm alone those that do none together: one after the other, as far as the program stays the same.
fn agreeing(trial: &mut Trial<'_>, all: Vec<usize>, kept: &mut Kept) -> Result<Vec<usize>, Error> {
    let form = trial.warmed(&all)?;
    discard(&form);
    if form.fault.is_none() {
        return Ok(all);
    }
    let mut good: Vec<usize> = Vec::new();
    for at in all {
        let more = sorted(good.iter().copied().chain([at]).collect());
        let form = trial.warmed(&more)?;
        discard(&form);
        match form.fault {
            None => good = more,
            Some(fault) => {
                kept.clashing.push(at);
                kept.why.insert(at, format!("together with the others {fault}"));
            }
        }
    }
    Ok(good)
}

/// Measures all, and those that are sure; where all save more, each of the others is left out once.
fn decide(trial: &mut Trial<'_>, all: &[usize], sure: Vec<usize>, kept: &mut Kept) -> Result<(), Error> {
    if all.is_empty() {
        return Ok(());
    }
    let mut base = trial.warmed(&[])?;
    let mut forms = vec![trial.warmed(all)?];
    if sure.len() < all.len() && !sure.is_empty() {
        forms.push(trial.warmed(&sure)?);
    }
    trial.measure(&mut base, &mut forms, "running with all fixes in turn")?;
    let without = forms.get(1).unwrap_or(&base);
    let more = Effect::of(&without.samples, &forms[0].samples).is_some_and(|effect| effect.peak.counts());
    kept.fixes = sure.clone();
    kept.together =
        forms.iter().find(|form| form.fixes == sure).and_then(|form| Effect::of(&base.samples, &form.samples));
    if sure.len() == all.len() || !more {
        return Ok(());
    }
    let mut lacking = Vec::new();
    for &at in all.iter().filter(|at| !sure.contains(at)) {
        let rest: Vec<usize> = all.iter().copied().filter(|other| *other != at).collect();
        lacking.push(trial.warmed(&rest)?);
    }
    let mut whole = trial.warmed(all)?;
    trial.measure(&mut whole, &mut lacking, "running without each fix in turn")?;
    for form in lacking {
        let at = all.iter().copied().find(|at| !form.fixes.contains(at));
        let effect = Effect::of(&form.samples, &whole.samples);
        if let (Some(at), Some(effect)) = (at, effect)
            && effect.peak.counts()
        {
            kept.fixes.push(at);
            kept.why.insert(at, "it saves beside the others, and nothing alone".to_owned());
        }
    }
    kept.fixes.sort_unstable();
    let mut last = vec![trial.warmed(&kept.fixes.clone())?];
    let mut base = trial.warmed(&[])?;
    trial.measure(&mut base, &mut last, "running what is kept in turn")?;
    kept.together = last.first().and_then(|form| Effect::of(&base.samples, &form.samples));
    Ok(())
}
