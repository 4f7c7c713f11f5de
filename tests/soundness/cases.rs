//! Counterexamples that the properties found, kept under a name.
