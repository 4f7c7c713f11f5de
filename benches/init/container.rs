//! A directory that stands for a container whose PID 1 is measured.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mallku_db::state::State;

use crate::process::{PATIENCE, Spawned};

pub(crate) struct Container {
    dir: tempfile::TempDir,
    binary: PathBuf,
    listen: SocketAddr,
}

impl Container {
    pub(crate) fn new(binary: &Path) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("mallku").tempdir()?;
        // The database's user notes there when it was executed.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777))?;
        std::fs::create_dir(dir.path().join("data"))?;
        // The example set: of the size that people begin with.
        symlink(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"),
            dir.path().join("schemas"),
        )?;
        symlink(binary.with_file_name("evaldb"), dir.path().join("arangod"))?;
        Ok(Self {
            dir,
            binary: binary.to_owned(),
            listen: TcpListener::bind("127.0.0.1:0")?.local_addr()?,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("run")
            .env_clear()
            .env("MALLKU_LISTEN", self.listen.to_string())
            .env("MALLKU_ARANGOD", self.path("arangod"))
            .env("MALLKU_DATA_DIR", self.path("data"))
            .env("MALLKU_RUN_DIR", self.path("run"))
            .env("MALLKU_SCHEMAS", self.path("schemas"))
            .env("ARANGO_RANDOM_ROOT_PASSWORD", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub(crate) fn start(&self) -> io::Result<Spawned> {
        self.command().spawn().map(Spawned)
    }

    pub(crate) fn state(&self) -> io::Result<State> {
        State::read(&self.path("run"))
    }

    pub(crate) fn wait_ready(&self) -> io::Result<()> {
        wait("the gate answers", || self.answers().then_some(()))
    }

    /// Waits for a gate with another process id than this one, and gives its id.
    pub(crate) fn wait_for_gate_after(&self, pid: u32) -> io::Result<u32> {
        wait("another gate", || {
            let found = self.state().ok()?.gate.pid?;
            (found != pid && self.answers()).then_some(found)
        })
    }

    /// Whether the gate answers `/health` with 200.
    pub(crate) fn answers(&self) -> bool {
        self.ask().is_ok_and(|status| status == *b"HTTP/1.1 200")
    }

    fn ask(&self) -> io::Result<[u8; 12]> {
        let mut stream = TcpStream::connect(self.listen)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status)
    }
}

fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> io::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = look() {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(io::Error::other(format!("not in time: {what}")))
}
