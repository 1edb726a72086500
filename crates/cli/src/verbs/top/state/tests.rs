//! Every key, and what readings do to the screen.

use std::time::Duration;

use super::*;
use crate::verbs::top::fixture::{MIB, busy_screen, process, reading, screen, usual};

fn press(state: &mut State, keys: impl IntoIterator<Item = Key>) -> Vec<Effect> {
    let effects = keys.into_iter().flat_map(|key| state.update(Event::Key(key)));
    effects.filter(|effect| !matches!(effect, Effect::Focus(_))).collect()
}

fn write(state: &mut State, text: &str) -> Vec<Effect> {
    press(state, text.chars().map(Key::Char))
}

fn read(state: &mut State, reading: Reading) -> Vec<Effect> {
    let effects = state.update(Event::Reading(Box::new(reading)));
    effects.into_iter().filter(|effect| !matches!(effect, Effect::Focus(_))).collect()
}

/// The pids on the screen, from the top.
fn pids(state: &State) -> Vec<u32> {
    state.visible().map(|row| row.identity.pid).collect()
}

fn selected(state: &State) -> u32 {
    state.selected.map_or(0, |identity| identity.pid)
}

#[test]
fn quits() {
    let mut state = busy_screen(80, 24);
    assert_eq!(write(&mut state, "q"), [Effect::Quit(0)]);
    assert_eq!(press(&mut state, [Key::Interrupt]), [Effect::Quit(130)]);
    assert_eq!(state.update(Event::Terminate(143)), [Effect::Quit(143)]);
    assert_eq!(press(&mut state, [Key::Suspend, Key::Redraw]), [Effect::Suspend, Effect::Redraw]);
}

#[test]
fn helps_until_the_next_key() {
    let mut state = busy_screen(80, 24);
    for key in ['?', 'h'] {
        assert_eq!(write(&mut state, &key.to_string()), []);
        assert_eq!(state.help, Some(0));
        assert_eq!(write(&mut state, "jjk"), []);
        assert_eq!(state.help, Some(1));
        assert_eq!(write(&mut state, "i"), []);
        assert_eq!(state.help, None);
    }
    assert_eq!(selected(&state), pids(&state)[0], "the key that closes the help does no more");
    assert_eq!(write(&mut state, "?q"), [Effect::Quit(0)]);
}

#[test]
fn a_pause_stops_the_display_and_not_the_readings() {
    let mut state = busy_screen(80, 24);
    let first = state.rows.clone();
    for (key, from) in [(' ', 31), ('p', 41)] {
        write(&mut state, &key.to_string());
        let before = (state.shown.sample.at, state.past(state.rows[0].identity).len());
        for second in from..from + 10 {
            read(&mut state, usual(second));
        }
        assert_eq!((state.shown.sample.at, state.past(state.rows[0].identity).len()), before);
        assert_eq!((state.paused, state.behind), (true, 10));
        write(&mut state, "2"); // what is shown can be ordered in peace
        assert_eq!(state.sort, Sort::by(Column::Pss));
        write(&mut state, &key.to_string());
        assert_eq!(
            (state.paused, state.behind, state.shown.sample.at.monotonic_ns),
            (false, 0, (from + 9) * 1_000_000_000)
        );
    }
    let (before, after) = (first[0].process(&state.shown), state.rows[0].process(&state.shown));
    assert_eq!(before.map(|process| process.pid), after.map(|process| process.pid));
    assert_eq!(state.past(state.rows[0].identity).len(), 50, "the past has no gap");
}

