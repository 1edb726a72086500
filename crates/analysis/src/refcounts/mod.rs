//! Reference counts against the references found: what C code holds, or has leaked.
//!
//! An object's count, less the references of other objects and the counted ones of the interpreter, is its *surplus*:
//! held by C code, or leaked by it. Words of C memory that equal its address may explain it. A count below what was
//! found is a *deficit*: whoever lets go next frees an object in use.

mod agreement;
mod audit;
mod findings;

use memsight_model::{Finding, Holder, HolderKind, ObjectId, count};
use serde::Serialize;

use crate::compare::check;
use crate::views::{Header, ObjectRef};
use crate::words::{thread, type_name};
use crate::{Analysis, AnalysisError, limit};
pub use agreement::Agreement;
use audit::{Account, Audit};

/// Examples of each row.
const EXAMPLES: usize = 3;

/// `refcounts`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefcountsView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// The look recorded what the interpreter and C memory hold; a snapshot of an older version did not, and its surplus
    /// means little.
    pub recorded: bool,
    /// A thread was in the middle of Python code: what it holds for a moment may be missing.
    pub gil_held: bool,
    /// Looks that agree on what is said.
    pub looks: u32,
    /// What is missing is missing for sure: two looks found it of the same objects while no thread was at work.
    pub confirmed: bool,
    /// Why it is not.
    pub doubt: Option<String>,
    /// Python objects.
    pub objects: u64,
    /// Objects that are never freed, whose counts say nothing: immortal, static, cached small numbers.
    pub left_out: u64,
    /// Objects whose count equals the references found.
    pub exact: u64,
    /// References that nothing found explains.
    pub surplus_references: u64,
    /// References fewer than found.
    pub deficit_references: u64,
    /// What it comes to, in a sentence.
    pub verdict: String,
    /// Types with objects that have more references than anything found explains, most references first.
    pub surplus: Vec<SurplusRow>,
    /// Types with objects that have fewer references than found.
    pub deficits: Vec<DeficitRow>,
    /// Where the other surplus may be held, most references first.
    pub held: Vec<HeldRow>,
    /// What to look at.
    pub findings: Vec<Finding>,
}

/// A type with surplus references that nothing explains.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurplusRow {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects with a surplus.
    pub objects: u64,
    /// References more than found.
    pub references: u64,
    /// Of them those that no word of C memory explains.
    pub unexplained: u64,
    /// Own sizes of the objects, which cannot be freed.
    pub bytes: u64,
    /// Some of the objects, largest surplus first.
    pub examples: Vec<CountedObject>,
}

/// A type with fewer references than found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeficitRow {
    /// `module.qualname`; built-ins bare.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects with a deficit.
    pub objects: u64,
    /// References fewer than found.
    pub references: u64,
    /// Some of the objects.
    pub examples: Vec<CountedObject>,
}

/// An object with its count and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CountedObject {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// Its reference count (`ob_refcnt`).
    pub refcount: u64,
    /// References found.
    pub found: u64,
    /// Places of C memory whose words equal its address.
    pub places: Vec<String>,
}

/// Surplus references that words of one place may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldRow {
    /// `variables of _ssl.so`, `C stack of thread 2`.
    pub place: String,
    /// What kind of place.
    pub kind: HeldKind,
    /// Objects.
    pub objects: u64,
    /// References.
    pub references: u64,
    /// The most frequent types of the objects.
    pub types: Vec<String>,
}

/// Kinds of [`HeldRow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// State of the interpreter: caches, identifiers.
    Interpreter,
    /// Static variables of a library or state of a module.
    Variable,
    /// C code that makes instances of the class: some does not give back the reference of an instance that is freed to its
    /// class.
    Class,
    /// Temporaries of a running frame.
    Temporary,
    /// The C stack of a thread.
    Stack,
}

