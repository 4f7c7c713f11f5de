//! The firewall on 7474: door, request, judge, upstream, reply.

pub mod body;
pub mod door;
pub mod json;
pub mod message;
pub mod percent;
pub mod reply;
pub mod target;
