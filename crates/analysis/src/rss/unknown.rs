//! Anonymous memory that nobody claims: its largest mappings, and who points there.

use std::collections::BTreeMap;

use memsight_model::{Address, Allocator, Bytes, CAllocator};

use super::RssKind;
use super::pages::Account;
use crate::Analysis;

/// Mappings with less are summed up.
const LEAST: u64 = 256 << 10;
/// Mappings that get a name.
const NAMED: usize = 8;

impl Analysis<'_> {
    /// Names what is left of anonymous memory.
    pub(super) fn unknown_lines(&self, account: &mut Account<'_>) {
        if self.has_unread_mimalloc() {
            let rest = account.take_unknown(u64::MAX);
            account.add(RssKind::CHeapWhole, "mimalloc", rest.bytes, rest.pss_bytes, 1);
        }
        let mut rest = account.unclaimed.clone();
        rest.sort_by_key(|(start, bytes, _)| (std::cmp::Reverse(*bytes), *start));
        let mut parts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let mut named = 0;
        for (start, bytes, name) in rest {
            let part = match bytes {
                LEAST.. if named < NAMED => {
                    named += 1;
                    self.name(start, &name)
                }
                _ if name.is_empty() => "small mappings".to_owned(),
                _ => name,
            };
            let sum = parts.entry(part).or_default();
            sum.0 = sum.0.saturating_add(bytes);
            sum.1 += 1;
        }
        account.name_parts(RssKind::Unknown, parts);
        let bytes = account.bytes(RssKind::Unknown);
        if bytes > 0 {
            account.explain(RssKind::Unknown, format!("{} that no allocator, object or stack claims", Bytes(bytes)));
        }
    }

    /// Whether Python's own objects are in a mimalloc that is not looked into.
    fn has_unread_mimalloc(&self) -> bool {
        let own = self.snapshot.pymalloc.as_ref().is_some_and(|pymalloc| pymalloc.allocator == Allocator::Mimalloc);
        let mut arenas = self.snapshot.c_heap.iter().flat_map(|heap| &heap.arenas);
        own && !arenas.any(|arena| arena.allocator == CAllocator::Mimalloc)
    }

    /// The kernel's name of a mapping, or where it is and who points there.
    fn name(&self, start: Address, name: &str) -> String {
        if !name.is_empty() {
            return name.to_owned();
        }
        let pointed = self.snapshot.c_heap.iter().flat_map(|heap| &heap.pointed).find(|to| to.address == start);
        let file = |by: &String| by.rsplit('/').next().unwrap_or(by).to_owned();
        match pointed.filter(|pointed| !pointed.by.is_empty()) {
            Some(to) => format!("{start} <- {}", to.by.iter().map(file).collect::<Vec<_>>().join(", ")),
            None => format!("mapping at {start}"),
        }
    }
}
