//! The judge: query text, bind values, who asks, and a schema set in; a [`Verdict`] out.
//!
//! INVARIANT: a pure function. No I/O, no clock, no state that a verdict depends on; anything unexpected is a denial.
#![forbid(unsafe_code)]

mod verdict;

pub use verdict::*;
