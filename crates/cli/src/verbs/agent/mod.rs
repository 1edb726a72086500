//! `memsight agent`: samples on this thread; answers, pushes and the history on one of their own each.

mod board;
mod hosts;
mod push;
mod rate;
mod routes;
mod serve;
mod settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use memsight_engine::agent::{Collector, CollectorOptions, Keeper, KeeperEvent, OwnFigures, Services};
use memsight_engine::figures::now;
use memsight_engine::format::history::Retention;
use memsight_engine::monitor::{Cadence, Monitor, Options, Pacer, Subject, Tick};
use memsight_model::{Bytes, Explain, duration};
use memsight_render::text::{Style, Tone};
use signal_hook::consts::SIGTERM;

use crate::args::Agent;
use crate::console::Console;
use crate::error::Error;
use crate::interrupt::Interrupt;
use board::Board;
use push::Pusher;
use serve::Server;
use settings::Endpoint;

/// Share of one core that dear figures may take.
const BUDGET: f64 = 0.01;
/// Time between two readings of peaks, and of USS and PSS.
const STATUS_EVERY: Duration = Duration::from_secs(5);
const ROLLUP_EVERY: Duration = Duration::from_secs(15);

/// What threads tell a person.
enum News {
    History(KeeperEvent),
    Push(push::Change),
}

pub fn run(args: &Agent, console: &Console, interrupt: &Interrupt) -> Result<i32, Error> {
    let terminated = Arc::new(AtomicBool::new(false));
    // Without it SIGTERM just ends us, which costs the last interval of the history.
    let registered = signal_hook::flag::register(SIGTERM, terminated.clone());
    let result =
        interrupt.carefully(|| serve(args, console, &|| interrupt.asked() || terminated.load(Ordering::Relaxed)));
    registered.into_iter().for_each(|id| {
        signal_hook::low_level::unregister(id);
    });
    result?;
    Ok(if interrupt.asked() { crate::STOPPED } else { 0 })
}

fn serve(args: &Agent, console: &Console, stopped: &dyn Fn() -> bool) -> Result<(), Error> {
    let endpoint = Endpoint::of(args.otlp_endpoint.as_deref())?;
    let mut pacer = Pacer::new(args.interval)?;
    let own = Arc::new(OwnFigures::default());
    let (news, heard) = channel();
    let keeper = keeper(args, &own, news.clone())?;
    let board = Arc::new(Board::new(own.clone(), args.interval, args.history.clone()));
    let server = Server::start(args.listen, &args.allow_host, board.clone())?;
    let pusher =
        endpoint.map(|endpoint| Pusher::start(endpoint, args.otlp_interval, board.clone(), news)).transpose()?;
    let mut sampler = Sampler::new(args, own)?;
    announce(args, &server, pusher.as_ref(), console);
    loop {
        heard.try_iter().for_each(|news| tell(&news, console));
        match pacer.wait_unless(stopped) {
            Tick::Stopped => break,
            Tick::Due { missed } => sampler.tick(missed, &board, keeper.as_ref(), console),
        }
    }
    drop((server, pusher, keeper));
    heard.try_iter().for_each(|news| tell(&news, console));
    Ok(())
}

fn keeper(args: &Agent, own: &Arc<OwnFigures>, news: Sender<News>) -> Result<Option<Keeper>, Error> {
    let retention =
        Retention { all: args.retention, max_bytes: args.history_size.saturating_mul(1 << 20), ..Retention::default() };
    let start = |path| {
        // Nobody listens any more only when we end.
        Keeper::start(path, retention, own.clone(), move |event| drop(news.send(News::History(event))))
    };
    Ok(args.history.as_deref().map(start).transpose()?)
}

/// Takes the samples.
struct Sampler {
    monitor: Monitor,
    collector: Collector,
    own: Arc<OwnFigures>,
    failing: bool,
}

