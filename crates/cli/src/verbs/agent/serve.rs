//! The server: HTTP/1 on one thread. Everything a client can do is bounded, since anybody may be one: connections, their
//! life, headers, requests a second.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use memsight_engine::agent::OwnFigures;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

use super::board::Board;
use super::hosts::Hosts;
use super::rate::Rate;
use super::routes::{Routes, refused};
use crate::error::Error;

/// Connections at a time; one more is told to come back.
const CONNECTIONS: usize = 64;
/// Longest life of a connection, so that a client that does not read cannot hold one.
const LIFE: Duration = Duration::from_secs(30);
/// Longest wait for a request, also between two of one connection.
const HEADER_TIME: Duration = Duration::from_secs(5);
/// Bytes and lines of a request's head.
const HEADER_BYTES: usize = 16 << 10;
const HEADER_LINES: usize = 64;
/// Wait after a failure to accept, such as too many open files.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Said to a connection too many, without reading its request.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// The server while it runs; dropping it ends it.
pub struct Server {
    address: SocketAddr,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on `address` and answers from the board, under its address, `localhost` and these names.
    pub fn start(address: SocketAddr, names: &[String], board: Arc<Board>) -> Result<Server, Error> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::PortBusy { address },
            _ => Error::Listen { address, source },
        };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(1)
            .build()
            .map_err(failed)?;
        let hosts = Hosts::new(address, names);
        let stop = Arc::new(Notify::new());
        let stopped = stop.clone();
        let serve = move || {
            runtime.spawn(accept(listener, board, hosts));
            runtime.block_on(stopped.notified());
            // A question to the history ends by itself within seconds; nobody waits for its answer.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("http".into()).spawn(serve).map_err(failed)?;
        Ok(Server { address, stop, thread: Some(thread) })
    }

    /// Where it listens, with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, board: Arc<Board>, hosts: Hosts) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let rate = Rate::default();
    let routes = Arc::new(Routes::new(board.clone(), rate, hosts));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            OwnFigures::count(&board.own.refused);
            // The socket's own buffer has room for it; if not, the closed connection says as much.
            let _ = stream.try_write(BUSY);
            continue;
        };
        let routes = routes.clone();
        tokio::spawn(async move {
            // A connection that fails is the client's matter.
            let _ = tokio::time::timeout(LIFE, converse(stream, routes)).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, routes: Arc<Routes>) -> Result<(), hyper::Error> {
    let answer = service_fn(move |request: Request<Incoming>| {
        let routes = routes.clone();
        async move {
            if !routes.rate.admits() {
                return Ok(refused(&routes.board.own));
            }
            Ok::<_, Infallible>(routes.answer(&request).await)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        // A client that says no more, such as `nc -N`, still wants to hear.
        .half_close(true)
        .header_read_timeout(HEADER_TIME)
        .max_headers(HEADER_LINES)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}
