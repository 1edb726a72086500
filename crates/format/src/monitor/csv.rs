//! The table as CSV (RFC 4180), appended line by line.

use std::fmt::Write;

use memsight_model::{Sample, Timestamp, visible};

use super::append::{Appended, Appender};
use super::record::Marker;
use super::table::{COLUMNS, Row, of_marker, of_sample};

/// Appends rows to a CSV file. Times are in seconds there: `elapsed_s` and `unix_s`.
pub struct CsvWriter {
    out: Appender,
    origin: Timestamp,
    text: String,
    titled: bool,
}

impl CsvWriter {
    /// A table whose elapsed times count from `origin`.
    pub fn new(out: Appender, origin: Timestamp) -> CsvWriter {
        CsvWriter { out, origin, text: String::new(), titled: false }
    }

    /// Where it writes.
    pub fn appender(&self) -> &Appender {
        &self.out
    }

    /// One row a process.
    pub fn sample(&mut self, sample: &Sample) -> Appended {
        self.append(of_sample(sample), sample.at)
    }

    /// One row, with nothing but the times and the text.
    pub fn marker(&mut self, marker: &Marker) -> Appended {
        self.append(std::iter::once(of_marker(marker)), marker.at)
    }

    /// Waits until everything has reached the disk; a table without rows has its titles.
    pub fn end(&mut self, at: Timestamp) -> Appended {
        match self.append(std::iter::empty(), at) {
            Appended::Written => self.out.sync().map_or_else(Appended::Failed, |()| Appended::Written),
            other => other,
        }
    }

    fn append<'a>(&mut self, rows: impl Iterator<Item = Row<'a>>, at: Timestamp) -> Appended {
        self.text.clear();
        if !self.titled {
            let titles = COLUMNS.map(|column| match column {
                "elapsed_ns" => "elapsed_s",
                "unix_ns" => "unix_s",
                other => other,
            });
            self.text.push_str(&titles.join(","));
            self.text.push('\n');
        }
        for row in rows {
            row_line(&mut self.text, &row, self.origin);
        }
        let appended = self.out.append(self.text.as_bytes(), at);
        self.titled |= matches!(appended, Appended::Written);
        appended
    }
}

fn row_line(text: &mut String, row: &Row<'_>, origin: Timestamp) {
    let seconds = |ns: u64| (ns / 1_000_000_000, ns % 1_000_000_000 / 1_000);
    let (elapsed, unix) = (seconds(row.elapsed_ns(origin)), seconds(row.at.unix_ns));
    // Writing to a String cannot fail.
    let _ = write!(text, "{}.{:06},{}.{:06}", elapsed.0, elapsed.1, unix.0, unix.1);
    number(text, row.pid.map(u64::from));
    number(text, row.parent.map(u64::from));
    words(text, row.name);
    for value in [row.rss_bytes, row.vms_bytes, row.shared_bytes, row.data_bytes, row.uss_bytes, row.pss_bytes] {
        number(text, value);
    }
    for value in [row.swap_bytes, row.cpu_ns, row.threads, row.minor_faults, row.major_faults] {
        number(text, value);
    }
    words(text, row.marker);
    text.push('\n');
}

fn number(text: &mut String, value: Option<u64>) {
    text.push(',');
    if let Some(value) = value {
        let _ = write!(text, "{value}");
    }
}

/// Words in quotes where they need them. Control characters are escaped: a row is one line for every reader.
fn words(text: &mut String, value: Option<&str>) {
    text.push(',');
    let Some(value) = value else { return };
    let quoted = value.contains([',', '"']);
    if quoted {
        text.push('"');
    }
    text.push_str(&visible(value, |_| false).replace('"', "\"\""));
    if quoted {
        text.push('"');
    }
}
