//! Native frames: the functions of a place in compiled code.

use std::collections::HashMap;

use memsight_model::trace::{Module, NativeFunction, Symbol};

/// What stands for callers that could not be found.
pub(super) const UNTOLD: &str = "(callers that cannot be told)";
/// What code is called that is in no file.
pub(super) const NO_FILE: &str = "(code of no file)";
/// What code is called that its file has no name for.
pub(super) const NO_SYMBOL: &str = "(no symbol)";

/// The modules of a trace and what is at places in them.
#[derive(Debug, Clone, Default)]
pub struct Natives<'t> {
    /// Whether native frames have places; otherwise what they call stands on what called them.
    pub is_shown: bool,
    paths: HashMap<u32, &'t str>,
    functions: HashMap<(u32, u32), &'t [NativeFunction]>,
}

impl<'t> Natives<'t> {
    /// Of what a trace says, later symbols before earlier ones.
    pub fn new(modules: &'t [Module], symbols: &'t [Symbol], is_shown: bool) -> Natives<'t> {
        let paths = modules.iter().map(|module| (module.number, module.path.as_str()));
        let functions = symbols.iter().map(|symbol| ((symbol.module, symbol.offset), symbol.functions.as_slice()));
        Natives { is_shown, paths: paths.collect(), functions: functions.collect() }
    }

    pub(super) fn path(&self, module: u32) -> &'t str {
        self.paths.get(&module).copied().unwrap_or_default()
    }

    /// The functions of a place, the innermost first.
    pub(super) fn functions(&self, module: u32, offset: u32) -> &'t [NativeFunction] {
        self.functions.get(&(module, offset)).copied().unwrap_or_default()
    }
}
