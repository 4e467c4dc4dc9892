//! The whole service from outside: a real server on a free port, spoken to over HTTP as coordinator, vendor, auditor and nobody.
#![cfg(feature = "service")]
// Clippy exempts functions marked as tests, not the ones that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod access;
mod certificates;
mod pages;
mod reads;
mod server;
mod story;
