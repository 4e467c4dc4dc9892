//! Quittance.

#[cfg(feature = "service")]
pub mod documents;
#[cfg(feature = "service")]
pub mod domain;
#[cfg(feature = "service")]
pub mod error;
pub mod proof;
#[cfg(feature = "service")]
pub mod store;
