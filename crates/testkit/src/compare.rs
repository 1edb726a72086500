//! Where a snapshot and the truth differ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use memsight_model::{Address, Label, LabelKind, NameId, ObjectFlags, ObjectId, Snapshot};

use crate::{Generation, Held, Truth, TruthObject};

/// Examples kept for each kind of difference and type.
const EXAMPLES: usize = 3;
/// Referents shown in an example.
const SHOWN: usize = 4;
/// An object's own header, which a size may count beside its data.
const OVERHEAD: u64 = 512;

/// What was compared. The order is the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// In the truth, not in the snapshot.
    Missing,
    /// Tracked in the snapshot, not in the truth.
    Surplus,
    /// Tracked or not, and in which generation.
    Generation,
    /// Number of permanent objects.
    Permanent,
    /// Name of the type.
    Type,
    /// `sys.getsizeof`.
    Size,
    /// Data that the object owns: shallow and external bytes together are that many, and little more.
    Data,
    /// `sys.getrefcount`.
    Refcount,
    /// `gc.get_referents`.
    Referents,
    /// References that the collector is not told of: items by index, fields by name.
    Held,
}

/// Differences of one kind in objects of one type.
#[derive(Debug, Default)]
pub struct Group {
    /// How many objects differ.
    pub count: u64,
    /// The first few, in words.
    pub examples: Vec<String>,
}

/// The result of a comparison; displays as a table for the author of the decoder.
#[derive(Debug, Default)]
pub struct Report {
    /// Differences, by check and type.
    pub groups: BTreeMap<(Check, String), Group>,
    /// Objects compared.
    pub objects: u64,
    /// Objects whose referents were compared (of exactly decoded types).
    pub exact: u64,
    /// Objects whose referents were not compared, by type.
    pub inferred: BTreeMap<String, u64>,
    /// Reference counts not compared, by the recorder's reason.
    pub unsettled: BTreeMap<String, u64>,
    /// Sizes not compared, by reason.
    pub unsized_: BTreeMap<&'static str, u64>,
    /// Reasons of the snapshot for being partial.
    pub partial: Vec<String>,
}

/// Compares every object of `truth` with `snapshot`, and every tracked object of `snapshot` with `truth`.
/// Cost: linear in objects and references.
pub fn compare(snapshot: &Snapshot, truth: &Truth) -> Report {
    let mut comparison = Comparison { snapshot, truth, report: Report::default() };
    comparison.report.partial = snapshot.manifest.partial.clone();
    let mut addresses: Vec<_> = truth.objects.keys().copied().collect();
    addresses.sort();
    for address in addresses {
        comparison.object(address, &truth.objects[&address]);
    }
    for (address, held) in &truth.held {
        comparison.held(*address, held);
    }
    comparison.surplus();
    comparison.report
}

struct Comparison<'a> {
    snapshot: &'a Snapshot,
    truth: &'a Truth,
    report: Report,
}

