//! The tests, for one database.
// Clippy exempts functions marked as tests, not the ones that they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_possible_truncation)]

mod access;
mod accounts;
mod bad_input;
mod bench;
mod bulk;
mod certificates;
mod claims;
mod command_line;
mod corrections;
mod desk;
mod dock;
mod exceptions;
mod idempotency;
mod limits;
mod mail;
mod matching;
mod matrix;
mod notes;
mod observations;
mod orders;
mod other_sign_in;
mod pages;
mod pallet;
mod papers;
mod past;
mod privacy;
#[path = "../programs/mod.rs"]
mod programs;
mod push;
mod races;
mod reads;
mod receipts;
mod reports;
mod server;
mod story;
mod withholding;
