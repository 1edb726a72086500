//! The pusher: OTLP over HTTP on a thread of its own, so that a slow receiver holds up nothing.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use memsight_engine::agent::OwnFigures;
use memsight_engine::resolve_without_libraries;
use memsight_render::otlp;
use ureq::tls::{RootCerts, TlsConfig};

use super::News;
use super::board::Board;
use super::settings::Endpoint;
use crate::error::Error;

/// Waits before the second, third and fourth attempt at one push.
const AGAIN: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];
/// Bytes of a receiver's answer that are read.
const ANSWER_BYTES: u64 = 64 << 10;

/// What changed with the receiver.
pub enum Change {
    /// It does not take figures.
    Failing {
        /// Why.
        error: Error,
    },
    /// It does again.
    Working,
}

/// The pusher while it runs; dropping it ends it.
pub struct Pusher {
    receiver: String,
    /// Closed to stop.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pusher {
    /// Pushes what is on the board every `interval`.
    pub fn start(
        endpoint: Endpoint,
        interval: Duration,
        board: Arc<Board>,
        news: Sender<News>,
    ) -> Result<Pusher, Error> {
        let receiver = endpoint.shown();
        let (stop, stopped) = channel();
        let push = Push { agent: client(&endpoint), endpoint, board, news, failing: false, stopped };
        let thread = std::thread::Builder::new().name("otlp".into()).spawn(move || push.run(interval));
        let thread = thread.map_err(Error::of_thread)?;
        Ok(Pusher { receiver, stop: Some(stop), thread: Some(thread) })
    }

    /// Where to, without what may be secret.
    pub fn receiver(&self) -> &str {
        &self.receiver
    }
}

impl Drop for Pusher {
    /// Ends after the attempt that is under way.
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn client(endpoint: &Endpoint) -> ureq::Agent {
    resolve_without_libraries();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    ureq::Agent::config_builder()
        .timeout_global(Some(endpoint.timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("memsight/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into()
}

struct Push {
    agent: ureq::Agent,
    endpoint: Endpoint,
    board: Arc<Board>,
    news: Sender<News>,
    failing: bool,
    stopped: Receiver<()>,
}

/// How an attempt ended.
enum Outcome {
    Taken,
    /// It may go better the next time.
    Again(Error),
    Refused(Error),
}

impl Push {
    fn run(mut self, interval: Duration) {
        while self.wait(interval) {
            let current = self.board.current();
            if current.exposition.families.is_empty() {
                continue;
            }
            let request = otlp::encode(&current.exposition);
            match self.push(&request) {
                Ok(()) => {
                    OwnFigures::count(&self.board.own.pushes);
                    self.change(None);
                }
                Err(error) => {
                    OwnFigures::count(&self.board.own.failed_pushes);
                    self.change(Some(error));
                }
            }
        }
    }

    /// Waits; false when it is time to end.
    fn wait(&self, time: Duration) -> bool {
        self.stopped.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }

    /// Tries a few times; what is not taken by then is lost, since the next push says more.
    fn push(&self, request: &[u8]) -> Result<(), Error> {
        let mut pauses = AGAIN.iter();
        loop {
            let error = match self.attempt(request) {
                Outcome::Taken => return Ok(()),
                Outcome::Refused(error) => return Err(error),
                Outcome::Again(error) => error,
            };
            match pauses.next() {
                Some(pause) if self.wait(*pause) => {}
                _ => return Err(error),
            }
        }
    }

    fn attempt(&self, request: &[u8]) -> Outcome {
        let mut post = self.agent.post(&self.endpoint.url).header("content-type", "application/x-protobuf");
        for (name, value) in &self.endpoint.headers {
            post = post.header(name, value);
        }
        let mut answer = match post.send(request) {
            Ok(answer) => answer,
            Err(error) => return failed(&error),
        };
        let refused = |reason| Outcome::Refused(Error::Push { reason });
        let says = |status| format!("the receiver answers {status}");
        let status = answer.status().as_u16();
        match status {
            200..300 => {
                let body = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().unwrap_or_default();
                match otlp::rejected(&body) {
                    None => Outcome::Taken,
                    Some((points, reason)) => refused(format!("{points} points were rejected: {reason:?}")),
                }
            }
            // What the protocol calls retryable.
            429 | 502 | 503 | 504 => Outcome::Again(Error::Push { reason: says(status) }),
            _ => refused(says(status)),
        }
    }

    /// Tells when it begins and when it ends to fail.
    fn change(&mut self, failure: Option<Error>) {
        let change = match failure {
            Some(error) if !self.failing => Change::Failing { error },
            None if self.failing => Change::Working,
            _ => return,
        };
        self.failing = matches!(change, Change::Failing { .. });
        // Nobody listens any more only when we end.
        let _ = self.news.send(News::Push(change));
    }
}

/// Why nothing was sent. A certificate that is not trusted now is not a moment later.
fn failed(error: &ureq::Error) -> Outcome {
    let tls = match error {
        ureq::Error::Rustls(error) => Some(error),
        // What went wrong with the handshake comes as a failure to read or write.
        ureq::Error::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()),
        _ => None,
    };
    match tls {
        // The other one: the machine trusts nobody at all.
        Some(error @ (rustls::Error::InvalidCertificate(_) | rustls::Error::General(_))) => {
            Outcome::Refused(Error::PushUntrusted { reason: error.to_string() })
        }
        _ => Outcome::Again(Error::Push { reason: error.to_string() }),
    }
}

impl Error {
    /// A thread that does not start.
    fn of_thread(source: io::Error) -> Error {
        Error::Thread { source }
    }
}