impl Comparison<'_> {
    fn object(&mut self, address: Address, object: &TruthObject) {
        self.report.objects += 1;
        let name = self.truth.type_name(address).to_owned();
        let Some(id) = self.snapshot.objects.find(address) else {
            let what = format!("{address} {:?} refcount {}", object.generation, object.refcount);
            return self.report.add(Check::Missing, &name, what);
        };
        self.generation(address, object, id, &name);
        let got = self.snapshot.type_of(id).map_or("?", |kind| kind.name.as_str());
        if got != name {
            self.report.add(Check::Type, &name, format!("{address} got {got}"));
        }
        let mut size = self.snapshot.objects.shallow.get(id);
        if matches!(name.as_str(), "numpy.ndarray" | "__main__.Named") {
            // __sizeof__ of an array counts its data, which memsight shows as external.
            size += self.snapshot.objects.external.get(id);
        }
        // It leaves out the characters of strings of variable width.
        let beside = |expected| self.truth.data.get(&address).is_some_and(|bytes| *bytes > expected);
        if let Some(reason) = size_not_compared(&name) {
            *self.report.unsized_.entry(reason).or_default() += 1;
        } else if object.size.is_some_and(|expected| expected != size && !beside(expected)) {
            let expected = object.size.unwrap_or_default();
            self.report.add(Check::Size, &name, format!("{address} expected {expected}, got {size}"));
        }
        if let Some(&bytes) = self.truth.data.get(&address) {
            let objects = &self.snapshot.objects;
            let counted = objects.shallow.get(id) + objects.external.get(id);
            if !(bytes..bytes + OVERHEAD).contains(&counted) {
                self.report.add(Check::Data, &name, format!("{address} owns {bytes} bytes, counted {counted}"));
            }
        }
        self.refcount(address, object, id, &name);
        self.referents(address, object, id, &name);
    }

    fn generation(&mut self, address: Address, object: &TruthObject, id: ObjectId, name: &str) {
        let expected = match object.generation {
            Generation::Listed(number) => Some(number),
            Generation::Permanent => Some(3),
            Generation::Untracked => None,
        };
        let got = self.flags(id).generation();
        if got != expected {
            self.report.add(Check::Generation, name, format!("{address} expected {expected:?}, got {got:?}"));
        }
    }

    fn refcount(&mut self, address: Address, object: &TruthObject, id: ObjectId, name: &str) {
        if let Some(reason) = self.truth.unsettled.get(&address) {
            *self.report.unsettled.entry(reason.clone()).or_default() += 1;
            return;
        }
        let got = self.snapshot.objects.refcounts.get(id);
        // Immortal objects report 2^30 and more, the value depends on the version.
        let agrees = match self.flags(id).has(ObjectFlags::IMMORTAL) {
            true => got == u32::MAX && object.refcount >= 1 << 29,
            false => i64::from(got) == object.refcount,
        };
        if !agrees {
            let what = format!("{address} expected {}, got {got}", object.refcount);
            self.report.add(Check::Refcount, name, what);
        }
    }

    fn referents(&mut self, address: Address, object: &TruthObject, id: ObjectId, name: &str) {
        let exact = self.snapshot.type_of(id).is_some_and(|kind| kind.exact);
        let flags = self.flags(id);
        if !exact || flags.has(ObjectFlags::INFERRED) {
            *self.report.inferred.entry(name.to_owned()).or_default() += 1;
            return;
        }
        self.report.exact += 1;
        let mut balance: HashMap<Address, i64> = HashMap::new();
        for &referent in self.truth.referents(object) {
            *balance.entry(referent).or_default() += 1;
        }
        let got = self.snapshot.references.of(id).filter(|(_, label)| label.is_traversed() && label.is_strong());
        let got: Vec<_> = got.map(|(to, label)| (self.snapshot.objects.addresses.get(to), label)).collect();
        for (to, _) in &got {
            *balance.entry(*to).or_default() -= 1;
        }
        if balance.values().all(|&count| count == 0) {
            return;
        }
        let what = self.unbalanced(&balance, &got, flags.has(ObjectFlags::PARTIAL));
        self.report.add(Check::Referents, name, format!("{address} {what}"));
    }

    fn held(&mut self, address: Address, held: &Held) {
        let snapshot = self.snapshot;
        let name = self.truth.type_name(address).to_owned();
        let Some(id) = snapshot.objects.find(address) else {
            return self.report.add(Check::Held, &name, format!("{address} is not found"));
        };
        let strong: Vec<(Label, Address)> = snapshot
            .references
            .of(id)
            .filter(|(_, label)| label.is_strong())
            .map(|(to, label)| (label, snapshot.objects.addresses.get(to)))
            .collect();
        let items = strong.iter().filter(|(label, _)| label.kind() == LabelKind::Index);
        let mut items: Vec<(u64, Address)> = items.map(|(label, to)| (u64::from(label.payload()), *to)).collect();
        let mut expected = held.items.clone();
        items.sort_unstable();
        expected.sort_unstable();
        if items != expected {
            let first = items.iter().zip(&expected).find(|(got, expected)| got != expected);
            let what = format!("{address} {} items, got {}, first {first:?}", expected.len(), items.len());
            self.report.add(Check::Held, &name, what);
        }
        for (field, to) in &held.fields {
            let is_field =
                |label: Label| label.kind() == LabelKind::Field && snapshot.names.get(NameId(label.payload())) == field;
            if strong.iter().filter(|(label, _)| is_field(*label)).map(|(_, to)| to).ne([to]) {
                self.report.add(Check::Held, &name, format!("{address} field {field} is not {to}"));
            }
        }
    }

    fn unbalanced(&self, balance: &HashMap<Address, i64>, got: &[(Address, Label)], partial: bool) -> String {
        let mut missing = Vec::new();
        let mut surplus = Vec::new();
        for (&to, &count) in balance {
            let mut text = format!("{} {to}", self.truth.type_name(to));
            if count.abs() > 1 {
                text = format!("{}x {text}", count.abs());
            }
            match count {
                1.. => missing.push(text),
                0 => {}
                _ => {
                    let label = got.iter().rev().find(|each| each.0 == to).map(|each| self.label(each.1));
                    surplus.push(format!("{text} as {}", label.unwrap_or_default()));
                }
            }
        }
        let mut text = String::new();
        for (word, mut list) in [("missing", missing), ("surplus", surplus)] {
            list.sort();
            let more = list.len().saturating_sub(SHOWN);
            list.truncate(SHOWN);
            if !list.is_empty() {
                text += &format!(
                    "{word} [{}{}] ",
                    list.join(", "),
                    if more > 0 { format!(", +{more}") } else { String::new() }
                );
            }
        }
        if partial { text + "(marked partial)" } else { text }
    }

    fn label(&self, label: Label) -> String {
        use LabelKind::*;
        match label.kind() {
            kind @ (Field | Attribute | Local | Cell | Weak) => {
                format!("{kind:?} {:?}", self.snapshot.names.get(NameId(label.payload())))
            }
            kind => format!("{kind:?} {}", label.payload()),
        }
    }

    /// Tracked objects that the truth does not know. Permanent ones cannot be listed from inside, only counted.
    fn surplus(&mut self) {
        let known: HashSet<Address> = self.truth.objects.keys().copied().collect();
        let mut permanent = 0;
        for id in self.snapshot.objects.ids() {
            let generation = self.flags(id).generation();
            permanent += u64::from(generation == Some(3));
            let address = self.snapshot.objects.addresses.get(id);
            if generation.is_some_and(|generation| generation < 3) && !known.contains(&address) {
                let name = self.snapshot.type_of(id).map_or("?", |kind| kind.name.as_str()).to_owned();
                self.report.add(Check::Surplus, &name, format!("{address} generation {generation:?}"));
            }
        }
        if permanent != self.truth.permanent {
            let what = format!("expected {}, got {permanent}", self.truth.permanent);
            self.report.add(Check::Permanent, "", what);
        }
    }

    fn flags(&self, id: ObjectId) -> ObjectFlags {
        self.snapshot.objects.flags.get(id.index()).copied().unwrap_or_default()
    }
}

