//! From a listener to answered requests: `tiny_http` and a set of worker threads for each.

use super::auth::Identity;
use super::call::{Call, Method, Target, header};
use super::{Fault, Reply, Service, auth, route};
use crate::arangod::Phase;
use crate::unruly::wire;
use flate2::read::{GzDecoder, ZlibDecoder};
use std::io::Read;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tiny_http::{Header, Listener, Response, StatusCode};

/// Threads that answer, for each listener.
const WORKERS: usize = 16;

/// Queries are evaluated by recursion; the memory is only reserved, not used.
const WORKER_STACK_BYTES: usize = 64 << 20;

/// arangod's own limits on a request.
const MAX_TARGET_BYTES: usize = 16 * 1024;
const MAX_BODY_BYTES: u64 = 1 << 30;

/// Answers everything that comes in on a listener, from threads of its own.
pub(crate) fn serve(service: &Arc<Service>, listener: Listener) -> Result<(), String> {
    let local = matches!(listener, Listener::Unix(_));
    let listener = match service.unruly().wire() {
        None => listener,
        Some(faults) => behind_front(listener, faults).map_err(|error| error.to_string())?,
    };
    let server = Arc::new(tiny_http::Server::from_listener(listener, None).map_err(|error| error.to_string())?);
    for _ in 0..WORKERS {
        let (service, server) = (service.clone(), server.clone());
        std::thread::Builder::new()
            .stack_size(WORKER_STACK_BYTES)
            .spawn(move || {
                while let Ok(request) = server.recv() {
                    respond(&service, request, local);
                }
            })
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Puts the front that spoils answers on the public listener and gives back a private one for the server behind it.
fn behind_front(public: Listener, faults: &'static wire::WireFaults) -> std::io::Result<Listener> {
    static FRONTS: AtomicU64 = AtomicU64::new(0);
    let name = format!(
        "evaldb-{}-{}",
        std::process::id(),
        FRONTS.fetch_add(1, Ordering::Relaxed)
    );
    let inner = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
    let connect = move || UnixStream::connect_addr(&SocketAddr::from_abstract_name(&name)?);
    std::thread::spawn(move || wire::run(&public, faults, connect));
    Ok(Listener::Unix(inner))
}

fn respond(service: &Arc<Service>, mut request: tiny_http::Request, local: bool) {
    let _in_flight = service.enter();
    service.unruly().before_answer(request.url());
    if request
        .body_length()
        .is_some_and(|length| length as u64 > MAX_BODY_BYTES)
    {
        // tiny_http would allocate the whole claimed length to skip it, and the process would end: this client gets no answer.
        std::mem::forget(request);
        return;
    }
    // A fault in one request must not cost a worker.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| answer(service, &mut request, local)));
    let outcome = outcome.unwrap_or_else(|_| Err(Fault::new(500, 4, "internal error: evaldb panicked")));
    let mut reply = outcome.unwrap_or_else(Reply::from);
    if service.options().flag("http.return-queue-time-header", true) {
        reply = reply.with("X-Arango-Queue-Time-Seconds", "0.000000");
    }
    let length = reply.body.len();
    let mut response = Response::from_data(reply.body.into_bytes())
        .with_status_code(StatusCode(reply.status))
        // arangod never answers in chunks.
        .with_chunked_threshold(usize::MAX);
    if length > 0 || reply.status != 204 {
        reply
            .headers
            .push(("Content-Type", "application/json; charset=utf-8".to_owned()));
    }
    reply
        .headers
        .push(("Server", "ArangoDB (evaldb, not for production)".to_owned()));
    reply.headers.push(("X-Content-Type-Options", "nosniff".to_owned()));
    for (name, value) in reply.headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    // The client may be gone: nobody to tell.
    let _ = request.respond(response);
}

fn answer(service: &Arc<Service>, request: &mut tiny_http::Request, local: bool) -> Result<Reply, Fault> {
    if request.url().len() > MAX_TARGET_BYTES {
        return Err(Fault::new(414, 414, "URI too long"));
    }
    let headers: Vec<(String, String)> = request
        .headers()
        .iter()
        .map(|header| {
            (
                header.field.as_str().as_str().to_ascii_lowercase(),
                header.value.as_str().to_owned(),
            )
        })
        .collect();
    if header(&headers, "transfer-encoding").is_some() {
        return Err(Fault::new(501, 9, "chunked requests are not supported"));
    }
    let mut body = Vec::new();
    request
        .as_reader()
        .take(MAX_BODY_BYTES)
        .read_to_end(&mut body)
        .map_err(|error| Fault::new(400, 400, format!("cannot read the body: {error}")))?;
    let body = decompressed(body, header(&headers, "content-encoding"))?;
    let method = Method::parse(request.method().as_str()).ok_or_else(Fault::wrong_method)?;
    if method == Method::Options {
        return Ok(Reply::empty(200).with("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"));
    }
    let target = Target::parse(request.url())?;
    let who = identify(service, &target, &headers, local)?;
    let known = service.with_server(|server| server.database(&target.database).map(drop));
    known?;
    authorize(service, &who, &target)?;
    route::dispatch(&Call::new(service.clone(), method, target, headers, body, who)?)
}

/// The body as it was before the client compressed it. arangod knows these codings by their exact name and takes a body of any
/// other as it is.
fn decompressed(body: Vec<u8>, coding: Option<&str>) -> Result<Vec<u8>, Fault> {
    let mut plain = Vec::new();
    let read = match coding {
        Some("gzip") => GzDecoder::new(&*body).take(MAX_BODY_BYTES).read_to_end(&mut plain),
        Some("deflate") => ZlibDecoder::new(&*body).take(MAX_BODY_BYTES).read_to_end(&mut plain),
        _ => return Ok(body),
    };
    read.map_err(|error| Fault::new(400, 400, format!("cannot decompress the body: {error}")))?;
    Ok(plain)
}

/// Before the start is complete only version and status answer, and only to a superuser's token.
fn identify(service: &Service, target: &Target, headers: &[(String, String)], local: bool) -> Result<Identity, Fault> {
    if service.progress().phase() < Phase::Ready && target.path != "/_admin/server/availability" {
        let early = ["/_api/version", "/_admin/version", "/_admin/status"].contains(&target.path.as_str());
        if !early {
            return Err(Fault::new(503, 503, "service unavailable"));
        }
        let who = auth::identify(service, target, headers, local)?;
        return if who == Identity::Superuser {
            Ok(who)
        } else {
            Err(auth::not_authorized())
        };
    }
    auth::identify(service, target, headers, local)
}

/// A user without any right on the database gets 401, except where every user may ask.
fn authorize(service: &Service, who: &Identity, target: &Target) -> Result<(), Fault> {
    let open_to_all = ["/_api/cluster/endpoints", "/_api/user/", "/_api/token/"];
    if auth::is_exempt(&target.path) || open_to_all.iter().any(|prefix| target.path.starts_with(prefix)) {
        return Ok(());
    }
    match auth::database_grant(service, who, &target.database) {
        crate::arangod::accounts::Grant::None => Err(auth::not_authorized()),
        _ => Ok(()),
    }
}
