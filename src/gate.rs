//! The firewall on 7474: door, request, judge, upstream, reply.

pub mod audit;
pub mod body;
pub mod contain;
pub mod door;
pub mod json;
pub mod message;
pub mod metrics;
pub mod percent;
pub mod reply;
pub mod target;
