//! The process from its first instruction to its exit code.

use super::directory::{DataDirectory, FilesVersion};
use super::endpoint::Endpoint;
use super::journal::{Journal, Level};
use super::options::{self, Build, Options, OptionsError};
use super::{JwtSecrets, StartError, accounts};
use crate::http::{Service, serve};
use crate::store::Server;
use crate::unruly::{self, Unruly};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

/// What evaldb says of itself wherever it shows itself.
pub(crate) const IDENTITY: &str = "evaldb, not for production";

/// The steps of a start, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Command line and configuration file are read.
    Options,
    /// The data directory is about to be locked.
    Lock,
    /// The marker files are there, root's password is not stored yet.
    Markers,
    /// Data is being read.
    Recovery,
    /// Root's password is stored.
    Users,
    /// The socket is open.
    Listen,
    /// Requests are answered.
    Ready,
    /// An orderly stop is under way.
    Stopping,
}

impl Phase {
    pub(crate) const NAMES: &'static str = "one of options, lock, markers, recovery, users, listen, ready";

    pub(crate) fn parse(text: &str) -> Option<Phase> {
        Some(match text {
            "options" => Phase::Options,
            "lock" => Phase::Lock,
            "markers" => Phase::Markers,
            "recovery" => Phase::Recovery,
            "users" => Phase::Users,
            "listen" => Phase::Listen,
            "ready" => Phase::Ready,
            _ => return None,
        })
    }

    fn from_number(number: u8) -> Phase {
        const ALL: [Phase; 8] = [
            Phase::Options,
            Phase::Lock,
            Phase::Markers,
            Phase::Recovery,
            Phase::Users,
            Phase::Listen,
            Phase::Ready,
            Phase::Stopping,
        ];
        ALL.get(usize::from(number)).copied().unwrap_or(Phase::Options)
    }

    /// The name of the phase as `/_admin/status` shows it.
    pub(crate) fn status_name(self) -> &'static str {
        match self {
            Phase::Options | Phase::Lock => "in-prepare",
            Phase::Markers | Phase::Recovery | Phase::Users | Phase::Listen => "in-start",
            Phase::Ready => "in-wait",
            Phase::Stopping => "in-stop",
        }
    }
}

/// How far the start has come, for every thread to see.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    phase: AtomicU8,
    /// Moves while recovery does.
    tick: AtomicU64,
}

impl Progress {
    pub(crate) fn phase(&self) -> Phase {
        Phase::from_number(self.phase.load(Ordering::Acquire))
    }

    fn reach(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    pub(crate) fn recovery_tick(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }
}

/// What wakes the main thread once the server runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Signal(i32),
    /// `DELETE /_admin/shutdown`.
    Shutdown,
}

/// The program `evaldb`.
pub fn main() -> ExitCode {
    let mut arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let program = arguments.next();
    let arguments: Vec<String> = arguments.collect();
    if unruly::orphan_role(&arguments) {
        return ExitCode::SUCCESS;
    }
    let (build, unruly) = match settings(program.as_deref()) {
        Ok(found) => found,
        Err(message) => {
            eprintln!("evaldb: {message}");
            return ExitCode::from(2);
        }
    };
    let options = match Options::read(&arguments, build) {
        Ok(options) => options,
        Err(error) => {
            // arangod says this on standard error, before there is a log.
            eprintln!(
                "Error while processing options for {}:\n  {error}",
                program.as_deref().unwrap_or("arangod")
            );
            return ExitCode::from(error.exit_code());
        }
    };
    if let Some(answer) = informational(&options, build) {
        println!("{answer}");
        return ExitCode::SUCCESS;
    }
    let journal = Arc::new(Journal::open(&options));
    match run(options, build, unruly, &journal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            journal.write(Level::Fatal, error.id, "general", &error.message);
            ExitCode::from(error.code)
        }
    }
}

