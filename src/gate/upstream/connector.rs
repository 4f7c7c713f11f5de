//! Making connections for `ureq`: over a Unix socket, and over TCP and TLS with failures to connect told apart.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Error, config::Config};

/// Bytes that are collected before they are sent, and of the buffer that ureq writes a request into: each connection
/// that is kept holds them, and few requests are larger.
pub(super) const OUTPUT_BYTES: usize = 16 * 1024;

/// No connection was made; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotConnected(String);

fn not_connected(error: &impl ToString) -> Error {
    Error::Other(Box::new(NotConnected(error.to_string())))
}

/// Connects to one Unix socket, whatever the address.
#[derive(Debug)]
pub(super) struct UnixConnector {
    path: PathBuf,
}

impl UnixConnector {
    pub(super) fn new(path: &Path) -> Self {
        UnixConnector { path: path.to_owned() }
    }
}

impl Connector for UnixConnector {
    type Out = UnixTransport;

    fn connect(&self, details: &ConnectionDetails, _chained: Option<()>) -> Result<Option<UnixTransport>, Error> {
        let stream = UnixStream::connect(&self.path).map_err(|error| not_connected(&error))?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(UnixTransport {
            stream,
            buffers,
            unsent: Vec::new(),
            read_timeout: None,
            write_timeout: None,
        }))
    }
}

/// HTTP over a Unix socket.
pub(super) struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
    /// What waits to be sent: ureq hands over head and body one after the other, and arangod is woken once for both.
    unsent: Vec<u8>,
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

impl std::fmt::Debug for UnixTransport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("UnixTransport")
    }
}

/// Sets a socket's timeout where it differs from the last one: a system call saved on each request.
fn set_timeout(
    wanted: NextTimeout,
    current: &mut Option<Duration>,
    set: impl FnOnce(Option<Duration>) -> io::Result<()>,
) -> io::Result<()> {
    // Rounded up to a second, so that the value seldom changes; the request's own bound is checked by ureq.
    let wanted = wanted
        .not_zero()
        .map(|left| Duration::from_secs(left.as_secs().saturating_add(1)));
    if wanted != *current {
        set(wanted)?;
        *current = wanted;
    }
    Ok(())
}

fn in_time<T>(result: io::Result<T>, timeout: NextTimeout) -> Result<T, Error> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    })
}

impl UnixTransport {
    fn send(&mut self, timeout: NextTimeout) -> Result<(), Error> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        set_timeout(timeout, &mut self.write_timeout, |value| {
            self.stream.set_write_timeout(value)
        })?;
        let sent = in_time(self.stream.write_all(&self.unsent), timeout);
        self.unsent.clear();
        sent
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.unsent.len().saturating_add(amount) > OUTPUT_BYTES {
            self.send(timeout)?;
        }
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.unsent.extend_from_slice(output);
        Ok(())
    }

    /// ureq asks for input once it has handed over the whole request.
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.send(timeout)?;
        set_timeout(timeout, &mut self.read_timeout, |value| {
            self.stream.set_read_timeout(value)
        })?;
        let input = self.buffers.input_append_buf();
        let read = loop {
            match self.stream.read(input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break in_time(result, timeout)?,
            }
        };
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    /// Whether nothing waits to be read: an end, or bytes that nobody asked for, both end its use. Such bytes may have been
    /// read already, together with the last answer; the next request would take them for its own.
    fn is_open(&mut self) -> bool {
        use rustix::net::{RecvFlags, recv};
        if !self.buffers.input().is_empty() {
            return false;
        }
        let mut byte = [0_u8; 1];
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        matches!(
            recv(&self.stream, byte.as_mut_slice(), flags),
            Err(rustix::io::Errno::AGAIN)
        )
    }
}

/// For connectors that need no address.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _uri: &Uri, _config: &Config, _timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Ok(addresses)
    }
}

/// TCP, then TLS where the address asks for it; each failure before a request could be sent is told apart.
pub(super) fn remote() -> impl Connector {
    Telling(().chain(TcpConnector::default()).chain(RustlsConnector::default()))
}

#[derive(Debug)]
struct Telling<C>(C);

impl<C: Connector> Connector for Telling<C> {
    type Out = C::Out;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<C::Out>, Error> {
        self.0
            .connect(details, chained)
            .map_err(|error| not_connected(&reason(&error, details.needs_tls())))
    }
}

/// Why there is no connection, for whoever operates the gate.
fn reason(error: &Error, tls: bool) -> String {
    match error {
        Error::Rustls(rustls::Error::InvalidMessage(_)) => "it does not speak TLS on this port".into(),
        Error::Rustls(error) => format!("TLS: {error}"),
        Error::Io(error) if tls => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS on this port".into(),
            Some(error) => format!("TLS: {error}"),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                "it ended the connection in the TLS handshake; perhaps it does not speak TLS on this port".into()
            }
            None => error.to_string(),
        },
        Error::Timeout(_) if tls => "neither a connection nor a TLS handshake in time".into(),
        Error::Timeout(_) => "no connection in time".into(),
        other => other.to_string(),
    }
}

/// Where certificate authorities are looked for when `SSL_CERT_FILE` names no file.
const CA_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The file of certificate authorities: what `SSL_CERT_FILE` names, else the first of the system's that is there.
pub(super) fn authorities() -> Option<PathBuf> {
    std::env::var_os("SSL_CERT_FILE")
        .map(PathBuf::from)
        .or_else(|| CA_FILES.iter().map(PathBuf::from).find(|file| file.exists()))
}

/// TLS towards the servers: `ring`, and the certificate authorities of `SSL_CERT_FILE` or the system.
pub(super) fn tls_config() -> Result<TlsConfig, String> {
    let file = authorities()
        .ok_or("TLS to the database needs certificate authorities; set SSL_CERT_FILE to a PEM file of them")?;
    let pem = std::fs::read(&file).map_err(|error| {
        format!(
            "the certificate authorities in {} cannot be read: {error}",
            file.display()
        )
    })?;
    let roots: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        return Err(format!("{} holds no certificate", file.display()));
    }
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build())
}
