//! Quittance keeps proof of where every retired device went and why its data was declared gone.
//!
//! What happens to a device is a list of *events*. A person sends a *command*; the pure [`domain`] looks at the records that the command
//! concerns and either *decides* new events or *refuses* with a reason. The events are *sealed* by [`proof`] (canonical bytes, hash-chained,
//! signed, hung into a Merkle tree), and the *tables* are rewritten from the folded state, in the same transaction. Pages read tables.
//! Certificates quote the log. Anyone can check a certificate with [`proof`] alone.
//!
//! # The floors
//!
//! Imports point down, never up and never sideways between the two ground floors; `tests/tidy.rs` checks it.
//!
//! | floor | what lives there | may never |
//! |---|---|---|
//! | 6 | [`cli`], [`web`]: the doors. Parse, call, render; nothing is decided here ([`cli`] opens [`web`] to serve) | write except through an operation |
//! | 5 | [`operations`]: the verbs, one file each. [`operations::record`] is the one write path ([`operations::rebuild_tables`] makes anew what follows from it) | see an HTTP type or a template |
//! | 4 | [`app`], with [`config`] and [`error`]: what a verb may reach | hold business rules |
//! | 3 | [`store`]: the log and the tables on SQLite or PostgreSQL, stored files, keys | decide; change or remove an entry |
//! | 2 | [`documents`]: certificates, papers, labels, letters; bytes out | do I/O |
//! | 1 | [`evidence`], [`inventories`], [`reports`]: vendors' files in, asset lists in, figures out | reject a file outright; query |
//! | 0 | [`domain`]: what may happen | ask the clock, hash, query, format HTML |
//! | 0 | [`proof`]: why it can be believed | know what an asset is; do I/O; depend on a database or a web framework |
//!
//! # Where to look
//!
//! A kind of event: its chapter in [`domain`] (command, event, `decide`, `apply`, the sentence people read) and one line in each of the two
//! lists of `domain/mod.rs`. A page: `web/` and `templates/`. A table: `migrations/` and [`store::tables`]; what lists and
//! search walk: [`store::listings`], [`store::search`]; their shape: [`store::derived::VERSION`]. An evidence format: one file and
//! one line in [`evidence`]. A check of a certificate: [`proof::verify`].
//!
//! Without the feature `service` only [`proof`] and the command `quittance verify` are built: the auditor's build.

#[cfg(feature = "service")]
pub mod app;
pub mod cli;
#[cfg(feature = "service")]
pub mod config;
#[cfg(feature = "service")]
pub mod documents;
#[cfg(feature = "service")]
pub mod domain;
#[cfg(feature = "service")]
pub mod error;
#[cfg(feature = "service")]
pub mod evidence;
#[cfg(feature = "service")]
pub mod inventories;
#[cfg(feature = "service")]
pub mod operations;
pub mod proof;
#[cfg(feature = "service")]
pub mod reports;
#[cfg(feature = "service")]
pub mod store;
#[cfg(feature = "service")]
pub mod web;