fn settings(program: Option<&str>) -> Result<(Build, &'static mut Unruly), String> {
    let settings = unruly::settings(program);
    let mut build = Build::default();
    if let Some(version) = settings.get("EVALDB_VERSION") {
        build.version = version.parse().map_err(|error: OptionsError| error.to_string())?;
    }
    match settings.get("EVALDB_EDITION").map(String::as_str) {
        None | Some("community") => {}
        Some("enterprise") => build.enterprise = true,
        Some(other) => return Err(format!("EVALDB_EDITION: {other:?} is neither community nor enterprise")),
    }
    let unruly = Unruly::from_settings(&settings).map_err(|error| error.to_string())?;
    Ok((build, Box::leak(Box::new(unruly))))
}

/// The answer to an option that only asks for something.
fn informational(options: &Options, build: Build) -> Option<String> {
    let version = build.version.to_string();
    if options.flag("version-json", false) {
        let answer = serde_json::json!({
            "version": version, "server-version": version, "license": IDENTITY, "architecture": "64bit",
            "platform": "linux", "endianness": "little", "build-repository": "evaldb",
        });
        return Some(answer.to_string());
    }
    if options.flag("version", false) {
        return Some(format!(
            "{version}\n\nlicense: {IDENTITY}\narchitecture: 64bit\nplatform: linux"
        ));
    }
    if options.flag("dump-options", false) {
        return Some(options::dump(build).to_string());
    }
    if options.flag("help", false) || options.flag("help-all", false) {
        return Some(format!(
            "Usage: arangod [<options>]   ({IDENTITY})\n\n{}",
            option_names(build)
        ));
    }
    // The options were read to the end: that is the check.
    options
        .flag("check-configuration", false)
        .then(|| "Configuration is valid.".to_owned())
}

fn option_names(build: Build) -> String {
    let dump = options::dump(build);
    let names = dump.as_object().into_iter().flatten().map(|(name, about)| {
        format!(
            "  --{name} <{}>",
            about
                .get("type")
                .and_then(serde_json::Value::as_str)
                .unwrap_or("string")
        )
    });
    names.collect::<Vec<_>>().join("\n")
}

/// What a start is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Serve,
    InitDatabase,
    CheckVersion,
    Upgrade,
}

impl Mode {
    fn of(options: &Options) -> Mode {
        if options.flag("database.init-database", false) {
            Mode::InitDatabase
        } else if options.flag("database.check-version", false) {
            Mode::CheckVersion
        } else if options.flag("database.auto-upgrade", false) {
            Mode::Upgrade
        } else {
            Mode::Serve
        }
    }
}

fn run(options: Options, build: Build, unruly: &'static mut Unruly, journal: &Arc<Journal>) -> Result<(), StartError> {
    let mode = Mode::of(&options);
    journal.info(
        "e52b0",
        "general",
        &format!("ArangoDB {} [linux] 64bit, {IDENTITY}", build.version),
    );
    journal.info(
        "75ddc",
        "general",
        "this is an evaluation database: data is kept in memory, never use it in production",
    );
    let path = PathBuf::from(options.text("database.directory").ok_or_else(|| {
        StartError::new(
            1,
            "5a2d3",
            "no database path has been supplied, giving up, please use the '--database.directory' option",
        )
    })?);
    let found = DataDirectory::look(&path)?;
    DataDirectory::check_required_state(found, &options)?;
    if mode == Mode::InitDatabase && path.join("SERVER").exists() {
        return Err(StartError::new(
            24,
            "b7b6d",
            format!("database is already initialized: '{}' is not empty", path.display()),
        ));
    }
    let endpoints = endpoints(&options, mode)?;
    if mode == Mode::Serve {
        unruly.count_start(&path);
    }
    let unruly: &'static Unruly = unruly;
    unruly.at(Phase::Options);
    let temp = TempDirectory::create(&options, &path)?;

    unruly.at(Phase::Lock);
    let directory = DataDirectory::open(&path, journal, unruly.lock_is_held())?;
    directory.mark(build, &options)?;
    unruly.at(Phase::Markers);
    let version = directory.files_version(build);
    check_version(version, mode, build, &directory)?;
    if mode == Mode::CheckVersion {
        directory.close();
        return Ok(());
    }

    // From here on a signal waits until the start is complete, as in arangod, which blocks it in all threads.
    let (events, wakes) = mpsc::channel();
    watch_signals(&events)?;
    let secrets = JwtSecrets::load(&options)?;
    let early = options.flag("server.early-connections", false) && mode == Mode::Serve;
    let service = Service::start(options, build, directory, secrets, unruly, journal.clone(), events);
    service.progress().reach(Phase::Recovery);
    if early {
        listen(&endpoints, &service)?;
    }
    recover(&service, unruly)?;

    service.progress().reach(Phase::Users);
    store_root_password(&service, mode)?;
    unruly.at(Phase::Users);
    if version != FilesVersion::Matching {
        service.directory().write_version(build)?;
    }
    if mode != Mode::Serve {
        service.save().map_err(|error| StartError::new(1, "cannot", error))?;
        service.directory().close();
        drop(temp);
        return Ok(());
    }

    service.progress().reach(Phase::Listen);
    if !early {
        listen(&endpoints, &service)?;
    }
    unruly.at(Phase::Listen);
    service
        .change(accounts::bootstrap)
        .map_err(|error| StartError::new(1, "bootstrap", error.message))?;
    service.save().map_err(|error| StartError::new(1, "save", error))?;
    service.progress().reach(Phase::Ready);
    journal.info(
        "cf3f4",
        "general",
        &format!(
            "ArangoDB (version {}, {IDENTITY}) is ready for business. Have fun!",
            build.version
        ),
    );
    unruly.at(Phase::Ready);
    service.keep_saving();

    wait_for_stop(&wakes, &service, unruly);
    stop(wakes, &service, unruly, &endpoints)?;
    drop(temp);
    Ok(())
}

