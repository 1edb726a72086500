//! One page, packed.
//!
//! A heap of Python objects is words, and most words are zero, small, or pointers into the heap, often to a
//! neighbour. Of each word a page record keeps a class of 3 bits and 0 to 4 units of 2 bytes:
//!
//! | class (C B A) | word | kept | units |
//! |---|---|---|---|
//! | `000` | zero | nothing | 0 |
//! | `001` | `< 2^16` | as it is | 1 |
//! | `100` | its own address - 2^18 + 8 * n, `n < 2^16` | n | 1 |
//! | `010` | `< 2^32` | as it is | 2 |
//! | `101` | `base + 8 * n`, `n < 2^32` | n | 2 |
//! | `011` | `< 2^48` | as it is | 3 |
//! | `111` | anything else | as it is | 4 |
//!
//! (the first line that fits)
//!
//! ```text
//! record: 32 heads of 8 bytes, one for 16 words:  u16 units before these words
//!                                                 u16 bits A, u16 bits C, u16 bits B of the classes
//!         payload: the words, in order, without gaps
//! ```
//!
//! A class takes `A + C + 2 * B` units, so the place of a word is one count of bits away.

#[cfg(target_arch = "x86_64")]
mod wide;

/// Bytes of a page.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Words of a page.
pub(crate) const WORDS: usize = PAGE_BYTES / 8;
const GROUP: usize = 16;
const HEAD: usize = 8;
const HEADS: usize = HEAD * WORDS / GROUP;
/// The most that a record takes, with the 8 bytes that may be read and written past its end.
pub(crate) const MAX_RECORD: usize = HEADS + PAGE_BYTES + 8;
/// What a page of zeros takes: its heads alone.
pub(crate) const EMPTY_RECORD: usize = HEADS;
/// A neighbour is at most this far off.
const NEAR: u64 = 1 << 18;

/// What the words of a page are told relative to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    /// Where pointers are counted from.
    pub base: u64,
    /// The address of the page.
    pub page: u64,
}

impl Origin {
    /// The lowest word that counts as a neighbour of word `index`.
    #[inline]
    fn near(self, index: usize) -> u64 {
        self.page.wrapping_add(8 * index as u64).wrapping_sub(NEAR)
    }
}

/// Packs `page` into `record`; the bytes used. Cost: about 1 ns a word with AVX2, 2 ns without.
pub(crate) fn pack(page: &[u8; PAGE_BYTES], origin: Origin, record: &mut [u8; MAX_RECORD]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if wide::is_here() {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { wide::pack(page, origin, record) };
    }
    pack_each(page, origin, record)
}

/// The same on any processor.
fn pack_each(page: &[u8; PAGE_BYTES], origin: Origin, record: &mut [u8; MAX_RECORD]) -> usize {
    let mut at = HEADS;
    let (groups, _) = page.as_chunks::<{ 8 * GROUP }>();
    for (number, group) in groups.iter().enumerate() {
        let mut head = ((at - HEADS) / 2) as u64;
        for (i, word) in group.as_chunks::<8>().0.iter().enumerate() {
            let word = u64::from_le_bytes(*word);
            let (class, kept) = classify(word, origin.base, origin.near(number * GROUP + i));
            // always 8 bytes; what was too much is overwritten by the next
            if let Some(place) = record.get_mut(at..at + 8) {
                place.copy_from_slice(&kept.to_le_bytes());
            }
            head |= SPREAD[class] << i;
            at += BYTES[class];
        }
        record[HEAD * number..HEAD * (number + 1)].copy_from_slice(&head.to_le_bytes());
    }
    at
}

/// The class of a word and what is kept of it. Without branches: the classes come in no order that a processor
/// could foresee.
#[inline]
fn classify(word: u64, base: u64, near: u64) -> (usize, u64) {
    // the three low bits come to the top, so that one comparison sees alignment and distance
    let step = word.wrapping_sub(near).rotate_right(3);
    let distance = word.wrapping_sub(base).rotate_right(3);
    // units that the word takes as it is
    let plain = (79 - word.leading_zeros() as usize) / 16;
    let related = (distance >> 32 == 0) & (plain > 2);
    let neighbour = (step >> 16 == 0) & (plain > 1);
    let kept = std::hint::select_unpredictable(related, distance, word);
    let class = std::hint::select_unpredictable(related, RELATED, PLAIN[plain & 7]);
    (
        std::hint::select_unpredictable(neighbour, NEIGHBOUR, class),
        std::hint::select_unpredictable(neighbour, step, kept),
    )
}

