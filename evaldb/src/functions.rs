//! The functions of AQL.