fn endpoints(options: &Options, mode: Mode) -> Result<Vec<Endpoint>, StartError> {
    let given = options.list("server.endpoint");
    if given.is_empty() && mode == Mode::Serve && options.flag("server.rest-server", true) {
        return Err(StartError::new(
            1,
            "2c6d3",
            "no endpoints have been specified, giving up, please use the '--server.endpoint' option",
        ));
    }
    given.iter().map(|endpoint| Endpoint::parse(endpoint)).collect()
}

fn check_version(version: FilesVersion, mode: Mode, build: Build, directory: &DataDirectory) -> Result<(), StartError> {
    let ours = build.version.files();
    match version {
        FilesVersion::Absent | FilesVersion::Matching => Ok(()),
        FilesVersion::Older(_) if mode == Mode::Upgrade => directory.write_version(build),
        FilesVersion::Older(theirs) => Err(StartError::new(
            11,
            "1c156",
            format!(
                "database directory version ({theirs}) is lower than current version ({ours}). Please start with '--database.auto-upgrade true'"
            ),
        )),
        FilesVersion::Newer(theirs) => Err(StartError::new(
            12,
            "ecd13",
            format!(
                "database directory version ({theirs}) is higher than current version ({ours}), a downgrade is not possible"
            ),
        )),
        FilesVersion::Unreadable => Err(StartError::new(
            13,
            "8b0e6",
            "the VERSION file of database '_system' cannot be parsed",
        )),
    }
}

/// arangod keeps a directory of its own below `--temp.path` and does not start without.
struct TempDirectory(PathBuf);

impl TempDirectory {
    fn create(options: &Options, data: &Path) -> Result<TempDirectory, StartError> {
        let base = options.text("temp.path").map_or_else(std::env::temp_dir, PathBuf::from);
        if base == data {
            return Err(StartError::new(
                1,
                "fd70b",
                "database and temp path must not be the same",
            ));
        }
        let own = base.join(format!("arangodb_{}", std::process::id()));
        std::fs::create_dir_all(&own).map_err(|error| {
            StartError::new(
                1,
                "f8ac8",
                format!("cannot create temporary directory '{}': {error}", own.display()),
            )
        })?;
        Ok(TempDirectory(own))
    }
}

