//! What the file looks like, whose it is, and what to do with one that is broken.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::lock::Lock;
use crate::FormatError;

/// `mems`: SQLite's application id of a history.
const APPLICATION: i32 = 0x6d65_6d73;
/// Version of the schema (`user_version`).
pub(super) const VERSION: i32 = 1;
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Bytes of SQLite's header.
const HEADER: u64 = 100;
/// Where the application id stands in it (<https://www.sqlite.org/fileformat.html>).
const APPLICATION_AT: usize = 68;
/// Endings of names that a person gives to a database: a broken file with one of them may be moved aside.
const ENDINGS: &[&str] = &["db", "sqlite", "sqlite3", "history"];
/// How long a reader or a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(2);
/// KiB of pages that a connection keeps in memory. A writer appends to a few pages and a reader walks along, so that
/// SQLite's 2 MiB would fill up for nothing.
const CACHE_KIB: i64 = 256;
/// Instructions of SQLite between two calls of a progress handler.
const STEPS: i32 = 1_000;
/// Calls after which a schema is given up: our tables take none. Pages of a file that was made to harm can lead to each other
/// so that a few of them hold more rows than can ever be read.
const MAX_CALLS: u32 = 1_000;
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
    match judge(&lock, path).and_then(|()| connect(path)) {
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
    let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    check_schema(&connection, path)?;
    without_limit(&connection, path)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(|error| failed(path, error))?;
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

/// A connection in which a file's own schema can do nothing but hold rows: no trigger and no view of it runs. It stops after
/// [`MAX_CALLS`], until [`without_limit`].
fn open_with(path: &Path, flags: OpenFlags) -> Result<Connection, FormatError> {
    // To SQLite `file:x` and `:memory:` are no paths: with a folder before it every name is one.
    let path_there = if path.is_relative() { Path::new(".").join(path) } else { path.to_path_buf() };
    let opened = Connection::open_with_flags(path_there, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = opened.map_err(|error| failed(path, error))?;
    let settings = [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ];
    let set = settings.into_iter().try_for_each(|(setting, on)| connection.set_db_config(setting, on).map(drop));
    let mut calls = 0;
    let limit = move || {
        calls += 1;
        calls > MAX_CALLS
    };
    set.and_then(|()| connection.busy_timeout(PATIENCE))
        .and_then(|()| connection.progress_handler(STEPS, Some(limit)))
        .map_err(|error| failed(path, error))?;
    Ok(connection)
}

/// Once the tables are known to be ours: statements over them take as long as there are rows.
fn without_limit(connection: &Connection, path: &Path) -> Result<(), FormatError> {
    connection.progress_handler(0, None::<fn() -> bool>).map_err(|error| failed(path, error))
}

/// What it means that a schema was not read.
fn unread(path: &Path, source: rusqlite::Error) -> FormatError {
    match source.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => damaged(path, "its list of tables does not end"),
        _ => failed(path, source),
    }
}

/// Refuses a file whose tables are not ours to the letter: a trigger, a computed column or an index over an expression would
/// run within our statements.
fn check_schema(connection: &Connection, path: &Path) -> Result<(), FormatError> {
    let found = schema_of(connection).map_err(|error| unread(path, error))?;
    let ours = our_schema().map_err(|error| failed(path, error))?;
    match found.iter().find(|object| !ours.contains(object)) {
        Some((kind, name, _)) => Err(foreign(path, &format!("its {kind} {name} is not that of a history"))),
        None if found.len() < ours.len() => Err(foreign(path, "tables of a history are missing")),
        None => Ok(()),
    }
}

/// Kind, name and SQL of each object.
type Schema = Vec<(String, String, Option<String>)>;

/// What SQLite makes of our tables: the same for every file, so once.
fn our_schema() -> rusqlite::Result<&'static Schema> {
    static OURS: OnceLock<Schema> = OnceLock::new();
    if let Some(ours) = OURS.get() {
        return Ok(ours);
    }
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(&all_tables())?;
    let ours = schema_of(&connection)?;
    Ok(OURS.get_or_init(|| ours))
}

