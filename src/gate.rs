//! The firewall on 7474: door, request, judge, upstream, reply.

pub mod audit;
pub mod body;
pub mod contain;
pub mod door;
pub mod instruments;
pub mod json;
mod logging;
pub mod message;
pub mod metrics;
pub mod percent;
pub mod reply;
mod serve;
pub mod target;

use std::sync::Arc;

pub use serve::{Build, Service, StartError};

use crate::config::Config;
use message::{Handler, Request, Response};

/// `mallku-db gate`: serves until a signal ends it; returns the exit code.
pub fn run(config: &Config) -> u8 {
    serve::run(config, Box::new(|_, _| Ok(Arc::new(Closed))))
}

/// A service that lets nothing through.
struct Closed;

impl Handler for Closed {
    fn handle(&self, _: Request) -> Response {
        Response {
            status: 503,
            headers: vec![("Retry-After".to_owned(), "1".to_owned())],
            body: br#"{"error":true,"code":503,"errorNum":503,"errorMessage":"the gate is closed"}"#.to_vec(),
            close: false,
        }
    }
}

impl Service for Closed {
    fn reload(&self) {}
}
