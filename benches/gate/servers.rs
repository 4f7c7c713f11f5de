//! What is measured: the gate, the door with nothing behind it but a way to the stub, and nginx as the peer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mallku_db::gate::door::{Door, Listeners, Settings};
use mallku_db::gate::message::{Handler, Request, Response};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server under test, in a process of its own.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Resident memory in KiB and open descriptors of the process.
    pub(crate) fn footprint(&self) -> (u64, usize) {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = std::fs::read_to_string(proc.join("status")).unwrap_or_default();
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|value| value.trim().split(' ').next()?.parse().ok())
            .unwrap_or(0);
        let descriptors = std::fs::read_dir(proc.join("fd")).map_or(0, Iterator::count);
        (resident, descriptors)
    }

    fn wait(self) -> io::Result<Self> {
        let start = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if start.elapsed() > PATIENCE {
                return Err(io::Error::other(format!(
                    "{} does not answer on {}",
                    self.name, self.address
                )));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(self)
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// nginx as a plain `proxy_pass` with connections kept to the stub; one worker a core, no logs.
pub(crate) fn nginx(dir: &Path, socket: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let config = format!(
        "daemon off; user root; worker_processes auto; pid {dir}/nginx.pid; error_log {dir}/nginx.log crit;\n\
         events {{ worker_connections 20000; }}\n\
         http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; keepalive_requests 100000000; tcp_nodelay on;\n\
         proxy_buffers 64 8k; proxy_buffering on;\n\
         upstream stub {{ server unix:{socket}; keepalive 256; keepalive_requests 100000000; }}\n\
         server {{ listen {address} backlog=4096; location / {{ proxy_pass http://stub; proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\"; }} }} }}\n",
        dir = dir.display(),
        socket = socket.display(),
    );
    let file = dir.join("nginx.conf");
    std::fs::write(&file, config)?;
    let child = Command::new("nginx")
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(dir.join("nginx.log"))
        .spawn()?;
    Server {
        name: "nginx",
        address,
        child,
    }
    .wait()
}

/// The gate as it ships, with a schema set that admits the queries of the bench.
pub(crate) fn gate(dir: &Path, socket: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let schemas = dir.join("schemas");
    std::fs::create_dir_all(&schemas)?;
    std::fs::write(
        schemas.join("episodes.json"),
        r#"{"type":"object","properties":{"number":{"type":"integer"},"title":{"type":"string"}},"x-mallku":{"allow":["read"]}}"#,
    )?;
    // The static binary is another one than cargo's: musl's allocator is part of what ships.
    let binary = std::env::var_os("MALLKU_BENCH_BINARY").unwrap_or_else(|| env!("CARGO_BIN_EXE_mallku-db").into());
    let child = Command::new(binary)
        .arg("gate")
        .env_clear()
        .env("MALLKU_LISTEN", address.to_string())
        .env("MALLKU_SCHEMAS", schemas)
        .env("MALLKU_RUN_DIR", dir)
        .env("MALLKU_UPSTREAM", format!("unix:{}", socket.display()))
        .env(
            "MALLKU_AUDIT",
            std::env::var("BENCH_AUDIT").unwrap_or_else(|_| "off".to_owned()),
        )
        .env("MALLKU_LOG", "warn")
        .stdout(Stdio::null())
        .spawn()?;
    Server {
        name: "gate",
        address,
        child,
    }
    .wait()
}

/// The door alone: this program again, as [`serve_door`].
pub(crate) fn door(socket: &Path) -> io::Result<Server> {
    let address = free_address()?;
    let child = Command::new(std::env::current_exe()?)
        .args(["--serve-door", &address.to_string()])
        .arg(socket)
        .spawn()?;
    Server {
        name: "door",
        address,
        child,
    }
    .wait()
}

/// Serves the door with [`Relay`] until it is ended.
pub(crate) fn serve_door(address: &str, socket: PathBuf) -> io::Result<()> {
    let address = address.parse().map_err(io::Error::other)?;
    let listeners = Listeners::bind(&[address]).map_err(io::Error::other)?;
    let relay = Relay {
        socket,
        idle: Mutex::default(),
    };
    let _door = Door::open(listeners, Settings::default(), Arc::new(relay)).map_err(io::Error::other)?;
    loop {
        std::thread::park();
    }
}

/// The least that can stand behind the door: the request's line and body to the stub, the answer's body back.
struct Relay {
    socket: PathBuf,
    idle: Mutex<Vec<UnixStream>>,
}

impl Relay {
    fn exchange(&self, request: &Request) -> io::Result<(u16, Vec<u8>)> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.pop());
        let mut stream = kept.map_or_else(|| UnixStream::connect(&self.socket), Ok)?;
        let mut bytes = Vec::with_capacity(256 + request.body.len());
        write!(
            bytes,
            "{} {} HTTP/1.1\r\nHost: arangodb\r\nContent-Length: {}\r\n\r\n",
            request.method,
            request.target,
            request.body.len()
        )?;
        bytes.extend_from_slice(&request.body);
        stream.write_all(&bytes)?;
        let mut answer = Vec::with_capacity(4096);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let count = stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend(chunk.iter().take(count));
            if let Some((status, start, length)) = head(&answer)
                && answer.len() >= start + length
            {
                if let Ok(mut idle) = self.idle.lock() {
                    idle.push(stream);
                }
                answer.drain(..start);
                return Ok((status, answer));
            }
        }
    }
}

/// Status, start and length of the body.
fn head(answer: &[u8]) -> Option<(u16, usize, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(start) = response.parse(answer).ok()? else {
        return None;
    };
    let length = response
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"))?
        .value;
    Some((response.code?, start, std::str::from_utf8(length).ok()?.parse().ok()?))
}

impl Handler for Relay {
    fn handle(&self, request: Request) -> Response {
        let (status, body) = self.exchange(&request).unwrap_or((502, Vec::new()));
        Response {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json; charset=utf-8".to_owned())],
            body,
            close: false,
        }
    }
}
