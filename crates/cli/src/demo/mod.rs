//! `memsight demo`: starts a service that leaks, drives it, explains it live and names the culprit.

mod client;
mod service;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use memsight_engine::analysis::Analysis;
use memsight_engine::analysis::overview::Overview;
use memsight_engine::analysis::views::PathsView;
use memsight_engine::{Error as EngineError, LookOptions, look, rss_bytes};
use memsight_model::{Bytes, count, duration};
use memsight_render::text::{self, Tone};

use crate::args::Demo;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use client::Client;
use service::Service;

/// Users of the shop.
const USERS: u32 = 600;
/// The module that leaks most: the look must name it.
const CULPRIT: &str = "service.cache";
/// The type whose paths are shown.
const CULPRIT_TYPE: &str = "service.cache.Session";
/// Rows of the overview.
const TOP: usize = 8;

pub fn run(args: &Demo, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    interrupt.carefully(|| story(args, console, interrupt))
}

fn story(args: &Demo, console: &Console, interrupt: &Interrupt) -> Result<(), Error> {
    let teller = Teller { console };
    teller.title("memsight demo: a web shop that leaks, explained while it runs")?;
    let service = Service::start(args.python.as_deref())?;
    let python = service.python.display();
    teller.step(1, "start", &format!("{python} -m service: pid {}, port {}", service.pid(), service.port))?;

    let before = rss_bytes(service.pid())?;
    let took = drive(&service, args.requests, interrupt)?;
    let after = rss_bytes(service.pid())?;
    let grown = format!("RSS {} -> {}. What grows?", Bytes(before), Bytes(after));
    let sent = count(args.requests.into());
    let users = format!("{sent} requests of {USERS} users in {}", duration(nanoseconds(took)));
    teller.step(2, "drive", &format!("{users}: {grown}"))?;

    let (look, meanwhile) = look_under_load(&service, console, interrupt)?;
    let pause = duration(look.overview.pause_ns);
    let load = format!("{} requests answered meanwhile", count(meanwhile));
    teller.step(3, "look", &format!("memsight heap {}: paused {pause}, {load}\n", service.pid()))?;
    console.show(&look.overview, text::overview)?;

    teller.say("\n")?;
    teller.step(4, "ask", &format!("memsight heap {} path {CULPRIT_TYPE}\n", service.pid()))?;
    teller.say(&text::path(&look.paths, console.style()))?;
    teller.culprit(&look.overview)?;
    let sent = u64::from(args.requests) + meanwhile;
    check(&service, sent)?;
    teller.step(
        5,
        "check",
        &format!("the shop counted {} requests, as many as were sent; it never noticed", count(sent)),
    )
}

/// Sends `requests` requests, one after the other; says how long it took.
fn drive(service: &Service, requests: u32, interrupt: &Interrupt) -> Result<Duration, Error> {
    let started = now();
    let mut client = Client::connect(service.port).map_err(refused)?;
    for number in 0..requests {
        if interrupt.asked() {
            return Err(EngineError::Cancelled.into());
        }
        client.get(&page(number)).map_err(refused)?;
    }
    Ok(started.elapsed())
}

fn page(number: u32) -> String {
    format!("/page/{number}?user={}", number % USERS)
}

/// What the look found.
struct Found {
    overview: Overview,
    paths: PathsView,
}

/// Looks at the service while requests go on; says how many were answered.
fn look_under_load(service: &Service, console: &Console, interrupt: &Interrupt) -> Result<(Found, u64), Error> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| keep_asking(service, &over));
        let found = explain(service.pid(), console, interrupt);
        over.store(true, Ordering::Relaxed);
        let answered = load.join().map_err(|_| refused(io::Error::other("the load ended early")))?;
        Ok((found?, answered.map_err(refused)?))
    })
}

/// Asks for pages until told to end; says how many came.
fn keep_asking(service: &Service, over: &AtomicBool) -> io::Result<u64> {
    let mut client = Client::connect(service.port)?;
    let mut answered = 0;
    while !over.load(Ordering::Relaxed) {
        client.get(&page(answered))?;
        answered += 1;
        // Without a rest it would keep a core busy that the look could use.
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(answered.into())
}

fn explain(pid: u32, console: &Console, interrupt: &Interrupt) -> Result<Found, Error> {
    let started = now();
    let ticker = console.ticker(interrupt);
    let snapshot = look(pid, &LookOptions { residence: true, groups: true, ..LookOptions::default() }, &ticker)?;
    let analysis = Analysis::new(&snapshot, &ticker);
    let mut overview = analysis.overview(TOP);
    overview.total_ns = nanoseconds(started.elapsed());
    let paths = analysis.path(CULPRIT_TYPE, 3)?;
    Ok(Found { overview, paths })
}

/// The service's own count against ours: no request was lost.
fn check(service: &Service, sent: u64) -> Result<(), Error> {
    let answer = Client::connect(service.port).and_then(|mut client| client.get("/stats")).map_err(refused)?;
    let digits: String = answer.chars().filter(char::is_ascii_digit).collect();
    let counted = digits.parse().map_err(|_| Error::Service { what: format!("it answered {answer:?}") })?;
    if counted == sent { Ok(()) } else { Err(Error::Disturbed { sent, counted }) }
}

fn refused(error: io::Error) -> Error {
    Error::Service { what: error.to_string() }
}

/// Tells the story: on stdout, or on stderr when stdout is for a script.
struct Teller<'a> {
    console: &'a Console,
}

impl Teller<'_> {
    fn say(&self, text: &str) -> Result<(), Error> {
        if self.console.is_json() {
            self.console.remark(|_| text.to_owned());
            return Ok(());
        }
        self.console.write(text)
    }

    fn title(&self, text: &str) -> Result<(), Error> {
        self.say(&format!("{}\n\n", self.console.style().paint(Tone::Strong, text)))
    }

    fn step(&self, number: u32, verb: &str, text: &str) -> Result<(), Error> {
        let head = self.console.style().paint(Tone::Hint, &format!("{number} {verb:<5}"));
        self.say(&format!("{head}  {text}\n"))
    }

    /// Names the culprit in one plain line.
    fn culprit(&self, overview: &Overview) -> Result<(), Error> {
        let named = |suspect: &&memsight_engine::analysis::views::Suspect| {
            suspect.path.iter().any(|step| step.contains(CULPRIT)) || suspect.type_name.contains(CULPRIT)
        };
        let suspect = overview.suspects.iter().find(named).ok_or(Error::NoCulprit { wanted: CULPRIT })?;
        let line = self.console.style().paint(Tone::Bad, &format!("The culprit: {}", text::culprit(suspect)));
        self.say(&format!("\n{line}\n\n"))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[allow(clippy::disallowed_methods, reason = "the demo tells how long things take")]
fn now() -> Instant {
    Instant::now()
}
