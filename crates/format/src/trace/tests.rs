//! What is written is read; what is damaged ends early, and never otherwise.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use memsight_model::Timestamp;
use memsight_model::trace::{Code, Domain, End, Event, Frame, Head, Record};
use proptest::prelude::*;

use super::{Reader, Writer};
use crate::FormatError;
use crate::monitor::Whole;

/// A file in memory, with room for so many bytes.
#[derive(Clone, Default)]
struct Disk {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Option<usize>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = self.bytes.lock().unwrap();
        let count = self.room.map_or(bytes.len(), |room| bytes.len().min(room - there.len()));
        there.extend_from_slice(&bytes[..count]);
        if count == 0 && !bytes.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Whole for Disk {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(bytes as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn head() -> Head {
    let started = Timestamp { monotonic_ns: 5, unix_ns: 6 };
    Head { pid: 7, program: "app.py".into(), python_minor: 13, started, sample_bytes: 0 }
}

fn code() -> Code {
    Code { number: 3, name: "run".into(), file: "app.py".into(), first_line: 12, lines: vec![1, 2, 255] }
}

/// The bytes of a trace with these events, and its records.
fn written(events: &[Event]) -> (Vec<u8>, Vec<Record>) {
    let disk = Disk::default();
    let mut writer = Writer::new(Box::new(disk.clone()), Path::new("a.trace"));
    writer.begin(&head()).unwrap();
    let mut records = vec![Record::Code(code())];
    writer.code(&code()).unwrap();
    for frame in [Frame { caller: 0, code: 3, offset: 9 }, Frame { caller: 1, code: 3, offset: 2 }] {
        writer.frame(frame).unwrap();
        records.push(Record::Frame(frame));
    }
    for (number, event) in events.iter().enumerate() {
        writer.event(*event).unwrap();
        if number % 50 == 49 {
            writer.flush().unwrap();
        }
        records.push(Record::Event(*event));
    }
    let end = End { duration_ns: 1, lost_events: 2, exit_code: Some(0), signal: None };
    let bytes = writer.end(&end).unwrap();
    records.push(Record::End(end));
    let disk = disk.bytes.lock().unwrap().clone();
    assert_eq!(disk.len() as u64, bytes);
    (disk, records)
}

fn reader(bytes: &[u8]) -> Result<Reader, FormatError> {
    Reader::new(Box::new(io::Cursor::new(bytes.to_vec())), Path::new("a.trace"))
}

fn event() -> impl Strategy<Value = Event> {
    let address = prop_oneof![(0_u64..40).prop_map(|block| 0x7f00_0000_0000 + block * 64), any::<u64>()];
    let domain = prop_oneof![Just(Domain::Object), Just(Domain::Memory), Just(Domain::Raw)];
    let bytes = prop_oneof![Just(56_u64), any::<u64>()];
    prop_oneof![
        1 => any::<u32>().prop_map(Event::Thread),
        1 => any::<u64>().prop_map(Event::Time),
        1 => any::<u64>().prop_map(Event::Resident),
        1 => Just(Event::Ending),
        6 => (domain, address.clone(), bytes, 0..3_u32)
            .prop_map(|(domain, address, bytes, stack)| Event::Allocated { domain, address, bytes, stack }),
        6 => address.prop_map(Event::Freed),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(events in prop::collection::vec(event(), 0..300)) {
        let (bytes, records) = written(&events);
        let mut reader = reader(&bytes).unwrap();
        prop_assert_eq!(reader.head(), &head());
        let read: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
        prop_assert_eq!(read, records);
        prop_assert!(!reader.is_cut());
    }

    #[test]
    fn a_cut_file_is_read_up_to_there(events in prop::collection::vec(event(), 100..300), share in 0.0..1.0) {
        let (bytes, records) = written(&events);
        let cut = (bytes.len() as f64 * share) as usize;
        let Ok(mut reader) = reader(&bytes[..cut]) else { return Ok(()) };
        let read: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
        prop_assert_eq!(&read[..], &records[..read.len()]);
        prop_assert!(reader.is_cut());
    }

    #[test]
    fn damage_ends_it_early(
        events in prop::collection::vec(event(), 100..200), at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let (mut bytes, records) = written(&events);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(mut reader) = reader(&bytes) else { return Ok(()) };
        let read: Vec<Record> = reader.by_ref().map(Result::unwrap).collect();
        prop_assert!(read.len() < records.len());
        prop_assert_eq!(&read[..], &records[..read.len()]);
        prop_assert!(reader.is_cut());
    }

    #[test]
    fn anything_within_whole_blocks_is_read_or_refused(
        kind in 2..7_u8, bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let (mut file, _) = written(&[]);
        let mut blocks = Vec::new();
        super::block::append(&mut blocks, super::block::Kind::Events, &bytes);
        blocks[3] = kind;
        let sum = {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&blocks[..12]);
            sum.update(&blocks[16..]);
            sum.finalize()
        };
        blocks[12..16].copy_from_slice(&sum.to_le_bytes());
        // before the end
        let end = file.windows(4).rposition(|part| part == b"MSB\x05").unwrap();
        file.splice(end..end, blocks);
        for record in reader(&file).unwrap() {
            record.unwrap();
        }
    }
}

#[test]
fn a_full_disk_leaves_whole_blocks() {
    let (whole, _) = written(&[]);
    let disk = Disk { room: Some(whole.len() + 40), ..Disk::default() };
    let mut writer = Writer::new(Box::new(disk.clone()), Path::new("a.trace"));
    writer.begin(&head()).unwrap();
    let error = (0..200_000)
        .find_map(|address: u64| writer.event(Event::Freed(address.wrapping_mul(0x9E37_79B9_7F4A_7C15))).err());
    assert!(matches!(error, Some(FormatError::TraceFull { .. })), "{error:?}");
    let mut reader = reader(&disk.bytes.lock().unwrap()).unwrap();
    assert!(reader.by_ref().all(|record| record.is_ok()) && reader.is_cut());
}

#[test]
fn what_is_no_trace_is_refused() {
    let (mut bytes, _) = written(&[]);
    for foreign in [&b""[..], b"PK\x03\x04", b"\x89MSTRACE\r\n", &bytes[..20]] {
        assert!(matches!(reader(foreign), Err(FormatError::TraceForeign { .. })));
    }
    bytes[12] = 9;
    assert!(matches!(reader(&bytes), Err(FormatError::TraceVersion { found: 9, .. })));
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Reader::open(folder.path()), Err(FormatError::TraceForeign { .. })));
    assert!(matches!(Reader::open(&folder.path().join("x")), Err(FormatError::TraceNotFound { .. })));
    let path = folder.path().join("a.trace");
    Writer::create(&path, false).unwrap();
    assert!(matches!(Writer::create(&path, false), Err(FormatError::Exists { .. })));
    assert!(matches!(Reader::open(&path), Err(FormatError::TraceForeign { .. })));
    Writer::create(&path, true).unwrap().begin(&head()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(Reader::open(&path).unwrap().by_ref().next().is_none());
}
