//! The names of threads: `_name` of what `threading._active` holds by ident (`Lib/threading.py`, 3.8 to 3.15).
//!
//! A program names its threads for people, as it names functions: the name is kept, whether values are or not.

use std::collections::HashMap;

use memsight_model::{Address, ReadMemory, RootKind, ThreadRecord};

use crate::object::dicts::DictView;
use crate::object::references::{Decoder, Sink, Via};
use crate::object::text;
use crate::rows::emit::Shared;
use crate::walk::roots::{RootName, Seed};
use crate::walk::scene::Settings;
use crate::walk::window::Window;

/// Threads that are looked at: no machine runs more.
const CAP: u64 = 1 << 20;
/// Characters kept of a name.
const NAME_CAP: u64 = 120;

/// Gives threads their names. Cost: a look at each.
pub(crate) fn name<M: ReadMemory>(
    shared: &Shared<M>,
    settings: &Settings,
    seeds: &[Seed],
    threads: &mut [ThreadRecord],
) {
    let (window, budget) = (Window::new(shared.scene.memory), settings.budget());
    let decoder = settings.decoder(shared.scene, &window, &budget);
    let is_threading = |seed: &&Seed| {
        seed.kind == RootKind::Module && matches!(&seed.name, RootName::Owned(name) if name == "threading")
    };
    let modules = seeds.iter().filter(is_threading);
    let mut names: HashMap<u64, String> =
        modules.filter_map(|seed| of_module(shared, &decoder, seed.object)).flatten().collect();
    threads.iter_mut().for_each(|thread| thread.name = names.remove(&thread.ident));
}

/// The names of the threads that a module `threading` knows, by ident: each interpreter has one.
fn of_module<M: ReadMemory>(
    shared: &Shared<M>,
    decoder: &Decoder<Window<'_, M>>,
    module: Address,
) -> Option<Vec<(u64, String)>> {
    let (memory, layout) = (shared.scene.memory, shared.scene.layout);
    let variables = memory.pointer(module.at(layout.module.dict.into())).ok()?;
    let active = text::lookup(memory, layout, variables, "_active")?;
    let mut threads = Vec::new();
    DictView::read(memory, layout, active)
        .ok()?
        .each(memory, CAP, |_, ident, thread| threads.push((ident, thread)))
        .ok()?;
    let named = |(ident, thread): (Address, Address)| {
        let ident = u64::try_from(text::small_int(memory, layout, ident)?).ok()?;
        let name = of_thread(shared, decoder, thread)?;
        Some((ident, text::str_text(memory, layout, name, NAME_CAP)?))
    };
    Some(threads.into_iter().filter_map(named).collect())
}

/// The string that names a thread.
fn of_thread<M: ReadMemory>(shared: &Shared<M>, decoder: &Decoder<Window<'_, M>>, thread: Address) -> Option<Address> {
    let (memory, layout) = (shared.scene.memory, shared.scene.layout);
    let kind = memory.pointer(thread.at(layout.object.type_.into())).ok()?;
    let info = shared.types.infos.get(shared.types.known(kind)? as usize)?;
    let mut attributes = Attributes::default();
    decoder.references(thread, info, &mut attributes);
    let is_name = |name: Address| text::str_text(memory, layout, name, 8).is_some_and(|name| name == "_name");
    let inline = attributes.values.into_iter().find(|(name, _)| is_name(*name)).map(|(_, value)| value);
    inline.or_else(|| text::lookup(memory, layout, attributes.dict?, "_name"))
}

/// The attributes of an instance, wherever its version keeps them.
#[derive(Default)]
struct Attributes {
    values: Vec<(Address, Address)>,
    dict: Option<Address>,
}

impl Sink for Attributes {
    const NAMED: bool = true;
    fn edge(&mut self, target: Address, via: Via, _: bool) {
        match via {
            _ if target.is_null() => {}
            Via::Attribute(name) => self.values.push((name, target)),
            Via::Field("__dict__") => self.dict = Some(target),
            _ => {}
        }
    }
    fn inexact(&mut self) {}
    fn partial(&mut self) {}
}
