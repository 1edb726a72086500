//! What a heap says of the classes, attributes and locals of a program's source: counts and bytes that findings of source are
//! held against.
//!
//! No object is counted twice: what is equal to another is not counted as a container too, and what two attributes hold counts
//! for the first.

use std::collections::{HashMap, HashSet};

use memsight_model::{Contents, LabelKind, NameId, ObjectId, ObjectKind, RootKind, Snapshot};

use crate::Analysis;
use crate::words::{bare_key, is_namespace, key_of, label, object_kind};

/// What a heap says of source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeapFacts {
    /// The version of its Python.
    pub python: String,
    /// When it was looked at, in nanoseconds since 1970, where that is known.
    pub seen_ns: Option<u64>,
    /// All bytes.
    pub bytes: u64,
    /// Code objects: file, name, first line.
    pub code: Vec<(String, String, u32)>,
    /// Classes of the program that have instances, by `module.qualname`; two of one name are one.
    pub classes: HashMap<String, ClassFacts>,
    /// Attributes of their instances, by class and name.
    pub attributes: HashMap<(String, String), AttributeFacts>,
    /// Locals of running frames that alone hold something.
    pub locals: Vec<LocalFacts>,
}

/// The instances of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassFacts {
    /// How many, those of subclasses excluded.
    pub instances: u64,
    /// What they take and would take with slots; absent where their attributes differ, or somebody holds a `__dict__` of theirs.
    pub layout: Option<LayoutFacts>,
}

/// What the instances of a class take, by the layout table of their version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LayoutFacts {
    /// Attributes of each.
    pub attributes: u32,
    /// With their values and dictionaries.
    pub bytes: u64,
    /// With slots.
    pub slots_bytes: u64,
    /// Some instance is weakly referenced: there must be a slot for that.
    pub is_weakly_referenced: bool,
}

/// The values of an attribute in all instances of a class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttributeFacts {
    /// Values that are equal to another object that stays, `str`, `bytes` and tuples.
    pub equal: Counted,
    /// Empty containers that nobody else holds.
    pub empty: Counted,
    /// Containers that are not empty and that nobody else holds.
    pub containers: Counted,
}

/// Some objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Counted {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// A local that alone holds what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFacts {
    /// Its name.
    pub name: String,
    /// Name of the function that runs.
    pub function: String,
    /// Its file.
    pub file: String,
    /// The line where it is.
    pub line: u32,
    /// What would be freed with it.
    pub retained_bytes: u64,
}

/// What the objects are that a value may be one of.
struct Values {
    /// Equal to one that stays.
    equal: HashSet<ObjectId>,
    /// Items of each container with some room.
    used: HashMap<ObjectId, u64>,
    taken: HashSet<ObjectId>,
    /// Names of attributes: those of dictionaries stand in the texts of their keys.
    keys: HashMap<ObjectId, String>,
}

impl Values {
    fn new(snapshot: &Snapshot, contents: &Contents) -> Values {
        let is_text = |object: &ObjectId| {
            matches!(object_kind(snapshot, *object), ObjectKind::Str | ObjectKind::Bytes | ObjectKind::Tuple)
        };
        let others = contents.equals.iter().filter_map(|class| class.split_first()).flat_map(|(_, others)| others);
        Values {
            equal: others.copied().filter(is_text).collect(),
            used: contents.slack.iter().map(|row| (row.object, row.used)).collect(),
            taken: HashSet::new(),
            keys: HashMap::new(),
        }
    }
}

