//! Evaluation database.
