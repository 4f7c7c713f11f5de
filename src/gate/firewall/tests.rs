//! Tests of the whole path against a recording upstream.
