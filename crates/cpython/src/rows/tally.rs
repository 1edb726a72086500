//! The second walk where objects are only counted and sized: sums by type, no rows.

use std::sync::atomic::{AtomicUsize, Ordering};

use memsight_model::{Address, ReadMemory, TypeSum};

use crate::object::buffers::Size;
use crate::object::head::Head;
use crate::object::sizes;
use crate::object::types::TypeTable;
use crate::walk::scene::Scene;
use crate::walk::slots::{Bits, Slots};
use crate::walk::window::Window;
use crate::walk::workers::joined;

/// What was counted.
pub(crate) struct Tally {
    /// By row of the snapshot's types: row 0 is for objects whose type is unknown.
    pub sums: Vec<TypeSum>,
    /// Objects of which something could not be read.
    pub partial: u64,
}

impl Tally {
    fn new(types: &TypeTable) -> Tally {
        Tally { sums: vec![TypeSum::default(); types.infos.len() + 1], partial: 0 }
    }

    /// Counts `objects`. Cost: a read of each object's head and of the words that tell its size; nothing is kept of it.
    pub fn of<M: ReadMemory + Sync>(scene: &Scene<M>, types: &TypeTable, objects: &Bits, threads: usize) -> Tally {
        let next = AtomicUsize::new(0);
        let work = || {
            let (window, mut tally) = (Window::new(scene.memory), Tally::new(types));
            loop {
                let chunk = next.fetch_add(1, Ordering::Relaxed);
                if chunk >= scene.slots.chunk_count() {
                    break tally;
                }
                for slot in objects.ones(Slots::slots_of(chunk..chunk + 1)) {
                    tally.add(scene, types, &window, scene.slots.address(slot));
                }
            }
        };
        let parts: Vec<Tally> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            joined(workers)
        });
        let mut whole = Tally::new(types);
        for part in parts {
            whole.partial += part.partial;
            whole.sums.iter_mut().zip(part.sums).for_each(|(sum, part)| sum.join(part));
        }
        whole
    }

    fn add<M: ReadMemory>(&mut self, scene: &Scene<M>, types: &TypeTable, window: &Window<'_, M>, at: Address) {
        window.turn_to(at);
        let kind = Head::read(window, scene.layout, at).ok().and_then(|head| types.known(head.type_));
        let info = kind.and_then(|row| types.infos.get(row as usize));
        let size = info.and_then(|info| sizes::of(window, scene.layout, at, info).ok());
        self.partial += u64::from(size.is_none());
        let least = Size { shallow: info.map_or(0, |info| info.basicsize), external: 0 };
        let Size { shallow, external } = size.unwrap_or(least);
        if let Some(sum) = self.sums.get_mut(kind.map_or(0, |row| row as usize + 1)) {
            sum.join(TypeSum { count: 1, shallow_bytes: shallow, external_bytes: external });
        }
    }
}
