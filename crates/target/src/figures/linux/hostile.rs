//! Every reader of the kernel's text against text that no kernel writes: nothing may panic, overflow or loop.

use proptest::prelude::*;

use super::types::{Name, ProcessStat};
use super::{field, group_by_path, rollup, smaps, statm, status};

/// What a file might hold, with pieces of real lines in it so that the readers get far.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        &b"00400000-0040b000 r-xp 00001000 fe:00 247030   /a b (deleted)\n"[..],
        b"ffffffffffffffff-0 ---p ffffffffffffffff 0:0 18446744073709551615 \n",
        b"Size:  44 kB\n",
        b"Rss: 18446744073709551615 kB\n",
        b"Private_Dirty: 18014398509481984 kB\n",
        b"VmFlags: rd\n",
        b"Uid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4294967296\n",
        b"VmHWM:\t 9 kB\nThreads:\t7\n",
        b"7 (a) S 4 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 12345 ",
        b"18446744073709551615 7 3 2 0 5 0\n",
        b":",
        b"\n",
        b")",
    ];
    let piece = prop_oneof![4 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..40)];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in text(), cut in any::<prop::sample::Index>()) {
        let text = &text[..cut.index(text.len() + 1)];
        let _ = statm::parse(text, 4096);
        let _ = ProcessStat::parse(text).map(|stat| (stat.cpu_ns(), stat.name.to_str().len()));
        let _ = status::ids(text);
        let _ = status::figures(text);
        field::pairs(text).for_each(|(_, value)| drop(field::kilobytes(value).map(|bytes| bytes.to_string())));
        let _ = rollup::parse(text).uss_bytes();
        let maps = smaps::parse(text);
        let groups = group_by_path(&maps);
        prop_assert_eq!(groups.iter().map(|group| group.mappings).sum::<usize>(), maps.len());
        prop_assert!(smaps::sum(&maps).rss_bytes >= maps.iter().map(|map| map.pages.rss_bytes).max().unwrap_or(0));
    }

    #[test]
    fn names_keep_their_bytes(name in prop::collection::vec(any::<u8>(), 0..80)) {
        let line = [b"7 (", &name[..], b") S 4 7 7 0 -1 0 11 0 12 0 13 14 0 0 20 0 15 0 12345"].concat();
        let stat = ProcessStat::parse(&line).expect("well-formed but for its name");
        let kept: &Name = &stat.name;
        prop_assert_eq!(kept.as_os_str().as_encoded_bytes(), &name[..name.len().min(64)]);
    }
}
