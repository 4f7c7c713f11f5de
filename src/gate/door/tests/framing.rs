//! Requests that could be read in two ways, or in none.
