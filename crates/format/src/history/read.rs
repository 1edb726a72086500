//! Questions to the history.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::keep::{MINUTE, TEN_SECONDS};
use super::schema::{failed, open_to_read};
use crate::FormatError;

/// Rows of an answer at most, whatever is asked.
const MAX_ROWS: usize = 50_000;
/// A question that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(2);
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: i32 = 10_000;
/// Up to this span samples are given as they are, up to the next one means of 10 s.
const SAMPLES_SPAN: i64 = 15 * MINUTE;
const TENS_SPAN: i64 = 3 * 60 * MINUTE;

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryQuery {
    /// One process id only.
    pub pid: Option<u32>,
    /// One service only.
    pub service: Option<String>,
    /// From here on, milliseconds since 1970.
    pub since_ms: i64,
    /// To here, without it.
    pub until_ms: i64,
    /// Milliseconds between two points: 0 (samples), 10,000 or 60,000; `None`: whatever fits the span.
    pub step_ms: Option<i64>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryAnswer {
    /// Version of this form.
    pub schema_version: u32,
    /// Milliseconds between two points; 0: the samples themselves.
    pub step_ms: i64,
    /// More was found than is given: the newest rows are missing.
    pub truncated: bool,
    /// The processes.
    pub series: Vec<HistorySeries>,
}

/// One process over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as in HistorySubject")]
pub struct HistorySeries {
    #[serde(skip)]
    id: i64,
    pub pid: u32,
    pub created_ms: i64,
    pub name: String,
    pub service: String,
    pub container: String,
    pub python: String,
    pub points: Vec<HistoryPoint>,
}

/// Figures of a step: means, and the extremes of RSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "as in HistoryRow")]
pub struct HistoryPoint {
    pub at_ms: i64,
    pub rss_bytes: i64,
    pub rss_min_bytes: i64,
    pub rss_max_bytes: i64,
    pub pss_bytes: Option<i64>,
    pub uss_bytes: Option<i64>,
    pub swap_bytes: Option<i64>,
    pub collections: Option<i64>,
}

/// Answers from the history at `path`, which another process may be writing. Bounded: 50,000 points, 2 s.
pub fn query(path: &Path, query: &HistoryQuery) -> Result<HistoryAnswer, FormatError> {
    let connection = open_to_read(path)?;
    let deadline = Instant::now() + PATIENCE;
    connection
        .progress_handler(STEPS, Some(move || Instant::now() > deadline))
        .and_then(|()| answer(&connection, query))
        .map_err(|error| failed(path, error))
}

fn answer(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<HistoryAnswer> {
    let span = query.until_ms.saturating_sub(query.since_ms);
    let step_ms = match query.step_ms {
        Some(step) if step <= 0 => 0,
        Some(step) if step <= TEN_SECONDS => TEN_SECONDS,
        Some(_) => MINUTE,
        None if span <= SAMPLES_SPAN => 0,
        None if span <= TENS_SPAN => TEN_SECONDS,
        None => MINUTE,
    };
    let (table, columns) = match step_ms {
        0 => ("samples", "rss, rss, rss, pss, uss, swap, collections"),
        TEN_SECONDS => ("tens", "rss_avg, rss_min, rss_max, pss_avg, uss_avg, swap_avg, collections"),
        _ => ("minutes", "rss_avg, rss_min, rss_max, pss_avg, uss_avg, swap_avg, collections"),
    };
    let mut series = find(connection, query)?;
    // The series are few and the rows are clustered by time, so the rows are read once and dealt out.
    let mut statement = connection.prepare(&format!(
        "SELECT series, at_ms, {columns} FROM {table} WHERE at_ms >= ?1 AND at_ms < ?2
         AND series IN (SELECT id FROM series WHERE (?3 IS NULL OR pid = ?3) AND (?4 IS NULL OR service = ?4))
         ORDER BY at_ms LIMIT ?5"
    ))?;
    let limit = i64::try_from(MAX_ROWS).unwrap_or(i64::MAX) + 1;
    let mut rows = statement.query(params![query.since_ms, query.until_ms, query.pid, query.service, limit])?;
    let mut given = 0;
    while let Some(row) = rows.next()? {
        given += 1;
        let id: i64 = row.get(0)?;
        if let Ok(at) = series.binary_search_by_key(&id, |series| series.id)
            && let Some(series) = series.get_mut(at).filter(|_| given <= MAX_ROWS)
        {
            series.points.push(point(row)?);
        }
    }
    series.retain(|series| !series.points.is_empty());
    Ok(HistoryAnswer { schema_version: 1, step_ms, truncated: given > MAX_ROWS, series })
}

/// The series that match, by id.
fn find(connection: &Connection, query: &HistoryQuery) -> rusqlite::Result<Vec<HistorySeries>> {
    let mut statement = connection.prepare(
        "SELECT id, pid, created_ms, name, service, container, python FROM series
         WHERE (?1 IS NULL OR pid = ?1) AND (?2 IS NULL OR service = ?2) AND last_ms >= ?3 ORDER BY id",
    )?;
    // `last_ms` lags behind by up to a step.
    let since = query.since_ms.saturating_sub(2 * MINUTE);
    let found = statement.query_map(params![query.pid, query.service, since], |row| {
        Ok(HistorySeries {
            id: row.get(0)?,
            pid: row.get(1)?,
            created_ms: row.get(2)?,
            name: row.get(3)?,
            service: row.get(4)?,
            container: row.get(5)?,
            python: row.get(6)?,
            points: Vec::new(),
        })
    })?;
    found.collect()
}

fn point(row: &Row) -> rusqlite::Result<HistoryPoint> {
    Ok(HistoryPoint {
        at_ms: row.get(1)?,
        rss_bytes: row.get(2)?,
        rss_min_bytes: row.get(3)?,
        rss_max_bytes: row.get(4)?,
        pss_bytes: row.get(5)?,
        uss_bytes: row.get(6)?,
        swap_bytes: row.get(7)?,
        collections: row.get(8)?,
    })
}
