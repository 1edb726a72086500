//! The replay of a trace against a model that keeps everything and copies it at every event.

use std::collections::BTreeMap;

use memsight_analysis::profile::{At, By, Places, Profile, Replay, Selection};
use memsight_model::Timestamp;
use memsight_model::trace::{Code, Domain, End, Event, Frame, Head};
use proptest::prelude::*;

fn head(sample_bytes: u64) -> Head {
    let started = Timestamp { monotonic_ns: 0, unix_ns: 1_700_000_000_000_000_000 };
    Head { pid: 4242, program: "app.py".into(), python_minor: 12, started, sample_bytes }
}

fn code(number: u32, name: &str, file: &str) -> Code {
    Code { number, name: name.into(), file: file.into(), first_line: number * 100, lines: Vec::new() }
}

fn profile(events: &[Event], codes: &[Code], frames: &[Frame], at: At) -> Profile {
    let mut replay = Replay::new(&head(0), at);
    events.iter().for_each(|event| replay.event(*event));
    let places = Places::new(codes, frames, |code, offset| code.first_line + offset);
    let end = End { duration_ns: 1 << 40, ..End::default() };
    Profile::new(head(0), replay, places, Some(end), false).expect("a profile")
}

fn allocated(address: u64, bytes: u64, stack: u32) -> Event {
    Event::Allocated { domain: Domain::Object, address, bytes, stack }
}

/// Bytes and blocks.
type Sum = (u64, u64);
/// By thread and stack.
type Sums = BTreeMap<(u32, u32), Sum>;

/// A block: where it is, by whom, with which stack, its bytes, and which allocation of its thread it was.
type Block = (u64, u32, u32, u64, u64);

#[derive(Default)]
struct Naive {
    live: Vec<Block>,
    all: Sums,
    temporary: Sums,
    counts: BTreeMap<u32, u64>,
    thread: u32,
    peak: (u64, Sums),
    is_over: bool,
}

impl Naive {
    fn event(&mut self, event: &Event) {
        match *event {
            Event::Ending => self.is_over = true,
            _ if self.is_over => {}
            Event::Thread(thread) => self.thread = thread,
            Event::Allocated { address, bytes, stack, .. } => {
                let count = self.counts.entry(self.thread).or_default();
                *count += 1;
                self.live.push((address, self.thread, stack, bytes, *count));
                add(&mut self.all, (self.thread, stack), bytes);
                let total = self.live.iter().map(|block| block.3).sum();
                if total > self.peak.0 {
                    self.peak = (total, self.sums());
                }
            }
            Event::Freed(address) => {
                let Some(at) = self.live.iter().position(|block| block.0 == address) else { return };
                let (_, thread, stack, bytes, count) = self.live.remove(at);
                if thread == self.thread && self.counts[&thread] - count <= 1 {
                    add(&mut self.temporary, (thread, stack), bytes);
                }
            }
            Event::Time(_) | Event::Resident(_) => {}
        }
    }

    fn sums(&self) -> Sums {
        let mut sums = Sums::new();
        self.live.iter().for_each(|block| add(&mut sums, (block.1, block.2), block.3));
        sums
    }

    /// Blocks at one address that are live together: the older of them have lost their free.
    fn without_lost(&self) -> Sums {
        let mut newest: BTreeMap<u64, &Block> = BTreeMap::new();
        newest.extend(self.live.iter().map(|block| (block.0, block)));
        let mut sums = Sums::new();
        newest.values().for_each(|block| add(&mut sums, (block.1, block.2), block.3));
        sums
    }
}

fn add(sums: &mut Sums, row: (u32, u32), bytes: u64) {
    let sum = sums.entry(row).or_default();
    *sum = (sum.0 + bytes, sum.1 + 1);
}

