//! PID 1: first start to last breath of the database and the gate.
//!
//! INVARIANT: the process of [`run`] has one thread, speaks no HTTP, parses nothing that comes from a network, and blocks
//! nowhere but in its one `poll`. What needs more runs in a child of the same binary.

mod arangod;
mod child;
pub mod conf;
mod datadir;
mod detect;
pub mod general;
pub mod health;
mod http;
mod limits;
mod policy;
mod preflight;
mod privileges;
mod provision;
mod relay;
mod report;
mod secret;
mod signals;
mod supervise;
mod token;
mod version;
mod watch;

use std::time::Instant;

use crate::config::Config;

use report::Report;
use signals::Signals;

pub use watch::main as watch;

/// `mallku-db run`: starts, watches and stops the database and the gate; returns the exit code.
pub fn run(config: &Config) -> u8 {
    let born = Instant::now();
    let mut report = Report::new(config.log_format, &config.log, "init");
    let signals = match Signals::block() {
        Ok(signals) => signals,
        Err(error) => {
            report.error(format!("signals cannot be received: {error}"));
            return 1;
        }
    };
    for line in supervise::banner(config) {
        report.info(line);
    }
    for warning in &config.warnings {
        report.warn(warning);
    }
    supervise::protect(&mut report);
    match preflight::prepare(config, &mut report) {
        Ok(prepared) => supervise::Supervisor::new(config, prepared, signals, report, born).run(),
        Err(error) => {
            report.error(error.to_string());
            supervise::leave_last_words(&error.to_string());
            error.code()
        }
    }
}
