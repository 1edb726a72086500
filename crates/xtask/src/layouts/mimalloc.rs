//! Rules of mimalloc's structs, which builds without the GIL have as a part of the thread's.

use super::rules::Fields;
use super::rules::Rule::{At, Len, Maybe, Size};

pub const MIMALLOC: Fields = &[
    ("heaps", At(&["_PyThreadStateImpl.mimalloc.heaps"])),
    ("heap_count", Len(&["_PyThreadStateImpl.mimalloc.heaps"])),
    ("heap_size", Size(&["mi_heap_t", "mi_heap_s"])),
    ("queues", At(&["mi_heap_t.pages", "mi_heap_s.pages"])),
    ("queue_count", Len(&["mi_heap_t.pages", "mi_heap_s.pages"])),
    ("queue_size", Size(&["mi_page_queue_t", "mi_page_queue_s"])),
    ("first", At(&["mi_page_queue_t.first", "mi_page_queue_s.first"])),
    ("capacity", At(&["mi_page_t.capacity"])),
    ("free", At(&["mi_page_t.free"])),
    ("local_free", At(&["mi_page_t.local_free"])),
    ("thread_free", At(&["mi_page_t.xthread_free"])),
    ("used", At(&["mi_page_t.used"])),
    ("used_size", Size(&["mi_page_t.used"])),
    ("block_size", At(&["mi_page_t.block_size", "mi_page_t.xblock_size"])),
    ("block_size_size", Size(&["mi_page_t.block_size", "mi_page_t.xblock_size"])),
    ("next", At(&["mi_page_t.next"])),
    ("page_size", Size(&["mi_page_t"])),
    ("page_start", Maybe(&["mi_page_t.page_start"])),
    ("slices", At(&["mi_segment_t.slices"])),
];
