//! What is looked at while nobody asks.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;

use super::*;

/// Longer than anything here takes; a test that reaches it fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A coordinator that says that it is available until it is told to die.
fn mortal() -> (u16, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dead: Arc<AtomicBool> = Arc::default();
    let told = Arc::clone(&dead);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while read(&mut reader).is_some() && !told.load(Ordering::SeqCst) {
                let _ = (&stream).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
    (port, dead)
}

/// A coordinator that takes a connection and never answers on it.
fn hanging() -> (u16, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let _ = sender.send(stream);
        }
    });
    (port, receiver)
}

#[test]
fn a_coordinator_that_hangs_hides_no_other_ones_death() {
    let ((silent, held), (port, dead)) = (hanging(), mortal());
    let dir = tempfile::tempdir().unwrap();
    write_schemas(dir.path());
    let servers = format!("http://127.0.0.1:{silent},http://127.0.0.1:{port}");
    let config = Config::from_vars([("MALLKU_UPSTREAM".into(), servers.into())]).unwrap();
    let mut upstream = Upstream::new(&config.upstream).unwrap();
    // Nobody gives the first one up.
    upstream.probe_timeout = Duration::from_hours(1);
    let policy = PolicySlot::open(dir.path()).unwrap();
    let instruments = Arc::new(Instruments::new(Log::off(), None));
    let firewall = Arc::new(Firewall::new(&config, policy, upstream, instruments));
    crate::gate::tend(&firewall).unwrap();
    let asked = held.recv_timeout(PATIENCE).unwrap();
    wait_until("the second one is found", || firewall.upstream.servers() == (2, 1));
    dead.store(true, Ordering::SeqCst);
    wait_until("its death is noticed", || firewall.upstream.servers() == (2, 0));
    drop(asked);
}
