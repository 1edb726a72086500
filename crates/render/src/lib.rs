//! One result, many forms: text and plots for people, JSON for scripts.
//!
//! Results go in, strings come out; nothing is read, measured or printed here. Texts that come from the target
//! (type names, keys, file names) are hostile: [`text`] shows their control characters escaped, so that they
//! cannot drive the terminal.
#![forbid(unsafe_code)]

pub mod dot;
mod flame;
mod listing;
pub mod openmetrics;
pub mod otlp;
pub mod plot;
pub mod text;

pub use flame::flame_svg;
pub use listing::{
    CheckRow, CheckStatus, DoctorView, ErrorView, ProcessFigure, ProcessFilter, ProcessRow, ProcessesView,
};
pub use text::{CommandPeak, Cost, KeptHeap, WatchView};

use memsight_model::visible_json;
use serde::Serialize;

/// A view as JSON, indented, with a newline at its end. Cost: linear in the size of the view.
pub fn json<T: Serialize>(view: &T) -> String {
    // A view holds plain data with string keys: the only failures that serde_json knows are maps with other keys.
    let mut text = serde_json::to_string_pretty(view).unwrap_or_else(|error| format!("{{\"error\": {error:?}}}"));
    text.push('\n');
    visible_json(text)
}

/// A view as JSON in one line, with a newline at its end: a line of JSON Lines.
pub fn json_line<T: Serialize>(view: &T) -> String {
    let mut text = serde_json::to_string(view).unwrap_or_else(|error| format!("{{\"error\": {error:?}}}"));
    text.push('\n');
    visible_json(text)
}
