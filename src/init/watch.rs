//! The watch: the child of PID 1 that speaks to the database. It waits until the database answers, secures root, provisions
//! what the schemas declare, and then asks again and again whether the database lives.
//!
//! What it finds it tells PID 1 in lines on standard output ([`Word`]); its own log goes to standard error. It holds the
//! superuser's secret and is therefore neither in PID 1, which parses nothing, nor in the gate, which clients reach.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use crate::config::{Config, Enforcement, Secret};

use super::http::{self, Answer, Peer, Request};
use super::report::Report;
use super::{datadir, detect, provision, token};

/// Exit code for a configuration, a secret or schemas that a restart does not mend.
pub(super) const INVALID: u8 = 3;
/// Exit code for a database that does not take our token, or does not keep a password.
pub(super) const UNTRUSTED: u8 = 4;

/// One request takes no longer than this; several in a row that do are silence.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// So many silences in a row are told to PID 1.
const SILENCES: u32 = 6;

/// What the watch tells PID 1, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Start-up moves on.
    Progress(String),
    /// The database's version.
    Version(String),
    /// Root has a password that was verified, and the data directory is marked.
    Initialised,
    /// The database serves and everything is provisioned.
    Ready,
    /// The database lives and does not serve.
    Unavailable(String),
    /// The database does not answer at all.
    Silent,
    /// Why the watch ends, in a sentence.
    Fault(String),
}

impl Word {
    fn line(&self) -> String {
        match self {
            Self::Progress(text) => format!("progress {text}"),
            Self::Version(text) => format!("version {text}"),
            Self::Initialised => "initialised".to_owned(),
            Self::Ready => "ready".to_owned(),
            Self::Unavailable(text) => format!("unavailable {text}"),
            Self::Silent => "silent".to_owned(),
            Self::Fault(text) => format!("fault {text}"),
        }
    }

    /// Reads a line; `None` for what is none of ours.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.to_owned();
        Some(match word {
            "progress" => Self::Progress(rest),
            "version" => Self::Version(rest),
            "initialised" => Self::Initialised,
            "ready" => Self::Ready,
            "unavailable" => Self::Unavailable(rest),
            "silent" => Self::Silent,
            "fault" => Self::Fault(rest),
            _ => return None,
        })
    }
}

/// What PID 1 knows of the data directory's past, as the watch's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// A first start: root's password is set.
    First,
    /// Data without a marker: root's password is set if it is empty, as after an interrupted first start.
    Unmarked,
    /// A later start: root's password is left alone, unless it is empty.
    Later,
    /// In place of an earlier watch, while the database serves.
    Again,
}

impl Task {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Unmarked => "unmarked",
            Self::Later => "later",
            Self::Again => "again",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::First, Self::Unmarked, Self::Later, Self::Again]
            .into_iter()
            .find(|task| task.name() == text)
    }
}

/// Why the watch cannot go on.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    /// A restart does not help.
    #[error("{message}")]
    Final { code: u8, message: String },
    /// A restart may help.
    #[error("{0}")]
    Passing(String),
}

fn invalid(message: impl Into<String>) -> WatchError {
    WatchError::Final {
        code: INVALID,
        message: message.into(),
    }
}

fn untrusted(message: impl Into<String>) -> WatchError {
    WatchError::Final {
        code: UNTRUSTED,
        message: message.into(),
    }
}

/// The role `watch TASK`, started by PID 1 alone, with root's password on standard input.
pub fn main(task: &str) -> u8 {
    let config = match Config::from_process() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return INVALID;
        }
    };
    let mut report = Report::new(config.log_format, &config.log, "watch");
    let Some(task) = Task::parse(task) else {
        report.error(format!("`{task}` is no task of the watch, which only PID 1 starts"));
        return 2;
    };
    match run(&config, task, &mut report) {
        Ok(()) => 0,
        Err(error) => {
            let _ = tell(&Word::Fault(error.to_string()));
            let (code, message) = match &error {
                WatchError::Final { code, message } => (*code, message),
                WatchError::Passing(message) => (1, message),
            };
            report.error(message);
            code
        }
    }
}

/// Tells PID 1 a word. Nobody who listens is the end of the watch, too.
fn tell(word: &Word) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let line: String = word
        .line()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    writeln!(out, "{line}")?;
    out.flush()
}

