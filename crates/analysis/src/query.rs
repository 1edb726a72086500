//! What a person asks for: an address, or a type by its full name or last component.

use memsight_model::{Address, ObjectId};

use crate::words::short;
use crate::{Analysis, AnalysisError};

/// Names offered when the one asked for does not exist.
const CLOSEST: usize = 3;

/// An understood question.
pub(crate) enum Query {
    /// One object.
    Object(ObjectId),
    /// All instances of these groups of types; indexed by group.
    Types(Vec<bool>),
}

impl Analysis<'_> {
    /// Understands an address (`0x...` or decimal) or the name of a type.
    pub(crate) fn parse(&self, query: &str) -> Result<Query, AnalysisError> {
        let text = query.trim();
        match address(text) {
            Some(address) => self.find(address).map(Query::Object),
            None if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) => {
                Err(AnalysisError::BadQuery { query: query.to_owned() })
            }
            None => self.types_named(text).map(Query::Types),
        }
    }

    /// The object at the address that `query` spells.
    pub(crate) fn parse_object(&self, query: &str) -> Result<ObjectId, AnalysisError> {
        match address(query.trim()) {
            Some(address) => self.find(address),
            None => Err(AnalysisError::BadQuery { query: query.to_owned() }),
        }
    }

    fn find(&self, address: Address) -> Result<ObjectId, AnalysisError> {
        let objects = &self.snapshot.objects;
        objects.find(address).ok_or_else(|| {
            // Ids follow the addresses.
            let (mut low, mut high) = (0, objects.len() as u32);
            while low < high {
                let middle = low + (high - low) / 2;
                if objects.addresses.get(ObjectId(middle)) < address { low = middle + 1 } else { high = middle }
            }
            let nearest = low.checked_sub(1).map(|id| objects.addresses.get(ObjectId(id)));
            AnalysisError::NoSuchObject { address, nearest }
        })
    }

    fn types_named(&self, name: &str) -> Result<Vec<bool>, AnalysisError> {
        let alive = self.alive();
        let names = |group: &usize| self.group_name(*group as u32);
        let groups = || (0..alive.len()).filter(|&group| alive[group]);
        let mut wanted: Vec<usize> = groups().filter(|group| names(group) == name).collect();
        if wanted.is_empty() {
            wanted = groups().filter(|group| short(names(group)) == name).collect();
        }
        if wanted.is_empty() {
            let closest = closest(name, groups().map(|group| self.group_name(group as u32)));
            return Err(AnalysisError::NoSuchType { name: name.to_owned(), closest });
        }
        let mut selected = vec![false; alive.len()];
        wanted.into_iter().for_each(|group| selected[group] = true);
        Ok(selected)
    }

    /// Which groups of types have instances.
    fn alive(&self) -> Vec<bool> {
        let mut alive = vec![false; self.group_count()];
        self.snapshot.objects.ids().for_each(|object| alive[self.group(object) as usize] = true);
        alive
    }
}

fn address(text: &str) -> Option<Address> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.ok().map(Address)
}

/// The names that differ least, also in their last components.
fn closest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let wanted = name.to_lowercase();
    let last = short(&wanted).to_owned();
    let near = wanted.chars().count() / 3 + 1;
    let mut scored: Vec<(usize, &str)> = names
        .map(|name| {
            let lower = name.to_lowercase();
            (distance(&wanted, &lower).min(distance(&last, short(&lower))), name)
        })
        .filter(|(score, _)| *score <= near)
        .collect();
    scored.sort_unstable();
    scored.truncate(CLOSEST);
    scored.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// Levenshtein's distance. Names are short; longer ones are cut.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(100).collect(), b.chars().take(100).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
