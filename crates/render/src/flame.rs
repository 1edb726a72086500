//! Flame graphs as SVG: every stack at one glance, as wide as its bytes.

use inferno::flamegraph::{Direction, Options, TextTruncateDirection, from_lines};
use memsight_analysis::profile::{AtWord, FlameView, TraceMode};
use memsight_model::{Bytes, duration};

use crate::plot::RenderError;
use crate::text::{clean, collapsed};

/// The stacks of `view` as an SVG document that a browser zooms and searches. Cost: linear in the frames of all stacks.
///
/// # Errors
/// [`RenderError::Flame`]: there is no stack with bytes.
pub fn flame_svg(view: &FlameView) -> Result<String, RenderError> {
    let header = &view.header;
    let state = match (header.at, header.at_ns) {
        (AtWord::All, _) | (_, None) => "allocated over the whole run".to_owned(),
        (AtWord::Peak, Some(ns)) => format!("live at the peak, after {}", duration(ns)),
        (AtWord::End, Some(ns)) => format!("live at the end, after {}", duration(ns)),
        (AtWord::Time, Some(ns)) => format!("live after {}", duration(ns)),
    };
    let mut options = Options::default();
    options.title = format!("{}, pid {}", clean(&header.program), header.pid);
    options.subtitle = Some(match header.mode {
        TraceMode::Exact => format!("{} {state}", Bytes(header.total.bytes)),
        TraceMode::Sampled => {
            format!("{} ±{} {state}, from a sample", Bytes(header.total.bytes), Bytes(header.total.error_bytes))
        }
    });
    options.count_name = "bytes".to_owned();
    // The oldest frame is on top, as in `tree`; equal names have equal colours.
    options.direction = Direction::Inverted;
    options.text_truncate_direction = TextTruncateDirection::Right;
    options.deterministic = true;
    let lines: Vec<String> = collapsed(view).collect();
    let mut svg = Vec::new();
    let made = from_lines(&mut options, lines.iter().map(String::as_str), &mut svg);
    made.map_err(|error| RenderError::Flame { reason: error.to_string() })?;
    String::from_utf8(svg).map_err(|error| RenderError::Flame { reason: error.to_string() })
}
