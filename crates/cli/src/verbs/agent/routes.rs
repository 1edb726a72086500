//! Which request gets which answer.

use std::path::Path;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use memsight_engine::agent::OwnFigures;
use memsight_engine::figures::now;
use memsight_engine::format::history::{HistoryQuery, query};
use memsight_model::Explain;
use memsight_render::openmetrics::Form;
use memsight_render::{ErrorView, json_line};
use tokio::sync::Semaphore;

use super::board::Board;
use super::hosts::Hosts;
use super::rate::Rate;

/// Milliseconds that a question to the history goes back, unless it says otherwise.
const HISTORY_SPAN: i64 = 900_000;

const PAGE: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>memsight agent</title>\
    <style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}</style>\
    <h1>memsight agent</h1><p>The memory of the Python processes of this machine.</p><ul>\
    <li><a href=\"/metrics\">/metrics</a>: for Prometheus</li>\
    <li><a href=\"/healthz\">/healthz</a>: whether samples are taken</li>\
    <li><a href=\"/api/history\">/api/history</a>: the last 15 minutes as JSON, if a history is kept</li></ul></html>\n";

type Answer = Response<Full<Bytes>>;

/// The answers, and what they are made of.
pub struct Routes {
    /// The figures.
    pub board: Arc<Board>,
    /// How many requests a second.
    pub rate: Rate,
    /// Under which names.
    hosts: Hosts,
    /// One question to the history at a time.
    asking: Arc<Semaphore>,
}

impl Routes {
    /// Answers from a board.
    pub fn new(board: Arc<Board>, rate: Rate, hosts: Hosts) -> Routes {
        Routes { board, rate, hosts, asking: Arc::new(Semaphore::new(1)) }
    }

    /// The answer to a request. Bodies are not read.
    pub async fn answer(&self, request: &Request<Incoming>) -> Answer {
        if !self.hosts.know(request.headers()) {
            OwnFigures::count(&self.board.own.refused);
            return plain(StatusCode::MISDIRECTED_REQUEST, "not a name of this agent: see --allow-host\n");
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            OwnFigures::count(&self.board.own.refused);
            let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        match request.uri().path() {
            "/metrics" => self.metrics(request.headers()),
            "/healthz" => self.health(),
            "/api/history" => self.history(request.uri().query().unwrap_or_default()).await,
            "/" => page(),
            _ => {
                OwnFigures::count(&self.board.own.refused);
                plain(StatusCode::NOT_FOUND, "there are /metrics, /healthz and /api/history\n")
            }
        }
    }

    fn metrics(&self, headers: &HeaderMap) -> Answer {
        let form = preferred(headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()));
        let current = self.board.current();
        if current.exposition.families.is_empty() {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "the first sample is being taken\n");
        }
        OwnFigures::count(&self.board.own.scrapes);
        answer(StatusCode::OK, form.content_type(), current.rendered(form))
    }

    fn health(&self) -> Answer {
        match self.board.too_old() {
            None => plain(StatusCode::OK, "ok\n"),
            Some(age) => {
                let text = format!("the last sample is {} s old\n", age.as_secs());
                answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", text.into())
            }
        }
    }

    async fn history(&self, text: &str) -> Answer {
        let Some(path) = self.board.history.clone() else {
            return plain(StatusCode::NOT_FOUND, "no history is kept: start the agent with --history FILE\n");
        };
        let query = match parse(text, i64::try_from(now().unix_ns / 1_000_000).unwrap_or(i64::MAX)) {
            Ok(query) => query,
            Err(reason) => return answer(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", reason.into()),
        };
        let Ok(turn) = self.asking.clone().try_acquire_owned() else { return refused(&self.board.own) };
        let asked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            ask(&path, &query)
        });
        asked.await.unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "the question failed\n"))
    }
}

fn ask(path: &Path, question: &HistoryQuery) -> Answer {
    let (status, text) = match query(path, question) {
        Ok(found) => (StatusCode::OK, json_line(&found)),
        Err(error) => {
            let view = ErrorView { code: error.code().to_owned(), message: error.to_string(), hint: error.hint() };
            (StatusCode::SERVICE_UNAVAILABLE, view.json())
        }
    };
    answer(status, "application/json", text.into())
}

/// The answer to one request too many.
pub fn refused(own: &OwnFigures) -> Answer {
    OwnFigures::count(&own.refused);
    let mut answer = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests\n");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

fn page() -> Answer {
    let mut page = answer(StatusCode::OK, "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes()));
    let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
    page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    page
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    answer(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

/// The form that a client likes best: OpenMetrics, unless it likes plain text better or is a browser.
fn preferred<'a>(accept: impl Iterator<Item = &'a str>) -> Form {
    let (mut openmetrics, mut text) = (0.0_f64, 0.0_f64);
    for part in accept.flat_map(|value| value.split(',')) {
        let mut parameters = part.split(';').map(str::trim);
        let name = parameters.next().unwrap_or_default();
        let quality = parameters.find_map(|parameter| parameter.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match name {
            "application/openmetrics-text" => openmetrics = openmetrics.max(quality),
            "text/plain" | "text/html" | "text/*" => text = text.max(quality),
            _ => {}
        }
    }
    if text > openmetrics { Form::Text } else { Form::OpenMetrics }
}

/// A question to the history, as an address has it.
fn parse(text: &str, now_ms: i64) -> Result<HistoryQuery, String> {
    let mut query = HistoryQuery { until_ms: now_ms.saturating_add(1), ..HistoryQuery::default() };
    let mut since = None;
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = || value.parse::<i64>().map_err(|_| format!("{name} is no whole number\n"));
        match name {
            "pid" => query.pid = Some(u32::try_from(number()?).map_err(|_| "no such pid\n".to_owned())?),
            "service" => query.service = Some(super::settings::percent_decoded(value)),
            "since" => since = Some(number()?),
            "until" => query.until_ms = number()?,
            "step" => query.step_ms = Some(number()?),
            _ => return Err("there are pid, service, since, until and step\n".to_owned()),
        }
    }
    query.since_ms = since.unwrap_or(query.until_ms.saturating_sub(HISTORY_SPAN));
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_the_form_that_they_like() {
        let form = |accept: &str| preferred(std::iter::once(accept));
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(form(prometheus), Form::OpenMetrics);
        assert_eq!(form("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"), Form::Text);
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8"), Form::Text);
        assert_eq!(form("*/*"), Form::OpenMetrics);
        assert_eq!(form(";;q=,=;\u{7f}"), Form::OpenMetrics);
        assert_eq!(preferred(std::iter::empty()), Form::OpenMetrics);
    }

    #[test]
    fn questions_are_read_and_judged() {
        let query = parse("pid=7&service=a%20b&since=1&until=2&step=0", 100).expect("a question");
        let wanted =
            HistoryQuery { pid: Some(7), service: Some("a b".into()), since_ms: 1, until_ms: 2, step_ms: Some(0) };
        assert_eq!(query, wanted);
        assert_eq!(parse("", 1_000_000).expect("a question").since_ms, 1_000_001 - HISTORY_SPAN);
        for bad in ["pid=-1", "pid=x", "since=", "nothing=1", "until=99999999999999999999"] {
            assert!(parse(bad, 0).is_err(), "{bad}");
        }
    }
}
