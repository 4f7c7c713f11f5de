//! `health`: one request to the gate on this host, by hand, for HEALTHCHECK and probes in an image without curl.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::http::{self, Peer, Request};

/// Shorter than any probe's own time-out, so that the reason is said by us.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Why the gate is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// It does not answer.
    #[error("the gate on {address} does not answer: {error}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// What came instead.
        error: io::Error,
    },
    /// It answers, and says that it is not healthy.
    #[error("the gate on {address} answers {status}: {reason}")]
    Unhealthy {
        /// Where it was asked.
        address: SocketAddr,
        /// The status of its answer.
        status: u16,
        /// What it says about it.
        reason: String,
    },
}

/// What a probe asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Whether requests are served.
    Healthy,
    /// Whether the process lives, served or not.
    Live,
    /// Whether it may get traffic.
    Ready,
}

impl Probe {
    fn path(self) -> &'static str {
        match self {
            Self::Healthy => "/health",
            Self::Live => "/livez",
            Self::Ready => "/readyz",
        }
    }
}

/// Asks the gate that listens on this address.
pub fn health(listen: SocketAddr, tls: bool, probe: Probe) -> Result<(), HealthError> {
    let address = reachable(listen);
    let request = Request {
        method: "GET",
        path: probe.path(),
        authorization: None,
        body: None,
    };
    let peer = if tls { Peer::Tls(address) } else { Peer::Tcp(address) };
    let answer = http::send(&peer, request, TIMEOUT).map_err(|error| HealthError::Silent { address, error })?;
    if answer.status == 200 {
        return Ok(());
    }
    let json = answer.json();
    let reason = ["reason", "errorMessage", "status"]
        .iter()
        .find_map(|key| json.get(key)?.as_str().filter(|text| !text.is_empty()))
        .unwrap_or("no reason given")
        .to_owned();
    Err(HealthError::Unhealthy {
        address,
        status: answer.status,
        reason,
    })
}

/// "Any address" is nowhere to connect to; the loopback is part of it.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn gate(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
        });
        address
    }

    #[test]
    fn only_200_is_healthy_and_the_reason_is_told() {
        assert!(
            health(
                gate("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                false,
                Probe::Healthy
            )
            .is_ok()
        );
        let unhealthy =
            gate("HTTP/1.1 503 x\r\nContent-Length: 37\r\n\r\n{\"status\":\"x\",\"reason\":\"it recovers\"}");
        let message = health(unhealthy, false, Probe::Ready).unwrap_err().to_string();
        assert!(message.ends_with("answers 503: it recovers"), "{message}");
    }

    #[test]
    fn nobody_there_is_unhealthy() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let message = health(address, false, Probe::Healthy).unwrap_err().to_string();
        assert!(message.contains("does not answer"), "{message}");
    }

    #[test]
    fn any_address_is_asked_on_the_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:7474", "127.0.0.1:7474"),
            ("[::]:1", "[::1]:1"),
            ("10.0.0.1:2", "10.0.0.1:2"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
