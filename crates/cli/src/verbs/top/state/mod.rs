//! The state of the screen: a pure machine. Events go in, effects come out; nothing is read, drawn or waited for here.

pub mod columns;
mod detail;
mod keys;
mod order;
pub mod reading;
pub mod rows;
pub mod track;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use memsight_engine::analysis::trend::Trend;

use columns::{Column, Sort};
pub use detail::{Detail, Failure, Heap, HeapBody, Job, LookKind, Page, Stage};
pub use keys::{HELP, Key, MEANING};
use order::arrange;
use reading::{Identity, Reading};
use rows::{Row, rows};
use track::{Point, Series, Track, judge};

/// Points of the past that are kept of all processes together: some 8 MiB.
const POINTS: usize = 120_000;
/// Points of one process at most: more than a screen has columns.
const MOST_POINTS: usize = 600;
/// Points of one process at least.
const LEAST_POINTS: usize = 32;
/// The intervals that `+` and `-` go through.
const INTERVALS_MS: [u64; 9] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000];

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// A person pressed a key.
    Key(Key),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// A reading came.
    Reading(Box<Reading>),
    /// Readings fail; the screen says why and waits for the next.
    Trouble(Failure),
    /// What is watched has ended: there will be no more readings.
    Ended(String),
    /// A look at a heap goes on or is over.
    Look { job: u64, stage: Stage },
    /// The system wants us to end, with this exit code.
    Terminate(i32),
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// End with this exit code.
    Quit(i32),
    /// Read at this interval from now on.
    Interval(Duration),
    /// Keep the figures of these processes fresh: they are on the screen.
    Focus(Vec<u32>),
    /// Look at the heap of a process in the background.
    Look { job: u64, pid: u32, kind: LookKind },
    /// Give up that look.
    Cancel { job: u64 },
    /// Give the terminal back and stop, until a person continues us.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watched {
    /// Every Python process.
    Pythons,
    /// A process and its children.
    Tree(u32),
}

/// Everything that the screen shows.
pub struct State {
    pub watched: Watched,
    pub interval: Duration,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// The reading on the screen; older than the last one while the display is paused.
    pub shown: Arc<Reading>,
    /// Its processes.
    pub rows: Vec<Row>,
    /// Indices of the rows that pass the filter, in order.
    pub order: Vec<usize>,
    pub sort: Sort,
    pub filter: String,
    /// The filter as it is being typed.
    pub typing: Option<String>,
    pub selected: Option<Identity>,
    /// First row on the screen.
    pub top: usize,
    /// Where the selected row was last.
    place: usize,
    pub detail: Option<Detail>,
    /// The first line of the help, while it is shown.
    pub help: Option<usize>,
    pub paused: bool,
    /// Readings since the display was paused.
    pub behind: u64,
    /// Why there will be no more readings.
    pub ended: Option<String>,
    pub trouble: Option<Failure>,
    /// The container that all processes share, over time.
    pub container: Series,
    /// The judgement of it.
    pub container_trend: Option<Trend>,
    /// Readings until now.
    pub readings: u64,
    /// Readings until it ends by itself.
    limit: Option<u64>,
    tracks: HashMap<Identity, Track>,
    latest: Arc<Reading>,
    jobs: u64,
    /// The processes on the screen.
    focus: Vec<u32>,
    /// The first `g` of `gg`.
    half_key: bool,
}

impl State {
    /// A screen without a reading; ends by itself after `limit` readings.
    pub fn new(watched: Watched, interval: Duration, sort: Sort, filter: String, limit: Option<u64>) -> State {
        State {
            watched,
            interval,
            size: (80, 24),
            shown: Arc::default(),
            rows: Vec::new(),
            order: Vec::new(),
            sort,
            filter,
            typing: None,
            selected: None,
            top: 0,
            place: 0,
            detail: None,
            help: None,
            paused: false,
            behind: 0,
            ended: None,
            trouble: None,
            container: Series::default(),
            container_trend: None,
            readings: 0,
            limit,
            tracks: HashMap::new(),
            latest: Arc::default(),
            jobs: 0,
            focus: Vec::new(),
            half_key: false,
        }
    }

    /// The process that the person looked at last: the one shown from near, or the selected one.
    pub fn in_view(&self) -> Option<u32> {
        let near = self.detail.as_ref().map(|detail| detail.identity);
        near.or(self.selected).map(|identity| identity.pid)
    }

