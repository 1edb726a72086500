//! What the file looks like, whose it is, and what to do with one that is broken.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::lock::Lock;
use crate::FormatError;

/// `mems`: SQLite's application id of a history.
const APPLICATION: i32 = 0x6d65_6d73;
/// Version of the schema (`user_version`).
pub(super) const VERSION: i32 = 1;
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of SQLite's header.
const HEADER: usize = 100;
/// Where the application id stands in it (<https://www.sqlite.org/fileformat.html>).
const APPLICATION_AT: usize = 68;
/// Endings of names that a person gives to a database: a broken file with one of them may be moved aside.
const ENDINGS: &[&str] = &["db", "sqlite", "sqlite3", "history"];
/// How long a reader or a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(2);
/// KiB of pages that a connection keeps in memory. A writer appends to a few pages and a reader walks along, so that
/// SQLite's 2 MiB would fill up for nothing.
const CACHE_KIB: i64 = 256;
/// Broken files that are kept beside each other.
const MAX_ASIDE: u32 = 1_000;

/// Rows are clustered by time: an interval appends to a few pages, and old rows stand together when they go.
const TABLES: &str = "
    CREATE TABLE series (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pid INTEGER NOT NULL,
        created_ms INTEGER NOT NULL,
        name TEXT NOT NULL,
        service TEXT NOT NULL,
        container TEXT NOT NULL,
        python TEXT NOT NULL,
        last_ms INTEGER NOT NULL,
        UNIQUE (pid, created_ms, name, service, container, python)
    );
    CREATE TABLE samples (
        at_ms INTEGER NOT NULL,
        series INTEGER NOT NULL,
        rss INTEGER NOT NULL, pss INTEGER, uss INTEGER, swap INTEGER, collections INTEGER,
        PRIMARY KEY (at_ms, series)
    ) WITHOUT ROWID;
    CREATE TABLE rolled (step_ms INTEGER PRIMARY KEY, until_ms INTEGER NOT NULL);
";

/// One table a step of downsampling: `tens`, `minutes`.
fn rolled_table(name: &str) -> String {
    format!(
        "CREATE TABLE {name} (
            at_ms INTEGER NOT NULL,
            series INTEGER NOT NULL,
            samples INTEGER NOT NULL,
            rss_min INTEGER NOT NULL, rss_avg INTEGER NOT NULL, rss_max INTEGER NOT NULL,
            pss_min INTEGER, pss_avg INTEGER, pss_max INTEGER,
            uss_min INTEGER, uss_avg INTEGER, uss_max INTEGER,
            swap_min INTEGER, swap_avg INTEGER, swap_max INTEGER,
            collections INTEGER,
            PRIMARY KEY (at_ms, series)
        ) WITHOUT ROWID;"
    )
}

/// A history that was opened for writing.
pub(super) struct Opened {
    /// The connection.
    pub connection: Connection,
    /// To be kept as long as the connection.
    pub lock: Lock,
    /// Where a broken one was moved to.
    pub aside: Option<PathBuf>,
}

/// Opens the history at `path` for writing, or makes a new one.
pub(super) fn open(path: &Path) -> Result<Opened, FormatError> {
    ready(path)?;
    let lock = Lock::take(path)?;
    match judge(path).and_then(|()| connect(path)) {
        Ok(connection) => Ok(Opened { connection, lock, aside: None }),
        Err(FormatError::HistoryDamaged { .. }) => {
            let aside = move_aside(path)?;
            create(path)?;
            let lock = Lock::take(path)?;
            Ok(Opened { connection: connect(path)?, lock, aside: Some(aside) })
        }
        Err(error) => Err(error),
    }
}

/// Opens the history at `path` for reading.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, FormatError> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(path, error))?;
    let set = connection.busy_timeout(PATIENCE).and_then(|()| connection.pragma_update(None, "cache_size", -CACHE_KIB));
    set.map_err(|error| failed(path, error))?;
    Ok(connection)
}