/// Types whose `sys.getsizeof` is not compared, and why: the whole list of tolerated sizes.
fn size_not_compared(name: &str) -> Option<&'static str> {
    match name {
        "_pickle.Pickler" | "_pickle.Unpickler" => Some("a pickler counts its private memo and stacks"),
        "_io.BytesIO" => Some("BytesIO counts its bytes only while nobody else holds them, and the recorder does"),
        "numpy._DTypeMeta" => Some("numpy's static dtypes claim a head of the collector that they do not have"),
        "numpy.ma.core.MaskedArray" | "numpy.ma.MaskedArray" => Some("arrays of a Python subclass: data is external"),
        "__main__.Named" => Some("numpy counts no values that stand inside of an instance, as they do from 3.14 on"),
        "StgDict" => Some("ctypes counts its private description of a type"),
        _ if name.starts_with("_ctypes.") || name.starts_with("ctypes.") => {
            Some("ctypes counts its private description of a type")
        }
        _ => None,
    }
}

impl Report {
    /// Whether nothing differs.
    pub fn agrees(&self) -> bool {
        self.groups.is_empty()
    }

    fn add(&mut self, check: Check, kind: &str, example: String) {
        let group = self.groups.entry((check, kind.to_owned())).or_default();
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push(example);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((check, kind), group) in &self.groups {
            writeln!(f, "{check:?} {kind}: {}", group.count)?;
            for example in &group.examples {
                writeln!(f, "    {}", example.trim_end())?;
            }
        }
        for (reason, count) in &self.unsettled {
            writeln!(f, "refcounts not compared, {reason}: {count}")?;
        }
        for (reason, count) in &self.unsized_ {
            writeln!(f, "sizes not compared, {reason}: {count}")?;
        }
        let inferred: u64 = self.inferred.values().sum();
        if inferred > 0 {
            let list: Vec<_> = self.inferred.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            writeln!(f, "referents not compared (inferred) of {inferred}: {}", list.join(", "))?;
        }
        for reason in &self.partial {
            writeln!(f, "partial: {reason}")?;
        }
        let different: u64 = self.groups.values().map(|group| group.count).sum();
        writeln!(f, "{} objects, referents of {} compared, {different} differences", self.objects, self.exact)
    }
}
