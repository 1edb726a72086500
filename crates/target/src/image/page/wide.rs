//! Packing and unpacking with AVX2: four words, or two, at once. The same bytes as the code for any processor gives.
//!
//! A copy packs every page once and the walks unpack most of them twice, so that this is where a look spends its time.

use std::arch::x86_64::*;

use super::{BYTES, GROUP, HEAD, HEADS, MAX_RECORD, NEIGHBOUR, Origin, PAGE_BYTES, RELATED, WORDS};

/// Words of a register when packing.
const LANES: usize = 4;
/// Bytes of the words of a group as they are, and the most that is read behind them.
const GROUP_BYTES: usize = 8 * GROUP;
const SLACK: usize = 16;

/// Whether the processor can.
#[inline]
pub(super) fn is_here() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")
}

/// As [`super::pack`].
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn pack(page: &[u8; PAGE_BYTES], origin: Origin, record: &mut [u8; MAX_RECORD]) -> usize {
    let base = _mm256_set1_epi64x(origin.base as i64);
    let mut near = _mm256_add_epi64(_mm256_set1_epi64x(origin.near(0) as i64), _mm256_set_epi64x(24, 16, 8, 0));
    let step = _mm256_set1_epi64x(8 * LANES as i64);
    let mut at = HEADS;
    for (number, group) in page.as_chunks::<GROUP_BYTES>().0.iter().enumerate() {
        let mut head = ((at - HEADS) / 2) as u64;
        for (i, four) in group.as_chunks::<{ 8 * LANES }>().0.iter().enumerate() {
            // SAFETY: 32 bytes are read from an array of 32; no alignment is asked for.
            let words = unsafe { _mm256_loadu_si256(four.as_ptr().cast()) };
            let (classes, kept) = classify(words, base, near);
            let [a, b, c] = classes.map(u64::from);
            head |= (a << 16 | c << 32 | b << 48) << (LANES * i);
            let units = a | c << 4 | b << 8 | b << 12;
            let place = |before: u64| at + 2 * (units & before).count_ones() as usize;
            let places = [at, place(0x1111), place(0x3333), place(0x7777)];
            // What a word has too much is overwritten by the next.
            for (place, word) in places.into_iter().zip(lanes(kept)) {
                if let Some(room) = record.get_mut(place..place + 8) {
                    room.copy_from_slice(&word.to_le_bytes());
                }
            }
            at += 2 * units.count_ones() as usize;
            near = _mm256_add_epi64(near, step);
        }
        record[HEAD * number..HEAD * (number + 1)].copy_from_slice(&head.to_le_bytes());
    }
    at
}

