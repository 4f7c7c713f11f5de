//! Scanning.