const NEIGHBOUR: usize = 0b100;
const RELATED: usize = 0b101;
/// The class of a word that is kept as it is, by units.
const PLAIN: [usize; 8] = [0b000, 0b001, 0b010, 0b011, 0b111, 0, 0, 0];
/// Bytes kept, by class.
const BYTES: [usize; 8] = [0, 2, 4, 6, 2, 4, 6, 8];
/// The bits of a class where they stand in a head, for its first word.
const SPREAD: [u64; 8] = {
    let mut spread = [0; 8];
    let mut class = 0;
    while class < 8 {
        let (a, b, c) = (class & 1, class >> 1 & 1, class >> 2);
        spread[class as usize] = a << 16 | c << 32 | b << 48;
        class += 1;
    }
    spread
};

/// The classes of 16 words and where the first of them is.
#[derive(Clone, Copy)]
struct Head(u64);

impl Head {
    #[inline]
    fn of(record: &[u8], group: usize) -> Option<Head> {
        Some(Head(u64::from_le_bytes(*record.get(HEAD * group..)?.first_chunk()?)))
    }

    /// The byte of the record at which word `bit` of the group begins.
    #[inline]
    fn place(self, bit: usize) -> usize {
        // B A C B: bits B count twice
        let units = self.0 & !0xffff | self.0 >> 48;
        let before = ((1_u64 << bit) - 1) * 0x0001_0001_0001_0001;
        HEADS + 2 * ((self.0 & 0xffff) as usize + (units & before).count_ones() as usize)
    }

    /// The class of word `bit`.
    #[inline]
    fn class(self, bit: usize) -> usize {
        let bits = self.0 >> bit;
        (bits >> 16 & 1 | bits >> 47 & 2 | bits >> 30 & 4) as usize
    }
}

/// The word `index` of the page packed in `record` (which may go on behind it). Cost: two cache lines.
#[inline]
pub(crate) fn word(record: &[u8], origin: Origin, index: usize) -> Option<u64> {
    let head = Head::of(record, index / GROUP)?;
    let bit = index % GROUP;
    let raw = u64::from_le_bytes(*record.get(head.place(bit)..)?.first_chunk::<8>()?);
    Some(value(raw, head.class(bit), origin, index))
}

/// Fills `out` with the words from `from` on of the packed page. Cost: as of [`words`], with AVX2 a third of that for whole
/// groups of 16 words.
#[inline]
pub(crate) fn fill(record: &[u8], origin: Origin, from: usize, out: &mut [u64]) -> Option<()> {
    let done = whole_groups(record, origin, from, out);
    let mut places = out.get_mut(done..)?.iter_mut();
    words(record, origin, from + done, from + done + places.len(), |word| {
        if let Some(place) = places.next() {
            *place = word;
        }
    })
}

/// Fills as much of `out` as can be done by whole groups; how many words that are.
#[inline]
fn whole_groups(record: &[u8], origin: Origin, from: usize, out: &mut [u64]) -> usize {
    #[cfg(target_arch = "x86_64")]
    if out.len() >= GROUP && from.is_multiple_of(GROUP) && wide::is_here() {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { wide::unpack(record, origin, from, out) };
    }
    0
}

/// Hands the words `from..to` of the packed page to `take`, in order. Cost: about 1.5 ns a word.
#[inline]
pub(crate) fn words(record: &[u8], origin: Origin, from: usize, to: usize, mut take: impl FnMut(u64)) -> Option<()> {
    let mut index = from;
    while index < to.min(WORDS) {
        let head = Head::of(record, index / GROUP)?;
        let mut rest = record.get(head.place(index % GROUP)..)?;
        let last = to.min((index / GROUP + 1) * GROUP);
        while index < last {
            let class = head.class(index % GROUP);
            take(value(u64::from_le_bytes(*rest.first_chunk::<8>()?), class, origin, index));
            rest = rest.get(BYTES[class & 7]..)?;
            index += 1;
        }
    }
    Some(())
}

