//! Lists and tuples of numbers: an array holds the values, not objects.

use memsight_model::{Contents, LabelKind, ObjectId};

use super::places::Places;
use super::{Found, Taken, WasteRule};
use crate::Analysis;

impl Analysis<'_> {
    /// What an array would save: the list and the numbers that nobody else holds, less the array.
    pub(super) fn boxed_numbers(&self, contents: &Contents, taken: &mut Taken) -> Found<'_> {
        let mut found = Found::new(WasteRule::BoxedNumbers, Places::new(self));
        let shallow = |object| self.snapshot.objects.shallow.get(object);
        for boxed in &contents.boxed {
            if taken.has(boxed.object) {
                continue;
            }
            let mut numbers = self.own_items(boxed.object);
            numbers.retain(|number| !taken.has(*number));
            let freed = numbers.iter().map(|number| shallow(*number)).fold(shallow(boxed.object), u64::saturating_add);
            let Some(saved) = freed.checked_sub(boxed.array_bytes).filter(|saved| *saved > 0) else { continue };
            taken.take(boxed.object);
            for number in numbers {
                taken.take(number);
            }
            found.places.add(boxed.object, saved, None);
        }
        found
    }

    /// Items all of whose references come from the list itself.
    fn own_items(&self, list: ObjectId) -> Vec<ObjectId> {
        let items = self.snapshot.references.of(list).filter(|(_, label)| label.kind() == LabelKind::Index);
        let mut items: Vec<ObjectId> = items.map(|(item, _)| item).collect();
        items.sort_unstable();
        let own = |same: &&[ObjectId]| {
            same.first().is_some_and(|item| self.snapshot.objects.refcounts.get(*item) as usize == same.len())
        };
        items.chunk_by(|a, b| a == b).filter(own).filter_map(|same| same.first().copied()).collect()
    }
}
