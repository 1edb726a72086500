//! What a series of memory figures means: its slope, a plain verdict, and the time until a limit.
//!
//! The rules and their thresholds are explained for people in `docs/concepts/trend.md`.

mod series;
mod slope;
mod summary;
mod verdict;

use serde::{Deserialize, Serialize};

pub use series::{Bucket, Series};
pub use slope::{MAX_POINTS, Slope};
pub use summary::{ContainerSummary, Peak, ProcessSummary, Summary, WatchSummary};
pub use verdict::{MATERIAL_BYTES, MATERIAL_SHARE, MIN_POINTS, MIN_SECONDS, Trend, Verdict, trend};

/// A figure at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds of a clock that never steps; only differences count.
    pub seconds: f64,
    /// Bytes.
    pub bytes: f64,
}

impl From<(usize, &f64)> for Point {
    /// The samples of a list, one a second.
    fn from((at, &bytes): (usize, &f64)) -> Self {
        Point { seconds: at as f64, bytes }
    }
}

/// When a limit is reached if the growth goes on, in seconds from the end of the series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeToLimit {
    /// Best estimate.
    pub seconds: f64,
    /// By the upper end of the slope's interval.
    pub earliest_seconds: f64,
    /// By its lower end.
    pub latest_seconds: f64,
}

/// When `headroom_bytes` more are used. `None` unless the verdict is [`Verdict::Leaking`]: any other growth is not
/// known to go on.
pub fn time_to_limit(trend: &Trend, headroom_bytes: u64) -> Option<TimeToLimit> {
    let slope = trend.slope.filter(|slope| slope.rises() && matches!(trend.verdict, Verdict::Leaking { .. }))?;
    let seconds = |bytes_per_hour: f64| headroom_bytes as f64 / bytes_per_hour * 3600.0;
    Some(TimeToLimit {
        seconds: seconds(slope.bytes_per_hour),
        earliest_seconds: seconds(slope.high_bytes_per_hour),
        latest_seconds: seconds(slope.low_bytes_per_hour),
    })
}
