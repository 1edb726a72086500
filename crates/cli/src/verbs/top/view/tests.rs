//! The screen as people see it, at the sizes that they have. The pictures are in `crates/cli/tests/golden/top`.

use memsight_engine::analysis::views::{HistogramRow, Suspect};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;
use unicode_width::UnicodeWidthStr;

use super::theme::Theme;
use super::view;
use crate::verbs::top::fixture::{MIB, busy_screen, process, reading, screen, usual};
use crate::verbs::top::state::{Event, Failure, Heap, HeapBody, Key, Stage, State};

const SIZES: [(u16, u16); 6] = [(20, 5), (40, 10), (60, 12), (80, 24), (120, 40), (200, 60)];
const PLAIN: Theme = Theme { color: false, ascii_only: false };

/// A look at a heap of so many types.
pub fn types(n: usize) -> Heap {
    let row = |at: usize| HistogramRow {
        type_name: format!("service.cache.Session{at}"),
        count: 100_000 / (at as u64 + 1),
        shallow_bytes: 40 * MIB / (at as u64 + 1),
        external_bytes: if at == 2 { 7 * MIB } else { 0 },
        share: 0.5 / (at as f64 + 1.0),
    };
    let types = (0..n).map(row).collect();
    let body = HeapBody::Types { objects: 1_234_567, shallow_bytes: 180 * MIB, external_bytes: 7 * MIB, types };
    Heap { at_ns: 28_000_000_000, pause_ns: 83_000_000, took_ns: 412_000_000, partial: Vec::new(), body }
}

fn suspects() -> Heap {
    let suspect = Suspect {
        summary: "250,000 instances of service.Session, kept by service.cache._entries (dict), hold 120.0 MiB (63.1%)"
            .into(),
        type_name: "service.Session".into(),
        count: 250_000,
        retained_bytes: 120 * MIB,
        share: 0.631,
        accumulation_point: None,
        path: vec!["module service.cache".into(), "_entries (dict)".into(), "'user:17\u{1b}'".into()],
        holds: Vec::new(),
        thread: None,
        keywords: Vec::new(),
        shares_path_with: Vec::new(),
        ..Suspect::default()
    };
    let body = HeapBody::Suspects { total_bytes: 190 * MIB, threshold: 0.1, suspects: vec![suspect] };
    Heap { body, partial: vec!["a list of the collector was cut".into()], ..types(0) }
}

fn draw(state: &State, theme: Theme) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a terminal in memory");
    terminal.draw(|frame| view(state, theme, frame)).expect("a terminal in memory");
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let (mut line, mut covered) = (String::new(), 0);
        for cell in cells {
            // The cell behind a wide sign is covered by it.
            if covered == 0 {
                line.push_str(cell.symbol());
                covered = cell.symbol().width().max(1);
            }
            covered -= 1;
        }
        format!("{}\n", line.trim_end())
    };
    buffer.content.chunks(width).map(line).collect()
}

/// Compares the screen with its picture.
fn matches(name: &str, state: &State, theme: Theme) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../../../tests/golden/top");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let (columns, lines) = state.size;
    settings.bind(|| insta::assert_snapshot!(format!("{name}-{columns}x{lines}"), text(&draw(state, theme))));
}

fn press(state: &mut State, keys: &[Key]) {
    for &key in keys {
        state.update(Event::Key(key));
    }
}

#[test]
fn lists() {
    for (columns, lines) in SIZES {
        matches("list", &busy_screen(columns, lines), PLAIN);
    }
}

#[test]
fn details() {
    for (columns, lines) in SIZES {
        let mut state = busy_screen(columns, lines);
        press(&mut state, &[Key::Enter]);
        matches("detail", &state, PLAIN);
        press(&mut state, &[Key::Tab]);
        matches("collector", &state, PLAIN);
    }
}

#[test]
fn heaps() {
    for (columns, lines) in SIZES {
        let mut state = busy_screen(columns, lines);
        press(&mut state, &[Key::Enter, Key::Char('s')]);
        let stage = Stage::Running { phase: "decoding objects", done: 610_000, total: Some(1_234_567) };
        state.update(Event::Look { job: 1, stage });
        matches("looking", &state, PLAIN);
        state.update(Event::Look { job: 1, stage: Stage::Done(Box::new(types(30))) });
        matches("types", &state, PLAIN);
        press(&mut state, &[Key::Char('l')]);
        state.update(Event::Look { job: 2, stage: Stage::Done(Box::new(suspects())) });
        matches("suspects", &state, PLAIN);
    }
}

