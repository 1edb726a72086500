//! The log of the monitor: read back equal, cut anywhere, damaged, hostile, and on a disk that fills up.
#![allow(clippy::disallowed_methods, reason = "tests read files")]

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use memsight_format::FormatError;
use memsight_format::monitor::{
    Appended, Appender, Assembler, CsvWriter, FORMAT, Header, LogReader, Marker, MarkerSource, ParquetTable,
    ProcessRecord, Record, Recorder, Rows, VERSION, Whole, read_log,
};
use memsight_model::{MemoryInfo, ProcessSample, Rollup, Sample, StatusFigures, Timestamp, Totals};
use proptest::prelude::*;

const ORIGIN: u64 = 1_000_000_000;

fn at(tick: u64) -> Timestamp {
    Timestamp { monotonic_ns: ORIGIN + tick * 100_000_000, unix_ns: 1_700_000_000_000_000_000 + tick * 100_000_000 }
}

fn header() -> Header {
    Header { format: FORMAT.to_owned(), schema_version: VERSION, at: at(0), ..Header::default() }
}

/// Process 12 changes in every sixth tick only.
fn process(pid: u32, tick: u64) -> ProcessSample {
    let tick = if pid == 12 { tick - tick % 6 } else { tick };
    let rollup_at = tick / 3;
    ProcessSample {
        pid,
        parent: 1,
        created: 1_700_000_000.25 + f64::from(pid),
        name: format!("py,\"{pid}\n"),
        state: 'S',
        memory: MemoryInfo { rss_bytes: tick * 4096 + u64::from(pid), vms_bytes: 1 << 30, ..MemoryInfo::default() },
        status: Some(StatusFigures { swap_bytes: rollup_at, ..StatusFigures::default() }),
        rollup: Some(Rollup { pss_bytes: rollup_at, ..Rollup::default() }),
        rollup_ns: Some(at(rollup_at * 3).monotonic_ns),
        threads: 2,
        cpu_ns: tick * 1_000,
        ..ProcessSample::default()
    }
}

/// Process 10 always, 11 in the middle third, 12 from the middle on.
fn samples(count: u64) -> Vec<Sample> {
    let lives = |pid: u32, tick: u64| match pid {
        10 => true,
        11 => (count / 3..2 * count / 3).contains(&tick),
        _ => tick >= count / 2,
    };
    let of = |tick| {
        let processes: Vec<_> = (10..13).filter(|&pid| lives(pid, tick)).map(|pid| process(pid, tick)).collect();
        let rss_bytes = processes.iter().map(|process| process.memory.rss_bytes).sum();
        let total = Totals { processes: processes.len() as u32, rss_bytes, ..Totals::default() };
        Sample { at: at(tick), processes, total, ..Sample::default() }
    };
    (0..count).map(of).collect()
}

/// A disk with room for so many bytes, which somebody may change.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

impl Disk {
    fn with_room(room: usize) -> Disk {
        Disk(Arc::new(Mutex::new((Vec::new(), room))))
    }

