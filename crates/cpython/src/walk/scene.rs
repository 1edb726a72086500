//! What every stage from the first walk on looks at, and what a worker needs to decode.

use std::cell::Cell;

use memsight_model::{Address, ReadMemory, Region};

use crate::layout::Layout;
use crate::object::references::{Decoder, LastItems};
use crate::object::statics::StaticTypes;
use crate::walk::slots::Slots;
use crate::walk::window::Window;

/// What every stage of decoding looks at.
pub(crate) struct Scene<'a, M> {
    pub memory: &'a M,
    pub layout: &'a Layout,
    pub slots: &'a Slots,
    pub regions: &'a [Region],
    /// Data of executables and libraries, sorted: where static objects are.
    pub files: Vec<(Address, Address)>,
}

impl<M> Scene<'_, M> {
    /// Whether an address lies in a mapping of an executable or library.
    pub fn is_static(&self, at: Address) -> bool {
        let index = self.files.partition_point(|(start, _)| *start <= at);
        index.checked_sub(1).is_some_and(|index| at < self.files[index].1)
    }
}

/// What a worker needs to decode, besides memory.
pub(crate) struct Settings {
    pub statics: StaticTypes,
    pub words: u64,
    pub general_lookup: u64,
    pub version: (u8, u8),
    pub threads: usize,
}

impl Settings {
    /// A worker's budget of item words (see [`Decoder::budget`]).
    pub fn budget(&self) -> Cell<u64> {
        Cell::new(self.words.saturating_mul(4).saturating_add(1 << 20))
    }

    pub fn decoder<'a, M: ReadMemory>(
        &'a self,
        scene: &'a Scene<M>,
        window: &'a Window<'a, M>,
        budget: &'a Cell<u64>,
    ) -> Decoder<'a, Window<'a, M>> {
        Decoder {
            memory: window,
            layout: scene.layout,
            statics: &self.statics,
            budget,
            general_lookup: self.general_lookup,
            version: self.version,
            last_items: LastItems::default(),
        }
    }
}