/// The words of a register.
#[target_feature(enable = "avx2")]
fn lanes(words: __m256i) -> [u64; LANES] {
    let (low, high) = (_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
    [
        _mm_cvtsi128_si64(low) as u64,
        _mm_extract_epi64::<1>(low) as u64,
        _mm_cvtsi128_si64(high) as u64,
        _mm_extract_epi64::<1>(high) as u64,
    ]
}

/// Four words less their smallest value, turned so that the three low bits come to the top.
#[target_feature(enable = "avx2")]
fn distance(words: __m256i, from: __m256i) -> __m256i {
    let away = _mm256_sub_epi64(words, from);
    _mm256_or_si256(_mm256_srli_epi64::<3>(away), _mm256_slli_epi64::<61>(away))
}

/// The bits A, B and C of the classes of four words, a bit a word, and what is kept of each.
#[target_feature(enable = "avx2")]
fn classify(words: __m256i, base: __m256i, near: __m256i) -> ([u8; 3], __m256i) {
    let zero = _mm256_setzero_si256();
    let is_zero = _mm256_cmpeq_epi64(words, zero);
    let below_16 = _mm256_cmpeq_epi64(_mm256_srli_epi64::<16>(words), zero);
    let below_32 = _mm256_cmpeq_epi64(_mm256_srli_epi64::<32>(words), zero);
    let below_48 = _mm256_cmpeq_epi64(_mm256_srli_epi64::<48>(words), zero);
    let (near_by, far) = (distance(words, near), distance(words, base));
    let is_near = _mm256_cmpeq_epi64(_mm256_srli_epi64::<16>(near_by), zero);
    let is_related = _mm256_cmpeq_epi64(_mm256_srli_epi64::<32>(far), zero);
    let neighbour = _mm256_andnot_si256(below_16, is_near);
    let related = _mm256_andnot_si256(neighbour, _mm256_andnot_si256(below_32, is_related));
    let pointer = _mm256_or_si256(neighbour, related);
    // 001, 011 and 111; 010, 011 and 111; 111
    let odd = _mm256_or_si256(_mm256_andnot_si256(is_zero, below_16), not(below_32));
    let a = _mm256_or_si256(related, _mm256_andnot_si256(pointer, odd));
    let b = _mm256_andnot_si256(pointer, not(below_16));
    let c = _mm256_or_si256(pointer, not(below_48));
    let kept = _mm256_blendv_epi8(_mm256_blendv_epi8(words, far, related), near_by, neighbour);
    ([a, b, c].map(|bits| _mm256_movemask_pd(_mm256_castsi256_pd(bits)) as u8), kept)
}

#[target_feature(enable = "avx2")]
fn not(bits: __m256i) -> __m256i {
    _mm256_xor_si256(bits, _mm256_set1_epi64x(-1))
}

/// How two words are made of the bytes that are kept of them, by their classes: six bits, A A C C B B.
#[repr(align(16))]
#[derive(Clone, Copy)]
struct Pair {
    /// Where each byte comes from; the highest bit is a zero.
    bytes: [u8; 16],
    /// How far each word moves up.
    shift: [u64; 2],
    /// Of the base.
    related: [u64; 2],
    /// Of the lowest neighbour.
    neighbour: [u64; 2],
    /// Bytes kept of both.
    len: usize,
    _room: usize,
}

static PAIRS: [Pair; 64] = {
    let none = Pair { bytes: [0x80; 16], shift: [0; 2], related: [0; 2], neighbour: [0; 2], len: 0, _room: 0 };
    let mut pairs = [none; 64];
    let mut code = 0;
    while code < 64 {
        let pair = &mut pairs[code];
        let mut word = 0;
        while word < 2 {
            let class = code >> word & 1 | (code >> (4 + word) & 1) << 1 | (code >> (2 + word) & 1) << 2;
            let mut byte = 0;
            // a class that `pack` never gives reads as nothing, as it does one by one
            while byte < BYTES[class] && class != 0b110 {
                pair.bytes[8 * word + byte] = (pair.len + byte) as u8;
                byte += 1;
            }
            if class == RELATED || class == NEIGHBOUR {
                pair.shift[word] = 3;
            }
            pair.related[word] = if class == RELATED { u64::MAX } else { 0 };
            pair.neighbour[word] = if class == NEIGHBOUR { u64::MAX } else { 0 };
            pair.len += BYTES[class];
            word += 1;
        }
        code += 1;
    }
    pairs
};

/// Unpacks whole groups from word `from` on, the first of a group, into `out`; how many words were unpacked. It ends at a
/// group that lies too near to the end of `record`: the rest is to be read one by one.
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn unpack(record: &[u8], origin: Origin, from: usize, out: &mut [u64]) -> usize {
    let base = _mm_set1_epi64x(origin.base as i64);
    let mut near = _mm_add_epi64(_mm_set1_epi64x(origin.near(from) as i64), _mm_set_epi64x(8, 0));
    let mut done = 0;
    for group in out.as_chunks_mut::<GROUP>().0.iter_mut().take(WORDS.saturating_sub(from) / GROUP) {
        let Some(head) = record.get(HEAD * ((from + done) / GROUP)..).and_then(|rest| rest.first_chunk()) else {
            break;
        };
        let head = u64::from_le_bytes(*head);
        let start = HEADS + 2 * (head & 0xffff) as usize;
        let Some(kept) = record.get(start..).and_then(|rest| rest.first_chunk::<{ GROUP_BYTES + SLACK }>()) else {
            break;
        };
        let mut at = 0;
        for (i, two) in group.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let pair = &PAIRS[code(head, i)];
            // SAFETY: the words of a group take at most `GROUP_BYTES`, so `at` is at most that less what this pair takes, and
            // behind it `SLACK` bytes of the array `kept` are left. The tables are arrays of 16 bytes; no alignment is asked for.
            let word = unsafe {
                let bytes = _mm_loadu_si128(kept.as_ptr().add(at).cast());
                let words = _mm_shuffle_epi8(bytes, _mm_loadu_si128(pair.bytes.as_ptr().cast()));
                let words = _mm_sllv_epi64(words, _mm_loadu_si128(pair.shift.as_ptr().cast()));
                let related = _mm_and_si128(base, _mm_loadu_si128(pair.related.as_ptr().cast()));
                let neighbour = _mm_and_si128(near, _mm_loadu_si128(pair.neighbour.as_ptr().cast()));
                _mm_add_epi64(words, _mm_add_epi64(related, neighbour))
            };
            // SAFETY: 16 bytes are written into an array of two words; no alignment is asked for.
            unsafe { _mm_storeu_si128(two.as_mut_ptr().cast(), word) };
            at += pair.len;
            near = _mm_add_epi64(near, _mm_set1_epi64x(16));
        }
        done += GROUP;
    }
    done
}

/// The classes of the words `2 * pair` and the next of a group, as [`PAIRS`] is indexed.
#[inline]
fn code(head: u64, pair: usize) -> usize {
    // two bits of each plane, at 0, 16 and 32, come together at 32, 34 and 36
    let bits = head >> (16 + 2 * pair) & 0x0003_0003_0003;
    (bits.wrapping_mul(1 << 32 | 1 << 18 | 1 << 4) >> 32 & 63) as usize
}
