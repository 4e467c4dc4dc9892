//! The tests, for one database.
// Clippy exempts functions marked as tests, not the ones that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod access;
mod bad_input;
mod certificates;
mod command_line;
mod exceptions;
mod idempotency;
mod limits;
mod matrix;
mod orders;
mod pages;
mod races;
mod reads;
mod reports;
mod server;
mod story;