#[test]
fn helps() {
    for (columns, lines) in SIZES {
        let mut state = busy_screen(columns, lines);
        press(&mut state, &[Key::Char('?')]);
        matches("help", &state, PLAIN);
        press(&mut state, &[Key::End]);
        matches("help-end", &state, PLAIN);
    }
}

#[test]
fn conditions() {
    for (columns, lines) in [(20, 5), (60, 12), (80, 24)] {
        matches("waiting", &screen(columns, lines), PLAIN);
        let mut state = screen(columns, lines);
        state.update(Event::Reading(Box::new(reading(1, Vec::new()))));
        matches("none", &state, PLAIN);
        let mut state = busy_screen(columns, lines);
        press(&mut state, &[Key::Char('p')]);
        state.update(Event::Reading(Box::new(usual(31))));
        press(&mut state, &"/nothing".chars().map(Key::Char).collect::<Vec<_>>());
        matches("paused-and-filtered", &state, PLAIN);
        let mut state = busy_screen(columns, lines);
        state.update(Event::Ended("pid 104 has ended".into()));
        press(&mut state, &[Key::Enter, Key::Char('s')]);
        let failure =
            Failure { code: "MS-E010".into(), message: "no process has pid 104".into(), hint: "Look.".into() };
        state.update(Event::Look { job: 1, stage: Stage::Failed(failure.clone()) });
        state.update(Event::Trouble(failure));
        matches("ended-with-trouble", &state, PLAIN);
    }
}

#[test]
fn ascii_is_ascii() {
    let theme = Theme { ascii_only: true, ..PLAIN };
    let mut state = busy_screen(120, 40);
    matches("ascii-list", &state, theme);
    press(&mut state, &[Key::Enter]);
    matches("ascii-detail", &state, theme);
    for page in 0..3 {
        assert!(text(&draw(&state, theme)).is_ascii(), "page {page}");
        press(&mut state, &[Key::Tab]);
    }
}

#[test]
fn without_colour_there_is_none_and_the_words_are_the_same() {
    let color = Theme { color: true, ascii_only: false };
    let mut state = busy_screen(120, 40);
    for _ in 0..2 {
        let plain = draw(&state, PLAIN);
        assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        assert!(draw(&state, color).content.iter().any(|cell| cell.fg != Color::Reset));
        press(&mut state, &[Key::Char('?')]);
    }
    assert_eq!(text(&draw(&state, PLAIN)), text(&draw(&state, color)), "the list");
}

#[test]
fn a_sentence_is_all_that_fits_a_tiny_screen() {
    for (columns, lines, expected) in [(19, 5, "needs 20x5\n\n\n\n\n"), (80, 4, "needs 20x5\n\n\n\n"), (4, 1, "nee…\n")]
    {
        assert_eq!(text(&draw(&busy_screen(columns, lines), PLAIN)), expected);
    }
    assert_eq!(text(&draw(&busy_screen(0, 0), PLAIN)), "");
}

#[test]
fn no_size_is_too_odd() {
    for columns in (0..=130).step_by(3) {
        for lines in 0..=30 {
            let mut state = busy_screen(columns, lines);
            for keys in [&[Key::Char('?')][..], &[Key::Esc, Key::Enter], &[Key::Tab], &[Key::Char('s')], &[Key::Tab]] {
                press(&mut state, keys);
                state.update(Event::Look { job: 1, stage: Stage::Done(Box::new(suspects())) });
                draw(&state, PLAIN);
            }
        }
    }
}

#[test]
fn ten_thousand_rows_scroll() {
    let mut state = screen(120, 40);
    for second in 1..=3 {
        let processes = (1..=10_000).map(|pid| (process(pid, u64::from(pid) * 4096, second), "python3 worker.py"));
        state.update(Event::Reading(Box::new(reading(second, processes.collect()))));
    }
    for _ in 0..1_000 {
        press(&mut state, &[Key::Down]);
        draw(&state, PLAIN);
    }
    press(&mut state, &[Key::Char('G')]);
    assert!(text(&draw(&state, PLAIN)).contains(">      1"), "the last row is on the screen, and selected");
}
