//! Rules of what counts and collects: the head of an object, the GIL, the collector's state.

use super::rules::{
    Fields,
    Rule::{At, Len, Maybe, MaybeStruct, Size, Struct},
};

pub const OBJECT: Fields = &[
    ("type_", At(&["_object.ob_type"])),
    ("length", At(&["PyVarObject.ob_size"])),
    ("size", Size(&["_object"])),
    ("split", MaybeStruct("SplitHead", SPLIT_HEAD)),
];

/// The head of free-threaded builds.
const SPLIT_HEAD: Fields = &[
    ("gc_bits", At(&["_object.ob_gc_bits"])),
    ("local", At(&["_object.ob_ref_local"])),
    ("shared", At(&["_object.ob_ref_shared"])),
];

pub const GIL: Fields = &[
    ("holder", At(&["_gil_runtime_state.last_holder"])),
    ("locked", At(&["_gil_runtime_state.locked"])),
    ("enabled", Maybe(&["_gil_runtime_state.enabled"])),
];

pub const GC: Fields = &[
    ("enabled", At(&["_gc_runtime_state.enabled"])),
    ("generation0", Maybe(&["_gc_runtime_state.generation0"])),
    ("generations", At(&["_gc_runtime_state.generations", "_gc_runtime_state.young"])),
    ("generation_size", Size(&["gc_generation"])),
    ("threshold", At(&["gc_generation.threshold"])),
    ("count", At(&["gc_generation.count"])),
    ("permanent", At(&["_gc_runtime_state.permanent_generation"])),
    ("collecting", At(&["_gc_runtime_state.collecting"])),
    ("garbage", At(&["_gc_runtime_state.garbage"])),
    ("callbacks", At(&["_gc_runtime_state.callbacks"])),
    ("size", Size(&["_gc_runtime_state"])),
    ("stats", At(&["_gc_runtime_state.generation_stats"])),
    ("long_lived_total", Maybe(&["_gc_runtime_state.long_lived_total"])),
    ("long_lived_pending", Maybe(&["_gc_runtime_state.long_lived_pending"])),
    ("stat", Struct("GcStat", GC_STAT)),
    ("rings", MaybeStruct("GcRings", GC_RINGS)),
];

const GC_STAT: Fields = &[
    ("collections", At(&["gc_generation_stats.collections"])),
    ("collected", At(&["gc_generation_stats.collected"])),
    ("uncollectable", At(&["gc_generation_stats.uncollectable"])),
    ("size", Size(&["gc_generation_stats"])),
];

const GC_RINGS: Fields = &[
    ("started", At(&["gc_generation_stats.ts_start"])),
    ("stopped", At(&["gc_generation_stats.ts_stop"])),
    ("candidates", At(&["gc_generation_stats.candidates"])),
    ("duration", At(&["gc_generation_stats.duration"])),
    ("young", At(&["gc_stats.young"])),
    ("young_len", Len(&["gc_young_stats_buffer.items"])),
    ("young_index", At(&["gc_young_stats_buffer.index"])),
    ("old", At(&["gc_stats.old"])),
    ("old_size", Size(&["gc_old_stats_buffer"])),
    ("old_len", Len(&["gc_old_stats_buffer.items"])),
    ("old_index", At(&["gc_old_stats_buffer.index"])),
    ("update_seq", Maybe(&["gc_stats.update_seq"])),
    ("size", Size(&["gc_stats"])),
];
