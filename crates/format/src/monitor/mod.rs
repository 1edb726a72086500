//! The monitor's log: what `memsight watch` records, one JSON object a line, and the tables made of it.
//!
//! The format is described in `docs/formats/monitor.md`. [`Recorder`] turns samples into lines and an [`Appender`]
//! puts them at the end of a file, whole lines or none; [`read_log`] gives the records back, also of a log that was
//! cut anywhere; [`Assembler`] makes samples of records again; [`CsvWriter`] and [`ParquetTable`] make tables.

mod append;
mod assemble;
mod csv;
mod parquet;
mod reader;
mod record;
mod table;
mod writer;

pub use append::{Appended, Appender, Whole};
pub use assemble::Assembler;
pub use csv::CsvWriter;
pub use parquet::ParquetTable;
pub use reader::{LogReader, MAX_LINE_BYTES, read_log};
pub use record::{
    Ended, FORMAT, Gap, Header, Host, Marker, MarkerSource, ProcessRecord, Record, SampleRecord, Usage, VERSION,
    Watched,
};
pub use table::Rows;
pub use writer::Recorder;
