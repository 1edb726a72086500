use memsight_model::Timestamp;
use memsight_model::trace::{Code, End, Frame};

use super::super::{At, Places, Replay};
use super::*;

/// Offsets are lines; frame 1 is at line 1 of `a.py`, frame 2 is called there and at line 2, frames 3 and 4 are at the lines 3 and 4.
fn profile(events: &[Event]) -> Profile {
    let head = Head {
        pid: 1,
        program: "a.py".into(),
        python_minor: 13,
        started: Timestamp { monotonic_ns: 0, unix_ns: 0 },
        sample_bytes: 0,
        family: None,
    };
    let code = Code { number: 1, name: "f".into(), file: "a.py".into(), first_line: 1, lines: Vec::new() };
    let frame = |caller, offset| Frame { caller, code: 1, offset };
    let places = Places::new(&[code], &[frame(0, 1), frame(1, 2), frame(0, 3), frame(0, 4)], |_, offset| offset);
    let mut replay = Replay::new(&head, At::Peak);
    events.iter().for_each(|event| replay.event(*event));
    Profile::new(head, replay, places, Some(End::default()), false).expect("a profile")
}

fn forecast(events: &[Event], sites: &[(u32, Saved)]) -> Forecasts {
    let profile = profile(events);
    let sites: Vec<Site> =
        sites.iter().map(|&(line, saved)| Site { file: "a.py".into(), first: line, last: line, saved }).collect();
    let mut letting = Letting::new(profile.sites(&sites));
    events.iter().for_each(|event| letting.event(*event));
    let mut forecast = letting.forecast(profile.head());
    events.iter().for_each(|event| forecast.event(*event));
    forecast.finish()
}

fn allocated(address: u64, bytes: u64, stack: u32) -> Event {
    let domain = if bytes > 512 { Domain::Memory } else { Domain::Object };
    Event::Allocated { domain, address, bytes, stack }
}

#[test]
fn the_second_highest_phase_bounds_the_saving() {
    // line 3 has 1000 B for a while, line 4 later 700: without line 3 the peak is 700
    let events = [allocated(1, 1000, 3), Event::Freed(1), allocated(2, 700, 4), Event::Freed(2), allocated(3, 8, 4)];
    let forecasts = forecast(&events, &[(3, Saved::Container), (4, Saved::Container)]);
    assert_eq!(forecasts.peak_bytes, 1000);
    let [first, second] = forecasts.sites[..] else { panic!("two sites") };
    assert_eq!((first.peak_saved_bytes, first.unbounded_bytes, first.at_peak_bytes), (300, 1000, 1000));
    // the other saves nothing by itself, and what is left by the first together with it
    assert_eq!((second.peak_saved_bytes, second.most_bytes), (0, 700));
    assert_eq!(forecasts.together.peak_saved_bytes, 1000 - 8);
}

#[test]
fn what_outlives_its_container_is_not_saved() {
    // two items of 100 B are made by what line 1 calls; one is freed with the list, the other kept
    let events = [
        allocated(1, 800, 1),
        allocated(2, 100, 2),
        allocated(3, 100, 2),
        Event::Freed(2),
        Event::Freed(1),
        allocated(4, 8, 4),
    ];
    let forecasts = forecast(&events, &[(1, Saved::Container)]);
    assert_eq!((forecasts.peak_bytes, forecasts.sites[0].at_peak_bytes), (1000, 1000));
    assert_eq!((forecasts.sites[0].unbounded_bytes, forecasts.sites[0].peak_saved_bytes), (900, 1000 - 108));
    assert_eq!(forecasts.sites[0].end_bytes, 100);
}

#[test]
fn a_statement_ends_where_its_thread_goes_on_elsewhere() {
    // the set of line 3 is freed long after its statement, the list in it at once
    let events = [
        allocated(1, 800, 3),
        allocated(2, 1600, 3),
        allocated(9, 8, 3),
        Event::Freed(1),
        allocated(3, 8, 4),
        Event::Freed(2),
        allocated(4, 8, 4),
    ];
    assert_eq!(forecast(&events, &[(3, Saved::Statement)]).sites[0].peak_saved_bytes, 2408 - 1616);
    assert_eq!(forecast(&events, &[(3, Saved::Container)]).sites[0].peak_saved_bytes, 2408 - 24);
}

#[test]
fn shares_count_once_where_two_sites_meet() {
    let events = [allocated(1, 800, 2), allocated(2, 80, 4)];
    let share = Saved::Share { left: 1, of: 8 };
    let forecasts = forecast(&events, &[(1, share), (2, share), (4, Saved::Nothing)]);
    let saved: Vec<u64> = forecasts.sites.iter().map(|site| site.peak_saved_bytes).collect();
    assert_eq!(saved, [700, 700, 0]);
    assert_eq!((forecasts.together.peak_saved_bytes, forecasts.together.end_saved_bytes), (700, 700));
    assert_eq!(forecasts.sites[2].end_bytes, 80);
}

#[test]
fn a_table_that_moves_goes_on() {
    // a set grows from 600 to 1200 B while the list that it is made of, 800 B, lives; both sizes of it are no part of the list
    let events = [
        allocated(1, 800, 3),
        allocated(2, 600, 3),
        allocated(3, 1200, 3),
        Event::Freed(2),
        Event::Freed(1),
        allocated(4, 8, 4),
    ];
    let forecasts = forecast(&events, &[(3, Saved::Statement)]);
    assert_eq!((forecasts.peak_bytes, forecasts.sites[0].peak_saved_bytes), (2600, 800));
}