impl Analysis<'_> {
    /// Reference counts against references, by this look alone: what it finds missing is not sure. Looks that agree are
    /// an [`Agreement`]. Cost: a pass over the references; 9 bytes an object.
    ///
    /// # Errors
    /// [`AnalysisError::FreeThreaded`] for a build without the GIL: threads hold references that no object counts
    /// (deferred and per-thread counts, PEP 703).
    pub fn refcounts(&self, top: usize) -> Result<RefcountsView, AnalysisError> {
        Agreement::default().look(self, top)
    }

    /// What this look and those before it agree on.
    ///
    /// # Errors
    /// Those of [`Analysis::refcounts`]; [`AnalysisError::DifferentProcesses`] for looks at another process.
    pub fn refcounts_after(&self, earlier: &[&Analysis<'_>], top: usize) -> Result<RefcountsView, AnalysisError> {
        let mut agreement = Agreement::default();
        for look in earlier {
            check::basis(look.snapshot, self.snapshot, false)?;
            agreement.look(look, top)?;
        }
        agreement.look(self, top)
    }

    fn audit(&self) -> Result<Audit, AnalysisError> {
        if self.snapshot.manifest.is_free_threaded() {
            let what = "threads hold references that the objects do not count, so that no surplus means anything";
            return Err(AnalysisError::FreeThreaded { python: self.snapshot.manifest.python.clone(), what });
        }
        Ok(Audit::of(self.snapshot))
    }

    /// The view of what `agreed` has left of an audit.
    fn refcounts_of(&self, audit: &Audit, agreed: &Agreement, top: usize) -> RefcountsView {
        let (surplus, held) = self.surplus(audit, limit(top));
        let deficits = self.deficits(audit, limit(top));
        let mut view = RefcountsView {
            header: self.header(),
            recorded: !self.snapshot.holders.is_empty(),
            gil_held: self.snapshot.manifest.gil_held,
            looks: agreed.looks(),
            confirmed: agreed.is_sure(),
            doubt: agreed.doubt(),
            objects: self.snapshot.objects.len() as u64,
            left_out: audit.left_out,
            exact: audit.exact,
            surplus_references: audit.surplus.iter().map(|account| account.unexplained).sum(),
            deficit_references: audit.deficits.iter().map(|account| account.unexplained).sum(),
            verdict: String::new(),
            surplus,
            deficits,
            held,
            findings: Vec::new(),
        };
        view.verdict = findings::verdict(&view);
        view.findings = findings::of(&view);
        view
    }

    /// Types with unexplained references, and the places that may hold the rest.
    fn surplus(&self, audit: &Audit, top: usize) -> (Vec<SurplusRow>, Vec<HeldRow>) {
        let by_type = |account: &Account| type_name(self.snapshot, account.object);
        let mut leaking: Vec<&str> = audit.surplus.iter().filter(|a| a.unexplained > 0).map(by_type).collect();
        leaking.sort_unstable();
        leaking.dedup();
        // Stacks keep words of what is long gone: for a type that leaks they are no explanation.
        let is_leak = |account: &Account| {
            account.unexplained > 0 || !account.is_firm() && leaking.binary_search(&by_type(account)).is_ok()
        };
        let (leaks, held): (Vec<&Account>, Vec<&Account>) = audit.surplus.iter().partition(|account| is_leak(account));
        let mut rows: Vec<SurplusRow> =
            grouped(leaks, by_type).into_iter().map(|(name, all)| self.surplus_row(name, &all)).collect();
        rows.sort_by(|a, b| b.references.cmp(&a.references).then_with(|| a.type_name.cmp(&b.type_name)));
        rows.truncate(top);
        (rows, self.held(&held, top))
    }

    fn surplus_row(&self, type_name: &str, accounts: &[&Account]) -> SurplusRow {
        let sizes = &self.snapshot.objects.shallow;
        SurplusRow {
            type_name: type_name.to_owned(),
            objects: accounts.len() as u64,
            references: accounts.iter().map(|account| account.surplus).sum(),
            unexplained: accounts.iter().map(|account| account.unexplained).sum(),
            bytes: accounts.iter().map(|account| sizes.get(account.object)).sum(),
            examples: self.examples(accounts),
        }
    }

    fn deficits(&self, audit: &Audit, top: usize) -> Vec<DeficitRow> {
        let by_type = |account: &Account| type_name(self.snapshot, account.object);
        let row = |(name, all): (&str, Vec<&Account>)| DeficitRow {
            type_name: name.to_owned(),
            objects: all.len() as u64,
            references: all.iter().map(|account| account.unexplained).sum(),
            examples: self.examples(&all),
        };
        let mut rows: Vec<DeficitRow> =
            grouped(audit.deficits.iter().collect(), by_type).into_iter().map(row).collect();
        rows.sort_by(|a, b| b.references.cmp(&a.references).then_with(|| a.type_name.cmp(&b.type_name)));
        rows.truncate(top);
        rows
    }

    fn examples(&self, accounts: &[&Account]) -> Vec<CountedObject> {
        let mut sorted = accounts.to_vec();
        sorted.sort_by(|a, b| b.unexplained.cmp(&a.unexplained).then(a.object.cmp(&b.object)));
        let example = |account: &&Account| CountedObject {
            object: self.object_ref(account.object),
            refcount: account.refcount,
            found: account.found,
            places: account.held.iter().map(|(holder, _)| self.place(holder)).collect(),
        };
        sorted.iter().take(EXAMPLES).map(example).collect()
    }

    fn held(&self, accounts: &[&Account], top: usize) -> Vec<HeldRow> {
        let mut places: std::collections::BTreeMap<(HeldKind, String), (u64, u64, Vec<ObjectId>)> = Default::default();
        for (account, (holder, taken)) in accounts.iter().flat_map(|a| a.held.iter().map(move |held| (a, held))) {
            let row = places.entry((kind(holder.kind), self.place(holder))).or_default();
            row.0 += 1;
            row.1 += taken;
            row.2.push(account.object);
        }
        for account in accounts.iter().filter(|account| account.left_by_instances > 0) {
            let row = places.entry((HeldKind::Class, "instances that C code has freed".to_owned())).or_default();
            row.0 += 1;
            row.1 += account.left_by_instances;
            row.2.push(account.object);
        }
        let row = |((kind, place), (objects, references, ids)): ((HeldKind, String), (u64, u64, Vec<ObjectId>))| {
            HeldRow { place, kind, objects, references, types: self.frequent_types(&ids) }
        };
        let mut rows: Vec<HeldRow> = places.into_iter().map(row).collect();
        rows.sort_by(|a, b| b.references.cmp(&a.references).then_with(|| a.place.cmp(&b.place)));
        rows.truncate(top);
        rows
    }

    fn frequent_types(&self, objects: &[ObjectId]) -> Vec<String> {
        let mut groups = grouped(objects.iter().collect(), |id: &ObjectId| type_name(self.snapshot, *id));
        groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
        groups.into_iter().take(EXAMPLES).map(|(name, _)| name.to_owned()).collect()
    }

    /// A place in words.
    fn place(&self, holder: &Holder) -> String {
        let name = self.snapshot.names.get(holder.name);
        let of = || match holder.thread {
            Some(row) => thread(self.snapshot, Some(row)),
            None => "a thread".to_owned(),
        };
        match holder.kind {
            HolderKind::Variable if name.starts_with("module ") => format!("state of {name}"),
            HolderKind::Variable if name.starts_with("a ") => name.to_owned(),
            HolderKind::Variable => format!("variables of {name}"),
            HolderKind::Temporary => format!("value stack of a running frame of {}", of()),
            HolderKind::Stack if name.starts_with("a ") => name.to_owned(),
            HolderKind::Stack => format!("C stack of {}", of()),
            HolderKind::Counted | HolderKind::State | HolderKind::Permanent => "state of the interpreter".to_owned(),
        }
    }
}

fn kind(kind: HolderKind) -> HeldKind {
    match kind {
        HolderKind::Variable => HeldKind::Variable,
        HolderKind::Temporary => HeldKind::Temporary,
        HolderKind::Stack => HeldKind::Stack,
        HolderKind::Counted | HolderKind::State | HolderKind::Permanent => HeldKind::Interpreter,
    }
}

/// Things by a name, in order of the name.
fn grouped<'n, T>(all: Vec<&T>, name: impl Fn(&T) -> &'n str) -> Vec<(&'n str, Vec<&T>)> {
    let mut groups: std::collections::BTreeMap<&str, Vec<&T>> = Default::default();
    for one in all {
        groups.entry(name(one)).or_default().push(one);
    }
    groups.into_iter().collect()
}

/// `1 reference`, `2 references`.
fn references(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "reference" } else { "references" })
}
