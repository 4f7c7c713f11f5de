//! Hostile amounts and hostile slowness.