#[test]
fn moves() {
    let mut state = screen(60, 12);
    read(&mut state, reading(1, (1..=100).map(|pid| (process(pid, (200 - u64::from(pid)) * MIB, 1), "")).collect()));
    assert_eq!((selected(&state), pids(&state)), (1, (1..=7).collect()));
    for (keys, place, top) in [
        (vec![Key::Down], 2, 1),
        (vec![Key::Char('j'); 6], 8, 2),
        (vec![Key::Char('k')], 7, 2),
        (vec![Key::Up; 20], 1, 1),
        (vec![Key::Char('G')], 100, 94),
        (vec![Key::Char('g')], 100, 94),
        (vec![Key::Char('g')], 1, 1),
        (vec![Key::End], 100, 94),
        (vec![Key::PageUp], 93, 93),
        (vec![Key::Home], 1, 1),
        (vec![Key::PageDown], 8, 2),
        (vec![Key::Char('g'), Key::Char('j'), Key::Char('g')], 9, 3),
    ] {
        press(&mut state, keys.clone());
        assert_eq!((selected(&state), pids(&state)[0]), (place, top), "{keys:?}");
    }
    state.update(Event::Resize(60, 24));
    assert_eq!(pids(&state), (3..=21).collect::<Vec<u32>>());
}

#[test]
fn the_selection_follows_its_process() {
    let mut state = busy_screen(80, 24);
    write(&mut state, "j");
    let before = selected(&state);
    write(&mut state, "i");
    assert_eq!(selected(&state), before);
    let mut next = usual(31);
    next.sample.processes.retain(|process| process.pid != before);
    let neighbours = pids(&state);
    let place = state.position().expect("selected");
    read(&mut state, next);
    assert_ne!(selected(&state), before);
    assert_eq!(selected(&state), neighbours[place + 1], "its neighbour takes its place");
    read(&mut state, reading(32, Vec::new()));
    assert_eq!((state.selected, state.order.len()), (None, 0));
    assert_eq!(press(&mut state, [Key::Enter, Key::Down, Key::Up, Key::Char('G')]), []);
    assert!(state.detail.is_none());
}

#[test]
fn sorts_by_number_neighbour_and_inverse() {
    let mut state = busy_screen(200, 60);
    for (key, column) in [('2', Column::Pss), ('3', Column::Uss), ('4', Column::Trend), ('1', Column::Rss)] {
        write(&mut state, &key.to_string());
        assert_eq!(state.sort, Sort { column, descending: true });
    }
    assert_eq!(pids(&state), [104, 208, 311, 209, 977, 402]);
    write(&mut state, "i");
    assert_eq!(pids(&state), [402, 977, 209, 311, 208, 104]);
    press(&mut state, [Key::Left]);
    assert_eq!((state.sort, pids(&state)), (Sort::by(Column::Pid), vec![104, 208, 209, 311, 402, 977]));
    press(&mut state, [Key::Left]);
    assert_eq!(state.sort.column, Column::Pid);
    let mut seen = Vec::new();
    for _ in 0..12 {
        seen.push(state.sort.column);
        press(&mut state, [Key::Right]);
    }
    seen.dedup();
    let expected = [
        Column::Pid,
        Column::Rss,
        Column::Pss,
        Column::Uss,
        Column::Anon,
        Column::Trend,
        Column::Collections,
        Column::Limit,
        Column::Python,
        Column::Command,
    ];
    assert_eq!(seen, expected);
}

#[test]
fn what_is_not_known_comes_last_in_both_directions() {
    let mut state = busy_screen(200, 60);
    write(&mut state, "2");
    assert_eq!(pids(&state), [104, 208, 209, 311, 402, 977]);
    write(&mut state, "i");
    assert_eq!(pids(&state), [209, 208, 104, 311, 402, 977]);
}

#[test]
fn equals_stay_in_their_order() {
    let mut state = screen(80, 24);
    for second in 1..=20 {
        let mut processes: Vec<_> = (1..=9).map(|pid| (process(pid, 50 * MIB, second), "same")).collect();
        processes.rotate_left(second as usize % 9);
        read(&mut state, reading(second, processes));
        assert_eq!(pids(&state), (1..=9).collect::<Vec<u32>>());
    }
}

