//! Memory of C code by owner: what objects point to is theirs, the rest is listed by who points there.

use memsight_model::{CBlocks, HolderKind, NativeParts, NativePlace};

use super::RssKind;
use super::pages::Account;
use super::python::type_name;
use crate::Analysis;

/// Which blocks are meant.
pub(super) type Part = fn(&NativeParts) -> CBlocks;

impl Analysis<'_> {
    /// Takes the owned blocks out of `left` bytes of a line: those of objects into a line of their own, those of others
    /// into parts of `line`. Returns the bytes of nobody.
    pub(super) fn native_lines(
        &self,
        account: &mut Account<'_>,
        line: RssKind,
        part: Part,
        left: u64,
        pss: &impl Fn(u64) -> f64,
    ) -> u64 {
        let Some(native) = &self.snapshot.native else { return left };
        let mut left = left;
        let mut take = |kind: RssKind, name: &str, blocks: CBlocks| {
            let bytes = blocks.resident_bytes.min(left);
            left -= bytes;
            if blocks.count > 0 {
                account.add(kind, name, bytes, pss(bytes), blocks.count);
            }
        };
        for row in &native.types {
            take(RssKind::Native, type_name(self.snapshot, row.type_.0), part(&row.parts));
        }
        for place in &native.places {
            take(line, &pointed_from(place), part(&place.parts));
        }
        left
    }
}

impl Analysis<'_> {
    /// The owners of anonymous memory of no allocator.
    pub(super) fn loose_lines(&self, account: &mut Account<'_>) {
        let Some(native) = &self.snapshot.native else { return };
        let types = native.types.iter().map(|row| row.parts.mappings);
        let wanted = types.chain(native.places.iter().map(|place| place.parts.mappings));
        let wanted = wanted.map(|blocks| blocks.resident_bytes).fold(0, u64::saturating_add);
        let (bytes, pss_bytes) = account.take(RssKind::Unknown, wanted);
        let pss = |part: u64| if bytes == 0 { 0.0 } else { pss_bytes * (part as f64 / bytes as f64) };
        let left = self.native_lines(account, RssKind::Unknown, |parts| parts.mappings, bytes, &pss);
        account.add(RssKind::Unknown, "", left, pss(left), 0);
    }
}

/// Who points there.
fn pointed_from(place: &NativePlace) -> String {
    match place.kind {
        HolderKind::Stack => format!("pointed to from the stack of thread {}", place.name),
        HolderKind::Variable if !place.name.is_empty() => format!("pointed to from {}", place.name),
        _ => "the interpreter's own".to_owned(),
    }
}
