//! The firewall on 7474: door, request, judge, upstream, reply.

pub mod audit;
pub mod body;
pub mod budget;
pub mod contain;
pub mod credentials;
pub mod door;
pub mod firewall;
pub mod headers;
pub mod instruments;
pub mod json;
pub mod limits;
mod logging;
pub mod message;
pub mod metrics;
pub mod ownership;
pub mod pace;
pub mod parameters;
pub mod percent;
pub mod query_options;
pub mod recording;
pub mod reload;
pub mod reply;
pub mod route;
mod serve;
pub mod skim;
pub mod target;
pub mod upstream;
pub mod vouched;

use std::sync::Arc;
use std::thread;

pub use serve::{Build, Service, StartError};

use crate::config::Config;
use firewall::Firewall;
use instruments::Instruments;
use reload::PolicySlot;
use upstream::Upstream;

/// `mallku-db gate`: serves until a signal ends it; returns the exit code.
pub fn run(config: &Config) -> u8 {
    serve::run(config, Box::new(build))
}

/// The part behind the door, with the threads that tend it.
fn build(config: &Config, instruments: &Arc<Instruments>) -> Result<Arc<dyn Service>, StartError> {
    let policy = PolicySlot::open(config.schema_dir()).map_err(|faults| StartError::Schemas(faults.to_string()))?;
    let upstream = Upstream::new(&config.upstream).map_err(|error| StartError::Configuration(error.to_string()))?;
    let firewall = Arc::new(Firewall::new(config, policy, upstream, Arc::clone(instruments)));
    tend(&firewall).map_err(|error| StartError::System(format!("cannot start a thread: {error}")))?;
    Ok(firewall)
}

/// Has everything looked at that changes by itself, until the firewall is gone: the schema set's files by one thread, each
/// server of the database by another, so that one that hangs delays nobody's look at the others.
fn tend(firewall: &Arc<Firewall>) -> std::io::Result<()> {
    again_and_again("tend", firewall, Firewall::tend)?;
    firewall
        .servers()
        .try_for_each(|server| again_and_again("probe", firewall, move |firewall| firewall.probe(server)))
}

/// Does something at the firewall's pace on a thread of its own, for as long as the firewall is there.
fn again_and_again(
    name: &str,
    firewall: &Arc<Firewall>,
    act: impl Fn(&Firewall) + Send + 'static,
) -> std::io::Result<()> {
    let pace = Arc::clone(firewall.pace());
    let firewall = Arc::downgrade(firewall);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        while let Some(firewall) = firewall.upgrade() {
            act(&firewall);
            drop(firewall);
            pace.wait();
        }
    })?;
    Ok(())
}