#[test]
fn filters_while_it_is_typed() {
    let mut state = busy_screen(80, 24);
    write(&mut state, "/SERV");
    assert_eq!((pids(&state), state.filter.as_str()), (vec![104, 311], ""));
    press(&mut state, [Key::Enter]);
    assert_eq!((pids(&state), state.filter.as_str(), &state.typing), (vec![104, 311], "SERV", &None));
    write(&mut state, "/x");
    press(&mut state, [Key::Backspace, Key::Backspace]);
    assert_eq!(state.typing.as_deref(), Some("SER"));
    press(&mut state, [Key::Esc]);
    assert_eq!((state.typing.as_deref(), state.filter.as_str()), (None, "SERV"));
    press(&mut state, [Key::Esc]);
    assert_eq!((state.filter.as_str(), pids(&state).len()), ("", 6));
    write(&mut state, "/q? p"); // letters are letters there
    assert_eq!(state.typing.as_deref(), Some("q? p"));
    assert_eq!(press(&mut state, [Key::Interrupt]), [Effect::Quit(130)]);
    press(&mut state, [Key::Esc]);
    write(&mut state, "/402");
    assert_eq!(pids(&state), [402]);
    write(&mut state, &"x".repeat(10_000));
    assert!(state.typing.as_ref().is_some_and(|typed| typed.len() <= 200));
}

#[test]
fn forgets() {
    let mut state = busy_screen(80, 24);
    let leaky = state.rows[0].identity;
    assert!(state.rows[0].growth.is_some() && state.past(leaky).len() == 30);
    write(&mut state, "r");
    assert!(state.rows[0].growth.is_none() && state.past(leaky).is_empty());
    read(&mut state, usual(31));
    assert_eq!(state.past(leaky).len(), 1);
}

#[test]
fn reads_more_often_and_less_often() {
    let mut state = busy_screen(80, 24);
    let ms = |ms| Effect::Interval(Duration::from_millis(ms));
    assert_eq!(write(&mut state, "+=+"), [ms(500), ms(200), ms(100)]);
    assert_eq!(write(&mut state, "+"), []);
    assert_eq!(write(&mut state, "-_-"), [ms(200), ms(500), ms(1_000)]);
    assert_eq!(write(&mut state, "----------").last(), Some(&ms(60_000)));
    assert_eq!(state.interval, Duration::from_secs(60));
}

#[test]
fn what_is_on_the_screen_is_kept_fresh() {
    let mut state = screen(60, 12);
    let all = || (1..=100).map(|pid| (process(pid, (200 - u64::from(pid)) * MIB, 1), "")).collect();
    let mut focus = |event| state.update(event).into_iter().find(|effect| matches!(effect, Effect::Focus(_)));
    assert_eq!(focus(Event::Reading(Box::new(reading(1, all())))), Some(Effect::Focus((1..=7).collect())));
    assert_eq!(focus(Event::Reading(Box::new(reading(2, all())))), None);
    assert_eq!(focus(Event::Key(Key::End)), Some(Effect::Focus((94..=100).collect())));
    assert_eq!(focus(Event::Key(Key::Enter)), Some(Effect::Focus(vec![100])));
}

#[test]
fn ends_after_so_many_readings() {
    let mut state = State::new(Watched::Pythons, Duration::from_secs(1), Sort::by(Column::Rss), String::new(), Some(2));
    assert_eq!(read(&mut state, usual(1)), []);
    assert_eq!(read(&mut state, usual(2)), [Effect::Quit(0)]);
}

#[test]
fn trouble_is_shown_until_readings_come_again() {
    let mut state = busy_screen(80, 24);
    let failure = Failure { code: "MS-E010".into(), message: "gone".into(), hint: "wait".into() };
    state.update(Event::Trouble(failure.clone()));
    assert_eq!((state.trouble.as_ref(), pids(&state).len()), (Some(&failure), 6));
    read(&mut state, usual(31));
    assert_eq!(state.trouble, None);
}

#[test]
fn what_has_ended_stays_on_the_screen() {
    let mut state = busy_screen(80, 24);
    let before = pids(&state);
    press(&mut state, [Key::Enter]);
    state.update(Event::Ended("pid 104 has ended".into()));
    assert!(state.detail.as_ref().is_some_and(|detail| detail.ended));
    press(&mut state, [Key::Esc]);
    assert_eq!((pids(&state), state.ended.as_deref()), (before, Some("pid 104 has ended")));
}

