//! ArangoDB's HTTP interface, as far as its drivers and a gate in front of it use it.
//!
//! A request is read completely, taken apart ([`call`]), given an identity ([`auth`]), and handed to the module of its
//! route ([`route`]), which answers with a [`Reply`] or a [`Fault`]. Everything goes out with a Content-Length.

mod admin;
mod auth;
mod call;
mod collection;
mod cursor;
mod data;
mod database;
mod document;
mod graph;
mod import;
mod index;
mod json;
mod plan;
mod query;
mod reply;
mod route;
mod server;
mod service;
mod session;
mod transaction;
mod user;
mod view;

use call::{Call, Method};
use reply::{Fault, Outcome, Reply};
pub(crate) use server::serve;
pub(crate) use service::Service;
