//! ArangoDB's HTTP interface, as far as its drivers and a gate in front of it use it.
//!
//! A request is read completely, taken apart ([`call`]), given an identity ([`auth`]), and handed to the module of its
//! route ([`route`]), which answers with a [`Reply`] or a [`Fault`]. Everything goes out with a Content-Length.

mod admin;
mod auth;
mod call;
mod collection;
mod database;
mod json;
mod reply;
mod route;
mod server;
mod service;
mod session;
mod user;

use call::{Call, Method};
use reply::{Fault, Outcome, Reply};
pub(crate) use server::serve;
pub(crate) use service::Service;