impl Sampler {
    fn new(args: &Agent, own: Arc<OwnFigures>) -> Result<Sampler, Error> {
        let options = Options {
            stat: Cadence::Always,
            status: Cadence::Every(STATUS_EVERY.max(args.interval)),
            rollup: Cadence::Every(ROLLUP_EVERY.max(args.interval)),
            gc: Cadence::Every(args.interval),
            python: true,
            container: false,
            machine: true,
            budget: BUDGET,
        };
        let services = Services { variable: args.service_env.clone(), patterns: args.service.clone() };
        let max_processes = usize::try_from(args.max_processes).unwrap_or(usize::MAX);
        let collector = Collector::new(CollectorOptions { services, max_processes }, own.clone());
        Ok(Sampler { monitor: Monitor::new(Subject::Pythons, options)?, collector, own, failing: false })
    }

    fn tick(&mut self, missed: u64, board: &Board, keeper: Option<&Keeper>, console: &Console) {
        let started = now().monotonic_ns;
        self.own.missed_ticks.fetch_add(missed, Ordering::Relaxed);
        match self.monitor.read() {
            Ok(sample) => {
                OwnFigures::count(&self.own.samples);
                let (exposition, rows) = self.collector.collect(sample);
                board.publish(exposition);
                if let Some(keeper) = keeper {
                    keeper.keep(i64::try_from(sample.at.unix_ns / 1_000_000).unwrap_or(i64::MAX), rows);
                }
                self.failing = false;
            }
            // The last figures stay, and /healthz tells that they are old.
            Err(error) if !self.failing => {
                self.failing = true;
                console.remark(|style| line(style, Tone::Warn, "warning", &format!("no sample: {error}")));
            }
            Err(_) => {}
        }
        let took = now().monotonic_ns.saturating_sub(started);
        self.own.collection_ns.fetch_add(took, Ordering::Relaxed);
        self.own.last_collection_ns.store(took, Ordering::Relaxed);
    }
}

/// Says what runs, and what the person should know of it.
fn announce(args: &Agent, server: &Server, pusher: Option<&Pusher>, console: &Console) {
    let address = server.address();
    let interval = duration(u64::try_from(args.interval.as_nanos()).unwrap_or(u64::MAX));
    console.remark(|style| {
        line(style, Tone::Hint, "agent", &format!("http://{address}/metrics, a sample every {interval}"))
    });
    if let Some(history) = &args.history {
        let size = Bytes(args.history_size.saturating_mul(1 << 20));
        console.remark(|style| line(style, Tone::Hint, "history", &format!("{}, up to {size}", history.display())));
    }
    if let Some(pusher) = pusher {
        console.remark(|style| line(style, Tone::Hint, "push", &format!("to {}", pusher.receiver())));
    }
    if !address.ip().is_loopback() {
        let text = format!("whoever reaches {address} can read the figures: there is no password and no encryption");
        console.remark(|style| line(style, Tone::Warn, "warning", &text));
    }
}

fn tell(news: &News, console: &Console) {
    let (tone, word, text) = match news {
        News::History(KeeperEvent::MovedAside { path, aside }) => {
            let text = format!("{} was damaged; it is now {}, and a new one begins", path.display(), aside.display());
            (Tone::Warn, "warning", text)
        }
        News::History(KeeperEvent::Gone { path }) => {
            (Tone::Warn, "warning", format!("{} was deleted or replaced: a new history begins", path.display()))
        }
        News::History(KeeperEvent::Full { path, max_bytes }) => {
            let size = Bytes(*max_bytes);
            (
                Tone::Hint,
                "history",
                format!("{} has reached {size} (--history-size): the oldest goes first", path.display()),
            )
        }
        News::History(KeeperEvent::Paused(error)) => {
            (Tone::Warn, "warning", format!("the history pauses: {error} ({})\nhint: {}", error.code(), error.hint()))
        }
        News::History(KeeperEvent::Resumed { lost }) => {
            (Tone::Hint, "history", format!("goes on; it lacks {lost} intervals"))
        }
        News::Push(push::Change::Failing { error }) => {
            (Tone::Warn, "warning", format!("pushes fail: {error} ({})\nhint: {}", error.code(), error.hint()))
        }
        News::Push(push::Change::Working) => (Tone::Hint, "push", "the receiver takes figures again".to_owned()),
        News::History(_) => return,
    };
    console.remark(|style| line(style, tone, word, &text));
}

fn line(style: &Style, tone: Tone, word: &str, text: &str) -> String {
    format!("{}: {text}\n", style.paint(tone, word))
}
