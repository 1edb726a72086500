//! Markers that the program sets: lines at the end of a file. A file, not a pipe: whoever sets one never waits for us,
//! and nothing breaks when we are gone.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use memsight_engine::format::monitor::{Marker, MarkerSource};
use memsight_model::Timestamp;
use tempfile::NamedTempFile;

/// Where a command finds the path of the file.
pub(super) const VARIABLE: &str = "MEMSIGHT_MARKERS";
/// Longer texts are shortened.
const MAX_TEXT: usize = 200;
/// Bytes of markers taken at a tick: a program that writes more marks nothing.
const MAX_BYTES: usize = 1 << 16;

/// The file of markers, read as it grows.
pub(super) struct Markers {
    file: File,
    path: PathBuf,
    /// Removes the file that was made for a command.
    _own: Option<NamedTempFile>,
    partial: Vec<u8>,
}

impl Markers {
    /// Follows `path` from its end, creating it if need be; without a path a file of our own.
    pub(super) fn follow(path: Option<&Path>) -> io::Result<Markers> {
        let own = match path {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("memsight-markers-").tempfile()?),
        };
        let path = path.or(own.as_ref().map(NamedTempFile::path)).unwrap_or(Path::new("")).to_path_buf();
        let mut file = File::options().read(true).append(true).create(true).open(&path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Markers { file, path: std::path::absolute(path)?, _own: own, partial: Vec::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The lines that came since the last call. Cost without any: one system call.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Marker> {
        let mut buffer = [0; 4096];
        let mut bytes = 0;
        let mut markers = Vec::new();
        while bytes < MAX_BYTES {
            // A file that cannot be read has no markers.
            let read = self.file.read(&mut buffer).unwrap_or(0);
            let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
            bytes += read;
            for piece in part.split_inclusive(|&byte| byte == b'\n') {
                self.partial.extend_from_slice(piece.get(..piece.len().min(4 * MAX_TEXT)).unwrap_or_default());
                self.partial.truncate(8 * MAX_TEXT);
                if piece.ends_with(b"\n") {
                    markers.extend(marker(&self.partial, now));
                    self.partial.clear();
                }
            }
        }
        markers
    }

    /// What is left when the program has ended: the last line may lack its end.
    pub(super) fn rest(&mut self, now: Timestamp) -> Vec<Marker> {
        let mut markers = self.take(now);
        markers.extend(marker(&std::mem::take(&mut self.partial), now));
        markers
    }
}

/// A line as a marker; `@NANOSECONDS` in front is its own time, of the monotonic clock.
fn marker(line: &[u8], now: Timestamp) -> Option<Marker> {
    let line = String::from_utf8_lossy(line);
    let line = line.trim();
    let timed = line.strip_prefix('@').and_then(|rest| rest.split_once(' '));
    let timed = timed.and_then(|(ns, text)| Some((ns.parse::<u64>().ok().filter(|&ns| ns <= now.monotonic_ns)?, text)));
    let (at, text) = match timed {
        Some((monotonic_ns, text)) => {
            let ago = now.monotonic_ns - monotonic_ns;
            (Timestamp { monotonic_ns, unix_ns: now.unix_ns.saturating_sub(ago) }, text.trim())
        }
        None => (now, line),
    };
    let text: String = text.chars().take(MAX_TEXT).collect();
    (!text.is_empty()).then_some(Marker { at, text, source: MarkerSource::File })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn at(monotonic_ns: u64) -> Timestamp {
        Timestamp { monotonic_ns, unix_ns: 1_000 + monotonic_ns }
    }

    #[test]
    fn lines_become_markers_once_they_are_whole() -> io::Result<()> {
        let mut markers = Markers::follow(None)?;
        let mut program = File::options().append(true).open(markers.path())?;
        assert_eq!(markers.take(at(1)), []);
        program.write_all(b"loaded\nhalf")?;
        let texts = |markers: Vec<Marker>| markers.into_iter().map(|marker| marker.text).collect::<Vec<_>>();
        assert_eq!(texts(markers.take(at(2))), ["loaded"]);
        program.write_all(b" a line\n\n@4 timed\n@99 of the future\nend")?;
        let taken = markers.take(at(6));
        assert_eq!(taken.iter().map(|marker| marker.at).collect::<Vec<_>>(), [at(6), at(4), at(6)]);
        assert_eq!(texts(taken), ["half a line", "timed", "@99 of the future"]);
        assert_eq!(texts(markers.rest(at(7))), ["end"]);
        assert_eq!(texts(markers.rest(at(8))), Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn a_flood_is_bounded() -> io::Result<()> {
        let mut markers = Markers::follow(None)?;
        let mut program = File::options().append(true).open(markers.path())?;
        program.write_all(&vec![b'x'; 1 << 20])?;
        program.write_all(b"\nnext\n")?;
        let mut taken = Vec::new();
        for _ in 0..40 {
            taken.extend(markers.take(at(1)));
        }
        assert_eq!(taken.len(), 2);
        assert!(taken.iter().all(|marker| marker.text.len() <= MAX_TEXT));
        Ok(())
    }
}