    fn content(&self) -> Vec<u8> {
        self.0.lock().unwrap().0.clone()
    }
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.lock().unwrap();
        let fits = bytes.len().min(disk.1 - disk.0.len());
        disk.0.extend_from_slice(&bytes[..fits]);
        if fits == 0 && !bytes.is_empty() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(fits) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Whole for Disk {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.0.lock().unwrap().0.truncate(bytes as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A log of these samples on that disk, with a marker after the fifth; how often the person was told of a failure.
fn record(disk: &Disk, samples: &[Sample]) -> u32 {
    let mut told = 0;
    let mut tell = |appended: Appended| told += u32::from(matches!(appended, Appended::Failed(_)));
    let (mut recorder, appended) =
        Recorder::begin(Appender::new(Box::new(disk.clone()), Path::new("app.log")), &header());
    tell(appended);
    for (tick, sample) in samples.iter().enumerate() {
        tell(recorder.sample(sample));
        if tick == 5 {
            let marker = Marker { at: sample.at, text: "loaded".into(), source: MarkerSource::File };
            tell(recorder.marker(&marker));
        }
    }
    tell(recorder.end(serde_json::json!({"verdict": "stable"}), at(samples.len() as u64)));
    told
}

fn whole_log(samples: &[Sample]) -> Vec<u8> {
    let disk = Disk::with_room(usize::MAX >> 1);
    assert_eq!(record(&disk, samples), 0);
    disk.content()
}

fn read(bytes: &[u8]) -> Result<(Vec<Record>, Vec<FormatError>, bool), FormatError> {
    let mut reader = LogReader::new(bytes, Path::new("app.log"))?;
    let (mut records, mut errors) = (Vec::new(), Vec::new());
    for record in &mut reader {
        match record {
            Ok(record) => records.push(record),
            Err(error) => errors.push(error),
        }
    }
    Ok((records, errors, reader.was_cut()))
}

fn samples_of(records: &[Record]) -> Vec<Sample> {
    let mut assembler = Assembler::default();
    records.iter().filter_map(|record| assembler.take(record)).collect()
}

#[test]
fn what_was_recorded_is_read_back() {
    let samples = samples(30);
    let (records, errors, cut) = read(&whole_log(&samples)).unwrap();
    assert!(errors.is_empty() && !cut);
    assert!(samples_of(&records) == samples);
    let count = |matches: fn(&Record) -> bool| records.iter().filter(|record| matches(record)).count();
    assert_eq!(count(|record| matches!(record, Record::Process(_))), 3);
    assert_eq!(count(|record| matches!(record, Record::Ended(ended) if ended.pid == 11)), 1);
    assert_eq!(count(|record| matches!(record, Record::Marker(_))), 1);
    assert!(matches!(records.last(), Some(Record::Summary { summary }) if summary["verdict"] == "stable"));
}

#[test]
fn what_does_not_change_is_not_written_again() {
    let samples = samples(30);
    let (records, ..) = read(&whole_log(&samples)).unwrap();
    let written = |pid: u32| {
        let lines = records.iter().filter_map(|record| match record {
            Record::Sample(sample) => Some(sample.processes.iter().filter(|usage| usage.pid == pid).count()),
            _ => None,
        });
        lines.sum::<usize>()
    };
    assert_eq!((written(10), written(12)), (30, 3), "12 came in tick 15, and changed in 18 and 24");
}

#[test]
fn a_log_cut_at_any_byte_keeps_every_whole_line() {
    let samples = samples(12);
    let log = whole_log(&samples);
    let first = log.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let (all, ..) = read(&log).unwrap();
    for cut in 0..log.len() {
        let part = &log[..cut];
        let lines = part.iter().filter(|&&byte| byte == b'\n').count();
        match read(part) {
            Ok((records, errors, was_cut)) => {
                assert!(cut >= first && errors.is_empty());
                assert!(records == all[..lines - 1], "cut at {cut}");
                assert_eq!(was_cut, part.last() != Some(&b'\n'));
            }
            Err(error) => assert!(cut < first && matches!(error, FormatError::ForeignLog { .. }), "{cut}: {error}"),
        }
    }
}

#[test]
fn damaged_lines_are_named_and_passed_over() {
    let log = whole_log(&samples(6));
    let mut lines: Vec<&[u8]> = log.split_inclusive(|&byte| byte == b'\n').collect();
    lines.insert(3, b"{\"kind\": \"sample\", \"at\": 7}\n");
    lines.insert(5, b"\xff\xfe\n");
    lines.insert(6, b"{\"kind\": \"hologram\", \"depth\": 3}\n");
    let (records, errors, _) = read(&lines.concat()).unwrap();
    let numbers: Vec<_> = errors
        .iter()
        .map(|error| match error {
            FormatError::DamagedLog { line, .. } => *line,
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(numbers, [4, 6]);
    assert_eq!(samples_of(&records).len(), 6);
    assert!(records.contains(&Record::Unknown), "a later version may have other kinds");
}

#[test]
fn foreign_files_are_refused_with_the_reason() {
    for foreign in [&b""[..], b"\n", b"hello\n", b"{}\n", b"[1,2]\n", b"{\"kind\":\"marker\"}\n", &[0; 4096]] {
        assert!(matches!(read(foreign), Err(FormatError::ForeignLog { .. })), "{foreign:?}");
    }
    let newer = String::from_utf8(whole_log(&[])).unwrap().replace("\"schema_version\":1", "\"schema_version\":9");
    assert!(matches!(read(newer.as_bytes()), Err(FormatError::Version { found: 9, .. })));
}

#[test]
fn a_disk_that_fills_up_at_any_byte_leaves_whole_lines_and_one_message() {
    let samples = samples(12);
    let whole = whole_log(&samples).len();
    for room in (0..whole).step_by(7) {
        let disk = Disk::with_room(room);
        assert_eq!(record(&disk, &samples), 1, "room for {room} of {whole}");
        let content = disk.content();
        assert!(content.is_empty() || content.ends_with(b"\n"));
        if !content.is_empty() {
            let (records, errors, cut) = read(&content).unwrap();
            assert!(errors.is_empty() && !cut);
            let read = samples_of(&records);
            assert!(read == samples[..read.len()], "room for {room}");
        }
    }
}

#[test]
fn when_there_is_room_again_the_log_goes_on_and_says_what_is_missing() {
    let samples = samples(60);
    let disk = Disk::with_room(6_000);
    let (mut recorder, _) = Recorder::begin(Appender::new(Box::new(disk.clone()), Path::new("app.log")), &header());
    for (tick, sample) in samples.iter().enumerate() {
        if tick == 45 {
            disk.0.lock().unwrap().1 = usize::MAX;
        }
        let _ = recorder.sample(sample);
    }
    let (records, errors, _) = read(&disk.content()).unwrap();
    assert!(errors.is_empty());
    let lost: u64 = records.iter().filter_map(|r| if let Record::Gap(gap) = r { Some(gap.lost) } else { None }).sum();
    let read = samples_of(&records);
    assert!(lost > 10 && read.len() as u64 + lost == 60, "{} read, {lost} lost", read.len());
    assert!(read.iter().all(|sample| samples.contains(sample)));
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let mut log = whole_log(&samples(2));
    log.extend(std::iter::repeat_n(b'x', (64 << 20) + 10));
    log.extend(b"\n");
    let tail = whole_log(&samples(2));
    log.extend(&tail);
    let (records, errors, cut) = read(&log).unwrap();
    assert!(matches!(errors[..], [FormatError::DamagedLog { .. }]) && !cut);
    assert_eq!(samples_of(&records).len(), 4);
}

#[test]
fn the_table_has_one_row_a_process_and_a_sample() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples(9);
    let rows: usize = samples.iter().map(|sample| sample.processes.len()).sum();
    let marker = Marker { at: at(4), text: "say \"hi\",\nthere".into(), source: MarkerSource::Signal };

    let csv = folder.path().join("app.csv");
    let mut writer = CsvWriter::new(Appender::create(&csv, false).unwrap(), at(0));
    let parquet = folder.path().join("app.parquet");
    let mut table = ParquetTable::begin(&parquet, &header(), false).unwrap();
    for sample in &samples {
        assert!(matches!(writer.sample(sample), Appended::Written));
        table.add(&Rows::Sample(sample.clone())).unwrap();
    }
    assert!(matches!(writer.marker(&marker), Appended::Written));
    assert!(matches!(writer.end(at(9)), Appended::Written));
    table.add(&Rows::Marker(marker)).unwrap();
    table.finish().unwrap();

    let text = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(text.lines().count(), 1 + rows + 1);
    assert!(text.lines().nth(1).unwrap().starts_with("0.000000,1700000000.000000,10,1,\"py,\"\"10\\n\",10,"), "{text}");
    assert!(text.ends_with(",\"say \"\"hi\"\",\\nthere\"\n"), "{text}");
    let file = std::fs::File::open(&parquet).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), rows as i64 + 1);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "no hidden file is left");

    assert!(matches!(ParquetTable::begin(&parquet, &header(), false), Err(FormatError::Exists { .. })));
    assert!(matches!(Appender::create(&csv, false), Err(FormatError::Exists { .. })));
    drop(ParquetTable::begin(&parquet, &header(), true).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "given up, it leaves the old one");
}

#[test]
fn read_log_reads_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jsonl");
    std::fs::write(&path, whole_log(&samples(3))).unwrap();
    assert_eq!(read_log(&path).unwrap().header(), &header());
    assert!(matches!(read_log(&folder.path().join("none")), Err(FormatError::Io { .. })));
    assert!(matches!(read_log(folder.path()), Err(FormatError::Io { .. })));
}

