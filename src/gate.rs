//! The firewall on 7474: door, request, judge, upstream, reply.

pub mod message;
