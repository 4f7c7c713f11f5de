//! TLS on the same door.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;
use crate::gate::door::tls::Certificates;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tls").join(name)
}

/// A directory with the named certificate as the one in force.
fn install(dir: &Path, name: &str) {
    std::fs::copy(data(&format!("{name}.crt")), dir.join("tls.crt")).unwrap();
    std::fs::copy(data(&format!("{name}.key")), dir.join("tls.key")).unwrap();
}

fn load(dir: &Path) -> Arc<Certificates> {
    Arc::new(Certificates::load(&dir.join("tls.crt"), &dir.join("tls.key")).unwrap())
}

fn house(handler: impl Handler + 'static, certificates: &Arc<Certificates>, limits: Limits) -> House {
    let settings = Settings {
        workers: 2,
        limits,
        tls: Some(Arc::clone(certificates)),
    };
    House::new(handler, settings)
}

type Secured = StreamOwned<ClientConnection, TcpStream>;

/// Connects as a client that trusts exactly the named certificate.
fn connect(address: SocketAddr, name: &str, alpn: &[&[u8]]) -> std::io::Result<Secured> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(data(&format!("{name}.crt"))).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let name = ServerName::try_from(format!("{name}.test")).unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    while session.is_handshaking() {
        session.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(session, socket))
}

/// One answer's body, as text.
fn exchange(client: &mut Secured, request: &str) -> String {
    client.write_all(request.as_bytes()).unwrap();
    let mut seen = Vec::new();
    loop {
        if let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..end]).into_owned();
            let length = head
                .split("Content-Length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next());
            let total = end + 4 + length.unwrap().parse::<usize>().unwrap();
            if seen.len() == total {
                return String::from_utf8_lossy(&seen[end + 4..]).into_owned();
            }
        }
        let mut chunk = [0; 16 * 1024];
        let count = client.read(&mut chunk).unwrap();
        assert!(count > 0, "ended after {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&chunk[..count]);
    }
}

#[test]
fn serves_over_tls_what_it_serves_without() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let house = house(Echo::default(), &load(dir.path()), Limits::default());
    let mut client = connect(house.address, "first", &[b"http/1.1"]).unwrap();
    for number in 0..20 {
        assert_eq!(
            exchange(&mut client, &get(&format!("/{number}"))),
            format!("GET /{number} ")
        );
    }
    // A body over several records.
    let body = "x".repeat(200_000);
    assert_eq!(exchange(&mut client, &post("/", &body)), format!("POST / {body}"));
}

#[test]
fn a_large_answer_arrives_whole_over_tls() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let large = |_: Request| text(200, vec![b'x'; 5_000_000]);
    let house = house(large, &load(dir.path()), Limits::default());
    let mut client = connect(house.address, "first", &[]).unwrap();
    for _ in 0..2 {
        assert_eq!(exchange(&mut client, &get("/")).len(), 5_000_000);
    }
}

#[test]
fn a_reload_changes_the_certificate_and_keeps_connections() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let certificates = load(dir.path());
    let house = house(Echo::default(), &certificates, Limits::default());
    let mut old = connect(house.address, "first", &[]).unwrap();
    assert_eq!(exchange(&mut old, &get("/")), "GET / ");
    install(dir.path(), "second");
    certificates.reload().unwrap();
    assert!(
        connect(house.address, "first", &[]).is_err(),
        "the old certificate is out of use"
    );
    assert_eq!(
        exchange(&mut connect(house.address, "second", &[]).unwrap(), &get("/")),
        "GET / "
    );
    assert_eq!(exchange(&mut old, &get("/")), "GET / ");
    // A pair that does not fit, or no certificate at all, changes nothing.
    std::fs::copy(data("first.key"), dir.path().join("tls.key")).unwrap();
    certificates.reload().unwrap_err();
    std::fs::write(dir.path().join("tls.crt"), "").unwrap();
    let error = certificates.reload().unwrap_err();
    assert!(error.to_string().starts_with("no certificate in "), "{error}");
    assert_eq!(
        exchange(&mut connect(house.address, "second", &[]).unwrap(), &get("/")),
        "GET / "
    );
}

#[test]
fn who_insists_on_http_2_learns_it_in_the_handshake() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let house = house(Echo::default(), &load(dir.path()), Limits::default());
    let error = connect(house.address, "first", &[b"h2"]).unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let mut both = connect(house.address, "first", &[b"h2", b"http/1.1"]).unwrap();
    assert_eq!(both.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
    assert_eq!(exchange(&mut both, &get("/")), "GET / ");
}

