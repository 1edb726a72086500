//! Downsampling and retention.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

use super::Retention;

/// Rows that one round deletes from one table at most.
const ROUND: i64 = 20_000;
/// Times that one round deletes the oldest when the file is too large.
const CUTS: u32 = 8;
/// Pages that one round gives back to the disk at most.
const PAGES: i64 = 1_000;
/// Milliseconds of the steps of downsampling.
pub(super) const TEN_SECONDS: i64 = 10_000;
pub(super) const MINUTE: i64 = 60_000;

/// One round: downsample, delete, shrink. Gives whether there was too much.
pub(super) fn maintain(connection: &mut Connection, retention: &Retention, now_ms: i64) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    roll(&transaction, TEN_SECONDS, now_ms, FROM_SAMPLES)?;
    roll(&transaction, MINUTE, now_ms, FROM_TENS)?;
    let before = |age: Duration| now_ms.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    delete_before(&transaction, "samples", before(retention.samples.min(retention.all)))?;
    delete_before(&transaction, "tens", before(retention.tens.min(retention.all)))?;
    delete_before(&transaction, "minutes", before(retention.all))?;
    transaction.execute("DELETE FROM series WHERE last_ms < ?", [before(retention.all)])?;
    transaction.commit()?;
    let mut is_cut = false;
    for _ in 0..CUTS {
        if used_bytes(connection)? <= retention.max_bytes {
            break;
        }
        is_cut = true;
        if !cut(connection, now_ms)? {
            break;
        }
    }
    connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    Ok(is_cut)
}

/// Deletes the oldest of what there is too much of; `false` when nothing is left to go.
fn cut(connection: &mut Connection, now_ms: i64) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let mut gone = 0;
    // The finest goes first: the long view is what a history is for.
    for table in ["samples", "tens", "minutes"] {
        gone = delete_oldest(&transaction, table)?;
        if gone > 0 {
            break;
        }
    }
    // Processes of which no row is left: where many live for a moment they are more than their rows. Those of the last minute
    // may have rows that are not yet counted for them.
    let oldest: Option<i64> = transaction.query_row(
        "SELECT min(at_ms) FROM (SELECT min(at_ms) AS at_ms FROM samples UNION ALL SELECT min(at_ms) FROM tens
         UNION ALL SELECT min(at_ms) FROM minutes)",
        [],
        |row| row.get(0),
    )?;
    let settled = now_ms.saturating_sub(MINUTE);
    gone += transaction
        .execute("DELETE FROM series WHERE last_ms < ?", [oldest.map_or(settled, |oldest| oldest.min(settled))])?;
    transaction.commit()?;
    Ok(gone > 0)
}

/// Bytes of the pages in use.
pub(super) fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(u64::try_from(pages.saturating_mul(pragma("page_size")?)).unwrap_or(0))
}

const FROM_SAMPLES: &str = "
    INSERT OR REPLACE INTO tens
    SELECT at_ms / ?1 * ?1 AS start, series, count(*),
        min(rss), cast(round(avg(rss)) AS INTEGER), max(rss),
        min(pss), cast(round(avg(pss)) AS INTEGER), max(pss),
        min(uss), cast(round(avg(uss)) AS INTEGER), max(uss),
        min(swap), cast(round(avg(swap)) AS INTEGER), max(swap),
        max(collections)
    FROM samples WHERE at_ms >= ?2 AND at_ms < ?3 GROUP BY start, series";

/// A mean of means, weighted by their samples; steps in which a figure was not known do not count for it.
const FROM_TENS: &str = "
    INSERT OR REPLACE INTO minutes
    SELECT at_ms / ?1 * ?1 AS start, series, sum(samples),
        min(rss_min), cast(round(sum(1.0 * rss_avg * samples) / sum(samples)) AS INTEGER), max(rss_max),
        min(pss_min), cast(round(sum(1.0 * pss_avg * samples) / sum(iif(pss_avg IS NULL, 0, samples))) AS INTEGER),
        max(pss_max),
        min(uss_min), cast(round(sum(1.0 * uss_avg * samples) / sum(iif(uss_avg IS NULL, 0, samples))) AS INTEGER),
        max(uss_max),
        min(swap_min), cast(round(sum(1.0 * swap_avg * samples) / sum(iif(swap_avg IS NULL, 0, samples))) AS INTEGER),
        max(swap_max),
        max(collections)
    FROM tens WHERE at_ms >= ?2 AND at_ms < ?3 GROUP BY start, series";

/// Downsamples everything between where it stopped last and the last full step.
fn roll(connection: &Connection, step: i64, now_ms: i64, sql: &str) -> rusqlite::Result<()> {
    let until = now_ms - now_ms.rem_euclid(step);
    let stopped: Option<i64> = connection
        .prepare_cached("SELECT until_ms FROM rolled WHERE step_ms = ?")?
        .query_row([step], |row| row.get(0))
        .optional()?;
    // A clock that was set back: what was written since stands before the mark, and begins at its new time.
    let from = stopped.map_or(i64::MIN, |stopped| if stopped > until { until - step } else { stopped });
    if from == until {
        return Ok(());
    }
    connection.prepare_cached(sql)?.execute(params![step, from, until])?;
    if step == TEN_SECONDS {
        connection
            .prepare_cached(
                "UPDATE series SET last_ms = max(last_ms, ?2)
                 WHERE id IN (SELECT DISTINCT series FROM samples WHERE at_ms >= ?1 AND at_ms < ?2)",
            )?
            .execute([from, until])?;
    }
    connection.prepare_cached("INSERT OR REPLACE INTO rolled VALUES (?, ?)")?.execute([step, until])?;
    Ok(())
}