/// What the views say by thread and line; the line of stack `n` is `100 + n`, that of none 0.
fn seen(profile: &Profile, temporary: Option<bool>) -> Sums {
    let mut sums = Sums::new();
    for thread in 1..=3 {
        let selection = Selection { thread: Some(thread), ..Selection::default() };
        let rows: Vec<(u32, Sum)> = match temporary {
            None => match profile.places(By::Line, &selection) {
                Ok(view) => {
                    let row = |row: &memsight_analysis::profile::PlaceRow| {
                        (row.line.unwrap_or_default(), (row.figures.bytes, row.figures.count))
                    };
                    view.places.rows().iter().map(row).collect()
                }
                Err(_) => continue,
            },
            Some(temporary) => match profile.churn(temporary, &selection) {
                Ok(view) => {
                    let lines = view.lines.iter();
                    lines.map(|row| (row.spot.line, (row.figures.bytes, row.figures.count))).collect()
                }
                Err(_) => continue,
            },
        };
        sums.extend(rows.into_iter().map(|(line, sum)| ((thread, line.saturating_sub(100)), sum)));
    }
    sums
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        1 => (1u32..=3).prop_map(Event::Thread),
        4 => (0u64..12, 0u64..100, 0u32..5).prop_map(|(address, bytes, stack)| allocated(address * 16, bytes, stack)),
        4 => (0u64..12).prop_map(|address| Event::Freed(address * 16)),
        1 => (0u64..50).prop_map(Event::Time),
    ];
    let ending = prop::option::weighted(0.3, any::<prop::sample::Index>());
    (prop::collection::vec(event, 0..200), ending).prop_map(|(mut events, ending)| {
        if let Some(at) = ending {
            events.insert(at.index(events.len() + 1), Event::Ending);
        }
        events.insert(0, Event::Thread(1));
        events
    })
}

fn frames() -> Vec<Frame> {
    (1..5).map(|number| Frame { caller: number - 1, code: 1, offset: number }).collect()
}

proptest! {
    #[test]
    fn the_peak_and_all_sums_are_those_of_the_model(events in events()) {
        let codes = [code(1, "f", "app.py")];
        let mut naive = Naive::default();
        events.iter().for_each(|event| naive.event(event));
        let at = |at| profile(&events, &codes, &frames(), at);
        let peak = at(At::Peak);
        prop_assert_eq!(peak.timeline().peak_bytes, naive.peak.0);
        prop_assert_eq!(seen(&peak, None), naive.peak.1.clone());
        prop_assert_eq!(seen(&at(At::End), None), naive.without_lost());
        prop_assert_eq!(seen(&at(At::All), None), naive.all.clone());
        prop_assert_eq!(seen(&peak, Some(false)), naive.all.clone());
        prop_assert_eq!(seen(&peak, Some(true)), naive.temporary.clone());
        let most = peak.timeline().points.iter().map(|point| point.most_bytes).max();
        prop_assert_eq!(most, Some(naive.peak.0));
    }

    #[test]
    fn a_moment_is_the_state_before_later_events(events in events(), wanted in 0u64..60) {
        let mut naive = Naive::default();
        let mut now = 0;
        for event in &events {
            if let Event::Time(ns) = event {
                now = now.max(*ns);
            }
            if now > wanted {
                break;
            }
            naive.event(event);
        }
        let codes = [code(1, "f", "app.py")];
        let profile = profile(&events, &codes, &frames(), At::Time(wanted));
        // (behind the last event the older blocks of an address are lost ones)
        let is_over = now <= wanted;
        let expected = if is_over { naive.without_lost() } else { naive.sums() };
        prop_assert_eq!(seen(&profile, None), expected);
    }
}

/// `main` at line 101 calls `load` at 201 and 202; `load` calls itself once more, then `parse` of a library.
fn program() -> (Vec<Event>, Vec<Code>, Vec<Frame>) {
    let codes = vec![
        code(1, "main", "/srv/app/main.py"),
        code(2, "load", "/srv/app/data.py"),
        code(3, "parse", "/usr/lib/python3.12/json/decoder.py"),
    ];
    let frame = |caller, code, offset| Frame { caller, code, offset };
    let frames = vec![
        frame(0, 1, 1), // 1: main
        frame(1, 2, 1), // 2: load
        frame(2, 2, 2), // 3: load, from load
        frame(3, 3, 1), // 4: parse
        frame(1, 2, 2), // 5: load, directly
    ];
    let events = vec![
        Event::Thread(1),
        allocated(16, 1000, 4),
        allocated(32, 300, 2),
        Event::Time(5_000_000),
        allocated(48, 200, 5),
        allocated(64, 100, 0),
        Event::Thread(2),
        allocated(80, 50, 1),
        Event::Freed(16),
        Event::Freed(96),
        allocated(16, 7, 4),
    ];
    (events, codes, frames)
}

