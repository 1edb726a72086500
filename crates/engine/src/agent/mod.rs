//! The agent: samples become figures for systems of monitoring, and rows of a history.
//!
//! ```text
//! Monitor ──Sample──> Collector ──Exposition──> whoever renders and serves it
//!                         └──────HistoryRow──> Keeper (its own thread) ──> SQLite
//! ```
//!
//! What leaves here is bounded, and holds no command line and no environment: of these only the name of a service is
//! taken, out of one variable or by patterns that the operator gives.

mod collector;
mod containers;
mod keeper;
mod metrics;
mod naming;
mod own;
mod services;

pub use collector::{Collector, CollectorOptions};
pub use keeper::{Keeper, KeeperEvent};
pub use metrics::all as all_metrics;
pub use own::OwnFigures;
pub use services::{BadPattern, ServicePattern, Services};

/// Characters of a label's value that are kept.
const LABEL_CAP: usize = 128;

/// Hostile text as the value of a label: short.
fn capped(text: &str) -> String {
    text.trim().chars().take(LABEL_CAP).collect()
}