impl Analysis<'_> {
    /// What this heap says of source. Cost: one pass over the references of instances, and one over the code.
    pub fn evidence(&self) -> HeapFacts {
        let snapshot = self.snapshot;
        let name = |id: NameId| snapshot.names.get(id).to_owned();
        let code = snapshot.code.iter().map(|code| (name(code.file), name(code.name), code.line)).collect();
        let mut facts = HeapFacts {
            python: snapshot.manifest.python.clone(),
            seen_ns: snapshot.manifest.created_ns,
            bytes: self.graph.tree().total_bytes(),
            code,
            locals: self.sole_locals(),
            ..HeapFacts::default()
        };
        let instances: Vec<ObjectId> = snapshot.objects.ids().filter(|object| self.is_of_a_class(*object)).collect();
        for &object in &instances {
            let Some(kind) = snapshot.type_of(object) else { continue };
            match facts.classes.get_mut(&kind.name) {
                Some(class) => class.instances += 1,
                None => _ = facts.classes.insert(kind.name.clone(), ClassFacts { instances: 1, layout: None }),
            }
        }
        if let Some(contents) = &snapshot.contents {
            self.lay_out(contents, &mut facts);
            self.look_at_values(contents, &instances, &mut facts);
        }
        facts
    }

    /// An instance of a class that was made by a `class` statement.
    fn is_of_a_class(&self, object: ObjectId) -> bool {
        self.snapshot.type_of(object).is_some_and(|kind| kind.heap && kind.kind == ObjectKind::Other)
    }

    fn lay_out(&self, contents: &Contents, facts: &mut HeapFacts) {
        let mut covered: HashMap<&str, (u64, LayoutFacts)> = HashMap::new();
        for row in &contents.layouts {
            let Some(kind) = self.snapshot.types.get(row.type_id.0 as usize) else { continue };
            let (instances, sum) = covered.entry(&kind.name).or_default();
            *instances += row.instances;
            sum.attributes = row.attributes.max(sum.attributes);
            sum.bytes = sum.bytes.saturating_add(row.bytes);
            sum.slots_bytes = sum.slots_bytes.saturating_add(row.slots_bytes);
            sum.is_weakly_referenced |= row.weakly_referenced;
        }
        for (name, (instances, layout)) in covered {
            // (of two classes of one name both must be known)
            if let Some(class) = facts.classes.get_mut(name).filter(|class| class.instances == instances) {
                class.layout = Some(layout);
            }
        }
    }

    fn look_at_values(&self, contents: &Contents, instances: &[ObjectId], facts: &mut HeapFacts) {
        let snapshot = self.snapshot;
        let mut values = Values::new(snapshot, contents);
        let mut by_row: HashMap<(u32, String), AttributeFacts> = HashMap::new();
        for &owner in instances {
            let row = snapshot.objects.types.get(owner.index()).map_or(0, |row| row.0);
            for (target, reference) in snapshot.references.of(owner) {
                if is_namespace(snapshot, reference, target) {
                    for (value, key) in
                        snapshot.references.of(target).filter(|(_, label)| label.kind() == LabelKind::Value)
                    {
                        let key = key_of(key);
                        let name = values.keys.entry(key).or_insert_with(|| bare_key(snapshot, key)).clone();
                        self.count_value(value, &mut values, || by_row.entry((row, name)).or_default());
                    }
                } else if reference.kind() == LabelKind::Attribute {
                    self.count_value(target, &mut values, || {
                        by_row.entry((row, label(snapshot, reference))).or_default()
                    });
                }
            }
        }
        for ((row, attribute), one) in by_row {
            let Some(kind) = snapshot.types.get(row as usize) else { continue };
            let attribute = attribute.trim_start_matches('.').to_owned();
            let sum = facts.attributes.entry((kind.name.clone(), attribute)).or_default();
            for (sum, one) in
                [(&mut sum.equal, one.equal), (&mut sum.empty, one.empty), (&mut sum.containers, one.containers)]
            {
                sum.count += one.count;
                sum.bytes = sum.bytes.saturating_add(one.bytes);
            }
        }
    }

    /// Counts a value, once.
    fn count_value<'f>(&self, object: ObjectId, values: &mut Values, sum: impl FnOnce() -> &'f mut AttributeFacts) {
        let bytes = self.snapshot.objects.shallow.get(object);
        let kind = object_kind(self.snapshot, object);
        if values.equal.contains(&object) {
            if values.taken.insert(object) {
                sum().equal.add(bytes);
            }
        } else if matches!(kind, ObjectKind::List | ObjectKind::Dict | ObjectKind::Set)
            && self.snapshot.objects.refcounts.get(object) == 1
            && values.taken.insert(object)
        {
            let is_empty = values.used.get(&object) == Some(&0);
            let sum = sum();
            if is_empty { sum.empty.add(bytes) } else { sum.containers.add(bytes) }
        }
    }

    /// Locals of running frames whose values nobody else refers to.
    fn sole_locals(&self) -> Vec<LocalFacts> {
        let snapshot = self.snapshot;
        let local = |root: &memsight_model::Root| {
            let frame = snapshot.frames.get(root.frame? as usize)?;
            let is_sole = root.kind == RootKind::FrameLocal && snapshot.objects.refcounts.get(root.object) == 1;
            is_sole.then(|| LocalFacts {
                name: snapshot.names.get(root.name).to_owned(),
                function: frame.function.clone(),
                file: frame.file.clone(),
                line: frame.line,
                retained_bytes: self.graph.tree().retained(self.graph.tree().node(root.object)),
            })
        };
        snapshot.roots.iter().filter_map(local).collect()
    }
}