fn schema_of(connection: &Connection) -> rusqlite::Result<Schema> {
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_schema LIMIT 100")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

/// Refuses files that are somebody else's, and tells broken ones from them; an empty one is nobody's. By their first bytes,
/// which a lock of them reads at any time.
pub(super) fn judge(lock: &Lock, path: &Path) -> Result<(), FormatError> {
    let head = lock.head(HEADER).map_err(|error| FormatError::io(path, "read", error))?;
    if head.is_empty() {
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
    let mut connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let tables = connection
        .query_row("SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)", [], |row| row.get::<_, i64>(0));
    let is_new = tables.map_err(|error| unread(path, error))? == 0;
    let version = || connection.pragma_query_value(None, "user_version", |row| row.get(0));
    match version().map_err(|error| failed(path, error))? {
        _ if is_new => {}
        VERSION => check_schema(&connection, path)?,
        found => return Err(FormatError::HistoryVersion { path: path.to_path_buf(), found, known: VERSION }),
    }
    without_limit(&connection, path)?;
    set_up(&mut connection, is_new).map_err(|error| failed(path, error))?;
    let check: String =
        connection.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(|error| failed(path, error))?;
    if check == "ok" { Ok(connection) } else { Err(damaged(path, check)) }
}

/// Readies a connection, and makes the tables of a new file.
fn set_up(connection: &mut Connection, is_new: bool) -> rusqlite::Result<()> {
    if is_new {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
    }
    // WAL with NORMAL: a commit needs no fsync, and a power cut loses the last commits but harms nothing.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "journal_size_limit", 16 << 20)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if is_new {
        let transaction = connection.transaction()?;
        transaction.execute_batch(&all_tables())?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(())
}

fn all_tables() -> String {
    [TABLES, &rolled_table("tens"), &rolled_table("minutes")].concat()
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

#[cfg(test)]
mod tests {
    use super::super::{History, HistoryQuery, HistoryRow, Retention, query};
    use super::*;

    fn history_with(sql: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        drop(History::open(&path, Retention::default()).expect("a history"));
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("SQL");
        drop(connection);
        (folder, path)
    }

    #[test]
    fn a_schema_that_does_something_is_not_ours() {
        let endless = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
        for sql in [
            format!("CREATE TRIGGER t AFTER INSERT ON samples BEGIN INSERT INTO rolled VALUES (({endless}), 1); END"),
            format!("CREATE VIEW v AS {endless}"),
            "CREATE INDEX i ON series (hex(zeroblob(100000000)))".to_owned(),
            "ALTER TABLE samples ADD COLUMN more INTEGER AS (rss + 1)".to_owned(),
            "DROP TABLE tens; CREATE TABLE tens (at_ms)".to_owned(),
            "DROP TABLE minutes".to_owned(),
        ] {
            let (_folder, path) = history_with(&sql);
            let before = std::fs::read(&path).expect("there");
            let opened = History::open(&path, Retention::default());
            assert!(matches!(opened, Err(FormatError::HistoryForeign { .. })), "{sql}: {opened:?}");
            let asked = query(&path, &HistoryQuery { until_ms: i64::MAX, ..HistoryQuery::default() });
            assert!(matches!(asked, Err(FormatError::HistoryForeign { .. })), "{sql}: {asked:?}");
            assert!(std::fs::read(&path).expect("there") == before, "left as it was");
        }
    }

    /// Makes the list of tables of the history at `path` one that no reader comes to the end of: behind its own rows a tree of
    /// pages in which each refers to the next one many times, and the last to a row that is there already.
    fn make_endless(path: &Path) {
        const PAGE: usize = 4096;
        const LEVELS: u32 = 8;
        const WAYS: u16 = 200;
        let mut file = std::fs::read(path).expect("a history");
        let pages = u32::try_from(file.len() / PAGE).expect("small");
        assert_eq!(file[100], 0x0d, "the list is a page, and that a leaf");
        let cells = usize::from(u16::from_be_bytes([file[103], file[104]]));
        let mut own = file[..PAGE].to_vec();
        own.copy_within(100..108 + 2 * cells, 0);
        let index = b"sqlite_autoindex_series_1";
        let at = file.windows(index.len()).position(|bytes| bytes == index).expect("the index of series");
        let starts = (0..cells).map(|cell| u16::from_be_bytes([own[8 + 2 * cell], own[9 + 2 * cell]]));
        let cell = starts.filter(|&start| usize::from(start) < at).max().expect("its cell");
        let mut same = own.clone();
        same[3..5].copy_from_slice(&1_u16.to_be_bytes());
        same[8..10].copy_from_slice(&cell.to_be_bytes());
        // An inner page: a head of 12 bytes, places of its cells, and these: a page, and a key of one byte.
        let inner = |head: usize, first: u32, next: u32, ways: u16| {
            let mut page = vec![0; PAGE];
            let begin = PAGE - 5 * usize::from(ways);
            page[head] = 0x05;
            page[head + 3..head + 5].copy_from_slice(&ways.to_be_bytes());
            page[head + 5..head + 7].copy_from_slice(&u16::try_from(begin).expect("in a page").to_be_bytes());
            page[head + 8..head + 12].copy_from_slice(&next.to_be_bytes());
            for way in 0..usize::from(ways) {
                let (place, cell) = (head + 12 + 2 * way, begin + 5 * way);
                page[place..place + 2].copy_from_slice(&u16::try_from(cell).expect("in a page").to_be_bytes());
                page[cell..cell + 4].copy_from_slice(&first.to_be_bytes());
                page[cell + 4] = 1;
            }
            page
        };
        let mut root = inner(100, pages + 1, pages + 3, 1);
        root[..100].copy_from_slice(&file[..100]);
        root[28..32].copy_from_slice(&(pages + 2 + LEVELS).to_be_bytes());
        file[..PAGE].copy_from_slice(&root);
        file.extend(own);
        file.extend(same);
        for level in 0..LEVELS {
            let next = if level + 1 == LEVELS { pages + 2 } else { pages + 4 + level };
            file.extend(inner(0, next, next, WAYS));
        }
        std::fs::write(path, file).expect("ours");
    }

    #[test]
    fn a_list_of_tables_without_end_is_given_up() {
        let (_folder, path) = history_with("");
        make_endless(&path);
        let before = std::fs::read(&path).expect("there");
        let asked = query(&path, &HistoryQuery { until_ms: i64::MAX, ..HistoryQuery::default() });
        assert!(
            matches!(&asked, Err(FormatError::HistoryDamaged { reason, .. }) if reason.contains("does not end")),
            "{asked:?}"
        );
        let (_history, aside) = History::open(&path, Retention::default()).expect("a new one in its place");
        assert!(std::fs::read(aside.expect("moved")).expect("there") == before, "kept as it was");
    }

    /// SQLite takes `file:x` for a URI and `:memory:` for no file.
    #[test]
    fn every_name_is_that_of_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["file:x.db?mode=memory", "file:y.db", ":memory:"] {
            let path = folder.path().join(name);
            drop(History::open(&path, Retention::default()).expect("a history"));
            assert!(path.is_file(), "{name}");
        }
        assert!(!folder.path().join("y.db").exists());
        let relative = open_with(Path::new("file:of-nobody.db"), OpenFlags::SQLITE_OPEN_READ_ONLY);
        assert!(relative.is_err(), "a file of that name is not there");
    }

    #[test]
    fn a_file_that_is_gone_or_another_is_noticed() {
        let (folder, path) = history_with("");
        let (mut history, _) = History::open(&path, Retention::default()).expect("a history");
        history.append(1, &[HistoryRow::default()]).expect("appends");
        assert!(history.is_there());
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).and_then(|other| other.execute_batch("CREATE TABLE own (x)")).expect("a database");
        std::fs::rename(&other, &path).expect("ours");
        assert!(!history.is_there());
        std::fs::remove_file(&path).expect("ours");
        assert!(!history.is_there());
    }
}
