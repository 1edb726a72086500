//! Under which names the agent answers.
//!
//! A page of the web can make a browser ask this machine: its own name leads to it for a moment (DNS rebinding), and the
//! browser lets the page read the answer. The request then carries the page's name in `Host`.

use std::net::{IpAddr, SocketAddr};

use hyper::header::{HOST, HeaderMap};
use hyper::http::uri::Authority;

/// Names that a request may use.
#[derive(Debug)]
pub struct Hosts {
    /// Reached from other machines, which know it by names that nobody told us.
    is_public: bool,
    more: Vec<String>,
}

impl Hosts {
    /// Of what listens on `address`: addresses and `localhost`, and `more`. What other machines reach has any name.
    pub fn new(address: SocketAddr, more: &[String]) -> Hosts {
        Hosts { is_public: !address.ip().is_loopback(), more: more.to_vec() }
    }

    /// Whether a request with these headers is for us. Without a `Host` it comes from no browser.
    pub fn know(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        match (hosts.next(), hosts.next()) {
            (None, _) => true,
            (Some(host), None) => {
                self.is_public
                    || host.to_str().ok().and_then(|host| host.parse().ok()).is_some_and(|host| self.is_ours(&host))
            }
            (Some(_), Some(_)) => false,
        }
    }

    fn is_ours(&self, host: &Authority) -> bool {
        let name = host.host().trim_end_matches('.').to_ascii_lowercase();
        let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
        name == "localhost"
            || name.ends_with(".localhost")
            || address.parse::<IpAddr>().is_ok()
            || self.more.iter().any(|more| more.eq_ignore_ascii_case(&name))
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn know(address: &str, host: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        Hosts::new(address.parse().expect("an address"), &["metrics.example".to_owned()]).know(&headers)
    }

    #[test]
    fn a_name_of_the_web_is_not_ours() {
        for host in ["127.0.0.1:9464", "localhost:9464", "LOCALHOST.", "[::1]:9464", "metrics.example", "a.localhost"] {
            assert!(know("127.0.0.1:9464", host), "{host}");
        }
        for host in
            ["evil.example:9464", "localhost.evil.example", "127.0.0.1.evil.example", "", "a b", "metrics.example.evil"]
        {
            assert!(!know("127.0.0.1:9464", host) && !know("[::1]:9464", host), "{host}");
        }
        assert!(know("0.0.0.0:9464", "node-7.cluster.local"));
        let mut two = HeaderMap::new();
        two.append(HOST, HeaderValue::from_static("localhost"));
        two.append(HOST, HeaderValue::from_static("evil.example"));
        let hosts = Hosts::new("127.0.0.1:1".parse().expect("an address"), &[]);
        assert!(!hosts.know(&two) && hosts.know(&HeaderMap::new()));
    }
}
