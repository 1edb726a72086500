//! Forms of the program - as it was, and with fixes - run in turn.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use memsight_analysis::verify::{Difference, Samples};

use super::run::{Ran, Runner, Wrote};
use super::{AT_LEAST, Compare, Place, SLOWER, Tree, ending};
use crate::Error;
use crate::advise::Candidates;
use crate::error::VerifyError;

/// With fewer runs of each no difference is told from chance.
pub(super) const LEAST_RUNS: usize = 4;

/// The program with some fixes, in a copy of its own.
pub(super) struct Form {
    pub fixes: Vec<usize>,
    place: Place,
    pub samples: Samples,
    /// What each run wrote, in order.
    wrote: Vec<Wrote>,
    /// Why its fixes cannot stay, a sentence.
    pub fault: Option<String>,
}

/// What is tried.
pub(super) struct Trial<'a> {
    runner: Runner<'a>,
    tree: Tree,
    pub candidates: &'a Candidates,
    /// The files of the fixes, in their order.
    files: Vec<PathBuf>,
    copies: u32,
    /// The program as it was.
    pub base: Form,
    /// Files that allocated something when the program ran as it was.
    ran: HashSet<PathBuf>,
    /// Folders of the copy that Python is to look into first.
    ahead: Vec<PathBuf>,
    pub traces_nothing: bool,
    /// Runs of each form that were measured.
    pub runs: usize,
}