/// Deletes what is older, [`ROUND`] rows and the rest of their moment at most.
fn delete_before(connection: &Connection, table: &str, before_ms: i64) -> rusqlite::Result<usize> {
    // Up to a moment, which SQLite deletes as it walks along: of single keys it would make a list first.
    let last: Option<i64> = connection
        .prepare_cached(&format!("SELECT at_ms FROM {table} WHERE at_ms < ? ORDER BY at_ms LIMIT 1 OFFSET ?"))?
        .query_row([before_ms, ROUND - 1], |row| row.get(0))
        .optional()?;
    let until = last.map_or(before_ms, |last| last.saturating_add(1));
    connection.prepare_cached(&format!("DELETE FROM {table} WHERE at_ms < ?"))?.execute([until])
}

fn delete_oldest(connection: &Connection, table: &str) -> rusqlite::Result<usize> {
    delete_before(connection, table, i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::{History, HistoryQuery, HistoryRow, HistorySubject, query};
    use super::*;

    fn row(pid: u32, rss_bytes: u64) -> HistoryRow {
        let subject = HistorySubject { pid, name: "python".into(), ..HistorySubject::default() };
        HistoryRow { subject, rss_bytes, uss_bytes: rss_bytes.checked_sub(20), ..HistoryRow::default() }
    }

    fn count(history: &std::path::Path, table: &str) -> i64 {
        let connection = Connection::open(history).expect("the history");
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
    }

    #[test]
    fn steps_hold_minimum_mean_and_maximum() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let (mut history, _) = History::open(&path, Retention::default()).expect("a history");
        for second in 0..120 {
            history.append(second * 1_000, &[row(7, 10 + u64::try_from(second).expect("small"))]).expect("appends");
        }
        history.maintain(120_000).expect("maintains");
        history.maintain(120_000).expect("maintains again");
        assert_eq!((count(&path, "samples"), count(&path, "tens"), count(&path, "minutes")), (120, 12, 2));
        let answer =
            query(&path, &HistoryQuery { step_ms: Some(MINUTE), until_ms: 120_000, ..HistoryQuery::default() });
        let points = &answer.expect("an answer").series[0].points;
        let rss = |n: usize| (points[n].rss_min_bytes, points[n].rss_bytes, points[n].rss_max_bytes);
        assert_eq!((rss(0), rss(1)), ((10, 40, 69), (70, 100, 129)), "29.5 and 89.5 above 10, rounded up");
        // unknown in the first 10 s, 0 to 39 in the rest
        assert_eq!(points[0].uss_bytes, Some(25));
    }

    #[test]
    fn what_is_old_goes_and_what_is_too_much() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let seconds = Duration::from_secs;
        let retention = Retention { samples: seconds(10), tens: seconds(60), all: seconds(600), max_bytes: u64::MAX };
        let (mut history, _) = History::open(&path, retention).expect("a history");
        for second in 0..100 {
            history.append(second * 1_000, &[row(7, 1 << 20)]).expect("appends");
        }
        history.maintain(100_000).expect("maintains");
        assert_eq!((count(&path, "samples"), count(&path, "tens"), count(&path, "minutes")), (10, 6, 1));
        history.maintain(2_000_000).expect("maintains");
        assert_eq!((count(&path, "minutes"), count(&path, "series")), (0, 0));
        drop(history);
        let small = Retention { max_bytes: 1, ..retention };
        let (mut history, _) = History::open(&path, small).expect("a history");
        history.append(2_000_000, &[row(8, 1)]).expect("appends");
        history.maintain(2_000_001).expect("maintains");
        assert_eq!(count(&path, "samples"), 0, "larger than a byte: the oldest goes");
    }

    /// Processes that live for an interval are more bytes than their figures.
    #[test]
    fn many_short_processes_do_not_outgrow_the_limit_nor_empty_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let retention = Retention { max_bytes: 2 << 20, ..Retention::default() };
        let (mut history, _) = History::open(&path, retention).expect("a history");
        let (mut most, mut cuts) = (0, 0);
        for interval in 0..600i64 {
            let born = (0..100u32).map(|n| row(100 * interval as u32 + n + 10, 1 << 20));
            let rows: Vec<_> = born.chain([row(7, 1 << 20)]).collect();
            history.append(interval * 10_000, &rows).expect("appends");
            cuts += u32::from(history.maintain(interval * 10_000 + 1).expect("maintains"));
            most = most.max(history.bytes());
        }
        assert!(cuts > 0 && most < 3 << 20, "{cuts} cuts, {most} bytes of 2 MiB");
        assert!(count(&path, "series") > 100 && count(&path, "minutes") > 1000, "not everything went");
        let answer = query(&path, &HistoryQuery { pid: Some(7), until_ms: i64::MAX, ..HistoryQuery::default() });
        assert!(answer.expect("an answer").series.iter().any(|one| !one.points.is_empty()), "who lives is still there");
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.sqlite");
        let (mut history, _) = History::open(&path, Retention::default()).expect("a history");
        history.append(1_000_000, &[row(7, 1)]).expect("appends");
        history.maintain(1_020_000).expect("maintains");
        history.append(505_000, &[row(7, 2)]).expect("appends");
        history.append(505_000, &[row(7, 3)]).expect("the same moment again");
        history.maintain(510_000).expect("maintains");
        assert_eq!((count(&path, "samples"), count(&path, "tens")), (2, 2));
    }
}
