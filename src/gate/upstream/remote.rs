//! HTTP with servers elsewhere: `ureq` over TCP and TLS, with failures to connect told apart.

use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::Error;
use ureq::http;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::transport::{ConnectionDetails, Connector, RustlsConnector, TcpConnector};

use super::{
    Answer, CONNECT_TIMEOUT, FIRST_PIECE, IDLE_AGE, IDLE_CONNECTIONS, MAX_ANSWER, Method, Outgoing, Share,
    UpstreamConfigError, UpstreamError,
};
use crate::config;

/// Bytes of the buffer that ureq writes a request into: each connection that is kept holds it, and few requests are larger.
const OUTPUT_BYTES: usize = 16 * 1024;

/// A server elsewhere.
pub(super) struct Remote {
    agent: ureq::Agent,
    base: String,
}

impl Remote {
    pub(super) fn new(server: &config::Server) -> Result<Self, UpstreamConfigError> {
        let mut builder = agent_config();
        if server.tls {
            builder = builder.tls_config(tls_config().map_err(UpstreamConfigError)?);
        }
        let agent = ureq::Agent::with_parts(
            builder.build(),
            remote(),
            ureq::unversioned::resolver::DefaultResolver::default(),
        );
        Ok(Remote {
            agent,
            base: server.to_string(),
        })
    }

    /// Sends a request and reads the whole answer.
    pub(super) fn run(&self, request: &Outgoing, share: &Share) -> Result<Answer, UpstreamError> {
        let plain = self.base.starts_with("http://");
        let mut response = self.exchange(request).map_err(|error| classify(&error, plain))?;
        let status = response.status().as_u16();
        // Without a length or chunks, a cut-off answer would look complete.
        let has_body = request.method != Method::Head && !matches!(status, 204 | 304);
        let names = response.headers();
        if has_body
            && !names.contains_key(http::header::CONTENT_LENGTH)
            && !names.contains_key(http::header::TRANSFER_ENCODING)
        {
            return Err(UpstreamError::Unusable("it has no length".into()));
        }
        let mut answer = Answer::new(status, |name| names.get(name)?.to_str().ok());
        answer.body = read_body(&mut response, has_body, share)?;
        Ok(answer)
    }

    fn exchange(&self, request: &Outgoing) -> Result<http::Response<ureq::Body>, Error> {
        let mut builder = http::Request::builder()
            .method(method(request.method))
            .uri(format!("{}{}", self.base, request.target))
            .header("accept", "application/json");
        for (name, value) in &request.headers {
            builder = builder.header(*name, value.as_str());
        }
        match &request.body {
            Some(body) => self.send(
                builder.header("content-type", "application/json").body(body)?,
                request.timeout,
            ),
            // arangod takes what follows a POST without a length as the next request.
            None if matches!(request.method, Method::Post | Method::Put | Method::Patch) => {
                self.send(builder.body(&[] as &[u8])?, request.timeout)
            }
            None => self.send(builder.body(())?, request.timeout),
        }
    }

    fn send(
        &self,
        request: http::Request<impl ureq::AsSendBody>,
        timeout: Duration,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let configured = self.agent.configure_request(request);
        self.agent.run(configured.timeout_global(Some(timeout)).build())
    }
}

fn method(method: Method) -> http::Method {
    match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Patch => http::Method::PATCH,
        Method::Delete => http::Method::DELETE,
    }
}

/// The whole body, in memory that was asked for before it was filled: at once where the length is known, otherwise as it
/// comes.
fn read_body(answer: &mut http::Response<ureq::Body>, has_body: bool, share: &Share) -> Result<Vec<u8>, UpstreamError> {
    // A HEAD's length is that of a body which does not come.
    let length = answer.body().content_length().filter(|_| has_body);
    if let Some(length) = length.filter(|&length| length > MAX_ANSWER) {
        return Err(UpstreamError::Unusable(format!(
            "{length} bytes are more than {MAX_ANSWER}"
        )));
    }
    let mut reader = answer.body_mut().with_config().reader();
    let mut body = Vec::new();
    if let Some(length) = length.and_then(|length| usize::try_from(length).ok()) {
        share.take(length)?;
        body.reserve_exact(length);
        reader
            .read_to_end(&mut body)
            .map_err(|error| classify(&error.into(), false))?;
        return Ok(body);
    }
    loop {
        let step = body.len().max(FIRST_PIECE);
        share.take(step)?;
        body.reserve_exact(step);
        let read = reader
            .by_ref()
            .take(step as u64)
            .read_to_end(&mut body)
            .map_err(|error| classify(&error.into(), false))?;
        if body.len() as u64 > MAX_ANSWER {
            return Err(UpstreamError::Unusable(format!("it is larger than {MAX_ANSWER} bytes")));
        }
        if read < step {
            return Ok(body);
        }
    }
}

/// What an error means for the request; `plain` where TLS may be what the other side speaks.
fn classify(error: &Error, plain: bool) -> UpstreamError {
    match error {
        Error::Other(inner) if inner.is::<NotConnected>() => UpstreamError::Unreachable(inner.to_string()),
        Error::HostNotFound => UpstreamError::Unreachable("its host name is not known".into()),
        Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            UpstreamError::Unreachable("no connection in time".into())
        }
        Error::Timeout(_) => UpstreamError::TimedOut,
        Error::Protocol(error) if plain => UpstreamError::Lost(format!(
            "its answer is no HTTP ({error}); it may speak TLS, which is https://"
        )),
        other => UpstreamError::Lost(other.to_string()),
    }
}

fn agent_config() -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent("mallku-db")
        .accept_encoding("")
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .max_idle_connections(IDLE_CONNECTIONS)
        .max_idle_connections_per_host(IDLE_CONNECTIONS)
        .max_idle_age(IDLE_AGE)
        .output_buffer_size(OUTPUT_BYTES)
        .no_delay(true)
}

/// No connection was made; nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotConnected(String);

fn not_connected(error: &impl ToString) -> Error {
    Error::Other(Box::new(NotConnected(error.to_string())))
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
