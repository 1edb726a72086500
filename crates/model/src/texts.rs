//! Short texts of some objects: keys of dictionaries and, when asked for, values.

use crate::ObjectId;

/// Text by object, sorted by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextTable {
    ids: Vec<ObjectId>,
    ends: Vec<u32>,
    bytes: String,
}

impl TextTable {
    /// Appends the text of `id`, which must be larger than the last; past 4 GiB of text nothing more is kept.
    pub fn push(&mut self, id: ObjectId, text: &str) {
        if let Ok(end) = u32::try_from(self.bytes.len() + text.len()) {
            self.ids.push(id);
            self.bytes.push_str(text);
            self.ends.push(end);
        }
    }

    /// The text of `id`. Cost: a binary search.
    pub fn get(&self, id: ObjectId) -> Option<&str> {
        let at = self.ids.binary_search(&id).ok()?;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..self.ends[at] as usize)
    }

    /// All texts in order of id.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, &str)> {
        self.ids.iter().enumerate().map(|(at, &id)| {
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
            (id, &self.bytes[start..self.ends[at] as usize])
        })
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}