fn of_program(at: At) -> Profile {
    let (events, codes, frames) = program();
    profile(&events, &codes, &frames, at)
}

fn named(profile: &Profile, by: By, selection: &Selection) -> Vec<(String, u64, u64)> {
    let view = profile.places(by, selection).expect("places");
    let name = |row: &memsight_analysis::profile::PlaceRow| {
        row.module.clone().or(row.function.clone()).unwrap_or_else(|| row.file.clone())
    };
    view.places.rows().iter().map(|row| (name(row), row.figures.bytes, row.inclusive_bytes)).collect()
}

#[test]
fn places_count_for_their_newest_frame_and_inclusively_once() {
    let profile = of_program(At::Peak);
    let all = Selection::default();
    let functions = named(&profile, By::Function, &all);
    let expected = [("parse", 1000, 1000), ("load", 500, 1500), ("(no Python frame)", 100, 100), ("main", 50, 1550)];
    assert_eq!(functions, expected.map(|(name, own, inclusive)| (name.to_owned(), own, inclusive)));
    let modules = named(&profile, By::Module, &all);
    let expected = [
        ("json.decoder", 1000, 1000),
        ("app.data", 500, 1500),
        ("(no Python frame)", 100, 100),
        ("app.main", 50, 1550),
    ];
    assert_eq!(modules, expected.map(|(name, own, inclusive)| (name.to_owned(), own, inclusive)));
    let inclusive = Selection { inclusive: true, top: 1, ..Selection::default() };
    assert_eq!(named(&profile, By::Function, &inclusive), [("main".to_owned(), 50, 1550)]);
}

#[test]
fn a_filter_counts_blocks_for_the_newest_frame_that_it_matches() {
    let selection = Selection { filter: Some("/srv/app/".into()), ..Selection::default() };
    let functions = named(&of_program(At::Peak), By::Function, &selection);
    assert_eq!(functions, [("load".to_owned(), 1500, 1500), ("main".to_owned(), 50, 1550)]);
    let selection = Selection { thread: Some(2), ..Selection::default() };
    assert_eq!(named(&of_program(At::Peak), By::Function, &selection), [("main".to_owned(), 50, 50)]);
    let nobody = Selection { thread: Some(9), ..Selection::default() };
    assert!(of_program(At::Peak).places(By::Line, &nobody).is_err());
}

#[test]
fn the_tree_folds_what_has_one_child_alone() {
    let view = of_program(At::Peak).tree(&Selection::default()).expect("a tree");
    let nodes: Vec<(u32, Vec<u32>, u64, u64)> = (view.nodes.iter())
        .map(|node| {
            let lines = node.frames.iter().map(|spot| spot.line).collect();
            (node.depth, lines, node.figures.bytes, node.own_bytes)
        })
        .collect();
    let expected = [
        (0, vec![101], 1550, 50),
        (1, vec![201], 1300, 300),
        (2, vec![202, 301], 1000, 1000),
        (1, vec![202], 200, 200),
        (0, vec![0], 100, 100),
    ];
    assert_eq!(nodes, expected);
}

#[test]
fn leaks_are_what_is_live_at_the_end_by_their_newest_frames() {
    let view = of_program(At::End).leaks(&Selection { top: 2, ..Selection::default() }).expect("leaks");
    let lines: Vec<Vec<u32>> = view.leaks.iter().map(|row| row.stack.iter().map(|spot| spot.line).collect()).collect();
    assert_eq!(lines, [vec![201, 101], vec![202, 101]]);
    assert_eq!((view.leak_count, view.rest_bytes, view.header.total.bytes), (5, 157, 657));
}

