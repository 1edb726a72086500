//! What a program writes while a screen has the terminal: kept in a file without a name that others know, and written later.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::process::Stdio;

use tempfile::NamedTempFile;

/// The end of the output in which its last line is looked for.
const END: u64 = 4096;
/// Bytes that are written at one time.
const PIECE: usize = 1 << 16;

/// The output of a program.
pub(in crate::verbs) struct Kept {
    file: NamedTempFile,
    reader: File,
    written: u64,
}

impl Kept {
    pub(super) fn new() -> io::Result<Kept> {
        let file = tempfile::Builder::new().prefix("memsight-output-").tempfile()?;
        let reader = file.reopen()?;
        Ok(Kept { file, reader, written: 0 })
    }

    /// Its input, output and errors: what is the terminal's goes here, and nothing is read from there.
    pub(super) fn streams(&self) -> io::Result<[Stdio; 3]> {
        let kept = || Ok::<_, io::Error>(Stdio::from(self.file.as_file().try_clone()?));
        let errors = if io::stderr().is_terminal() { kept()? } else { Stdio::inherit() };
        Ok([Stdio::null(), kept()?, errors])
    }

    /// The last line that has something in it.
    pub(super) fn last_line(&mut self) -> Option<String> {
        let len = self.file.as_file().metadata().ok()?.len();
        self.reader.seek(SeekFrom::Start(len.saturating_sub(END))).ok()?;
        let mut end = Vec::new();
        (&mut self.reader).take(END).read_to_end(&mut end).ok()?;
        let end = String::from_utf8_lossy(&end);
        end.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
    }

    /// Writes what has come since the last time, as it is: it is the program's.
    pub(super) fn write_on(&mut self) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        let mut out = io::stdout().lock();
        self.reader.seek(SeekFrom::Start(self.written))?;
        loop {
            let count = self.reader.read(&mut piece)?;
            if count == 0 {
                return out.flush();
            }
            out.write_all(piece.get(..count).unwrap_or_default())?;
            self.written += count as u64;
        }
    }
}
