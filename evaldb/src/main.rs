//! The evaluation database; see the library.

fn main() {}