    /// Takes an event.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.take(event);
        let focus = match &self.detail {
            Some(detail) => vec![detail.identity.pid],
            None => self.visible().map(|row| row.identity.pid).collect(),
        };
        if focus != self.focus {
            effects.push(Effect::Focus(focus.clone()));
            self.focus = focus;
        }
        effects
    }

    fn take(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Key(key) => return self.key(key),
            Event::Resize(columns, lines) => {
                self.size = (columns, lines);
                self.keep_selection_on_screen();
            }
            Event::Reading(reading) => {
                self.read(*reading);
                if self.limit.is_some_and(|limit| self.readings >= limit) {
                    return vec![Effect::Quit(0)];
                }
            }
            Event::Trouble(failure) => self.trouble = Some(failure),
            Event::Ended(why) => {
                self.end(why);
                // Who counts readings does not sit before the screen.
                if self.limit.is_some() {
                    return vec![Effect::Quit(0)];
                }
            }
            Event::Look { job, stage } => self.look_came(job, stage),
            Event::Terminate(code) => return vec![Effect::Quit(code)],
        }
        Vec::new()
    }

    /// Takes a reading; shows it unless the display is paused. Cost: linear in processes and their kept points.
    fn read(&mut self, reading: Reading) {
        self.readings += 1;
        self.trouble = None;
        let at_ns = reading.sample.at.monotonic_ns;
        let most = (POINTS / reading.sample.processes.len().max(1)).clamp(LEAST_POINTS, MOST_POINTS);
        for process in &reading.sample.processes {
            let track = self.tracks.entry(Identity::of(process)).or_default();
            track.push(at_ns, process, most);
            track.seen = self.readings;
        }
        // What is gone from the list has no past, but for the one that a person looks at.
        let kept = self.detail.as_ref().map(|detail| detail.identity);
        let now = self.readings;
        self.tracks.retain(|identity, track| track.seen == now || Some(*identity) == kept);
        if let Some(container) = reading.common_container() {
            let used = container.working_set_bytes;
            self.container.push(Point { at_ns, rss: used, pss: None, uss: None, anon: None }, MOST_POINTS);
        }
        self.latest = Arc::new(reading);
        if self.paused {
            self.behind += 1;
        } else {
            self.show_latest();
        }
    }

    fn show_latest(&mut self) {
        self.shown = self.latest.clone();
        self.behind = 0;
        self.rows = rows(&self.shown, &self.tracks);
        if let Some(mut detail) = self.detail.take() {
            detail.refresh(&self.shown, self.past(detail.identity));
            self.detail = Some(detail);
        }
        self.container_trend = Some(judge(self.container.until(self.shown.sample.at.monotonic_ns)));
        self.arrange();
    }

    /// There will be no more readings: what was seen last stays.
    fn end(&mut self, why: String) {
        self.ended = Some(why);
        if let Some(detail) = &mut self.detail {
            detail.ended = true;
        }
    }

    /// Orders and filters the rows anew.
    fn arrange(&mut self) {
        self.order = arrange(&self.rows, &self.shown, self.typing.as_deref().unwrap_or(&self.filter), self.sort);
        if self.position().is_none() {
            // The selected process is gone: its neighbour takes its place.
            self.selected = self.identity_at(self.place.min(self.order.len().saturating_sub(1)));
        }
        self.keep_selection_on_screen();
    }

    /// Place of the selected row in the order.
    pub fn position(&self) -> Option<usize> {
        let selected = self.selected?;
        self.order.iter().position(|&row| self.rows.get(row).is_some_and(|row| row.identity == selected))
    }

    fn identity_at(&self, place: usize) -> Option<Identity> {
        self.rows.get(*self.order.get(place)?).map(|row| row.identity)
    }

    fn keep_selection_on_screen(&mut self) {
        let height = usize::from(list_rows(self.size.1)).max(1);
        let at = self.position().unwrap_or(0);
        self.place = at;
        self.top = self.top.clamp((at + 1).saturating_sub(height), at);
        self.top = self.top.min(self.order.len().saturating_sub(height));
    }

    /// Moves the selection by so many rows.
    fn step(&mut self, by: isize) {
        let last = self.order.len().saturating_sub(1);
        let at = self.position().unwrap_or(0).saturating_add_signed(by).min(last);
        self.selected = self.identity_at(at);
        self.keep_selection_on_screen();
    }

    /// The rows on the screen, from the top: place, row.
    pub fn visible(&self) -> impl Iterator<Item = &Row> {
        let height = usize::from(list_rows(self.size.1));
        self.order.iter().skip(self.top).take(height).filter_map(|&row| self.rows.get(row))
    }

    /// What is remembered of a process.
    pub fn track(&self, identity: Identity) -> Option<&Track> {
        self.tracks.get(&identity)
    }

    /// The past of a process up to the moment that is shown.
    pub fn past(&self, identity: Identity) -> &[Point] {
        self.track(identity).map_or(&[], |track| track.series.until(self.shown.sample.at.monotonic_ns))
    }

    /// Forgets the past.
    fn reset(&mut self) {
        self.tracks.clear();
        self.container = Series::default();
        self.container_trend = None;
        for row in &mut self.rows {
            (row.growth, row.collections_per_second) = (None, None);
        }
    }

    /// The next interval that is shorter or longer.
    fn change_interval(&mut self, shorter: bool) -> Vec<Effect> {
        let now = u64::try_from(self.interval.as_millis()).unwrap_or(u64::MAX);
        let next = match shorter {
            true => INTERVALS_MS.iter().rev().find(|&&each| each < now),
            false => INTERVALS_MS.iter().find(|&&each| each > now),
        };
        let Some(&next) = next else { return Vec::new() };
        self.interval = Duration::from_millis(next);
        vec![Effect::Interval(self.interval)]
    }

    fn sort_by(&mut self, column: Column) {
        self.sort = Sort::by(column);
        self.arrange();
    }
}

/// Lines of the header on a screen with so many rows.
pub fn header_rows(lines: u16) -> u16 {
    match lines {
        0..7 => 1,
        7..10 => 2,
        _ => 3,
    }
}

/// Rows of the list on a screen with so many rows: the header, the titles and the footer take theirs.
pub fn list_rows(lines: u16) -> u16 {
    lines.saturating_sub(header_rows(lines) + 2)
}
