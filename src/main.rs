//! Chooses the role of the binary; everything else is in the library.

fn main() {}
