//! What the copy leaves out, read when it is asked for, from the running process or its files: code, constants, shared
//! memory.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::live::LiveMemory;
use crate::sys::PAGE;

use super::page::PAGE_BYTES;

/// Pages that are kept, 8 MiB; then the cache starts anew.
const CAP: usize = 2048;

type Page = Option<Arc<[u8; PAGE_BYTES]>>;

/// Pages of the running process, kept as first seen.
#[derive(Debug)]
pub(crate) struct Outside {
    memory: LiveMemory,
    pages: RwLock<HashMap<u64, Page>>,
}

impl Outside {
    /// Of the process whose address space `memory` has open.
    pub fn new(memory: LiveMemory) -> Outside {
        Outside { memory, pages: RwLock::default() }
    }

    /// The page of `at`; `None` when it cannot be read. Cost: a hash look-up, the first time a system call.
    pub fn page(&self, at: u64) -> Page {
        let at = at & !(PAGE - 1);
        if let Some(page) = self.pages.read().unwrap_or_else(PoisonError::into_inner).get(&at) {
            return page.clone();
        }
        let mut bytes = Box::new([0; PAGE_BYTES]);
        let page: Page = self.memory.read_page_pinned(at, bytes.as_mut_slice()).map(|()| Arc::from(bytes));
        let mut pages = self.pages.write().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= CAP {
            pages.clear();
        }
        pages.insert(at, page.clone());
        page
    }
}