#[test]
fn a_process_from_near_keeps_its_last_figures() {
    let mut state = busy_screen(80, 24);
    press(&mut state, [Key::Enter]);
    let identity = state.detail.as_ref().expect("entered").identity;
    let mut next = usual(31);
    next.sample.processes.retain(|process| process.pid != identity.pid);
    read(&mut state, next);
    read(&mut state, reading(32, Vec::new()));
    let detail = state.detail.as_ref().expect("still there");
    assert!(detail.ended);
    assert_eq!(detail.process.memory.rss_bytes, 290 * MIB);
    assert_eq!(state.past(identity).len(), 30);
    // Another process with its pid is another process.
    let mut again = usual(33);
    for process in &mut again.sample.processes {
        process.created += 100.0;
    }
    read(&mut state, again);
    assert!(state.detail.as_ref().is_some_and(|detail| detail.ended));
    press(&mut state, [Key::Esc]);
    read(&mut state, reading(34, Vec::new()));
    assert!(state.track(identity).is_none(), "nobody looks at it any more");
}

#[test]
fn looks_at_a_heap_one_at_a_time() {
    let mut state = busy_screen(80, 24);
    assert_eq!(write(&mut state, "sl"), [], "the list has no heap");
    press(&mut state, [Key::Enter]);
    assert_eq!(write(&mut state, "s"), [Effect::Look { job: 1, pid: 104, kind: LookKind::Types }]);
    assert_eq!(write(&mut state, "sl"), []);
    let stage = Stage::Running { phase: "decoding objects", done: 5, total: Some(10) };
    state.update(Event::Look { job: 1, stage: stage.clone() });
    state.update(Event::Look { job: 9, stage: Stage::Cancelled });
    let job = |state: &State| state.detail.as_ref().and_then(|detail| detail.job.clone()).expect("a job");
    assert_eq!(job(&state).stage, stage);
    assert_eq!(press(&mut state, [Key::Esc]), [Effect::Cancel { job: 1 }]);
    assert!(job(&state).cancelling && state.detail.is_some());
    state.update(Event::Look { job: 1, stage: Stage::Cancelled });
    assert_eq!(write(&mut state, "l"), [Effect::Look { job: 2, pid: 104, kind: LookKind::Suspects }]);
    state.update(Event::Look { job: 2, stage: Stage::Failed(Failure::default()) });
    assert_eq!(press(&mut state, [Key::Esc]), []);
    assert!(state.detail.is_none());
}

#[test]
fn pages_turn_and_scroll() {
    let mut state = busy_screen(80, 24);
    press(&mut state, [Key::Enter]);
    let page = |state: &State| state.detail.as_ref().map(|detail| detail.page);
    let mut pages = Vec::new();
    for key in [Key::Tab, Key::Right, Key::Tab, Key::BackTab, Key::Left] {
        press(&mut state, [key]);
        pages.extend(page(&state));
    }
    assert_eq!(pages, [Page::Collector, Page::Heap, Page::History, Page::Heap, Page::Collector]);
    write(&mut state, "s");
    assert_eq!(page(&state), Some(Page::Heap));
    let types = crate::verbs::top::view::tests::types(50);
    state.update(Event::Look { job: 1, stage: Stage::Done(Box::new(types)) });
    let scroll = |state: &State| state.detail.as_ref().map(|detail| detail.scroll);
    write(&mut state, "jjjk");
    assert_eq!(scroll(&state), Some(2));
    write(&mut state, "G");
    assert_eq!(scroll(&state), Some(49));
    write(&mut state, "gg");
    assert_eq!(scroll(&state), Some(0));
}

#[test]
fn processes_come_and_go_in_bounded_memory() {
    let mut state = screen(80, 24);
    for second in 1..=200u64 {
        let born = (0..500).map(|at| (process((second * 500 + at) as u32, MIB, second), "")).collect();
        read(&mut state, reading(second, born));
        assert!(state.tracks.len() <= 500);
    }
}
