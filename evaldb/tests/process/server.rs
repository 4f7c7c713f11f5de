//! A running server process with a directory of its own.

use crate::client::{Client, token};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let limit = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < limit, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Where a server lives, over several starts.
pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let place = Place {
            dir: tempfile::tempdir().unwrap(),
        };
        std::fs::create_dir(place.temp()).unwrap();
        std::fs::write(place.path("jwt"), format!("{SECRET}\n")).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn temp(&self) -> PathBuf {
        self.path("temp")
    }

    /// The program with the options that every start needs, without an endpoint.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evaldb"));
        command
            .env_clear()
            .arg("--database.directory")
            .arg(self.data())
            .arg("--temp.path")
            .arg(self.temp())
            .arg("--server.jwt-secret-keyfile")
            .arg(self.path("jwt"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn serving(&self) -> Command {
        let mut command = self.command();
        command
            .arg("--server.endpoint")
            .arg(format!("unix://{}", self.path("sock").display()));
        command
    }

    pub(crate) fn client(&self) -> Client {
        Client {
            socket: self.path("sock"),
            authorization: None,
        }
    }

    /// A client with every right.
    pub(crate) fn superuser(&self) -> Client {
        self.client().token(&token(SECRET, json!({ "server_id": "test" })))
    }

    pub(crate) fn start(&self) -> Server<'_> {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, environment: &[(&str, &str)]) -> Server<'_> {
        let child = self.serving().envs(environment.iter().copied()).spawn().unwrap();
        Server { place: self, child }
    }

    pub(crate) fn ready(&self) -> Server<'_> {
        self.start().wait_ready()
    }
}

/// Runs to the end: how it ended and what it wrote.
pub(crate) fn run(mut command: Command) -> (ExitStatus, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status, String::from_utf8_lossy(&text).into_owned())
}

/// How many processes run that some server left behind.
pub(crate) fn orphans_alive() -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let own = "/proc/self/exe\0--evaldb-orphans";
    let is_orphan = |line: String| line.starts_with(own);
    processes
        .filter(|process| std::fs::read_to_string(process.path().join("cmdline")).is_ok_and(is_orphan))
        .count()
}

/// A process that was started, ready or not. It is killed when the test ends.
pub(crate) struct Server<'a> {
    pub(crate) place: &'a Place,
    pub(crate) child: Child,
}

impl Server<'_> {
    pub(crate) fn wait_ready(mut self) -> Self {
        let client = self.place.client();
        wait_for("readiness", || {
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended");
            client
                .try_get("/_admin/server/availability")
                .ok()
                .filter(|answer| answer.status == 200)
        });
        self
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, or 128 and the signal's number.
    pub(crate) fn end(&mut self) -> i32 {
        let status = wait_for("the end", || self.child.try_wait().unwrap());
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
    }

    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.end(), 0);
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
