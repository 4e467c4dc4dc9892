//! Why a record can be believed: everything an auditor needs to check a certificate, and nothing else.
//! No I/O, no clock, no framework; imports nothing of ours.
//!
//! Read in this order:
//!
//! 1. [`digest`], [`instant`] and [`canonical`]: hashes, the two spellings of an instant, and the one spelling of a JSON value (RFC 8785).
//! 2. [`identity`] and [`integrity`]: keys, the DID document that lists them, and the W3C Data Integrity proof they make.
//! 3. [`entry`]: one entry of the ledger, sealed and read back.
//! 4. [`tree`], [`note`], [`checkpoint`], [`tlog_proof`]: the Merkle tree over the entries, its signed head, and the receipt that
//!    shows one entry in it.
//! 5. [`status`] and [`credential`]: the revocation list, and what is read in a certificate.
//! 6. [`bundle`] and [`verify`]: a PDF, folder or JSON file into named parts, and every check over them, each by name.

pub mod bundle;
pub mod canonical;
pub mod checkpoint;
pub mod credential;
pub mod digest;
pub mod entry;
pub mod identity;
pub mod instant;
pub mod integrity;
pub mod note;
pub mod status;
pub mod tlog_proof;
pub mod tree;
pub mod verify;