fn run(config: &Config, task: Task, report: &mut Report) -> Result<(), WatchError> {
    let password = read_password()?;
    let plan = match provision::Plan::load(config.schema_dir()) {
        Ok(plan) => Some(plan),
        Err(faults) => {
            for fault in &faults.0 {
                for line in fault.to_string().lines() {
                    report.error(line);
                }
            }
            if task != Task::Again {
                let dir = config.schema_dir().display();
                return Err(invalid(format!(
                    "the schemas in {dir} have {} faults; `mallku-db schema check {dir}` shows them",
                    faults.0.len()
                )));
            }
            // The set that the gate has stays in force; what it declares is there already.
            report.error("nothing is created from schemas that are invalid");
            None
        }
    };
    let secret = std::fs::read_to_string(config.run_dir.join("jwt"))
        .map_err(|error| WatchError::Passing(format!("the token secret cannot be read: {error}")))?;
    let database = Database {
        peer: Peer::Unix(config.socket()),
        secret,
    };
    let lost = |error: io::Error| WatchError::Passing(format!("PID 1 does not listen any more: {error}"));
    database.wait_until_available()?;
    let version = database.version()?;
    tell(&Word::Version(version.clone())).map_err(lost)?;
    secure_root(&database, task, password.as_ref(), report)?;
    drop(password);
    if matches!(task, Task::First | Task::Unmarked) {
        // The data is this user's; PID 1 has given up the capability to write as another.
        datadir::mark(&config.data_dir, &version, None).map_err(|error| invalid(error.to_string()))?;
        detect::keep(config);
        report.info("first start completed; the data directory is marked");
    }
    tell(&Word::Initialised).map_err(lost)?;
    if let Some(plan) = plan {
        let wider = plan
            .apply(&database, report)
            .map_err(|error| unanswered("what the schemas declare", &error))?;
        // While the gate serves already, closing it is not for a look at the side; the log has it.
        if !wider.is_empty() && task != Task::Again && config.enforcement == Enforcement::Protect {
            return Err(invalid(format!("the gate stays closed: {}", wider.join("; "))));
        }
    }
    tell(&Word::Ready).map_err(lost)?;
    keep_asking(&database, config.probe_interval, lost)
}

/// Root's password from PID 1; nothing where there is none to be had.
fn read_password() -> Result<Option<Secret>, WatchError> {
    let mut text = String::new();
    io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| WatchError::Passing(format!("root's password did not arrive: {error}")))?;
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// The database behind its socket.
pub(super) struct Database {
    peer: Peer,
    secret: String,
}

impl Database {
    /// A request with a superuser's token.
    pub(super) fn ask(&self, method: &str, path: &str, body: Option<&serde_json::Value>) -> io::Result<Answer> {
        let authorization = format!("bearer {}", token::superuser(&self.secret));
        self.send(method, path, Some(&authorization), body, REQUEST_TIMEOUT)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        authorization: Option<&str>,
        body: Option<&serde_json::Value>,
        timeout: Duration,
    ) -> io::Result<Answer> {
        let request = Request {
            method,
            path,
            authorization,
            body,
        };
        http::send(&self.peer, request, timeout)
    }

    /// Waits as long as it takes: PID 1 decides when a start is hopeless, from the progress that is told here.
    fn wait_until_available(&self) -> Result<(), WatchError> {
        let mut pause = Duration::from_millis(10);
        loop {
            let available = self.send("GET", "/_admin/server/availability", None, None, PROBE_TIMEOUT);
            let progress = match available {
                Ok(answer) if answer.status == 200 => return Ok(()),
                // A read-only server is up; whether it serves is asked later again.
                Ok(answer) => self.progress().unwrap_or_else(|| format!("answers {}", answer.status)),
                Err(_) => String::new(),
            };
            // Told each time: whoever answers is no hang, even if it says the same for hours.
            if !progress.is_empty() {
                tell(&Word::Progress(progress))
                    .map_err(|error| WatchError::Passing(format!("PID 1 does not listen any more: {error}")))?;
            }
            std::thread::sleep(pause);
            pause = pause.mul_f64(1.5).min(Duration::from_secs(1));
        }
    }

    /// Where start-up stands, as `/_admin/status` tells a superuser early.
    fn progress(&self) -> Option<String> {
        let answer = self.ask("GET", "/_admin/status", None).ok()?;
        let info = answer.json();
        let info = info.get("serverInfo")?;
        let part = |name: &str| info.get("progress")?.get(name).map(ToString::to_string);
        let parts: Vec<_> = ["phase", "feature", "recoveryTick"]
            .into_iter()
            .filter_map(part)
            .collect();
        Some(parts.join(" ").replace('"', ""))
    }

    fn version(&self) -> Result<String, WatchError> {
        for _ in 0..2 {
            let answer = self
                .ask("GET", "/_api/version", None)
                .map_err(|error| unanswered("its version", &error))?;
            match answer.status {
                // The secret may have been read before PID 1 replaced it: another look costs nothing.
                401 | 403 => std::thread::sleep(Duration::from_millis(100)),
                200 => return Ok(answer.json()["version"].as_str().unwrap_or_default().to_owned()),
                status => {
                    return Err(WatchError::Passing(format!(
                        "the database answered {status} when asked for its version"
                    )));
                }
            }
        }
        Err(untrusted(
            "the database refuses our token: it runs with another secret than the one it was given",
        ))
    }

