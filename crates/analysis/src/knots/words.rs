//! The references of a cycle in words.

use std::collections::HashMap;

use memsight_heap::Subset;
use memsight_model::{Label, LabelKind, ObjectId, ObjectKind};

use super::step::CycleStep;
use crate::Analysis;
use crate::words::{
    bare_key, is_namespace, key, key_of, label as label_word, object_kind, short_type, step, type_name,
};

/// What references are called, with a number for each word, so that links can be compared.
pub(super) struct Words<'a> {
    analysis: &'a Analysis<'a>,
    /// Dictionaries that hold the attributes of an object: their keys are names.
    namespaces: Subset,
    numbers: HashMap<String, u32>,
    cache: HashMap<(Label, bool), u32>,
}

impl<'a> Words<'a> {
    /// For cycles of `objects`. Cost: one pass over their references.
    pub(super) fn new(analysis: &'a Analysis<'a>, objects: &[ObjectId]) -> Words<'a> {
        let snapshot = analysis.snapshot;
        let leads = |&(target, label): &(ObjectId, Label)| {
            object_kind(snapshot, target) == ObjectKind::Dict && is_namespace(snapshot, label, target)
        };
        let found = objects.iter().flat_map(|&owner| snapshot.references.of(owner)).filter(leads);
        let namespaces = Subset::new(snapshot.objects.len(), found.map(|(target, _)| target));
        Words { analysis, namespaces, numbers: HashMap::new(), cache: HashMap::new() }
    }

    pub(super) fn is_namespace(&self, object: ObjectId) -> bool {
        self.namespaces.contains(object)
    }

    /// The number of the word for a reference, without its place in a list or a table.
    pub(super) fn number(&mut self, owner: ObjectId, label: Label) -> u32 {
        let named = self.is_namespace(owner);
        let payload = match label.kind() {
            LabelKind::Field | LabelKind::Attribute | LabelKind::Local => label.payload(),
            LabelKind::Value if named => label.payload(),
            _ => 0,
        };
        let cached = (Label::new(label.kind(), payload), named);
        if let Some(&number) = self.cache.get(&cached) {
            return number;
        }
        let (word, next) = (self.access(owner, label, false), self.numbers.len() as u32);
        let number = *self.numbers.entry(word).or_insert(next);
        self.cache.insert(cached, number);
        number
    }

    /// What stands behind the owner's type: `.parent`, `[*]`, `['user:17']`.
    fn access(&self, owner: ObjectId, label: Label, exact: bool) -> String {
        let snapshot = self.analysis.snapshot;
        match label.kind() {
            LabelKind::Value if self.is_namespace(owner) => format!(".{}", bare_key(snapshot, key_of(label))),
            LabelKind::Value if exact => format!("[{}]", key(snapshot, key_of(label))),
            LabelKind::Index if exact => format!("[{}]", label.payload()),
            LabelKind::Value | LabelKind::Index => "[*]".to_owned(),
            LabelKind::Field | LabelKind::Attribute => format!(".{}", label_word(snapshot, label)),
            LabelKind::Cell => ".cell_contents".to_owned(),
            _ => format!(" {}", label_word(snapshot, label)),
        }
    }

    /// The steps of a cycle and the kind of object that each leads to: `Node.parent`, `list[*]`. A dictionary of
    /// attributes is no step of its own.
    pub(super) fn steps(&self, start: ObjectId, cycle: &[(Label, ObjectId)]) -> (Vec<String>, Vec<ObjectKind>) {
        let snapshot = self.analysis.snapshot;
        let (mut steps, mut kinds) = (Vec::new(), Vec::new());
        let (mut owner, mut hidden) = (start, None);
        for (at, &(label, target)) in cycle.iter().enumerate() {
            let class = short_type(snapshot, hidden.take().unwrap_or(owner));
            let hides = self.is_namespace(target)
                && is_namespace(snapshot, label, target)
                && cycle.get(at + 1).is_some_and(|(next, _)| next.kind() == LabelKind::Value);
            if hides {
                hidden = Some(owner);
            } else {
                steps.push(step(format!("{class}{}", self.access(owner, label, false))));
                kinds.push(object_kind(snapshot, target));
            }
            owner = target;
        }
        (steps, kinds)
    }

    /// The same with addresses, as an example.
    pub(super) fn example(&self, start: ObjectId, cycle: &[(Label, ObjectId)]) -> Vec<CycleStep> {
        let snapshot = self.analysis.snapshot;
        let owners = std::iter::once(start).chain(cycle.iter().map(|step| step.1));
        let step = |(owner, (label, _)): (ObjectId, &(Label, ObjectId))| CycleStep {
            address: snapshot.objects.addresses.get(owner).to_string(),
            type_name: type_name(snapshot, owner).to_owned(),
            reference: self.access(owner, *label, true).trim_start().to_owned(),
        };
        owners.zip(cycle).map(step).collect()
    }
}