impl<'a> Trial<'a> {
    pub fn new(runner: Runner<'a>, tree: Tree, candidates: &'a Candidates, files: Vec<PathBuf>) -> Trial<'a> {
        let place = Place { root: PathBuf::new(), copy: PathBuf::new(), ahead: Vec::new() };
        let base = Form { fixes: Vec::new(), place, samples: Samples::default(), wrote: Vec::new(), fault: None };
        Trial {
            runner,
            tree,
            candidates,
            files,
            copies: 0,
            base,
            ran: HashSet::new(),
            ahead: Vec::new(),
            traces_nothing: false,
            runs: 0,
        }
    }

    /// The program as it was: does it run, does it end, does it do the same twice, and from the copy?
    pub fn first(&mut self) -> Result<(), Error> {
        self.runner.progress.phase("running the command as it is", Some(3));
        // Packages are found in the copy from the first run on, also where they are installed to be edited: the program must not
        // write beside the person's own source.
        let is_packaged = |file: &&PathBuf| file.with_file_name("__init__.py").exists();
        let packaged: Vec<PathBuf> = self.files.iter().filter(is_packaged).cloned().collect();
        self.look_ahead(&packaged);
        let mut base = self.form(&[])?;
        let began = self.must_run(&base.place)?;
        self.runner.progress.advance(1);
        let twin = self.form(&[])?;
        let again = self.must_run(&twin.place)?;
        self.runner.progress.advance(2);
        if let Some((what, difference)) = again.wrote.difference(&began.wrote, self.runner.options.compare) {
            return Err(VerifyError::Random { what, difference }.into());
        }
        let own = self.trace(&twin)?;
        discard(&twin);
        if own.iter().any(|file| !self.is_copy(file)) {
            self.look_ahead(&own);
            discard(&base);
            base = self.form(&[])?;
            let twin = self.form(&[])?;
            let own = self.trace(&twin)?;
            discard(&twin);
            if let Some(file) = own.into_iter().find(|file| !self.is_copy(file)) {
                return Err(VerifyError::Elsewhere { file }.into());
            }
            base.wrote.push(self.must_run(&base.place)?.wrote);
        } else {
            base.wrote.push(began.wrote);
        }
        self.runner.limit = (Duration::from_nanos(began.run.wall_ns) * SLOWER + AT_LEAST).min(self.runner.limit);
        self.base = base;
        Ok(())
    }

    fn must_run(&self, place: &Place) -> Result<Ran, Error> {
        let ran = self.runner.run(place)?.ok_or(VerifyError::NeverEnds { limit: self.runner.limit })?;
        if !ran.run.status.success() && self.runner.options.compare != Compare::None {
            let last = ran.wrote.errors.last_line();
            return Err(VerifyError::Fails { how: ending(ran.run.status), last }.into());
        }
        Ok(ran)
    }

    /// Runs a copy with a trace: the files with fixes that were run, where they are.
    fn trace(&mut self, twin: &Form) -> Result<Vec<PathBuf>, Error> {
        let recorded = match self.runner.record(&twin.place) {
            Err(Error::NoRecorder) => None,
            recorded => recorded?,
        };
        let Some(recorded) = recorded else {
            self.traces_nothing = true;
            return Ok(Vec::new());
        };
        let whose = |file: &PathBuf| {
            self.files.iter().find(|original| file == *original || *file == twin.place.inside(original)).cloned()
        };
        let (mut own, mut ran) = (Vec::new(), HashSet::new());
        for file in recorded.files {
            let file = std::fs::canonicalize(&file).unwrap_or(file);
            if let Some(original) = whose(&file) {
                own.push(file);
                ran.insert(original);
            }
        }
        self.ran = ran;
        Ok(own)
    }

    fn is_copy(&self, file: &Path) -> bool {
        !self.files.iter().any(|original| original == file)
    }

    /// Python found the program's own files where they were, as those of a package that is installed to be edited are: from now on
    /// it looks into the copy first.
    fn look_ahead(&mut self, own: &[PathBuf]) {
        let elsewhere: Vec<&PathBuf> = own.iter().filter(|file| !self.is_copy(file)).collect();
        for file in elsewhere {
            let is_package = |folder: &&Path| folder.join("__init__.py").exists();
            let above = file.ancestors().skip(1).find(|folder| !is_package(folder));
            let Some(above) = above.and_then(|folder| folder.strip_prefix(self.tree.root()).ok()) else { continue };
            if !self.ahead.iter().any(|folder| folder == above) {
                self.ahead.push(above.to_owned());
            }
        }
    }

    /// A copy with some of the fixes in it.
    pub fn form(&mut self, fixes: &[usize]) -> Result<Form, Error> {
        self.copies += 1;
        let name = self.tree.root().file_name().unwrap_or_default().to_owned();
        let to = self.runner.scratch.join(format!("{:04}", self.copies)).join(name);
        let mut place = self.tree.copy(&to, self.runner.progress)?;
        place.ahead.clone_from(&self.ahead);
        for change in self.candidates.changes(fixes) {
            let original = std::fs::canonicalize(change.path());
            let original = original.map_err(|source| VerifyError::NoCopy { path: change.path().to_owned(), source })?;
            let copy = place.inside(&original);
            replace(&copy, change.bytes()).map_err(|source| VerifyError::NoCopy { path: copy, source })?;
        }
        Ok(Form { fixes: fixes.to_vec(), place, samples: Samples::default(), wrote: Vec::new(), fault: None })
    }

    /// Each fix alone: warmed up, run in turn, traced.
    pub fn alone(&mut self) -> Result<Vec<Form>, Error> {
        let count = self.candidates.fixes.len();
        self.runner.progress.phase("trying each fix", Some(count as u64));
        let mut forms = Vec::with_capacity(count);
        for at in 0..count {
            // A file that the command does not run saves nothing in it.
            if self.is_run(at) {
                forms.push(self.warmed(&[at])?);
            }
            self.runner.progress.advance(at as u64 + 1);
        }
        let mut base = std::mem::replace(&mut self.base, Trial::none());
        let measured = self.measure(&mut base, &mut forms, "running with each fix in turn");
        self.base = base;
        measured.map(|()| forms)
    }

    fn none() -> Form {
        let place = Place { root: PathBuf::new(), copy: PathBuf::new(), ahead: Vec::new() };
        Form { fixes: Vec::new(), place, samples: Samples::default(), wrote: Vec::new(), fault: None }
    }

    /// Whether the command has run the file of a fix, as far as that is known.
    fn is_run(&self, at: usize) -> bool {
        self.traces_nothing || self.files.get(at).is_none_or(|file| self.ran.contains(file))
    }

    /// Why a fix that was tried saves nothing.
    pub fn why_nothing(&self, at: usize) -> String {
        if self.is_run(at) { String::new() } else { "the command does not run this file".to_owned() }
    }

    /// A form that has run once. What differs is tried in another copy: is it the fix, or the program?
    pub fn warmed(&mut self, fixes: &[usize]) -> Result<Form, Error> {
        let mut form = self.form(fixes)?;
        let fault = self.first_run(&mut form)?;
        if fault.is_some() {
            let mut second = self.form(fixes)?;
            let again = self.first_run(&mut second)?;
            discard(&second);
            if again.is_none() {
                let difference = fault.unwrap_or_default();
                return Err(VerifyError::Random { what: "the outputs", difference }.into());
            }
            discard(&form);
        }
        form.fault = fault;
        Ok(form)
    }

    fn first_run(&self, form: &mut Form) -> Result<Option<String>, Error> {
        let Some(ran) = self.runner.run(&form.place)? else {
            return Ok(Some(format!("the command did not end within {:?}", self.runner.limit)));
        };
        let fault = self.base.wrote.first().and_then(|base| ran.wrote.difference(base, self.runner.options.compare));
        form.wrote.push(ran.wrote);
        Ok(fault.map(|(what, how)| format!("{what} differ: {how}")))
    }

    /// Runs a program as it was and others in turn, there and back, and then each with a trace.
    pub fn measure(&mut self, base: &mut Form, forms: &mut [Form], phase: &'static str) -> Result<(), Error> {
        let mut all: Vec<&mut Form> =
            std::iter::once(base).chain(forms.iter_mut().filter(|form| form.fault.is_none())).collect();
        if all.len() < 2 {
            return Ok(());
        }
        let (rounds, mut done) = (self.runner.options.runs.max(LEAST_RUNS), 0);
        self.runner.progress.phase(phase, Some(((rounds + 1) * all.len() + 1) as u64));
        for round in 0..rounds {
            let order: Vec<usize> =
                if round % 2 == 0 { (0..all.len()).collect() } else { (0..all.len()).rev().collect() };
            for at in order {
                self.one(all[at])?;
                done += 1;
                self.runner.progress.advance(done);
            }
            self.same(&all)?;
            self.runs = self.runs.max(round + 1);
            if round + 1 >= LEAST_RUNS && is_sharp(&all) {
                break;
            }
        }
        if self.traces_nothing {
            return Ok(());
        }
        // The program as it was twice: what the two differ by is noise.
        for at in std::iter::once(0).chain(0..all.len()) {
            let recorded = self.runner.record(&all[at].place)?;
            all[at].samples.traced.extend(recorded.map(|recorded| recorded.figures));
            done += 1;
            self.runner.progress.advance(done);
        }
        Ok(())
    }

    fn one(&self, form: &mut Form) -> Result<(), Error> {
        let ran = self.runner.run(&form.place)?.ok_or(VerifyError::NeverEnds { limit: self.runner.limit })?;
        form.samples.peak_bytes.push(ran.run.peak_bytes);
        form.samples.cpu_ns.push(ran.run.cpu_ns);
        form.wrote.push(ran.wrote);
        Ok(())
    }

    /// What was the same in the first run and is not now is not the doing of a fix.
    fn same(&self, all: &[&mut Form]) -> Result<(), Error> {
        let Some((base, others)) = all.split_first() else { return Ok(()) };
        let compare = self.runner.options.compare;
        let last = |form: &Form| form.wrote.len().checked_sub(1);
        for form in others {
            let (Some(new), Some(old)) = (last(form), last(base)) else { continue };
            if let Some((what, difference)) = form.wrote[new].difference(&base.wrote[old], compare) {
                return Err(VerifyError::Random { what, difference }.into());
            }
        }
        Ok(())
    }
}

/// Puts other bytes into a file, which may be one that is only to be read.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mode = std::fs::metadata(file)?.permissions();
    std::fs::remove_file(file)?;
    std::fs::write(file, bytes)?;
    std::fs::set_permissions(file, mode)
}

/// Whether the savings of all forms are known well enough.
fn is_sharp(all: &[&mut Form]) -> bool {
    let Some((base, others)) = all.split_first() else { return true };
    let one = |form: &&mut Form| {
        let difference = Difference::of_runs(&base.samples.peak_bytes, &form.samples.peak_bytes);
        difference.is_some_and(|difference| difference.is_sharp())
    };
    others.iter().all(one)
}

/// Takes away a copy that is not used again.
pub(super) fn discard(form: &Form) {
    let _ = std::fs::remove_dir_all(&form.place.copy);
}
