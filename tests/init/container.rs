//! A directory that stands for a container: data, run directory, secret, schemas, a database program, and `mallku-db run`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

use mallku_db::state::{Phase, State};

/// Far beyond what anything takes, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) const MALLKU: &str = env!("CARGO_BIN_EXE_mallku-db");

/// The database that the tests start: `MALLKU_TEST_ARANGOD`, or the evaluation database, built if need be.
pub(crate) fn database() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(given) = std::env::var_os("MALLKU_TEST_ARANGOD") {
            return PathBuf::from(given);
        }
        // A test of this package has no variable for another package's program; the whole workspace's tests have built it.
        let program = Path::new(MALLKU).with_file_name("evaldb");
        if program.exists() {
            return program;
        }
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "evaldb", "--bin", "evaldb"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .unwrap();
        assert!(built.success(), "evaldb does not build");
        program
    })
}

/// What a container is made of before it starts.
pub(crate) struct Container {
    pub(crate) dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
    user: Option<(u32, u32)>,
}

impl Container {
    /// One that would start without a fault.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("mallku").tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let container = Self {
            dir,
            variables: Vec::new(),
            user: None,
        };
        for name in ["data", "run", "schemas"] {
            fs::create_dir(container.path(name)).unwrap();
        }
        container.write(
            "schemas/things.json",
            r#"{"type":"object","x-mallku":{"allow":["read"]}}"#,
            0o644,
        );
        container.write("secret", "hunter2\n", 0o400);
        std::os::unix::fs::symlink(database(), container.path("arangod")).unwrap();
        // The port is free at this moment, and nobody else is told of it.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        container
            .with("MALLKU_LISTEN", &format!("127.0.0.1:{port}"))
            .with_path("MALLKU_ARANGOD", "arangod")
            .with_path("MALLKU_DATA_DIR", "data")
            .with_path("MALLKU_RUN_DIR", "run")
            .with_path("MALLKU_SCHEMAS", "schemas")
            .with_path("ARANGODB_ROOT_PASSWORD_FILE", "secret")
            .with("MALLKU_LOG", "debug")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str, mode: u32) {
        let path = self.path(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Sets a variable; an empty value is as if it were not set.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn with_path(self, name: &str, file: &str) -> Self {
        let path = self.path(file).display().to_string();
        self.with(name, &path)
    }

    /// Lets the database misbehave: `NAME=value` without the common prefix.
    pub(crate) fn unruly(self, settings: &[&str]) -> Self {
        let lines: String = settings
            .iter()
            .map(|setting| format!("EVALDB_UNRULY_{setting}\n"))
            .collect();
        self.write("arangod.env", &lines, 0o644);
        self
    }

    /// Puts a shell script in the database's place. `$REAL` in it is the database.
    pub(crate) fn script(self, script: &str) -> Self {
        let real = database().display().to_string();
        // Asked for its version, it is the database.
        let text = format!(
            "#!/bin/sh\nPATH=/usr/bin:/bin\nREAL={real}\nDIR={}\n[ \"$1\" = --version ] && exec $REAL --version\n{script}\n",
            self.dir.path().display()
        );
        self.write("arangod", &text, 0o755);
        self
    }

    /// Runs PID 1, and all else, as another user, who owns the directories.
    pub(crate) fn with_user(mut self, uid: u32, gid: u32) -> Self {
        for name in ["data", "run", "secret"] {
            std::os::unix::fs::chown(self.path(name), Some(uid), Some(gid)).unwrap();
        }
        self.user = Some((uid, gid));
        self
    }

    /// Where the gate listens.
    pub(crate) fn address(&self) -> &str {
        let listen = self.variables.iter().find(|(name, _)| name == "MALLKU_LISTEN");
        listen.map(|(_, value)| value.as_str()).unwrap()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(MALLKU);
        command
            .arg("run")
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// A command that changes something for itself alone, by a shell in a mount namespace of its own, and then becomes what
    /// [`Self::command`] is. `$DIR` is the container's directory.
    pub(crate) fn command_after(&self, unshare: &[&str], change: &str) -> Command {
        let run = self.command();
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(unshare)
            .args(["--mount", "/bin/sh", "-ec"])
            .arg(format!("{change}\nunset DIR PATH\nexec \"$0\" run"))
            .arg(MALLKU)
            .env_clear()
            .envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DIR", self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    /// Starts it in a mount namespace, after a change to it.
    pub(crate) fn start_after(&self, change: &str) -> Running {
        let command = self.command_after(&[], change).spawn().unwrap();
        Running::new(command, self.path("run"))
    }

    /// Starts it as process 1 of a PID namespace. Process ids in its state and log are those of the namespace.
    pub(crate) fn start_as_process_1(&self) -> Running {
        let unshare = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        let child = self.command_after(&unshare, "").spawn().unwrap();
        let mut running = Running::new(child, self.path("run"));
        let outer = running.pid();
        wait_until("process 1", || {
            // It may have children of its own already; they come before it.
            let found = descendants(outer).last().copied();
            running.pid = found.unwrap_or(outer);
            found.is_some()
        });
        running
    }

    pub(crate) fn start(&self) -> Running {
        Running::new(self.command().spawn().unwrap(), self.path("run"))
    }

    pub(crate) fn ready(&self) -> Running {
        let running = self.start();
        running.wait_for("the gate is open");
        running
    }

    /// Runs to the end, which comes by itself; gives the exit code and the log.
    pub(crate) fn outcome(&self) -> (i32, String) {
        let mut running = self.start();
        let code = running.end();
        (code, running.log())
    }

    /// Whether a database was ever started here.
    pub(crate) fn was_started(&self) -> bool {
        self.path("data/SERVER").exists()
    }
}

/// A running PID 1.
pub(crate) struct Running {
    child: Child,
    /// PID 1's id as this process sees it.
    pid: i32,
    lines: Arc<(Mutex<Vec<String>>, Condvar)>,
    run_dir: PathBuf,
    ended: bool,
}

impl Running {
    pub(crate) fn new(mut child: Child, run_dir: PathBuf) -> Self {
        let lines = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        if let Some(stderr) = child.stderr.take() {
            let lines = Arc::clone(&lines);
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines() {
                    let Ok(line) = line else { break };
                    lines.0.lock().unwrap().push(line);
                    lines.1.notify_all();
                }
            });
        }
        Self {
            pid: i32::try_from(child.id()).unwrap(),
            child,
            lines,
            run_dir,
            ended: false,
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn signal(&self, number: i32) {
        kill(self.pid(), number);
    }

    pub(crate) fn log(&self) -> String {
        self.lines.0.lock().unwrap().join("\n")
    }

    /// Waits until a line holds this text, and gives the line.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_for_count(text, 1)
    }

    /// Waits until so many lines hold this text, and gives the last of them.
    pub(crate) fn wait_for_count(&self, text: &str, count: usize) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.0.lock().unwrap();
        loop {
            if let Some(line) = lines.iter().filter(|line| line.contains(text)).nth(count - 1) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "no line with `{text}` ({count} times) in\n{}",
                lines.join("\n")
            );
            lines = self
                .lines
                .1
                .wait_timeout(lines, left.min(Duration::from_secs(1)))
                .unwrap()
                .0;
        }
    }

    pub(crate) fn count(&self, text: &str) -> usize {
        self.lines
            .0
            .lock()
            .unwrap()
            .iter()
            .filter(|line| line.contains(text))
            .count()
    }

    pub(crate) fn state(&self) -> Option<State> {
        State::read(&self.run_dir).ok()
    }

    /// Waits until the state file says what is wanted.
    pub(crate) fn wait_state(&self, what: &str, wanted: impl Fn(&State) -> bool) -> State {
        let mut found = None;
        wait_until(&format!("a state with {what}\n{}", self.log()), || {
            found = self.state().filter(|state| wanted(state));
            found.is_some()
        });
        found.unwrap()
    }

    pub(crate) fn wait_phase(&self, phase: Phase) -> State {
        self.wait_state(phase.name(), |state| state.phase == phase)
    }

    pub(crate) fn database_pid(&self) -> i32 {
        i32::try_from(
            self.wait_state("a database", |state| state.database.pid.is_some())
                .database
                .pid
                .unwrap(),
        )
        .unwrap()
    }

    /// Waits for the end; the code as a shell has it.
    pub(crate) fn end(&mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.ended = true;
                // Its last lines may still be on their way through the reader.
                wait_until("the log's end", || {
                    Arc::strong_count(&self.lines) == 1 || self.count("exit code") > 0
                });
                return status.code().or(status.signal().map(|signal| 128 + signal)).unwrap();
            }
            assert!(Instant::now() < deadline, "no end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks for a stop and waits for it.
    pub(crate) fn stop(&mut self) -> i32 {
        self.signal(15);
        self.end()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.ended {
            // A test that failed leaves nobody behind: children die with their subreaper's process.
            for pid in descendants(self.pid()) {
                kill(pid, 9);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Waits for a condition, looking often.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn kill(pid: i32, number: i32) {
    // `kill` the program, because a safe wrapper takes no real-time signals; the number is one of ours.
    let status = Command::new("kill")
        .args([format!("-{number}"), pid.to_string()])
        .status()
        .unwrap();
    let _ = status;
}

pub(crate) fn is_alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Children and children's children.
pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<i32> = children
        .split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    children
        .iter()
        .flat_map(|child| descendants(*child).into_iter().chain([*child]))
        .collect()
}