/// The file at `path`, with a hole behind what is in it: 1 TiB in all.
fn with_a_hole(path: &Path, start: &[u8]) {
    std::fs::write(path, start).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
}

#[test]
fn a_log_with_a_hole_of_any_length_ends_soon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jsonl");
    with_a_hole(&path, b"");
    let Err(FormatError::ForeignLog { reason, .. }) = read_log(&path) else { panic!("a hole is no log") };
    assert_eq!(reason, "its first line: it is too long");

    let log = whole_log(&samples(3));
    with_a_hole(&path, &log);
    let mut reader = read_log(&path).unwrap();
    let (records, errors): (Vec<_>, Vec<_>) = (&mut reader).partition(Result::is_ok);
    assert_eq!(records.len() + 1, log.iter().filter(|byte| **byte == b'\n').count());
    let [Err(FormatError::DamagedLog { reason, .. })] = &errors[..] else { panic!("{errors:?}") };
    assert!(reason == "it is too long" && reader.was_cut());
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_that_is_no_plain_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.jsonl");
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    for path in [path.as_path(), Path::new("/dev/zero"), Path::new("/proc/self/mem"), Path::new("/proc/self/status")] {
        let Err(error @ FormatError::ForeignLog { .. }) = read_log(path) else { panic!("{}", path.display()) };
        let reason = if path.starts_with("/proc") {
            "it is a file of the kernel, not of a disk"
        } else {
            "it is a pipe or a device, not a file"
        };
        assert_eq!(error.to_string(), format!("{} is not a log of memsight: {reason}", path.display()));
    }
}