#[test]
fn a_source_file_is_found_by_its_end() {
    let profile = of_program(At::Peak);
    let file = profile.source_file("app/data.py").expect("a file");
    assert_eq!(file, "/srv/app/data.py");
    assert!(profile.source_file("ata.py").is_err());
    let view = profile.source(file, None, &Selection::default()).expect("lines");
    let lines: Vec<(u32, u64, u64)> =
        view.lines.iter().map(|line| (line.line, line.figures.bytes, line.inclusive_bytes)).collect();
    assert_eq!(lines, [(201, 300, 1300), (202, 200, 1200)]);
    // A second function on a line that calls the first one.
    let codes = [code(1, "f", "a.py"), Code { first_line: 100, ..code(2, "<listcomp>", "a.py") }];
    let frames = [Frame { caller: 0, code: 1, offset: 1 }, Frame { caller: 1, code: 2, offset: 1 }];
    let both = self::profile(&[allocated(16, 7, 2)], &codes, &frames, At::Peak);
    let lines = both.source("a.py", None, &Selection::default()).expect("lines").lines;
    assert_eq!((lines.len(), lines[0].line, lines[0].inclusive_bytes), (1, 101, 7));
    let text = "\n".repeat(300);
    let view = profile.source(file, Some(&text), &Selection::default()).expect("lines");
    assert_eq!((view.lines.len(), view.lines[200].inclusive_bytes, view.file_figures.bytes), (300, 1300, 500));
}

#[test]
fn stacks_of_a_flame_graph_begin_with_the_oldest_frame() {
    let view = of_program(At::Peak).flame(&Selection::default()).expect("stacks");
    let stacks: Vec<(String, u64)> = view.stacks.iter().map(|s| (s.frames.join(";"), s.figures.bytes)).collect();
    assert_eq!(stacks.iter().map(|stack| stack.1).sum::<u64>(), 1650);
    let main = "main (/srv/app/main.py:101);load (/srv/app/data.py:201)";
    assert!(stacks.contains(&(main.to_owned(), 300)), "{stacks:?}");
    assert!(stacks.contains(&("(no Python frame)".to_owned(), 100)), "{stacks:?}");
}

#[test]
fn two_traces_are_compared_line_by_line() {
    let (events, codes, frames) = program();
    let before = profile(&events[..4], &codes, &frames, At::Peak);
    let view = of_program(At::Peak).grown_since(&before, &Selection::default()).expect("a comparison");
    let lines: Vec<(u32, i64)> = view.lines.iter().map(|line| (line.spot.line, line.growth_bytes)).collect();
    assert_eq!((view.growth_bytes, lines), (350, vec![(202, 200), (0, 100), (101, 50)]));
}

#[test]
fn a_summary_has_the_whole() {
    let view = of_program(At::Peak).summary(&Selection { top: 1, ..Selection::default() }).expect("a summary");
    assert_eq!((view.peak_bytes, view.peak_count, view.peak_at_ns), (1650, 5, 5_000_000));
    assert_eq!((view.end_bytes, view.allocated_bytes, view.allocations), (657, 1657, 6));
    assert_eq!((view.threads, view.line_count, view.rest_bytes), (2, 5, 650));
    assert_eq!(view.temporary_allocations, Some(0));
    assert!(!view.header.is_cut);
}

#[test]
fn a_sample_is_scaled_and_says_how_sure_it_is() {
    let mut replay = Replay::new(&head(1024), At::Peak);
    for n in 0..100 {
        replay.event(allocated(n * 16, 64, 1));
    }
    let places = Places::new(&[code(1, "f", "app.py")], &frames(), |_, _| 1);
    let profile = Profile::new(head(1024), replay, places, None, false).expect("a profile");
    let view = profile.summary(&Selection::default()).expect("a summary");
    // 100 of 64 bytes with a chance of 6.06% each.
    assert_eq!((view.peak_bytes, view.peak_count), (105_600, 1650));
    assert!((18_000..24_000).contains(&view.peak_error_bytes), "{}", view.peak_error_bytes);
    assert!(view.header.is_cut && view.temporary_allocations.is_none());
    assert!(profile.churn(true, &Selection::default()).is_err());
}