#[test]
fn a_handshake_that_is_none_or_never_ends_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let limits = Limits {
        handshake_time: Duration::from_millis(60),
        ..Limits::default()
    };
    let house = house(Echo::default(), &load(dir.path()), limits);
    // Plain HTTP on the TLS port.
    let mut plain = house.connect();
    plain.send(get("/"));
    while plain.fill() > 0 {}
    assert!(!plain.buffer.starts_with(b"HTTP"), "no answer in clear");
    // A handshake that stops after its first bytes.
    let mut stuck = house.connect();
    stuck.send(b"\x16\x03\x01\x02\x00\x01");
    wait_until("the handshake's time is up", || {
        house
            .observer()
            .stats()
            .connections
            .iter()
            .all(|(_, count)| *count == 0)
    });
    while stuck.fill() > 0 {}
    assert!(!stuck.buffer.starts_with(b"HTTP"), "no answer in clear");
    assert_eq!(house.observer().stats().handshakes_failed, 1);
}

#[test]
fn a_handshake_in_crumbs_costs_few_turns() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let house = house(Echo::default(), &load(dir.path()), Limits::default());
    // A record of 16 KiB that is announced, and comes byte by byte.
    let began = Instant::now();
    let mut client = house.connect();
    client.send([22, 3, 1, 0x40, 0]);
    for _ in 0..16_000 {
        client.send([1]);
    }
    house.wait_for_phase(Phase::Handshake, 1);
    drop(client);
    house.wait_for_phase(Phase::Handshake, 0);
    let reads = house.observer().stats().reads;
    assert!(reads < most_reads(began.elapsed()), "{reads} turns");
}

#[test]
fn a_handshake_whose_time_is_up_is_not_taken_up_again() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let (handler, open) = bounds::turnstile();
    let limits = Limits {
        handshake_time: Duration::from_millis(500),
        ..Limits::default()
    };
    let settings = Settings {
        workers: 1,
        limits,
        tls: Some(load(dir.path())),
    };
    let house = House::new(handler, settings);
    let mut busy = connect(house.address, "first", &[]).unwrap();
    busy.write_all(get("/slow").as_bytes()).unwrap();
    wait_until("the worker is busy", || house.observer().stats().requests == 1);
    let address = house.address;
    let late = std::thread::spawn(move || connect(address, "first", &[]).map(drop));
    wait_until("the handshake waits for a worker", || {
        house.observer().stats().queued == 1
    });
    house.wait_for_phase(Phase::Handshake, 0);
    open.send(()).unwrap();
    assert!(late.join().unwrap().is_err());
    assert_eq!(house.observer().stats().handshakes_failed, 0);
}

/// Notes how many reads there were between its looks at the limit of bodies, which the door takes before it reads on; the
/// first look after `held` was set waits.
#[derive(Default)]
struct Watcher {
    observer: std::sync::OnceLock<Observer>,
    held: Mutex<bool>,
    reads: Mutex<Vec<u64>>,
}

impl Handler for Watcher {
    fn handle(&self, request: Request) -> Response {
        text(200, request.body.len().to_string())
    }

    fn body_limit(&self) -> Option<usize> {
        drop(self.held.lock().unwrap());
        if let Some(observer) = self.observer.get() {
            self.reads.lock().unwrap().push(observer.stats().reads);
        }
        None
    }
}

#[test]
fn a_long_body_over_tls_is_read_in_turns() {
    let dir = tempfile::tempdir().unwrap();
    install(dir.path(), "first");
    let watcher = Arc::new(Watcher::default());
    let settings = Settings {
        workers: 2,
        limits: Limits::default(),
        tls: Some(load(dir.path())),
    };
    let house = House::shared(Arc::clone(&watcher) as Arc<dyn Handler>, settings);
    let mut client = connect(house.address, "first", &[]).unwrap();
    assert_eq!(exchange(&mut client, &get("/")), "0");
    house.wait_for_phase(Phase::Idle, 1);
    let _ = watcher.observer.set(house.observer());
    // As much as fits into the sockets is there before the door reads the first byte of it.
    let held = watcher.held.lock().unwrap();
    let body = "x".repeat(4_000_000);
    let request = post("/", &body);
    client.conn.writer().write_all(&request.as_bytes()[..60_000]).unwrap();
    client.sock.set_nonblocking(true).unwrap();
    let mut written = 60_000;
    while client.conn.write_tls(&mut client.sock).is_ok() {
        if !client.conn.wants_write() {
            let next = (written + 60_000).min(request.len());
            client
                .conn
                .writer()
                .write_all(&request.as_bytes()[written..next])
                .unwrap();
            written = next;
        }
    }
    client.sock.set_nonblocking(false).unwrap();
    drop(held);
    assert_eq!(exchange(&mut client, &request[written..]), body.len().to_string());
    let reads = watcher.reads.lock().unwrap();
    let most = reads.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(most <= Some(6) && reads.len() > 10, "{reads:?}");
}