#[test]
fn what_a_log_says_of_processes_is_kept_within_bounds() {
    let mut assembler = Assembler::default();
    let mut process = |pid: u32, name: &str| {
        let record = ProcessRecord { pid, name: name.to_owned(), ..ProcessRecord::default() };
        assembler.take(&Record::Process(record));
    };
    process(0, &format!("a{}", "ä".repeat(1 << 20)));
    (1..=1 << 17).for_each(|pid| process(pid, "python"));
    let sample = assembler.take(&Record::Sample(Box::default())).unwrap();
    assert_eq!(sample.processes.len(), 1 << 17, "the last one is left out");
    assert_eq!(sample.processes[0].name, format!("a{}", "ä".repeat(127)));
}

/// What version 1 wrote stays readable. Made by this test's own writer; it is never written again.
#[test]
fn logs_of_the_first_version_are_read() {
    let mut golden = include_bytes!("golden/monitor_v1.jsonl").to_vec();
    let (records, errors, cut) = read(&golden).unwrap();
    assert!(errors.is_empty() && !cut);
    assert!(samples_of(&records) == samples(6));
    golden.truncate(golden.len() - 1);
    assert!(read(&golden).unwrap().2);
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut log = whole_log(&samples(1));
        log.extend(&bytes);
        let (records, ..) = read(&log).unwrap();
        prop_assert!(records.len() >= 3);
        let _ = read(&bytes);
    }

    #[test]
    fn any_changed_byte_is_an_error_or_another_record(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut log = whole_log(&samples(4));
        let position = position.index(log.len());
        log[position] = byte;
        if let Ok((records, ..)) = read(&log) {
            let _ = samples_of(&records);
        }
    }
}