    /// The status of a login, 200 or 401.
    fn login(&self, user: &str, password: &str) -> Result<u16, WatchError> {
        let body = serde_json::json!({ "username": user, "password": password });
        self.send("POST", "/_open/auth", None, Some(&body), REQUEST_TIMEOUT)
            .map(|answer| answer.status)
            .map_err(|error| unanswered("a login", &error))
    }
}

fn unanswered(what: &str, error: &io::Error) -> WatchError {
    WatchError::Passing(format!("the database did not answer when asked for {what}: {error}"))
}

/// Gives root the password where it has none, and proves that it is the one and the empty one is not.
fn secure_root(
    database: &Database,
    task: Task,
    password: Option<&Secret>,
    report: &mut Report,
) -> Result<(), WatchError> {
    let empty = database.login("root", "")? == 200;
    match (task, password) {
        (Task::Unmarked | Task::Later | Task::Again, _) if !empty => {
            if task == Task::Unmarked {
                report.warn(
                    "the data directory has no marker of ours and root has a password: the data is adopted, the password left alone",
                );
            }
            if let (Task::Later, Some(password)) = (task, password)
                && database.login("root", password.reveal())? != 200
            {
                report.warn(
                    "root's password is another than the secret's, which counts at the first start only; change it in the database, or \
                     keep the secret as it was",
                );
            }
            return Ok(());
        }
        (_, None) => {
            return Err(invalid(
                "root has no password; set ARANGODB_ROOT_PASSWORD_FILE to a secret file and start again",
            ));
        }
        (Task::First, Some(_)) => {}
        (Task::Unmarked | Task::Later | Task::Again, Some(_)) => {
            report.warn("root has no password, as after an interrupted first start; it gets the one of the secret");
        }
    }
    let Some(password) = password else { return Ok(()) };
    for attempt in 1..=3 {
        set_root_password(database, password)?;
        if database.login("root", password.reveal())? == 200 && database.login("root", "")? != 200 {
            report.info("root's password is set and was verified by a login");
            return Ok(());
        }
        report.warn(format!(
            "root's password was accepted and does not work (attempt {attempt} of 3)"
        ));
        std::thread::sleep(Duration::from_millis(200));
    }
    Err(untrusted(
        "root's password could not be set: the database accepts it and refuses the login; the gate stays closed",
    ))
}

fn set_root_password(database: &Database, password: &Secret) -> Result<(), WatchError> {
    let found = database
        .ask("GET", "/_api/user/root", None)
        .map_err(|error| unanswered("root", &error))?;
    let answer = if found.status == 404 {
        let body = serde_json::json!({ "user": "root", "passwd": password.reveal(), "active": true });
        database.ask("POST", "/_api/user", Some(&body))
    } else {
        let body = serde_json::json!({ "passwd": password.reveal() });
        database.ask("PATCH", "/_api/user/root", Some(&body))
    };
    let answer = answer.map_err(|error| unanswered("a change of root's password", &error))?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(WatchError::Passing(format!(
        "the database answered {} when root's password was set",
        answer.status
    )))
}

/// Liveness and availability, until PID 1 or the database ends this.
fn keep_asking(
    database: &Database,
    interval: Duration,
    lost: impl Fn(io::Error) -> WatchError,
) -> Result<(), WatchError> {
    let timeout = PROBE_TIMEOUT.min(interval.max(Duration::from_millis(200)));
    let mut silences = 0;
    let mut told = Word::Ready;
    loop {
        std::thread::sleep(interval);
        let begun = Instant::now();
        let answer = database.send("GET", "/_admin/server/availability", None, None, timeout);
        let word = match answer {
            Ok(answer) => {
                silences = 0;
                if answer.status == 200 {
                    Word::Ready
                } else {
                    Word::Unavailable(format!("the database answers {}", answer.status))
                }
            }
            // After a pause of the whole container, the time-out is no silence of the database.
            Err(_) if begun.elapsed() > timeout + Duration::from_secs(2) => continue,
            Err(_) => {
                silences += 1;
                if silences < SILENCES {
                    continue;
                }
                Word::Silent
            }
        };
        if word != told || word == Word::Silent {
            tell(&word).map_err(&lost)?;
            told = word;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_pipe() {
        for word in [
            Word::Progress("in recovery 17".to_owned()),
            Word::Version("3.12.4".to_owned()),
            Word::Initialised,
            Word::Ready,
            Word::Unavailable("the database answers 503".to_owned()),
            Word::Silent,
            Word::Fault("no".to_owned()),
        ] {
            assert_eq!(Word::parse(&word.line()), Some(word));
        }
        assert_eq!(Word::parse("hello"), None);
    }
}