/// The word `index` of `class`, whose kept bytes `raw` begins with. Without branches, as [`classify`].
#[inline]
fn value(raw: u64, class: usize, origin: Origin, index: usize) -> u64 {
    // what is kept, and how many bits it moves up: pointers are kept without their three zeros
    const FORM: [(u64, u32); 8] =
        [(0, 0), (0xffff, 0), (0xffff_ffff, 0), (!0 >> 16, 0), (0xffff, 3), (0xffff_ffff, 3), (0, 0), (!0, 0)];
    let (mask, shift) = FORM[class & 7];
    let from = std::hint::select_unpredictable(class == RELATED, origin.base, 0);
    let from = std::hint::select_unpredictable(class == NEIGHBOUR, origin.near(index), from);
    ((raw & mask) << shift).wrapping_add(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BASE: u64 = 0x7f12_3456_7000;
    const ORIGIN: Origin = Origin { base: BASE, page: BASE + (5 << 20) };

    fn any_word() -> impl Strategy<Value = u64> {
        prop_oneof![
            Just(0),
            any::<u16>().prop_map(u64::from),
            any::<u32>().prop_map(u64::from),
            any::<u64>(),
            any::<u64>().prop_map(|word| word >> 16),
            (0..1_u64 << 35).prop_map(|far| BASE + far),
            (0..1_u64 << 32).prop_map(|far| BASE + 8 * far),
            (0..1_u64 << 18).prop_map(|far| ORIGIN.page - NEAR + 3 * far),
            (0..1_u64 << 17).prop_map(|far| ORIGIN.page - NEAR - 4096 + 8 * far),
            prop::sample::select(vec![
                BASE - 8,
                BASE + (1 << 35),
                BASE + (1 << 35) - 8,
                u64::MAX,
                1 << 32,
                (1 << 32) - 1
            ]),
            prop::sample::select(vec![1 << 16, (1 << 16) - 1, 1 << 48, (1 << 48) - 1, ORIGIN.page, ORIGIN.page + NEAR]),
        ]
    }

    fn any_origin() -> impl Strategy<Value = Origin> {
        let fixed = [0, 8, BASE, 1 << 63].map(|base| Origin { base, ..ORIGIN });
        let ends = [0, u64::MAX - 4095].map(|page| Origin { page, ..ORIGIN });
        prop::sample::select([&fixed[..], &ends[..]].concat())
    }

    proptest! {
        #[test]
        fn a_packed_page_gives_back_every_word(
            content in prop::collection::vec(any_word(), WORDS),
            origin in any_origin(),
            (from, len) in (0..WORDS, 0..WORDS),
        ) {
            let mut page = [0; PAGE_BYTES];
            for (place, word) in page.chunks_exact_mut(8).zip(&content) {
                place.copy_from_slice(&word.to_le_bytes());
            }
            let mut record = [0xaa; MAX_RECORD];
            let used = pack(&page, origin, &mut record);
            let mut plain = [0xaa; MAX_RECORD];
            prop_assert_eq!(pack_each(&page, origin, &mut plain), used);
            prop_assert_eq!(&record[..used], &plain[..used]);
            prop_assert!(used + 8 <= MAX_RECORD);
            prop_assert_eq!(used == EMPTY_RECORD, content.iter().all(|word| *word == 0));
            for (index, expected) in content.iter().enumerate() {
                prop_assert_eq!(word(&record, origin, index), Some(*expected));
            }
            let to = (from + len).min(WORDS);
            let mut some = Vec::new();
            words(&record, origin, from, to, |word| some.push(word));
            prop_assert_eq!(&some[..], &content[from..to]);
            let mut filled = vec![0; to - from];
            prop_assert_eq!(fill(&record, origin, from, &mut filled), Some(()));
            prop_assert_eq!(&filled[..], &content[from..to]);
            let mut whole = [0; WORDS];
            prop_assert_eq!(fill(&record[..used + 8], origin, 0, &mut whole), Some(()));
            prop_assert_eq!(&whole[..], &content[..]);
        }

        #[test]
        fn any_bytes_unpack_without_a_panic(record in prop::collection::vec(any::<u8>(), 0..MAX_RECORD), index in 0..WORDS) {
            let _ = word(&record, ORIGIN, index);
            let mut each = Vec::new();
            let there = words(&record, ORIGIN, index, WORDS, |word| each.push(word));
            let mut filled = vec![0; WORDS - index];
            prop_assert_eq!(fill(&record, ORIGIN, index, &mut filled), there);
            if there.is_some() {
                prop_assert_eq!(filled, each);
            }
        }
    }
}
