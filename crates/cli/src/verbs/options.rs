//! What a person says about looks, as the engine wants it.

use memsight_engine::LookOptions;
use memsight_engine::format::Limits;

use crate::args::Look;

/// The engine's options out of the person's.
pub fn look(look: &Look) -> LookOptions {
    LookOptions {
        mode: look.mode.into(),
        max_pause: look.max_pause,
        values: look.values,
        limits: Limits { memory: look.max_memory },
        ..LookOptions::default()
    }
}