/// Makes a missing file, and refuses what is no file: opening it could wait for ever.
fn ready(path: &Path) -> Result<(), FormatError> {
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() => Ok(()),
        Ok(_) => Err(foreign(path, "it is not a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path),
        Err(error) => Err(FormatError::io(path, "read", error)),
    }
}

/// Refuses files that are somebody else's, and tells broken ones from them; an empty one is nobody's.
fn judge(path: &Path) -> Result<(), FormatError> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEADER as u64).read_to_end(&mut head));
    if read.map_err(|error| FormatError::io(path, "read", error))? == 0 {
        return Ok(());
    }
    let ours = head.get(APPLICATION_AT..APPLICATION_AT + 4) == Some(&APPLICATION.to_be_bytes()[..]);
    let sqlite = head.starts_with(MAGIC);
    let named = path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    match (sqlite, ours) {
        (true, true) => Ok(()),
        (true, false) => Err(foreign(path, "it is the database of another program")),
        (false, true) => Err(damaged(path, "its first bytes are overwritten")),
        (false, false) if named => Err(damaged(path, "it is no SQLite file")),
        (false, false) => Err(foreign(path, "it is no SQLite file, and its name is not that of a database")),
    }
}

/// An empty file that its owner alone can read: SQLite gives its companions the same permissions.
fn create(path: &Path) -> Result<(), FormatError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    crate::platform::private(&mut options).open(path).map(drop).map_err(|error| FormatError::io(path, "create", error))
}

fn connect(path: &Path) -> Result<Connection, FormatError> {
    let mut connection = Connection::open(path).map_err(|error| failed(path, error))?;
    let version = set_up(&mut connection).map_err(|error| failed(path, error))?;
    match version {
        VERSION => {}
        found => return Err(FormatError::HistoryVersion { path: path.to_path_buf(), found, known: VERSION }),
    }
    let check: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(|error| failed(path, error))?;
    if check == "ok" { Ok(connection) } else { Err(damaged(path, check)) }
}

/// Readies a connection, makes the tables of a new file, and gives the version of the schema.
fn set_up(connection: &mut Connection) -> rusqlite::Result<i32> {
    connection.busy_timeout(PATIENCE)?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
    }
    // WAL with NORMAL: a commit needs no fsync, and a power cut loses the last commits but harms nothing.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if tables == 0 {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(&rolled_table("tens"))?;
        transaction.execute_batch(&rolled_table("minutes"))?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Renames a broken file and its companions to `PATH.corrupt-1` and so on. Nothing is deleted.
pub(super) fn move_aside(path: &Path) -> Result<PathBuf, FormatError> {
    let with = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let free = (1..=MAX_ASIDE).map(|n| with(&format!(".corrupt-{n}"))).find(|aside| !aside.exists());
    let Some(aside) = free else {
        return Err(damaged(path, format!("{MAX_ASIDE} broken files stand beside it already")));
    };
    std::fs::rename(path, &aside).map_err(|error| FormatError::io(path, "move", error))?;
    for companion in ["-wal", "-shm"] {
        let mut moved = aside.clone().into_os_string();
        moved.push(companion);
        match std::fs::rename(with(companion), PathBuf::from(moved)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(FormatError::io(&with(companion), "move", error));
            }
            _ => {}
        }
    }
    Ok(aside)
}

fn foreign(path: &Path, reason: &str) -> FormatError {
    FormatError::HistoryForeign { path: path.to_path_buf(), reason: reason.to_owned() }
}

fn damaged(path: &Path, reason: impl Into<String>) -> FormatError {
    FormatError::HistoryDamaged { path: path.to_path_buf(), reason: reason.into() }
}

/// SQLite's error as ours.
pub(super) fn failed(path: &Path, source: rusqlite::Error) -> FormatError {
    let path = path.to_path_buf();
    match source.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => FormatError::HistoryFull { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            FormatError::HistoryDamaged { path, reason: source.to_string() }
        }
        _ => FormatError::History { path, reason: source.to_string() },
    }
}
