//! Where to push, out of the option and OpenTelemetry's variables
//! (<https://opentelemetry.io/docs/specs/otel/protocol/exporter/>).

use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use ureq::http::Uri;

use crate::error::Error;

/// Path of a receiver whose address has none.
const PATH: &str = "/v1/metrics";
/// How long a push may take, unless a variable says otherwise; and the longest that it may say.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

/// A receiver of OTLP over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub url: String,
    /// Headers of every request; they may be secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Longest time of one attempt.
    pub timeout: Duration,
}

impl Endpoint {
    /// Out of the option and this process's environment; `None`: nothing is to be pushed.
    pub fn of(option: Option<&str>) -> Result<Option<Endpoint>, Error> {
        Endpoint::from(option, &variable)
    }

    fn from(option: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Endpoint>, Error> {
        let with_path = |base: &str| format!("{}{PATH}", base.trim_end_matches('/'));
        let url = match option {
            Some(whole) if has_path(whole)? => whole.to_owned(),
            Some(base) => with_path(base),
            // The variable for metrics is taken as it is, the one for all signals is a base.
            None => match (variable("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"), variable("OTEL_EXPORTER_OTLP_ENDPOINT")) {
                (Some(whole), _) => whole,
                (None, Some(base)) => with_path(&base),
                (None, None) => return Ok(None),
            },
        };
        has_path(&url)?;
        let either = |word: &str| {
            let metrics = variable(&format!("OTEL_EXPORTER_OTLP_METRICS_{word}"));
            metrics.or_else(|| variable(&format!("OTEL_EXPORTER_OTLP_{word}")))
        };
        let headers = either("HEADERS").map_or_else(|| Ok(Vec::new()), |text| headers(&text))?;
        let timeout = either("TIMEOUT").map_or_else(|| Ok(TIMEOUT), |text| timeout(&text))?;
        Ok(Some(Endpoint { url, headers, timeout }))
    }

    /// Its address without what may be secret.
    pub fn shown(&self) -> String {
        let uri: Uri = self.url.parse().unwrap_or_default();
        let host = uri.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
        format!("{}://{}{}", uri.scheme_str().unwrap_or_default(), host.unwrap_or_default(), uri.path())
    }
}

/// Judges an address: whether it has a path.
fn has_path(url: &str) -> Result<bool, Error> {
    let uri: Uri = url.parse().map_err(|_| bad("the address cannot be read"))?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http" | "https"), Some(host)) if !host.is_empty() => Ok(!uri.path().trim_matches('/').is_empty()),
        _ => Err(bad("the address does not begin with http:// or https:// and a host")),
    }
}

/// A number of milliseconds.
fn timeout(text: &str) -> Result<Duration, Error> {
    let ms = text.trim().parse().map_err(|_| bad("the timeout is no number of milliseconds"))?;
    Ok(Duration::from_millis(ms).clamp(Duration::from_millis(1), MAX_TIMEOUT))
}

/// `name=value,name=value`, the values percent-encoded.
fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, Error> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| bad("a header has no ="))?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| bad("a header's name is none"))?;
            // The value stays out of the message: it is a key more often than not.
            let value = HeaderValue::from_str(percent_decoded(value.trim()).as_str());
            Ok((name, value.map_err(|_| bad("a header's value is none"))?))
        })
        .collect()
}

/// Text with `%20` and the like replaced; what is no such escape stays.
pub fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = behind.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match (first, escaped) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn bad(reason: &'static str) -> Error {
    Error::PushSetting { reason }
}

#[allow(clippy::disallowed_methods, reason = "the command is the door to the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(option: Option<&str>, variables: &[(&str, &str)]) -> Option<Endpoint> {
        let variable = |name: &str| {
            let name = name.strip_prefix("OTEL_EXPORTER_OTLP_").expect("one of OpenTelemetry's");
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Endpoint::from(option, &variable).expect("settings")
    }

    fn url(option: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        endpoint(option, variables).map(|endpoint| endpoint.url)
    }

    #[test]
    fn addresses_come_from_the_option_or_the_variables() {
        let base = ("ENDPOINT", "http://b:4318/");
        let whole = ("METRICS_ENDPOINT", "http://m/take");
        assert_eq!(url(None, &[]), None);
        assert_eq!(url(Some("http://a:4318"), &[base, whole]), Some("http://a:4318/v1/metrics".into()));
        assert_eq!(url(Some("https://a/otlp/v1/metrics"), &[]), Some("https://a/otlp/v1/metrics".into()));
        assert_eq!(url(None, &[base]), Some("http://b:4318/v1/metrics".into()));
        assert_eq!(url(None, &[base, whole]), Some("http://m/take".into()));
        for text in ["localhost:4318", "ftp://a", "http://", "http:// a"] {
            assert!(Endpoint::from(Some(text), &|_| None).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_decoded_and_nothing_secret_is_shown() {
        let variables = [("HEADERS", "api-key=a%20b, x-one=1"), ("TIMEOUT", "250")];
        let endpoint = endpoint(Some("http://user:word@a/v1/metrics?key=s"), &variables).expect("an endpoint");
        assert_eq!(endpoint.headers[0].1, "a b");
        assert_eq!(endpoint.headers[1].0, "x-one");
        assert_eq!(endpoint.timeout, Duration::from_millis(250));
        assert_eq!(endpoint.shown(), "http://a/v1/metrics");
        for text in ["novalue", "a b=c", "a=%0a"] {
            assert!(headers(text).is_err(), "{text}");
        }
        assert_eq!(percent_decoded("%zz%4"), "%zz%4");
    }
}