impl Drop for TempDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn watch_signals(events: &Sender<Event>) -> Result<(), StartError> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGQUIT, SIGHUP])
        .map_err(|error| StartError::new(1, "00000", format!("cannot watch signals: {error}")))?;
    let events = events.clone();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if events.send(Event::Signal(signal)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

fn listen(endpoints: &[Endpoint], service: &Arc<Service>) -> Result<(), StartError> {
    endpoints.iter().try_for_each(|endpoint| {
        let listener = endpoint.bind(service.journal())?;
        serve(service, listener).map_err(|error| StartError::new(1, "00000", error))
    })
}

fn recover(service: &Arc<Service>, unruly: &'static Unruly) -> Result<(), StartError> {
    // A slow recovery moves, and shows that it moves.
    let delay = unruly.start_delay();
    let ticking = service.clone();
    if !delay.is_zero() {
        std::thread::spawn(move || {
            while ticking.progress().phase() == Phase::Recovery {
                ticking.progress().tick.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
    }
    unruly.at(Phase::Recovery);
    service
        .load()
        .map_err(|error| StartError::new(23, "b7e2e", format!("recovery failed: {error}")))
}

/// The password for root: the option, else the variable (set to empty counts as given), else, for an init run, standard input.
/// A serving start does this as well: the variable overwrites root's password every time.
fn store_root_password(service: &Arc<Service>, mode: Mode) -> Result<(), StartError> {
    let given = service.options().text("database.password").map(str::to_owned);
    let given = given.or_else(|| std::env::var("ARANGODB_DEFAULT_ROOT_PASSWORD").ok());
    let password = match (given, mode) {
        (Some(password), _) => password,
        (None, Mode::InitDatabase) => {
            let mut line = String::new();
            let _ = std::io::stdin().lock().read_line(&mut line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                return Err(StartError::new(
                    1,
                    "ce6bf",
                    "unable to initialize database: no password given",
                ));
            }
            line.to_owned()
        }
        (None, _) => return Ok(()),
    };
    if password.is_empty() {
        return Ok(());
    }
    service
        .change(|server: &mut Server| accounts::set_password(server, "root", &password))
        .map_err(|error| StartError::new(1, "ce6bf", format!("failed to create root user: {}", error.message)))
}

/// Returns when an orderly stop is asked for.
fn wait_for_stop(wakes: &Receiver<Event>, service: &Arc<Service>, unruly: &'static Unruly) {
    let journal = service.journal();
    while let Ok(event) = wakes.recv() {
        match event {
            Event::Signal(SIGHUP) => {
                journal.info("33eae", "general", "hangup received, about to reopen log file");
                journal.reopen();
                journal.info("23db2", "general", "hangup received, reopened log file");
            }
            Event::Signal(signal) if unruly.ignores_term() => {
                journal.write(
                    Level::Warning,
                    "b4133",
                    "general",
                    &format!("{} received, ignored on command", signal_name(signal)),
                );
            }
            Event::Signal(signal) => {
                journal.info(
                    "b4133",
                    "general",
                    &format!("{} received, beginning shut down sequence", signal_name(signal)),
                );
                return;
            }
            Event::Shutdown => return,
        }
    }
}

fn stop(
    wakes: Receiver<Event>,
    service: &Arc<Service>,
    unruly: &'static Unruly,
    endpoints: &[Endpoint],
) -> Result<(), StartError> {
    // A second one of TERM, INT, QUIT ends the process on the spot.
    let watcher = service.clone();
    std::thread::spawn(move || {
        while let Ok(event) = wakes.recv() {
            if let Event::Signal(SIGTERM | SIGINT | SIGQUIT) = event {
                watcher.journal().write(
                    Level::Error,
                    "11ca3",
                    "general",
                    "signal received during shutdown sequence, terminating",
                );
                signal_hook::low_level::exit(1);
            }
        }
    });
    service.progress().reach(Phase::Stopping);
    for endpoint in endpoints {
        endpoint.close();
    }
    unruly.before_stop();
    service.drain();
    service.save().map_err(|error| StartError::new(1, "save", error))?;
    service.directory().close();
    service
        .journal()
        .info("4bcb9", "general", "ArangoDB has been shut down");
    Ok(())
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "control-c (SIGINT)",
        SIGQUIT => "SIGQUIT",
        _ => "SIGTERM",
    }
}
