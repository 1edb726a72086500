//! Lists and tuples of numbers of one type: what an `array.array` would hold in 8 bytes each.

use memsight_model::{Boxed, ObjectKind, ReadMemory};

use super::{Here, Walk};
use crate::object::text::small_int;

/// Shorter ones are records, not columns.
const LEAST: usize = 16;

impl<'a, M: ReadMemory> Walk<'a, M> {
    /// Notes a list or tuple all of whose items are exact float, or exact int of 64 bits.
    pub(super) fn numbers(&mut self, here: Here<'a>) {
        let heap = self.heap;
        if heap.references.range(here.id).len() < LEAST {
            return;
        }
        let mut items = heap.items(here.id);
        let is = |kind| move |info: &crate::object::types::TypeInfo| info.kind == kind && !info.is_heap();
        let first = items.next().and_then(|item| heap.info(item));
        let code = match first {
            Some(info) if is(ObjectKind::Float)(info) => 'd',
            Some(info) if is(ObjectKind::Int)(info) => 'q',
            _ => return,
        };
        let row = heap.objects.types.get(heap.items(here.id).next().map_or(0, |item| item.index()));
        let mut count = 1;
        for item in items {
            if heap.objects.types.get(item.index()) != row {
                return;
            }
            count += 1;
        }
        let complete =
            self.window.word(heap.scene.layout.length_at(here.at)).is_ok_and(|length| length == count as u64);
        if count < LEAST || !complete || (code == 'q' && !self.fits(here)) {
            return;
        }
        self.found.boxed.push(Boxed { object: here.id, code, array_bytes: self.array_head() + 8 * count as u64 });
    }

    /// Whether every item is an int of 64 bits.
    fn fits(&self, here: Here<'a>) -> bool {
        const BLOCK: usize = 64;
        let layout = self.heap.scene.layout;
        let is_list = here.info.kind == ObjectKind::List;
        let start = here.at.at(if is_list { layout.list.items } else { layout.tuple.items }.into());
        let Ok(first) = (if is_list { self.window.pointer(start) } else { Ok(start) }) else { return false };
        let Ok(length) = self.window.word(layout.length_at(here.at)) else { return false };
        let mut words = [0u64; BLOCK];
        (0..length as usize).step_by(BLOCK).all(|done| {
            let block = &mut words[..BLOCK.min(length as usize - done)];
            let number = |word: &u64| small_int(self.heap.scene.memory, layout, memsight_model::Address(*word));
            self.window.fill(first.at(8 * done as i64), block).is_ok()
                && block.iter().all(|word| number(word).is_some())
        })
    }

    /// `sys.getsizeof` of an empty array: `arrayobject` (`Modules/arraymodule.c`), with a head of the collector's from
    /// 3.10 on; that of a free-threaded build is as much larger as it lacks.
    fn array_head(&self) -> u64 {
        match self.heap.scene.layout {
            layout if layout.is_free_threaded() || layout.minor >= 10 => 80,
            _ => 64,
        }
    }
}
