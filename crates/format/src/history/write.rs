//! The writer of the history.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Transaction, params};

use super::lock::Lock;
use super::schema::{Opened, failed, judge, move_aside, open};
use super::{HistoryRow, HistorySubject, Retention, keep};
use crate::FormatError;

/// A history that is open for writing.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    connection: Connection,
    retention: Retention,
    /// Ids of the series of the last interval.
    ids: HashMap<HistorySubject, i64>,
    /// Behind the connection, which closes first.
    lock: Lock,
}

impl History {
    /// Opens the history at `path`, or makes a new one, readable for its owner only. A broken one is moved aside,
    /// and where to is told. One that another process writes is refused. Cost: a check of the whole file, about a second for each GiB.
    pub fn open(path: &Path, retention: Retention) -> Result<(History, Option<PathBuf>), FormatError> {
        let Opened { connection, lock, aside } = open(path)?;
        let history = History { path: path.to_path_buf(), connection, retention, ids: HashMap::new(), lock };
        Ok((history, aside))
    }

    /// Appends an interval, as one transaction: all of it or nothing. Cost: a few microseconds for each row.
    pub fn append(&mut self, at_ms: i64, rows: &[HistoryRow]) -> Result<(), FormatError> {
        let appended = append(&mut self.connection, &self.ids, at_ms, rows);
        // Only processes that live are remembered.
        self.ids = appended.map_err(|error| failed(&self.path, error))?;
        Ok(())
    }

    /// Whether the file is still where it was, and still a history: somebody may have deleted or replaced it, and what is
    /// written then is lost.
    pub fn is_there(&self) -> bool {
        self.lock.is_of(&self.path) && judge(&self.lock, &self.path).is_ok()
    }

    /// Downsamples what is complete and deletes what is too old, or too much: a bounded piece of work at a time, so
    /// that a clock that steps forward for a moment costs little. Call it every few seconds. Gives whether something went
    /// before its time because there was too much.
    pub fn maintain(&mut self, now_ms: i64) -> Result<bool, FormatError> {
        let kept = keep::maintain(&mut self.connection, &self.retention, now_ms);
        let is_cut = kept.map_err(|error| failed(&self.path, error))?;
        if is_cut {
            // series may have gone with their rows
            self.ids.clear();
        }
        Ok(is_cut)
    }

    /// Bytes in use in the file; free pages, which are used again, do not count. 0 when it cannot be said.
    pub fn bytes(&self) -> u64 {
        keep::used_bytes(&self.connection).unwrap_or(0)
    }

    /// Starts afresh after the file broke under our hands; gives where the broken one is now.
    pub fn replace(self) -> Result<(History, PathBuf), FormatError> {
        let History { path, connection, retention, lock, .. } = self;
        // A connection to a broken file may fail to close: what it held is lost anyway.
        let _ = connection.close();
        let aside = move_aside(&path)?;
        drop(lock);
        let (history, _) = History::open(&path, retention)?;
        Ok((history, aside))
    }
}

fn append(
    connection: &mut Connection,
    known: &HashMap<HistorySubject, i64>,
    at_ms: i64,
    rows: &[HistoryRow],
) -> rusqlite::Result<HashMap<HistorySubject, i64>> {
    let transaction = connection.transaction()?;
    let mut ids = HashMap::with_capacity(rows.len());
    {
        // A clock that was set back meets rows of the same moment: the newer reading stands.
        let mut insert = transaction.prepare_cached("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)")?;
        for row in rows {
            let id = match known.get(&row.subject) {
                Some(id) => *id,
                None => series(&transaction, &row.subject, at_ms)?,
            };
            insert.execute(params![
                at_ms,
                id,
                int(row.rss_bytes),
                row.pss_bytes.map(int),
                row.uss_bytes.map(int),
                row.swap_bytes.map(int),
                row.collections.map(int),
            ])?;
            ids.insert(row.subject.clone(), id);
        }
    }
    transaction.commit()?;
    Ok(ids)
}

/// The id of a series, a new one if need be. A version that became known late is that of the series so far.
fn series(transaction: &Transaction, subject: &HistorySubject, at_ms: i64) -> rusqlite::Result<i64> {
    let HistorySubject { pid, created_ms, name, service, container, python } = subject;
    let mut learn = transaction.prepare_cached(
        "UPDATE OR IGNORE series SET python = ?6
         WHERE pid = ?1 AND created_ms = ?2 AND name = ?3 AND service = ?4 AND container = ?5 AND python = ''",
    )?;
    learn.execute(params![pid, created_ms, name, service, container, python])?;
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO series (pid, created_ms, name, service, container, python, last_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET last_ms = max(last_ms, excluded.last_ms) RETURNING id",
    )?;
    upsert.query_row(params![pid, created_ms, name, service, container, python, at_ms], |row| row.get(0))
}

/// SQLite's integers have a sign.
fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
